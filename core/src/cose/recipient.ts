/**
 * Recipients (RFC 9052 §5.1, RFC 9053 §6): who gets the content key, and how. A recipient that wraps the key proves that it
 * is the right one; one that derives it, or shares it, gives a candidate that the content's own tag must prove.
 */
import { isEqualBytes } from '../bytes/index.ts';
import { type CborValue, expectArray, expectBytes } from '../cbor/index.ts';
import { AgreementKey, type AgreementPublicKey, aesKeyUnwrap, aesKeyWrap, CryptoError } from '../crypto/index.ts';
import { coseKeyThumbprint, ephemeralKeyMap, parseAgreementKey } from './cose-key.ts';
import { CoseError } from './errors.ts';
import {
  encodeProtected,
  type HeaderMap,
  type Headers,
  kidOf,
  LABEL_ALG,
  LABEL_KID,
  NO_BYTES,
  parseHeaders,
} from './headers.ts';
import {
  AGREEMENT_WRAPS,
  type AgreementAlgorithm,
  DIRECT_AGREEMENTS,
  DIRECT_DERIVATIONS,
  type DirectAgreementAlgorithm,
  deriveRecipientKey,
  hasFreshness,
  type KdfContext,
  type KeyWrapAlgorithm,
  recipientHeader,
  type WrapRow,
} from './kdf-context.ts';

const ALG_DIRECT = -6;
const LABEL_EPHEMERAL_KEY = -1;
const RECIPIENTS_MAX = 1024;
const KEY_WRAPS: ReadonlyMap<CborValue, number> = new Map([
  [-3, 16],
  [-4, 24],
  [-5, 32],
]);

/** Recipients that carry the content key wrapped. */
export type RecipientOptions =
  | {
      readonly kind: 'ecdh-es';
      readonly publicKey: AgreementPublicKey;
      readonly keyWrap: AgreementAlgorithm;
      /** Name the recipient's key by its thumbprint; default true. */
      readonly kid?: boolean;
    }
  | { readonly kind: 'aes-kw'; readonly kek: Uint8Array; readonly alg: KeyWrapAlgorithm; readonly kid?: Uint8Array };

/** Recipients whose key is the content key: each must be the only one of its message. */
export type DirectRecipientOptions =
  | { readonly kind: 'direct'; readonly key: Uint8Array; readonly kid?: Uint8Array }
  | {
      readonly kind: 'ecdh-direct';
      readonly publicKey: AgreementPublicKey;
      readonly alg: DirectAgreementAlgorithm;
      readonly kid?: boolean;
    };

/** The keys at hand. */
export type RecipientKeys = {
  readonly agreementKeys: readonly AgreementKey[];
  /** Keys shared beforehand: for AES key wrap, for `direct`, for direct+HKDF. */
  readonly keks: readonly Uint8Array[];
};

/** What the content key is for. */
export type ContentPurpose = {
  readonly algorithm: number;
  readonly keySizeBytes: number;
  readonly context: KdfContext;
};

export type Recipient = { readonly headers: Headers; readonly wrapped: Uint8Array; readonly at: string };

function headersOf(protectedMap: HeaderMap, unprotected: HeaderMap): Headers {
  return { protected: protectedMap, protectedBytes: encodeProtected(protectedMap), unprotected };
}

type Agreement = { readonly publicKey: AgreementPublicKey; readonly kid?: boolean };

function agreementHeaders(alg: number, { publicKey, kid }: Agreement): { headers: Headers; secret: Uint8Array } {
  const ephemeral = AgreementKey.generate(publicKey.algorithm);
  const unprotected: HeaderMap = new Map([[LABEL_EPHEMERAL_KEY, ephemeralKeyMap(ephemeral.publicKey)]]);
  if (kid !== false) unprotected.set(LABEL_KID, coseKeyThumbprint(publicKey));
  return { headers: headersOf(new Map([[LABEL_ALG, alg]]), unprotected), secret: ephemeral.agree(publicKey) };
}

