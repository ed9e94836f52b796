/**
 * Keys derived for a recipient (RFC 9053 §5.2, §6.1.2, §6.3, §6.4): HKDF over a secret, bound by COSE_KDF_Context to the
 * algorithm that the key is for, to both parties and to the recipient's protected header.
 *
 * SUIT firmware encryption (draft-ietf-suit-firmware-encryption §6.2) adds a fixed string as SuppPubInfo.other, so that
 * a key made for a payload cannot serve another protocol.
 */
import { utf8 } from '../bytes/index.ts';
import { type CborValue, encodeCbor, expectBytes } from '../cbor/index.ts';
import { hkdf } from '../crypto/index.ts';
import { type Headers, NO_BYTES } from './headers.ts';

export const SUIT_CONTEXT = 'SUIT Payload Encryption';
/** null: no SuppPubInfo.other, as in plain COSE. */
export type KdfContext = typeof SUIT_CONTEXT | null;

/** ECDH-ES+A128KW, +A192KW, +A256KW. */
export type AgreementAlgorithm = -29 | -30 | -31;
/** AES-KW with a key shared beforehand: A128KW, A192KW, A256KW. */
export type KeyWrapAlgorithm = -3 | -4 | -5;
/** ECDH-ES+HKDF-256 and -512: the derived key is the content key itself. */
export type DirectAgreementAlgorithm = -25 | -26;

const LABEL_SALT = -20;
/** Identity, nonce and other information of party U and party V. */
const LABELS_PARTY_U = [-21, -22, -23];
const LABELS_PARTY_V = [-24, -25, -26];

export type WrapRow = { readonly keyWrap: KeyWrapAlgorithm; readonly keySizeBytes: number };

/** Key agreement algorithms that wrap the content key: the wrap, and the size of its key. */
export const AGREEMENT_WRAPS: ReadonlyMap<CborValue, WrapRow> = new Map([
  [-29, { keyWrap: -3, keySizeBytes: 16 }],
  [-30, { keyWrap: -4, keySizeBytes: 24 }],
  [-31, { keyWrap: -5, keySizeBytes: 32 }],
]);

/** Algorithms that derive the content key itself, and their hash: ECDH-ES+HKDF, direct+HKDF-SHA. */
export const DIRECT_AGREEMENTS: ReadonlyMap<CborValue, 'sha256' | 'sha512'> = new Map([
  [-25, 'sha256'],
  [-26, 'sha512'],
]);
export const DIRECT_DERIVATIONS: ReadonlyMap<CborValue, 'sha256' | 'sha512'> = new Map([
  [-10, 'sha256'],
  [-11, 'sha512'],
]);

/** A header of a recipient, from whichever bucket: the KDF covers what matters, or it does not fit. */
export function recipientHeader(headers: Headers, label: number): CborValue {
  return headers.protected.get(label) ?? headers.unprotected.get(label);
}

function partyOf(headers: Headers, labels: readonly number[]): CborValue[] {
  return labels.map((label) => recipientHeader(headers, label) ?? null);
}

/** Derives the key for `algorithm` from the secret of a recipient. */
export function deriveRecipientKey(options: {
  readonly hash: 'sha256' | 'sha512';
  readonly secret: Uint8Array;
  /** The algorithm that the key is for: the key wrap, or the algorithm of the content. */
  readonly algorithm: number;
  readonly keySizeBytes: number;
  readonly headers: Headers;
  readonly context: KdfContext;
}): Uint8Array {
  const { headers, keySizeBytes, secret } = options;
  const suppPubInfo: CborValue[] = [keySizeBytes * 8, headers.protectedBytes];
  if (options.context !== null) suppPubInfo.push(utf8(options.context));
  const parties = [partyOf(headers, LABELS_PARTY_U), partyOf(headers, LABELS_PARTY_V)];
  const info = encodeCbor([options.algorithm, ...parties, suppPubInfo]);
  const saltItem = recipientHeader(headers, LABEL_SALT);
  const salt = saltItem === undefined ? NO_BYTES : expectBytes(saltItem, 'salt');
  return hkdf(options.hash, { secret, salt, info, sizeBytes: keySizeBytes });
}

/** RFC 9053 §6.1.2: a shared secret that is used again needs a salt or a nonce of party U, or all keys are one. */
export function hasFreshness(headers: Headers): boolean {
  const [, nonceLabel = 0] = LABELS_PARTY_U;
  return [LABEL_SALT, nonceLabel].some((label) => recipientHeader(headers, label) !== undefined);
}
