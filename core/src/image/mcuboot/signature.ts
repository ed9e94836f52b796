/**
 * The signatures of MCUboot images (MCUboot v2.4, bootutil/image.h; imgtool keys/*.py): which keys there are, what each
 * signs, and how a key is named in an image. The key says which algorithm and hash it goes with, never the image.
 */
import { constants, hash, type KeyObject, verify } from 'node:crypto';
import { isEqualBytes } from '../../bytes/index.ts';
import { CryptoError, ecdsaDerToRaw } from '../../crypto/index.ts';
import { ImageError } from '../errors.ts';
import { HASH_TLVS, type McubootHash, TLV } from './layout.ts';
import { type McubootImage, type McubootTlv, malformed } from './parse.ts';

export type McubootAlgorithm = 'rsa2048-pss' | 'rsa3072-pss' | 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519';

export type McubootAlgorithmRow = {
  readonly name: McubootAlgorithm;
  readonly tlv: number;
  /** The image hashes that go with it, the default first. */
  readonly hashes: readonly McubootHash[];
  readonly isKey: (key: KeyObject) => boolean;
  /** True when the signature, as the TLV holds it, fits the region of the image. */
  readonly isValid: (message: Uint8Array, key: KeyObject, signature: Uint8Array) => boolean;
};

/** PSS as MCUboot has it: SHA-256, MGF1 with SHA-256, a salt of 32 bytes. */
export const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const;

/** Tools before imgtool 1.5 filled a signature up to the greatest size with zeros. */
const DER_PADDING_SIZE_BYTES_MAX = 8;

function withoutPadding(der: Uint8Array): Uint8Array {
  const end = 2 + (der[1] ?? 0);
  const padding = der.subarray(end);
  if (padding.length > DER_PADDING_SIZE_BYTES_MAX || padding.some((byte) => byte !== 0)) return der;
  return der.subarray(0, end);
}

function isValidEcdsa(algorithm: 'sha256' | 'sha384', halfSizeBytes: number): McubootAlgorithmRow['isValid'] {
  return (message, key, signature) => {
    try {
      const raw = ecdsaDerToRaw(withoutPadding(signature), halfSizeBytes);
      return verify(algorithm, message, { key, dsaEncoding: 'ieee-p1363' }, raw);
    } catch (cause) {
      if (cause instanceof CryptoError) return false;
      throw cause;
    }
  };
}

const isValidPss: McubootAlgorithmRow['isValid'] = (message, key, signature) =>
  verify('sha256', message, { key, ...PSS }, signature);

const isRsa = (bits: number) => (key: KeyObject) =>
  key.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === bits;
const isEc = (curve: string) => (key: KeyObject) =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;

const ROWS: readonly McubootAlgorithmRow[] = [
  { name: 'rsa2048-pss', tlv: TLV.rsa2048Pss, hashes: ['sha256'], isKey: isRsa(2048), isValid: isValidPss },
  { name: 'rsa3072-pss', tlv: TLV.rsa3072Pss, hashes: ['sha256'], isKey: isRsa(3072), isValid: isValidPss },
  {
    name: 'ecdsa-p256',
    tlv: TLV.ecdsa,
    hashes: ['sha256'],
    isKey: isEc('prime256v1'),
    isValid: isValidEcdsa('sha256', 32),
  },
  {
    name: 'ecdsa-p384',
    tlv: TLV.ecdsa,
    hashes: ['sha384'],
    isKey: isEc('secp384r1'),
    isValid: isValidEcdsa('sha384', 48),
  },
  {
    name: 'ed25519',
    tlv: TLV.ed25519,
    hashes: ['sha256', 'sha512'],
    isKey: (key) => key.asymmetricKeyType === 'ed25519',
    isValid: (message, key, signature) => verify(null, message, key, signature),
  },
];

/**
 * The algorithm that a key, public or private, signs images with.
 * @throws ImageError IMAGE_ALGORITHM_WEAK
 */
export function algorithmOf(key: KeyObject): McubootAlgorithmRow {
  const row = ROWS.find(({ isKey }) => isKey(key));
  if (row === undefined) {
    const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
    throw new ImageError('IMAGE_ALGORITHM_WEAK', {
      key: key.asymmetricKeyType,
      rsaBits: modulusLength,
      curve: namedCurve,
    });
  }
  return row;
}

/** A public key as MCUboot holds it: PKCS#1 for RSA, else SubjectPublicKeyInfo. */
export function keyBytesOf(publicKey: KeyObject): Uint8Array {
  const type = publicKey.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'spki';
  return new Uint8Array(publicKey.export({ type, format: 'der' }));
}

/** The digest that the signature is over instead of the region itself: Ed25519 that is not pure signs the image hash. */
export function messageOf(
  algorithm: McubootAlgorithm,
  isPure: boolean,
  region: Uint8Array,
  digest: Uint8Array,
): Uint8Array {
  return algorithm === 'ed25519' && !isPure ? digest : region;
}

function isNamed(publicKey: KeyObject, { type, value }: McubootTlv): boolean {
  const bytes = keyBytesOf(publicKey);
  if (type === TLV.publicKey) return isEqualBytes(bytes, value);
  // The hash of the key is of the same kind as that of the image; its length says which it is.
  return [...HASH_TLVS.values()].some((name) => isEqualBytes(hash(name, bytes, 'buffer'), value));
}

/** The trusted key that the image names. */
function findKey(tlvs: readonly McubootTlv[], trusted: readonly KeyObject[]): KeyObject {
  const names = tlvs.filter(({ type }) => type === TLV.keyHash || type === TLV.publicKey);
  const [name] = names;
  if (name === undefined || names.length > 1) throw malformed('one name of the signing key', 0, names.length);
  const key = trusted.find((each) => isNamed(each, name));
  if (key === undefined) throw new ImageError('IMAGE_SIGNER_UNKNOWN', { format: 'mcuboot' });
  return key;
}

/**
 * Verifies the signature of an image over its region, in the clear, whose hash has been checked. Returns the key that signed.
 * @throws ImageError IMAGE_SIGNER_UNKNOWN, IMAGE_SIGNATURE_INVALID, IMAGE_MALFORMED
 */
export function verifySignature(
  image: McubootImage,
  signature: McubootTlv,
  region: Uint8Array,
  trusted: readonly KeyObject[],
): { readonly key: KeyObject; readonly algorithm: McubootAlgorithm } {
  const { isPure } = image;
  const key = findKey(image.tlvs, trusted);
  const row = algorithmOf(key);
  const details = { format: 'mcuboot', algorithm: row.name };
  if (row.tlv !== signature.type)
    throw new ImageError('IMAGE_SIGNATURE_INVALID', { ...details, actual: signature.name });
  // image.h: pure signatures are defined for Ed25519 alone.
  if (isPure && row.name !== 'ed25519') throw malformed('a pure signature by Ed25519 only', 0);
  if (image.hash !== undefined && !isPure && !row.hashes.includes(image.hash.name)) {
    throw malformed(`the image hash that goes with ${row.name}`, 0);
  }
  const message = messageOf(row.name, isPure, region, image.hash?.value ?? new Uint8Array());
  if (!row.isValid(message, key, signature.value)) throw new ImageError('IMAGE_SIGNATURE_INVALID', details);
  return { key, algorithm: row.name };
}