/** A recipient with the wrapped content key. @throws CryptoError CRYPTO_PARAMETER_INVALID */
export function encodeRecipient(options: RecipientOptions, contentKey: Uint8Array, context: KdfContext): CborValue {
  if (options.kind === 'aes-kw') {
    const unprotected: HeaderMap = new Map([[LABEL_ALG, options.alg]]);
    if (options.kid !== undefined) unprotected.set(LABEL_KID, options.kid);
    if (options.kek.length !== KEY_WRAPS.get(options.alg)) {
      throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'key-encryption key', actual: options.kek.length });
    }
    // RFC 9053 §6.2.1: AES-KW has no way to cover headers, so the protected bucket is empty.
    return [NO_BYTES, unprotected, aesKeyWrap(options.kek, contentKey)];
  }
  const { keyWrap, keySizeBytes } = wrapOf(options.keyWrap);
  const { headers, secret } = agreementHeaders(options.keyWrap, options);
  const kek = deriveRecipientKey({ hash: 'sha256', secret, algorithm: keyWrap, keySizeBytes, headers, context });
  return [headers.protectedBytes, headers.unprotected, aesKeyWrap(kek, contentKey)];
}

/** A recipient that settles the content key, and that key. */
export function encodeDirectRecipient(
  options: DirectRecipientOptions,
  purpose: ContentPurpose,
): { recipient: CborValue; contentKey: Uint8Array } {
  if (options.kind === 'direct') {
    const unprotected: HeaderMap = new Map([[LABEL_ALG, ALG_DIRECT]]);
    if (options.kid !== undefined) unprotected.set(LABEL_KID, options.kid);
    // RFC 9053 §6.1.1: both the protected bucket and the ciphertext are empty.
    return { recipient: [NO_BYTES, unprotected, NO_BYTES], contentKey: options.key };
  }
  const hash = DIRECT_AGREEMENTS.get(options.alg) ?? 'sha256';
  const { headers, secret } = agreementHeaders(options.alg, options);
  const contentKey = deriveRecipientKey({ hash, secret, headers, ...purpose });
  return { recipient: [headers.protectedBytes, headers.unprotected, NO_BYTES], contentKey };
}

function wrapOf(alg: CborValue): WrapRow {
  const row = AGREEMENT_WRAPS.get(alg);
  if (row === undefined) throw new CryptoError('CRYPTO_ALGORITHM_UNKNOWN', { kind: 'key agreement' });
  return row;
}

/** Reads the recipients of a message: at least one, and a bounded number. */
export function parseRecipients(item: CborValue, at: string): Recipient[] {
  const items = expectArray(item, `${at}.recipients`);
  if (items.length === 0 || items.length > RECIPIENTS_MAX) {
    throw new CoseError('COSE_HEADER_INVALID', { at: `${at}.recipients`, actual: items.length });
  }
  const recipients = items.map((element, index) => {
    const where = `${at}.recipients[${index}]`;
    // RFC 9052 §5.1: a fourth element would be recipients of the recipient; one layer is all that is used here.
    const [protectedItem, unprotectedItem, wrapped] = expectArray(element, where, 3);
    const headers = parseHeaders(protectedItem, unprotectedItem, where);
    return { headers, wrapped: wrapped === null ? NO_BYTES : expectBytes(wrapped, `${where}.key`), at: where };
  });
  // RFC 9052 §8.5.1, §8.5.4: a content key that is derived or shared can have no second recipient.
  if (recipients.length > 1 && recipients.some(isDirect)) {
    throw new CoseError('COSE_HEADER_INVALID', { at: `${at}.recipients`, expected: 'a direct recipient alone' });
  }
  return recipients;
}

function isDirect({ headers }: Recipient): boolean {
  const alg = recipientHeader(headers, LABEL_ALG);
  return alg === ALG_DIRECT || DIRECT_AGREEMENTS.has(alg) || DIRECT_DERIVATIONS.has(alg);
}

