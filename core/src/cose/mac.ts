/**
 * COSE_Mac0 (RFC 9052 §6.2, tag 17) and COSE_Mac (§6.1, tag 97): HMAC with a key shared beforehand, or carried to several
 * recipients. Whoever can verify a MAC can also make it: it says that one of the holders of the key wrote this.
 */
import { randomBytes } from 'node:crypto';
import { CborTag, type CborValue, encodeCbor, expectBytes } from '../cbor/index.ts';
import { CryptoError, hmac, MAC_ALGORITHMS, verifyHmac } from '../crypto/index.ts';
import { CoseError } from './errors.ts';
import {
  contentTypeOf,
  encodeProtected,
  type HeaderMap,
  type Headers,
  LABEL_ALG,
  LABEL_CONTENT_TYPE,
  LABEL_KID,
  NO_BYTES,
  parseHeaders,
  protectedAlg,
} from './headers.ts';
import { openMessage, type ParseOptions } from './message.ts';
import {
  contentKeysOf,
  type DirectRecipientOptions,
  encodeDirectRecipient,
  encodeRecipient,
  parseRecipients,
  type RecipientKeys,
  type RecipientOptions,
} from './recipient.ts';
import { payloadToVerify } from './signature.ts';

const TAG_MAC0 = 17;
const TAG_MAC = 97;

/** HMAC 256/64, 256/256, 384/384, 512/512 (RFC 9053 §3.1). */
export type MacAlgorithm = 4 | 5 | 6 | 7;

type Context = 'MAC0' | 'MAC';

type MacOptions = {
  readonly algorithm: MacAlgorithm;
  readonly payload: Uint8Array;
  /** Leave the payload out of the message. */
  readonly detached?: boolean;
  readonly externalAad?: Uint8Array;
  readonly contentType?: string | number;
};

export type Mac0Options = MacOptions & { readonly key: Uint8Array; readonly kid?: Uint8Array };
export type MacMessageOptions = MacOptions & {
  readonly recipients: readonly [DirectRecipientOptions] | readonly RecipientOptions[];
};

type VerifyMacOptions = ParseOptions & {
  /** The payload of a detached message. */
  readonly payload?: Uint8Array;
  readonly externalAad?: Uint8Array;
};
export type VerifyMac0Options = VerifyMacOptions & { readonly key: Uint8Array };
export type VerifyMacMessageOptions = VerifyMacOptions & RecipientKeys;

export type VerifiedMac = {
  readonly algorithm: MacAlgorithm;
  readonly payload: Uint8Array;
  readonly contentType: string | number | undefined;
};

// RFC 9052 §6.3.
function macStructure(context: Context, parts: readonly [Uint8Array, Uint8Array, Uint8Array]): Uint8Array {
  return encodeCbor([context, ...parts]);
}

function encodeMac(context: Context, options: MacOptions, key: Uint8Array, kid?: Uint8Array): CborValue[] {
  const { algorithm, payload, externalAad = NO_BYTES, contentType } = options;
  const header: HeaderMap = new Map([[LABEL_ALG, algorithm]]);
  if (contentType !== undefined) header.set(LABEL_CONTENT_TYPE, contentType);
  const protectedBytes = encodeProtected(header);
  const tag = hmac(algorithm, key, macStructure(context, [protectedBytes, externalAad, payload]));
  const unprotected: HeaderMap = kid === undefined ? new Map() : new Map([[LABEL_KID, kid]]);
  return [protectedBytes, unprotected, options.detached === true ? null : payload, tag];
}

/** Authenticates with a shared key; the result has tag 17. @throws CryptoError CRYPTO_PARAMETER_INVALID */
export function createMac0(options: Mac0Options): Uint8Array {
  return encodeCbor(new CborTag(TAG_MAC0, encodeMac('MAC0', options, options.key, options.kid)));
}

function keySizeOf(algorithm: number): number {
  return MAC_ALGORITHMS.get(algorithm)?.keySizeBytes ?? 0;
}

