/**
 * COSE_Encrypt (RFC 9052 §5.1, tag 96) with detached ciphertext: what a receiver needs to decrypt content that travels
 * apart, as SUIT's encryption info (draft-ietf-suit-firmware-encryption). Recipients wrap the content key, by ECDH-ES or
 * with a key shared beforehand; a key that is only derived is refused, because nothing would prove it before the content.
 *
 * The content key is opened here, the content is not: the caller streams it through `createAeadDecryptor`. Counter mode,
 * which authenticates nothing, has a function of its own.
 */
import { CborTag, encodeCbor, expectBytes } from '../cbor/index.ts';
import {
  AEAD_ALGORITHMS,
  AEAD_IV_SIZE_BYTES,
  type AeadAlgorithm,
  CryptoError,
  CTR_ALGORITHMS,
  CTR_IV_SIZE_BYTES,
  type CtrAlgorithm,
  isAeadAlgorithm,
  isCtrAlgorithm,
} from '../crypto/index.ts';
import { CoseError } from './errors.ts';
import {
  encodeProtected,
  type HeaderMap,
  type Headers,
  LABEL_ALG,
  LABEL_IV,
  NO_BYTES,
  parseHeaders,
  protectedAlg,
} from './headers.ts';
import { type KdfContext, SUIT_CONTEXT } from './kdf-context.ts';
import { openMessage } from './message.ts';
import {
  encodeRecipient,
  parseRecipients,
  type Recipient,
  type RecipientKeys,
  type RecipientOptions,
  unwrapContentKeys,
} from './recipient.ts';

const TAG_ENCRYPT = 96;
const AT = 'COSE_Encrypt';

type InfoOptions = {
  readonly contentKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly recipients: readonly RecipientOptions[];
  /** Default: SUIT's. */
  readonly context?: KdfContext;
};
export type EncryptInfoOptions = InfoOptions & { readonly algorithm: AeadAlgorithm };

export type OpenOptions = RecipientKeys & {
  /** Default: SUIT's. */
  readonly context?: KdfContext;
};

/** What `createAeadDecryptor` needs. */
export type ContentSecrets = {
  readonly algorithm: AeadAlgorithm;
  readonly contentKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
};

/** What `createUnauthenticatedCipher` needs; a signed digest of the plaintext must decide afterwards. */
export type UnauthenticatedSecrets = Omit<ContentSecrets, 'algorithm' | 'aad'> & { readonly algorithm: CtrAlgorithm };

// RFC 9052 §5.3: Enc_structure.
function encStructure(protectedBytes: Uint8Array): Uint8Array {
  return encodeCbor(['Encrypt', protectedBytes, NO_BYTES]);
}

/** The additional data that content encrypted under `encryptInfo` is bound to. */
export function contentAad(algorithm: AeadAlgorithm): Uint8Array {
  return encStructure(encodeProtected(new Map([[LABEL_ALG, algorithm]])));
}

function encodeInfo(protectedMap: HeaderMap, unprotected: HeaderMap, options: InfoOptions): Uint8Array {
  const { contentKey, context = SUIT_CONTEXT } = options;
  // RFC 9052 §5.1: one or more recipients.
  if (options.recipients.length === 0) throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'recipients' });
  const recipients = options.recipients.map((recipient) => encodeRecipient(recipient, contentKey, context));
  return encodeCbor(new CborTag(TAG_ENCRYPT, [encodeProtected(protectedMap), unprotected, null, recipients]));
}

function assertSizes({ contentKey, iv }: InfoOptions, keySizeBytes: number, ivSizeBytes: number): void {
  if (contentKey.length === keySizeBytes && iv.length === ivSizeBytes) return;
  throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'content key or nonce', expected: keySizeBytes });
}

