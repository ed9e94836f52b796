/**
 * COSE_Encrypt0 (RFC 9052 §5.2, tag 16) and COSE_Encrypt with its ciphertext inside (§5.1, tag 96): whole messages in
 * memory, by AEAD only. Firmware, which is streamed, goes through encrypt-info.ts.
 */
import { randomBytes } from 'node:crypto';
import { concat } from '../bytes/index.ts';
import { CborTag, type CborValue, encodeCbor, expectBytes } from '../cbor/index.ts';
import {
  AEAD_ALGORITHMS,
  AEAD_IV_SIZE_BYTES,
  AEAD_TAG_SIZE_BYTES,
  type AeadAlgorithm,
  CryptoError,
  createAeadDecryptor,
  createAeadEncryptor,
  isAeadAlgorithm,
} from '../crypto/index.ts';
import { CoseError } from './errors.ts';
import {
  encodeProtected,
  type HeaderMap,
  type Headers,
  LABEL_ALG,
  LABEL_CONTENT_TYPE,
  LABEL_IV,
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

const TAG_ENCRYPT0 = 16;
const TAG_ENCRYPT = 96;

type Context = 'Encrypt0' | 'Encrypt';

type EncryptOptions = {
  readonly algorithm: AeadAlgorithm;
  readonly plaintext: Uint8Array;
  readonly externalAad?: Uint8Array;
  readonly contentType?: string | number;
};

export type Encrypt0Options = EncryptOptions & { readonly key: Uint8Array; readonly kid?: Uint8Array };

export type EncryptMessageOptions = EncryptOptions & {
  readonly recipients: readonly [DirectRecipientOptions] | readonly RecipientOptions[];
};

export type Decrypt0Options = ParseOptions & { readonly key: Uint8Array; readonly externalAad?: Uint8Array };
export type DecryptMessageOptions = ParseOptions & RecipientKeys & { readonly externalAad?: Uint8Array };

// RFC 9052 §5.3.
function encStructure(context: Context, protectedBytes: Uint8Array, externalAad: Uint8Array): Uint8Array {
  return encodeCbor([context, protectedBytes, externalAad]);
}

function encryptContent(context: Context, options: EncryptOptions, key: Uint8Array, kid?: Uint8Array): CborValue[] {
  const { algorithm, plaintext, externalAad = NO_BYTES, contentType } = options;
  const header: HeaderMap = new Map([[LABEL_ALG, algorithm]]);
  if (contentType !== undefined) header.set(LABEL_CONTENT_TYPE, contentType);
  const protectedBytes = encodeProtected(header);
  // A nonce of 96 random bits: 2^32 messages under one key before a repetition is likelier than 2^-32 (SP 800-38D §8.3).
  const iv = new Uint8Array(randomBytes(AEAD_IV_SIZE_BYTES));
  const aad = encStructure(context, protectedBytes, externalAad);
  const encryptor = createAeadEncryptor({ algorithm, key, iv, aad });
  const unprotected: HeaderMap = new Map([[LABEL_IV, iv]]);
  if (kid !== undefined) unprotected.set(LABEL_KID, kid);
  return [protectedBytes, unprotected, concat(encryptor.update(plaintext), encryptor.final())];
}

/**
 * Encrypts for one holder of a shared key; the result has tag 16.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function encryptEncrypt0(options: Encrypt0Options): Uint8Array {
  return encodeCbor(new CborTag(TAG_ENCRYPT0, encryptContent('Encrypt0', options, options.key, options.kid)));
}

function isDirectAlone(
  recipients: EncryptMessageOptions['recipients'],
): recipients is readonly [DirectRecipientOptions] {
  const [first] = recipients;
  return first?.kind === 'direct' || first?.kind === 'ecdh-direct';
}

/**
 * Encrypts for several recipients, or for one whose key is the content key; the result has tag 96.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function encryptMessage(options: EncryptMessageOptions): Uint8Array {
  const { algorithm, recipients } = options;
  const { keySizeBytes } = AEAD_ALGORITHMS[algorithm];
  if (recipients.length === 0) throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'recipients' });
  if (isDirectAlone(recipients)) {
    const { recipient, contentKey } = encodeDirectRecipient(recipients[0], { algorithm, keySizeBytes, context: null });
    return encodeCbor(new CborTag(TAG_ENCRYPT, [...encryptContent('Encrypt', options, contentKey), [recipient]]));
  }
  const contentKey = new Uint8Array(randomBytes(keySizeBytes));
  const encoded = recipients.map((recipient) => encodeRecipient(recipient, contentKey, null));
  return encodeCbor(new CborTag(TAG_ENCRYPT, [...encryptContent('Encrypt', options, contentKey), encoded]));
}

type UntrustedContent = {
  readonly algorithm: AeadAlgorithm;
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
  readonly sealed: Uint8Array;
};

function parseContent(headers: Headers, ciphertext: CborValue, context: Context, aad?: Uint8Array): UntrustedContent {
  const at = `COSE_${context}`;
  const algorithm = protectedAlg(headers, at);
  if (!isAeadAlgorithm(algorithm)) throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { at, algorithm });
  const iv = expectBytes(headers.protected.get(LABEL_IV) ?? headers.unprotected.get(LABEL_IV), `${at}.iv`);
  if (iv.length !== AEAD_IV_SIZE_BYTES) throw new CoseError('COSE_HEADER_INVALID', { at, label: LABEL_IV });
  if (ciphertext === null) throw new CoseError('COSE_PAYLOAD_MISSING', { at });
  const sealed = expectBytes(ciphertext, `${at}.ciphertext`);
  return { algorithm, iv, sealed, aad: encStructure(context, headers.protectedBytes, aad ?? NO_BYTES) };
}

/** @throws CryptoError CRYPTO_AUTHENTICATION_FAILED */
function decryptContent({ algorithm, iv, aad, sealed }: UntrustedContent, key: Uint8Array): Uint8Array {
  const tagAt = sealed.length - AEAD_TAG_SIZE_BYTES;
  if (tagAt < 0) throw new CryptoError('CRYPTO_AUTHENTICATION_FAILED', { actual: sealed.length });
  const decryptor = createAeadDecryptor({ algorithm, key, iv, aad });
  const plaintext = decryptor.update(sealed.subarray(0, tagAt));
  return concat(plaintext, decryptor.final(sealed.subarray(tagAt)));
}

/**
 * Decrypts a COSE_Encrypt0; returns only authentic plaintext.
 * @throws CoseError COSE_TAG_UNEXPECTED, COSE_ALGORITHM_UNPROTECTED, COSE_ALGORITHM_UNSUPPORTED, COSE_HEADER_INVALID,
 * COSE_LABEL_DUPLICATE, COSE_CRITICAL_UNKNOWN, COSE_PAYLOAD_MISSING; CryptoError CRYPTO_AUTHENTICATION_FAILED,
 * CRYPTO_PARAMETER_INVALID; CborError
 */
export function decryptEncrypt0(bytes: Uint8Array, options: Decrypt0Options): Uint8Array {
  const at = 'COSE_Encrypt0';
  const [protectedItem, unprotectedItem, ciphertext] = openMessage(bytes, {
    tag: TAG_ENCRYPT0,
    at,
    length: 3,
    isUntagged: options.isUntagged,
  });
  const headers = parseHeaders(protectedItem, unprotectedItem, at);
  return decryptContent(parseContent(headers, ciphertext, 'Encrypt0', options.externalAad), options.key);
}

/**
 * Decrypts a COSE_Encrypt with the first key at hand that opens it; returns only authentic plaintext.
 * @throws CoseError as `decryptEncrypt0`, and COSE_RECIPIENT_UNKNOWN, COSE_KEY_UNSUPPORTED, COSE_KEY_MALFORMED;
 * CryptoError CRYPTO_AUTHENTICATION_FAILED
 */
export function decryptMessage(bytes: Uint8Array, options: DecryptMessageOptions): Uint8Array {
  const at = 'COSE_Encrypt';
  const shape = { tag: TAG_ENCRYPT, at, isUntagged: options.isUntagged };
  const [protectedItem, unprotectedItem, ciphertext, recipientsItem] = openMessage(bytes, shape);
  const headers = parseHeaders(protectedItem, unprotectedItem, at);
  const content = parseContent(headers, ciphertext, 'Encrypt', options.externalAad);
  const recipients = parseRecipients(recipientsItem, at);
  const { keySizeBytes } = AEAD_ALGORITHMS[content.algorithm];
  let failure: unknown = new CoseError('COSE_RECIPIENT_UNKNOWN', { actual: recipients.length });
  const purpose = { algorithm: content.algorithm, keySizeBytes, context: null };
  for (const key of contentKeysOf(recipients, options, purpose)) {
    try {
      return decryptContent(content, key);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
