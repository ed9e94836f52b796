/**
 * COSE_Sign1 (RFC 9052 §4.2): one signature, tag 18, payload attached or detached. The algorithm must stand in the
 * protected header; the key, not the message, decides how the signature is checked.
 */
import { CborTag, type CborValue, encodeCbor, expectBytes } from '../cbor/index.ts';
import type { PublicKey, SignatureAlgorithm, Signer } from '../crypto/index.ts';
import {
  contentTypeOf,
  encodeProtected,
  type Headers,
  kidOf,
  NO_BYTES,
  parseHeaders,
  protectedAlg,
} from './headers.ts';
import { openMessage, type ParseOptions } from './message.ts';
import { payloadToVerify, signatureHeader, verifySignature } from './signature.ts';

const TAG_SIGN1 = 18;
const AT = 'COSE_Sign1';

export type Sign1Options = {
  readonly payload: Uint8Array;
  /** Leave the payload out of the message. */
  readonly detached?: boolean;
  readonly externalAad?: Uint8Array;
  readonly contentType?: string | number;
  /** Name the signer's key by its thumbprint; default true. */
  readonly kid?: boolean;
};

/** A COSE_Sign1 whose signature has not been checked. */
export type UntrustedSign1 = {
  readonly alg: number;
  readonly kid: Uint8Array | undefined;
  readonly contentType: string | number | undefined;
  readonly headers: Headers;
  /** null: detached. */
  readonly payload: Uint8Array | null;
  readonly signature: Uint8Array;
};

export type VerifyOptions = ParseOptions & {
  readonly keys: readonly PublicKey[];
  /** The payload of a detached message. */
  readonly payload?: Uint8Array;
  readonly externalAad?: Uint8Array;
};

export type VerifiedSign1 = {
  readonly key: PublicKey;
  readonly algorithm: SignatureAlgorithm;
  readonly payload: Uint8Array;
  readonly contentType: string | number | undefined;
};

// RFC 9052 §4.4: Sig_structure for a single signer.
function toBeSigned(protectedBytes: Uint8Array, externalAad: Uint8Array, payload: Uint8Array): Uint8Array {
  return encodeCbor(['Signature1', protectedBytes, externalAad, payload]);
}

/** Signs with one key; the result has tag 18. */
export async function signSign1(options: Sign1Options, signer: Signer): Promise<Uint8Array> {
  const { payload, externalAad = NO_BYTES, contentType, kid = true } = options;
  const protectedBytes = encodeProtected(signatureHeader({ publicKey: signer.publicKey, kid, contentType }));
  const signature = await signer.sign(toBeSigned(protectedBytes, externalAad, payload));
  const items: CborValue[] = [protectedBytes, new Map(), options.detached === true ? null : payload, signature];
  return encodeCbor(new CborTag(TAG_SIGN1, items));
}

/**
 * Reads a COSE_Sign1 without checking its signature.
 * @throws CoseError COSE_TAG_UNEXPECTED, COSE_LABEL_DUPLICATE, COSE_CRITICAL_UNKNOWN, COSE_HEADER_INVALID,
 * COSE_ALGORITHM_UNPROTECTED, COSE_ALGORITHM_UNSUPPORTED; CborError
 */
export function parseSign1(bytes: Uint8Array, options: ParseOptions = {}): UntrustedSign1 {
  const [protectedItem, unprotectedItem, payload, signature] = openMessage(bytes, {
    tag: TAG_SIGN1,
    at: AT,
    isUntagged: options.isUntagged,
  });
  const headers = parseHeaders(protectedItem, unprotectedItem, AT);
  return {
    alg: protectedAlg(headers, AT),
    kid: kidOf(headers, AT),
    contentType: contentTypeOf(headers, AT),
    headers,
    payload: payload === null ? null : expectBytes(payload, `${AT}.payload`),
    signature: expectBytes(signature, `${AT}.signature`),
  };
}

/**
 * Verifies a COSE_Sign1 against the keys that are accepted, and returns which one signed and what.
 * @throws CoseError as `parseSign1`, and COSE_PAYLOAD_MISSING, COSE_PAYLOAD_UNEXPECTED, COSE_KEY_UNKNOWN,
 * COSE_SIGNATURE_INVALID
 */
export function verifySign1(bytes: Uint8Array, options: VerifyOptions): VerifiedSign1 {
  const message = parseSign1(bytes, options);
  const payload = payloadToVerify(message.payload, options.payload);
  const signed = toBeSigned(message.headers.protectedBytes, options.externalAad ?? NO_BYTES, payload);
  return { ...verifySignature(message, signed, options.keys), payload, contentType: message.contentType };
}