/** Authenticates for several recipients; the result has tag 97. @throws CryptoError CRYPTO_PARAMETER_INVALID */
export function createMac(options: MacMessageOptions): Uint8Array {
  const { algorithm, recipients } = options;
  const keySizeBytes = keySizeOf(algorithm);
  const [first] = recipients;
  if (first === undefined) throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'recipients' });
  if (first.kind === 'direct' || first.kind === 'ecdh-direct') {
    const { recipient, contentKey } = encodeDirectRecipient(first, { algorithm, keySizeBytes, context: null });
    return encodeCbor(new CborTag(TAG_MAC, [...encodeMac('MAC', options, contentKey), [recipient]]));
  }
  const key = new Uint8Array(randomBytes(keySizeBytes));
  const encoded = (recipients as readonly RecipientOptions[]).map((each) => encodeRecipient(each, key, null));
  return encodeCbor(new CborTag(TAG_MAC, [...encodeMac('MAC', options, key), encoded]));
}

type UntrustedMac = VerifiedMac & { readonly message: Uint8Array; readonly tag: Uint8Array };

function isMacAlgorithm(alg: number): alg is MacAlgorithm {
  return MAC_ALGORITHMS.has(alg);
}

function parseMac(items: readonly CborValue[], context: Context, options: VerifyMacOptions): UntrustedMac {
  const at = context === 'MAC0' ? 'COSE_Mac0' : 'COSE_Mac';
  const [protectedItem, unprotectedItem, attached, tag] = items;
  const headers: Headers = parseHeaders(protectedItem, unprotectedItem, at);
  const algorithm = protectedAlg(headers, at);
  if (!isMacAlgorithm(algorithm)) throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { at, algorithm });
  const payload = payloadToVerify(attached === null ? null : expectBytes(attached, `${at}.payload`), options.payload);
  const message = macStructure(context, [headers.protectedBytes, options.externalAad ?? NO_BYTES, payload]);
  const contentType = contentTypeOf(headers, at);
  return { algorithm, payload, contentType, message, tag: expectBytes(tag, `${at}.tag`) };
}

function verified({ algorithm, payload, contentType }: UntrustedMac): VerifiedMac {
  return { algorithm, payload, contentType };
}

/**
 * Verifies a COSE_Mac0 under a shared key.
 * @throws CoseError COSE_TAG_UNEXPECTED, COSE_ALGORITHM_UNPROTECTED, COSE_ALGORITHM_UNSUPPORTED, COSE_HEADER_INVALID,
 * COSE_LABEL_DUPLICATE, COSE_CRITICAL_UNKNOWN, COSE_PAYLOAD_MISSING, COSE_PAYLOAD_UNEXPECTED; CryptoError
 * CRYPTO_AUTHENTICATION_FAILED, CRYPTO_PARAMETER_INVALID; CborError
 */
export function verifyMac0(bytes: Uint8Array, options: VerifyMac0Options): VerifiedMac {
  const items = openMessage(bytes, { tag: TAG_MAC0, at: 'COSE_Mac0', isUntagged: options.isUntagged });
  const mac = parseMac(items, 'MAC0', options);
  verifyHmac(mac.algorithm, options.key, mac.message, mac.tag);
  return verified(mac);
}

/**
 * Verifies a COSE_Mac with the first key at hand that fits a recipient.
 * @throws CoseError as `verifyMac0`, and COSE_RECIPIENT_UNKNOWN, COSE_KEY_UNSUPPORTED, COSE_KEY_MALFORMED
 */
export function verifyMac(bytes: Uint8Array, options: VerifyMacMessageOptions): VerifiedMac {
  const at = 'COSE_Mac';
  const items = openMessage(bytes, { tag: TAG_MAC, at, length: 5, isUntagged: options.isUntagged });
  const mac = parseMac(items, 'MAC', options);
  const recipients = parseRecipients(items[4], at);
  const purpose = { algorithm: mac.algorithm, keySizeBytes: keySizeOf(mac.algorithm), context: null };
  let failure: unknown = new CoseError('COSE_RECIPIENT_UNKNOWN', { actual: recipients.length });
  for (const key of contentKeysOf(recipients, options, purpose)) {
    try {
      verifyHmac(mac.algorithm, key, mac.message, mac.tag);
      return verified(mac);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
