/**
 * COSE_Encrypt (RFC 9052 §5.1, tag 96) with detached ciphertext: what a receiver needs to decrypt content that travels
 * apart, as SUIT's encryption info (draft-ietf-suit-firmware-encryption). AEAD content algorithms only; recipients by
 * ECDH-ES with key wrap, or by AES key wrap with a shared key.
 *
 * The content key is opened here, the content is not: the caller streams it through `createAeadDecryptor`.
 */
import { isEqualBytes } from '../bytes/index.ts';
import { CborTag, type CborValue, decodeCbor, encodeCbor, expectArray, expectBytes } from '../cbor/index.ts';
import {
  AEAD_ALGORITHMS,
  AEAD_IV_SIZE_BYTES,
  type AeadAlgorithm,
  AgreementKey,
  type AgreementPublicKey,
  aesKeyUnwrap,
  aesKeyWrap,
  CryptoError,
  isAeadAlgorithm,
} from '../crypto/index.ts';
import { coseKeyThumbprint, ephemeralKeyMap, parseEphemeralKey } from './cose-key.ts';
import { CoseError } from './errors.ts';
import {
  encodeProtected,
  type HeaderMap,
  type Headers,
  kidOf,
  LABEL_ALG,
  LABEL_IV,
  LABEL_KID,
  parseHeaders,
  protectedAlg,
} from './headers.ts';
import {
  type AgreementAlgorithm,
  deriveKek,
  isAgreementAlgorithm,
  type KdfContext,
  type KeyWrapAlgorithm,
  SUIT_CONTEXT,
} from './kdf-context.ts';

const TAG_ENCRYPT = 96;
const AT = 'COSE_Encrypt';
const NO_BYTES = new Uint8Array(0);
const LABEL_EPHEMERAL_KEY = -1;
const LABEL_SALT = -20;
/** Party information would enter the KDF context; recipients that use it are not ours. */
const LABELS_PARTY = [-21, -22, -23, -24, -25, -26];
const RECIPIENTS_MAX = 1024;
const KEK_SIZE_BYTES: Readonly<Record<KeyWrapAlgorithm, number>> = { [-3]: 16, [-5]: 32 };

export type RecipientOptions =
  | {
      readonly kind: 'ecdh-es';
      readonly publicKey: AgreementPublicKey;
      readonly keyWrap: AgreementAlgorithm;
      /** Name the recipient's key by its thumbprint; default true. */
      readonly kid?: boolean;
    }
  | { readonly kind: 'aes-kw'; readonly kek: Uint8Array; readonly alg: KeyWrapAlgorithm; readonly kid?: Uint8Array };

export type EncryptInfoOptions = {
  readonly algorithm: AeadAlgorithm;
  readonly contentKey: Uint8Array;
  readonly iv: Uint8Array;
  readonly recipients: readonly RecipientOptions[];
  /** Default: SUIT's. */
  readonly context?: KdfContext;
};

export type OpenOptions = {
  readonly agreementKeys: readonly AgreementKey[];
  readonly keks: readonly Uint8Array[];
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

// RFC 9052 §5.3: Enc_structure.
function encStructure(protectedBytes: Uint8Array): Uint8Array {
  return encodeCbor(['Encrypt', protectedBytes, NO_BYTES]);
}

/** The additional data that content encrypted under `encryptInfo` is bound to. */
export function contentAad(algorithm: AeadAlgorithm): Uint8Array {
  return encStructure(encodeProtected(new Map([[LABEL_ALG, algorithm]])));
}

function encodeRecipient(options: RecipientOptions, contentKey: Uint8Array, context: KdfContext): CborValue {
  if (options.kind === 'aes-kw') {
    const header: HeaderMap = new Map([[LABEL_ALG, options.alg]]);
    if (options.kid !== undefined) header.set(LABEL_KID, options.kid);
    if (options.kek.length !== KEK_SIZE_BYTES[options.alg]) {
      throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'key-encryption key', actual: options.kek.length });
    }
    // RFC 9053 §6.2.1: AES-KW has no way to cover headers, so the protected bucket is empty.
    return [NO_BYTES, header, aesKeyWrap(options.kek, contentKey)];
  }
  const protectedBytes = encodeProtected(new Map([[LABEL_ALG, options.keyWrap]]));
  const ephemeral = AgreementKey.generate();
  const secret = ephemeral.agree(options.publicKey);
  const kek = deriveKek({ alg: options.keyWrap, secret, salt: NO_BYTES, protectedBytes, context });
  const header: HeaderMap = new Map([[LABEL_EPHEMERAL_KEY, ephemeralKeyMap(ephemeral.publicKey)]]);
  if (options.kid !== false) header.set(LABEL_KID, coseKeyThumbprint(options.publicKey));
  return [protectedBytes, header, aesKeyWrap(kek, contentKey)];
}

