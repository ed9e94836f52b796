/**
 * The key-encryption key of an ECDH-ES recipient (RFC 9053 §5.2, §6.4): HKDF-SHA-256 over the shared secret, bound to
 * the wrapping algorithm and the recipient's protected header by COSE_KDF_Context.
 *
 * SUIT firmware encryption (draft-ietf-suit-firmware-encryption §6.2) adds a fixed string as SuppPubInfo.other, so that
 * a key made for a payload cannot serve another protocol.
 */
import { utf8 } from '../bytes/index.ts';
import { type CborValue, encodeCbor } from '../cbor/index.ts';
import { hkdfSha256 } from '../crypto/index.ts';

export const SUIT_CONTEXT = 'SUIT Payload Encryption';
/** null: no SuppPubInfo.other, as in plain COSE. */
export type KdfContext = typeof SUIT_CONTEXT | null;

/** ECDH-ES+A128KW and ECDH-ES+A256KW. */
export type AgreementAlgorithm = -29 | -31;
/** AES-KW with a key shared beforehand: A128KW, A256KW. */
export type KeyWrapAlgorithm = -3 | -5;

const WRAPS: ReadonlyMap<number, { keyWrap: KeyWrapAlgorithm; keySizeBytes: number }> = new Map([
  [-29, { keyWrap: -3, keySizeBytes: 16 }],
  [-31, { keyWrap: -5, keySizeBytes: 32 }],
]);

export function isAgreementAlgorithm(alg: CborValue): alg is AgreementAlgorithm {
  return alg === -29 || alg === -31;
}

export function deriveKek(options: {
  readonly alg: AgreementAlgorithm;
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly protectedBytes: Uint8Array;
  readonly context: KdfContext;
}): Uint8Array {
  const wrap = WRAPS.get(options.alg);
  if (wrap === undefined) throw new TypeError(`no key wrap for algorithm ${options.alg}`);
  const suppPubInfo: CborValue[] = [wrap.keySizeBytes * 8, options.protectedBytes];
  if (options.context !== null) suppPubInfo.push(utf8(options.context));
  const party: CborValue[] = [null, null, null];
  const info = encodeCbor([wrap.keyWrap, party, party, suppPubInfo]);
  return hkdfSha256({ secret: options.secret, salt: options.salt, info, sizeBytes: wrap.keySizeBytes });
}