function unwrapOrNothing(kek: Uint8Array, wrapped: Uint8Array): Uint8Array[] {
  try {
    return [aesKeyUnwrap(kek, wrapped)];
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'CRYPTO_KEY_UNWRAP_FAILED') return [];
    throw error;
  }
}

/** The agreement keys to try: the one that the recipient names, or all, when the name is in the sender's own scheme. */
function namedKeys({ headers, at }: Recipient, keys: readonly AgreementKey[]): readonly AgreementKey[] {
  const kid = kidOf(headers, at);
  const named = kid && keys.filter((key) => isEqualBytes(coseKeyThumbprint(key.publicKey), kid));
  return named !== undefined && named.length > 0 ? named : keys;
}

function* secretsOf(recipient: Recipient, keys: readonly AgreementKey[]): Generator<Uint8Array> {
  const { headers, at } = recipient;
  const ephemeral = parseAgreementKey(recipientHeader(headers, LABEL_EPHEMERAL_KEY), `${at}.ephemeral-key`);
  for (const key of namedKeys(recipient, keys)) {
    if (key.publicKey.algorithm === ephemeral.algorithm) yield key.agree(ephemeral);
  }
}

/** Content keys that a recipient's wrap proves. */
export function* unwrapContentKeys(
  recipient: Recipient,
  keys: RecipientKeys,
  context: KdfContext,
): Generator<Uint8Array> {
  const { headers, wrapped } = recipient;
  const kekSizeBytes = KEY_WRAPS.get(headers.unprotected.get(LABEL_ALG));
  if (kekSizeBytes !== undefined && headers.protected.size === 0) {
    for (const kek of keys.keks) if (kek.length === kekSizeBytes) yield* unwrapOrNothing(kek, wrapped);
  }
  const wrap = AGREEMENT_WRAPS.get(headers.protected.get(LABEL_ALG));
  if (wrap === undefined) return;
  const { keyWrap, keySizeBytes } = wrap;
  for (const secret of secretsOf(recipient, keys.agreementKeys)) {
    const kek = deriveRecipientKey({ hash: 'sha256', secret, algorithm: keyWrap, keySizeBytes, headers, context });
    yield* unwrapOrNothing(kek, wrapped);
  }
}

/** Content keys that a recipient leads to but does not prove: the tag of the content decides. */
function* deriveContentKeys(recipient: Recipient, keys: RecipientKeys, purpose: ContentPurpose): Generator<Uint8Array> {
  const { headers, wrapped, at } = recipient;
  if (!isDirect(recipient)) return;
  // RFC 9053 §6.1, §6.3: there is nothing to carry.
  if (wrapped.length > 0) throw new CoseError('COSE_HEADER_INVALID', { at, expected: 'no wrapped key' });
  if (headers.unprotected.get(LABEL_ALG) === ALG_DIRECT && headers.protected.size === 0) {
    yield* keys.keks.filter((key) => key.length === purpose.keySizeBytes);
  }
  const alg = headers.protected.get(LABEL_ALG);
  const derivation = DIRECT_DERIVATIONS.get(alg);
  if (derivation !== undefined && hasFreshness(headers)) {
    for (const secret of keys.keks) yield deriveRecipientKey({ hash: derivation, secret, headers, ...purpose });
  }
  const agreement = DIRECT_AGREEMENTS.get(alg);
  if (agreement === undefined) return;
  for (const secret of secretsOf(recipient, keys.agreementKeys)) {
    yield deriveRecipientKey({ hash: agreement, secret, headers, ...purpose });
  }
}

/** Every content key of the right size that the keys at hand lead to. */
export function* contentKeysOf(
  recipients: readonly Recipient[],
  keys: RecipientKeys,
  purpose: ContentPurpose,
): Generator<Uint8Array> {
  for (const recipient of recipients) {
    for (const key of unwrapContentKeys(recipient, keys, purpose.context)) {
      if (key.length === purpose.keySizeBytes) yield key;
    }
    yield* deriveContentKeys(recipient, keys, purpose);
  }
}
