/**
 * The outer form of every metadata file, `{ "signatures": [...], "signed": {...} }` (TUF 1.0.34 §4.2), and the counting
 * of signatures against a threshold. Unknown members beside the two are ignored, as the specification asks; nothing
 * outside `signed` is ever believed.
 */
import { encodeCanonicalJson } from './canonical-json.ts';
import { TrustError } from './errors.ts';
import { type JsonObject, type JsonValue, parseJson } from './json.ts';
import {
  expectArray,
  expectDistinctStrings,
  expectInteger,
  expectObject,
  expectString,
  malformed,
} from './json-fields.ts';
import { TRUST_LIMITS } from './limits.ts';
import { isSignedBy, keyIdentity, type TufKey } from './tuf-key.ts';

export type MetadataSignature = { readonly keyId: string; readonly sig: string };

/** Read, and nothing of it verified. */
export type SignedJson = { readonly signatures: readonly MetadataSignature[]; readonly signed: JsonObject };

/** Which keys may speak for a role, and how many of them must. */
export type RoleKeys = { readonly keyIds: readonly string[]; readonly threshold: number };
export type KeyTable = ReadonlyMap<string, TufKey>;

export function parseRoleKeys(value: JsonValue | undefined, at: string): RoleKeys {
  const json = expectObject(value, at);
  return {
    // TUF 1.0.34 §4.3: key ids must be unique, or one signature could meet a threshold of two.
    keyIds: expectDistinctStrings(json['keyids'], `${at}.keyids`),
    threshold: expectInteger(json['threshold'], `${at}.threshold`, 1),
  };
}

/** The outer form of a file, from JSON that has been read already. */
export function signedJsonOf(value: JsonValue | undefined, at: string): SignedJson {
  const document = expectObject(value, at);
  const list = expectArray(document['signatures'], 'signatures');
  if (list.length > TRUST_LIMITS.signaturesMax) {
    throw malformed('signatures', `at most ${TRUST_LIMITS.signaturesMax} signatures`);
  }
  const signatures = list.map((item, index): MetadataSignature => {
    const at = `signatures[${index}]`;
    const signature = expectObject(item, at);
    return {
      keyId: expectString(signature['keyid'], `${at}.keyid`),
      sig: expectString(signature['sig'], `${at}.sig`),
    };
  });
  // TUF 1.0.34 §4.2: a key id must not stand twice in the list of signatures.
  if (new Set(signatures.map(({ keyId }) => keyId)).size !== signatures.length) {
    throw malformed('signatures', 'one signature a key id');
  }
  return { signatures, signed: expectObject(document['signed'], 'signed') };
}

export function parseSignedJson(bytes: Uint8Array, sizeBytesMax: number): SignedJson {
  return signedJsonOf(parseJson(bytes, sizeBytesMax), 'document');
}

/** The JSON of a file, as it is published. */
export function signedJsonForm({ signatures, signed }: SignedJson): JsonObject {
  return { signatures: signatures.map(({ keyId, sig }) => ({ keyid: keyId, sig })), signed };
}

export type ThresholdQuestion = {
  readonly role: string;
  readonly delegator: string;
  readonly keys: KeyTable;
} & RoleKeys;

/**
 * TUF 1.0.34 §5.3.4, §5.4.2, §5.5.3, §5.6.3: a threshold of *distinct* keys of the role signed. Keys are told apart by
 * their bytes, so one key under two ids counts once; a broken or foreign signature beside enough good ones does no harm.
 */
export function verifyThreshold({ signed, signatures }: SignedJson, question: ThresholdQuestion): void {
  const message = encodeCanonicalJson(signed);
  const counted = new Set<string>();
  for (const keyId of question.keyIds) {
    const key = question.keys.get(keyId);
    const signature = signatures.find((candidate) => candidate.keyId === keyId);
    if (key?.publicKey === undefined || signature === undefined) continue;
    if (isSignedBy(key, message, signature.sig)) counted.add(keyIdentity(key.publicKey));
  }
  if (counted.size >= question.threshold) return;
  throw new TrustError('TRUST_SIGNATURES_TOO_FEW', {
    role: question.role,
    delegator: question.delegator,
    expected: question.threshold,
    actual: counted.size,
  });
}