/**
 * Encodes who can open the content key, with the nonce of the content; the ciphertext travels apart.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function encryptInfo(options: EncryptInfoOptions): Uint8Array {
  const { algorithm, contentKey, iv, context = SUIT_CONTEXT } = options;
  if (contentKey.length !== AEAD_ALGORITHMS[algorithm].keySizeBytes || iv.length !== AEAD_IV_SIZE_BYTES) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'content key or nonce', algorithm });
  }
  // RFC 9052 §5.1: one or more recipients.
  if (options.recipients.length === 0) throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'recipients' });
  const protectedBytes = encodeProtected(new Map([[LABEL_ALG, algorithm]]));
  const unprotected: HeaderMap = new Map([[LABEL_IV, iv]]);
  const recipients = options.recipients.map((recipient) => encodeRecipient(recipient, contentKey, context));
  return encodeCbor(new CborTag(TAG_ENCRYPT, [protectedBytes, unprotected, null, recipients]));
}

type Recipient = { readonly headers: Headers; readonly wrapped: Uint8Array; readonly at: string };

function parseRecipient(item: CborValue, at: string): Recipient {
  // RFC 9052 §5.1: a fourth element would be recipients of the recipient; one layer is all that is used here.
  const [protectedItem, unprotectedItem, wrapped] = expectArray(item, at, 3);
  return { headers: parseHeaders(protectedItem, unprotectedItem, at), wrapped: expectBytes(wrapped, `${at}.key`), at };
}

function unwrapOrNothing(kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  try {
    return aesKeyUnwrap(kek, wrapped);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'CRYPTO_KEY_UNWRAP_FAILED') return undefined;
    throw error;
  }
}

function openKeyWrap({ headers, wrapped }: Recipient, keks: readonly Uint8Array[]): Uint8Array | undefined {
  const alg = headers.unprotected.get(LABEL_ALG);
  if (headers.protected.size !== 0 || (alg !== -3 && alg !== -5)) return undefined;
  for (const kek of keks) {
    const contentKey = kek.length === KEK_SIZE_BYTES[alg] ? unwrapOrNothing(kek, wrapped) : undefined;
    if (contentKey !== undefined) return contentKey;
  }
  return undefined;
}

function openAgreement(
  recipient: Recipient,
  keys: readonly AgreementKey[],
  context: KdfContext,
): Uint8Array | undefined {
  const { headers, wrapped, at } = recipient;
  const alg = headers.protected.get(LABEL_ALG);
  if (!isAgreementAlgorithm(alg)) return undefined;
  const header = (label: number): CborValue => headers.protected.get(label) ?? headers.unprotected.get(label);
  if (LABELS_PARTY.some((label) => header(label) !== undefined)) return undefined;
  const kid = kidOf(headers, at);
  const named = kid && keys.filter((key) => isEqualBytes(coseKeyThumbprint(key.publicKey), kid));
  const saltItem = header(LABEL_SALT);
  const salt = saltItem === undefined ? NO_BYTES : expectBytes(saltItem, `${at}.salt`);
  const ephemeral = parseEphemeralKey(header(LABEL_EPHEMERAL_KEY), `${at}.ephemeral-key`);
  // A key id that is nobody's thumbprint is a name in the sender's scheme: every key is tried.
  for (const key of named !== undefined && named.length > 0 ? named : keys) {
    const kek = deriveKek({ alg, secret: key.agree(ephemeral), salt, protectedBytes: headers.protectedBytes, context });
    const contentKey = unwrapOrNothing(kek, wrapped);
    if (contentKey !== undefined) return contentKey;
  }
  return undefined;
}

/**
 * Opens the content key with the first key at hand that fits a recipient.
 * @throws CoseError COSE_TAG_UNEXPECTED, COSE_ALGORITHM_UNPROTECTED, COSE_ALGORITHM_UNSUPPORTED, COSE_HEADER_INVALID,
 * COSE_LABEL_DUPLICATE, COSE_CRITICAL_UNKNOWN, COSE_PAYLOAD_UNEXPECTED, COSE_RECIPIENT_UNKNOWN,
 * COSE_CONTENT_KEY_INVALID, COSE_KEY_UNSUPPORTED, COSE_KEY_MALFORMED; CborError
 */
export function openEncryptInfo(bytes: Uint8Array, options: OpenOptions): ContentSecrets {
  const { context = SUIT_CONTEXT } = options;
  const item = decodeCbor(bytes);
  if (!(item instanceof CborTag) || item.tag !== TAG_ENCRYPT) {
    throw new CoseError('COSE_TAG_UNEXPECTED', {
      expected: TAG_ENCRYPT,
      actual: item instanceof CborTag ? item.tag : 'none',
    });
  }
  const [protectedItem, unprotectedItem, ciphertext, recipientsItem] = expectArray(item.value, AT, 4);
  const headers = parseHeaders(protectedItem, unprotectedItem, AT);
  const algorithm = protectedAlg(headers, AT);
  if (!isAeadAlgorithm(algorithm)) throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { at: AT, algorithm });
  if (ciphertext !== null) throw new CoseError('COSE_PAYLOAD_UNEXPECTED', { at: AT });
  const iv = expectBytes(headers.protected.get(LABEL_IV) ?? headers.unprotected.get(LABEL_IV), `${AT}.iv`);
  if (iv.length !== AEAD_IV_SIZE_BYTES) throw new CoseError('COSE_HEADER_INVALID', { at: AT, label: LABEL_IV });
  const recipients = expectArray(recipientsItem, `${AT}.recipients`);
  if (recipients.length === 0 || recipients.length > RECIPIENTS_MAX) {
    throw new CoseError('COSE_HEADER_INVALID', { at: `${AT}.recipients`, actual: recipients.length });
  }
  const aad = encStructure(headers.protectedBytes);
  for (const [index, recipientItem] of recipients.entries()) {
    const recipient = parseRecipient(recipientItem, `${AT}.recipients[${index}]`);
    const contentKey = openKeyWrap(recipient, options.keks) ?? openAgreement(recipient, options.agreementKeys, context);
    if (contentKey === undefined) continue;
    const expected = AEAD_ALGORITHMS[algorithm].keySizeBytes;
    if (contentKey.length !== expected) {
      throw new CoseError('COSE_CONTENT_KEY_INVALID', { expected, actual: contentKey.length });
    }
    return { algorithm, contentKey, iv, aad };
  }
  throw new CoseError('COSE_RECIPIENT_UNKNOWN', { actual: recipients.length });
}