/**
 * Encodes who can open the content key, with the nonce of the content; the ciphertext travels apart.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function encryptInfo(options: EncryptInfoOptions): Uint8Array {
  const { algorithm, iv } = options;
  assertSizes(options, AEAD_ALGORITHMS[algorithm].keySizeBytes, AEAD_IV_SIZE_BYTES);
  return encodeInfo(new Map([[LABEL_ALG, algorithm]]), new Map([[LABEL_IV, iv]]), options);
}

/**
 * As `encryptInfo`, for content in counter mode: only for formats that cover the plaintext by a signed digest (RFC 9459 §8,
 * and the SUIT profiles that name it).
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function unauthenticatedEncryptInfo(options: InfoOptions & { readonly algorithm: CtrAlgorithm }): Uint8Array {
  const { algorithm, iv } = options;
  assertSizes(options, CTR_ALGORITHMS[algorithm].keySizeBytes, CTR_IV_SIZE_BYTES);
  // RFC 9459 §4: the protected header is empty, because nothing could cover it.
  const unprotected: HeaderMap = new Map<number, number | Uint8Array>([
    [LABEL_ALG, algorithm],
    [LABEL_IV, iv],
  ]);
  return encodeInfo(new Map(), unprotected, options);
}

type UntrustedInfo = { readonly headers: Headers; readonly recipients: readonly Recipient[] };

function parseInfo(bytes: Uint8Array): UntrustedInfo {
  const [protectedItem, unprotectedItem, ciphertext, recipients] = openMessage(bytes, { tag: TAG_ENCRYPT, at: AT });
  if (ciphertext !== null) throw new CoseError('COSE_PAYLOAD_UNEXPECTED', { at: AT });
  return { headers: parseHeaders(protectedItem, unprotectedItem, AT), recipients: parseRecipients(recipients, AT) };
}

function ivOf(headers: Headers, sizeBytes: number): Uint8Array {
  const iv = expectBytes(headers.protected.get(LABEL_IV) ?? headers.unprotected.get(LABEL_IV), `${AT}.iv`);
  if (iv.length !== sizeBytes) throw new CoseError('COSE_HEADER_INVALID', { at: AT, label: LABEL_IV });
  return iv;
}

function contentKeyOf({ recipients }: UntrustedInfo, options: OpenOptions, keySizeBytes: number): Uint8Array {
  const { context = SUIT_CONTEXT } = options;
  for (const recipient of recipients) {
    for (const contentKey of unwrapContentKeys(recipient, options, context)) {
      if (contentKey.length === keySizeBytes) return contentKey;
      throw new CoseError('COSE_CONTENT_KEY_INVALID', { expected: keySizeBytes, actual: contentKey.length });
    }
  }
  throw new CoseError('COSE_RECIPIENT_UNKNOWN', { actual: recipients.length });
}

/**
 * Opens the content key with the first key at hand that fits a recipient.
 * @throws CoseError COSE_TAG_UNEXPECTED, COSE_ALGORITHM_UNPROTECTED, COSE_ALGORITHM_UNSUPPORTED, COSE_HEADER_INVALID,
 * COSE_LABEL_DUPLICATE, COSE_CRITICAL_UNKNOWN, COSE_PAYLOAD_UNEXPECTED, COSE_RECIPIENT_UNKNOWN,
 * COSE_CONTENT_KEY_INVALID, COSE_KEY_UNSUPPORTED, COSE_KEY_MALFORMED; CborError
 */
export function openEncryptInfo(bytes: Uint8Array, options: OpenOptions): ContentSecrets {
  const info = parseInfo(bytes);
  const algorithm = protectedAlg(info.headers, AT);
  if (!isAeadAlgorithm(algorithm)) throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { at: AT, algorithm });
  const iv = ivOf(info.headers, AEAD_IV_SIZE_BYTES);
  const contentKey = contentKeyOf(info, options, AEAD_ALGORITHMS[algorithm].keySizeBytes);
  return { algorithm, contentKey, iv, aad: encStructure(info.headers.protectedBytes) };
}

/**
 * Opens the content key of content in counter mode. What is decrypted with it is authentic only when a signed digest of
 * the plaintext says so.
 * @throws CoseError as `openEncryptInfo`
 */
export function openUnauthenticatedEncryptInfo(bytes: Uint8Array, options: OpenOptions): UnauthenticatedSecrets {
  const info = parseInfo(bytes);
  const algorithm = info.headers.unprotected.get(LABEL_ALG);
  // RFC 9459 §4: the protected header must be empty.
  if (info.headers.protected.size !== 0 || typeof algorithm !== 'number' || !isCtrAlgorithm(algorithm)) {
    throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { at: AT, expected: 'counter mode in an unprotected header' });
  }
  const iv = ivOf(info.headers, CTR_IV_SIZE_BYTES);
  return { algorithm, contentKey: contentKeyOf(info, options, CTR_ALGORITHMS[algorithm].keySizeBytes), iv };
}
