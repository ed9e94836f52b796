/**
 * COSE_Sign (RFC 9052 §4.1): several signatures over one payload, tag 98. Which signers must be present is the caller's
 * policy, never the sender's: the result lists the accepted keys that signed.
 */
import { CborTag, type CborValue, encodeCbor, expectArray, expectBytes } from '../cbor/index.ts';
import type { Signer } from '../crypto/index.ts';
import { CoseError } from './errors.ts';
import {
  contentTypeOf,
  encodeProtected,
  type HeaderMap,
  type Headers,
  kidOf,
  LABEL_CONTENT_TYPE,
  NO_BYTES,
  parseHeaders,
  protectedAlg,
} from './headers.ts';
import { openMessage, type ParseOptions } from './message.ts';
import type { Sign1Options, VerifyOptions } from './sign1.ts';
import {
  payloadToVerify,
  type SignatureToCheck,
  signatureHeader,
  type VerifiedSignature,
  verifySignature,
} from './signature.ts';

const TAG_SIGN = 98;
const AT = 'COSE_Sign';
const SIGNATURES_MAX = 16;

export type UntrustedSignature = SignatureToCheck & { readonly headers: Headers };

/** A COSE_Sign whose signatures have not been checked. */
export type UntrustedSign = {
  readonly contentType: string | number | undefined;
  readonly headers: Headers;
  readonly payload: Uint8Array | null;
  readonly signatures: readonly UntrustedSignature[];
};

export type VerifiedSign = {
  /** The accepted keys that signed, each once, in the order of the message. */
  readonly signers: readonly VerifiedSignature[];
  readonly payload: Uint8Array;
  readonly contentType: string | number | undefined;
};

// RFC 9052 §4.4: Sig_structure for one of several signers.
function toBeSigned(body: Uint8Array, signer: Uint8Array, externalAad: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(['Signature', body, signer, externalAad, payload]);
}

/** Signs one payload with each key; the result has tag 98. */
export async function signSign(options: Sign1Options, signers: readonly Signer[]): Promise<Uint8Array> {
  const { payload, externalAad = NO_BYTES, contentType, kid = true } = options;
  const bodyHeader: HeaderMap = contentType === undefined ? new Map() : new Map([[LABEL_CONTENT_TYPE, contentType]]);
  const body = encodeProtected(bodyHeader);
  const signatures = await Promise.all(
    signers.map(async (signer): Promise<CborValue> => {
      const header = encodeProtected(signatureHeader({ publicKey: signer.publicKey, kid }));
      return [header, new Map(), await signer.sign(toBeSigned(body, header, externalAad, payload))];
    }),
  );
  return encodeCbor(new CborTag(TAG_SIGN, [body, new Map(), options.detached === true ? null : payload, signatures]));
}

function parseSignature(item: CborValue, at: string): UntrustedSignature {
  const [protectedItem, unprotectedItem, signature] = expectArray(item, at, 3);
  const headers = parseHeaders(protectedItem, unprotectedItem, at);
  return {
    alg: protectedAlg(headers, at),
    kid: kidOf(headers, at),
    headers,
    signature: expectBytes(signature, `${at}.signature`),
  };
}

/**
 * Reads a COSE_Sign without checking its signatures.
 * @throws CoseError COSE_TAG_UNEXPECTED, COSE_LABEL_DUPLICATE, COSE_CRITICAL_UNKNOWN, COSE_HEADER_INVALID,
 * COSE_ALGORITHM_UNPROTECTED, COSE_ALGORITHM_UNSUPPORTED; CborError
 */
export function parseSign(bytes: Uint8Array, options: ParseOptions = {}): UntrustedSign {
  const [protectedItem, unprotectedItem, payload, signaturesItem] = openMessage(bytes, {
    tag: TAG_SIGN,
    at: AT,
    isUntagged: options.isUntagged,
  });
  const headers = parseHeaders(protectedItem, unprotectedItem, AT);
  const signatures = expectArray(signaturesItem, `${AT}.signatures`);
  // RFC 9052 §4.1: one or more signatures.
  if (signatures.length === 0 || signatures.length > SIGNATURES_MAX) {
    throw new CoseError('COSE_HEADER_INVALID', { at: `${AT}.signatures`, actual: signatures.length });
  }
  return {
    contentType: contentTypeOf(headers, AT),
    headers,
    payload: payload === null ? null : expectBytes(payload, `${AT}.payload`),
    signatures: signatures.map((signature, index) => parseSignature(signature, `${AT}.signatures[${index}]`)),
  };
}

/**
 * True for the failure of a signature that is simply not by one of ours. A signature that names an accepted key and does
 * not fit is something else: it condemns the message.
 */
function isForeign(error: CoseError, item: SignatureToCheck): boolean {
  if (error.code === 'COSE_SIGNATURE_INVALID') return item.kid === undefined;
  return error.code === 'COSE_KEY_UNKNOWN' || error.code === 'COSE_ALGORITHM_UNSUPPORTED';
}

/**
 * Verifies a COSE_Sign. Signatures by unknown keys are passed over; one that names an accepted key and does not
 * fit condemns the whole message; at least one accepted key must have signed.
 * @throws CoseError as `parseSign`, and COSE_PAYLOAD_MISSING, COSE_PAYLOAD_UNEXPECTED, COSE_KEY_UNKNOWN,
 * COSE_SIGNATURE_INVALID
 */
export function verifySign(bytes: Uint8Array, options: VerifyOptions): VerifiedSign {
  const message = parseSign(bytes, options);
  const payload = payloadToVerify(message.payload, options.payload);
  const signers: VerifiedSignature[] = [];
  let failure: CoseError | undefined;
  for (const item of message.signatures) {
    const { protectedBytes } = item.headers;
    const externalAad = options.externalAad ?? NO_BYTES;
    try {
      const signed = toBeSigned(message.headers.protectedBytes, protectedBytes, externalAad, payload);
      const verified = verifySignature(item, signed, options.keys);
      // The same key twice is one signer: a threshold must not be met by repetition.
      if (!signers.some((signer) => signer.key.isEqual(verified.key))) signers.push(verified);
    } catch (error) {
      if (!(error instanceof CoseError) || !isForeign(error, item)) throw error;
      failure ??= error;
    }
  }
  if (signers.length === 0) throw failure ?? new CoseError('COSE_KEY_UNKNOWN');
  return { signers, payload, contentType: message.contentType };
}
