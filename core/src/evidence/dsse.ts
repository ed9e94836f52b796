/**
 * DSSE v1 envelopes (secure-systems-lab/dsse, protocol.md and envelope.md) around in-toto statements, in canonical JSON,
 * with exactly one signature.
 *
 * The signature covers the PAE of payload type and payload, so the envelope's own spelling is free of trust; it is
 * nevertheless canonical, because the ledger hashes it. `keyid` is the thumbprint of the key (RFC 9679) and only selects
 * it. An ECDSA signature is raw r||s (DSSE leaves this to the algorithm), in base64.
 */
import { concat, fromBase64, isCodedError, toBase64, utf8 } from '../bytes/index.ts';
import { keyIdOf } from '../cose/index.ts';
import type { PublicKey, Signer } from '../crypto/index.ts';
import type { JsonObject, JsonValue } from '../trust/index.ts';
import {
  canonicalJson,
  expectItems,
  expectMembers,
  expectString,
  parseCanonicalJson,
  STATEMENT_LIMITS,
} from './canonical-json.ts';
import { EvidenceError } from './errors.ts';
import { encodeStatement, parseStatement, type Statement } from './statement.ts';

/** The payload type of in-toto statements. */
export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** A DSSE envelope as it stands in JSON: base64 payload and signature. */
export type DsseEnvelope = {
  readonly payload: string;
  readonly payloadType: typeof STATEMENT_PAYLOAD_TYPE;
  readonly signatures: readonly [{ readonly keyid: string; readonly sig: string }];
};

/** DSSE protocol.md: PAE = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body, lengths in bytes as decimal. */
function preAuthEncoding(payload: Uint8Array): Uint8Array {
  const type = utf8(STATEMENT_PAYLOAD_TYPE);
  return concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/**
 * Signs a statement.
 * @throws EvidenceError STATEMENT_MALFORMED, STATEMENT_TOO_LARGE, STATEMENT_PREDICATE_UNKNOWN
 */
export async function signStatement(statement: Statement, signer: Signer): Promise<DsseEnvelope> {
  const payload = encodeStatement(statement);
  const sig = await signer.sign(preAuthEncoding(payload));
  return {
    payload: toBase64(payload),
    payloadType: STATEMENT_PAYLOAD_TYPE,
    signatures: [{ keyid: keyIdOf(signer.publicKey), sig: toBase64(sig) }],
  };
}

/**
 * The canonical bytes of an envelope: what is stored, sent and hashed as a ledger entry.
 * @throws EvidenceError STATEMENT_TOO_LARGE
 */
export function encodeEnvelope(envelope: DsseEnvelope): Uint8Array {
  const bytes = canonicalJson(envelope as unknown as JsonObject);
  if (bytes.length > STATEMENT_LIMITS.sizeBytesMax) {
    throw new EvidenceError('STATEMENT_TOO_LARGE', {
      sizeBytesMax: STATEMENT_LIMITS.sizeBytesMax,
      actual: bytes.length,
    });
  }
  return bytes;
}

function expectBase64(value: JsonValue | undefined, at: string): string {
  const text = expectString(value, at);
  decodeBase64(text, at);
  return text;
}

function decodeBase64(text: string, at: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'base64', at }, cause);
  }
}

/**
 * Reads the bytes of an envelope. Nothing in it is trusted yet.
 * @throws EvidenceError STATEMENT_MALFORMED, STATEMENT_TOO_LARGE
 */
export function parseEnvelope(bytes: Uint8Array): DsseEnvelope {
  const fields = expectMembers(parseCanonicalJson(bytes), ['payload', 'payloadType', 'signatures'], 'envelope');
  if (fields['payloadType'] !== STATEMENT_PAYLOAD_TYPE) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: STATEMENT_PAYLOAD_TYPE, at: 'payloadType' });
  }
  const signatures = expectItems(fields['signatures'], 'signatures');
  if (signatures.length !== 1) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'one signature', at: 'signatures' });
  }
  const signature = expectMembers(signatures[0], ['keyid', 'sig'], 'signatures[0]');
  const keyid = expectString(signature['keyid'], 'signatures[0].keyid');
  if (!/^[0-9a-f]{64}$/.test(keyid)) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: '64 lower-case hex digits', at: 'signatures[0].keyid' });
  }
  return {
    payload: expectBase64(fields['payload'], 'payload'),
    payloadType: STATEMENT_PAYLOAD_TYPE,
    signatures: [{ keyid, sig: expectBase64(signature['sig'], 'signatures[0].sig') }],
  };
}

/** What was signed in an envelope, by its own account: for finding its entry in a signing log. Nothing is verified. */
export function signedPartOf(bytes: Uint8Array): {
  readonly message: Uint8Array;
  readonly keyId: string;
  readonly signature: Uint8Array;
} {
  const { payload, signatures } = parseEnvelope(bytes);
  const [{ keyid, sig }] = signatures;
  return {
    message: preAuthEncoding(decodeBase64(payload, 'payload')),
    keyId: keyid,
    signature: decodeBase64(sig, 'signatures[0].sig'),
  };
}

/** A statement whose signature was verified; made only by `verifyStatement`. */
export class VerifiedStatement {
  readonly #statement: Statement;
  readonly #signer: PublicKey;
  readonly #signerKeyId: string;

  private constructor(statement: Statement, signer: PublicKey, signerKeyId: string) {
    this.#statement = statement;
    this.#signer = signer;
    this.#signerKeyId = signerKeyId;
  }

  get statement(): Statement {
    return this.#statement;
  }
  get signer(): PublicKey {
    return this.#signer;
  }
  get signerKeyId(): string {
    return this.#signerKeyId;
  }

  /** Verifies first, then parses the very bytes that were verified. */
  static verify(envelope: DsseEnvelope, keyOf: (keyId: string) => PublicKey | undefined): VerifiedStatement {
    const [{ keyid, sig }] = envelope.signatures;
    const key = keyOf(keyid);
    if (key === undefined) throw new EvidenceError('STATEMENT_SIGNER_UNKNOWN', { keyId: keyid });
    const payload = decodeBase64(envelope.payload, 'payload');
    try {
      key.verify(preAuthEncoding(payload), decodeBase64(sig, 'signatures[0].sig'));
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw new EvidenceError('STATEMENT_SIGNATURE_INVALID', { keyId: keyid }, cause);
    }
    return new VerifiedStatement(parseStatement(payload), key, keyid);
  }
}

/**
 * Verifies the signature of a statement under one of the given keys, and reads it.
 * @throws EvidenceError STATEMENT_MALFORMED, STATEMENT_TOO_LARGE, STATEMENT_PREDICATE_UNKNOWN, STATEMENT_SIGNER_UNKNOWN, STATEMENT_SIGNATURE_INVALID
 */
export function verifyStatement(
  envelope: DsseEnvelope | Uint8Array,
  keys: readonly PublicKey[] | ReadonlyMap<string, PublicKey>,
): VerifiedStatement {
  const parsed = parseEnvelope(envelope instanceof Uint8Array ? envelope : encodeEnvelope(envelope));
  return VerifiedStatement.verify(parsed, (keyId) =>
    keys instanceof Map ? keys.get(keyId) : [...keys.values()].find((key) => keyIdOf(key) === keyId),
  );
}
