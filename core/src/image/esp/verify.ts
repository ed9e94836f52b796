/**
 * ESP-IDF images: what they say about themselves, and Secure Boot v2 (ESP-IDF v5, "Secure Boot v2"; espsecure): an image is
 * authentic when one of its signature blocks verifies under a trusted key. Every block must be sound, whoever signed it, and
 * a block with a trusted key must verify: the chip tries them all, so none may say something else.
 *
 * P-192 is weak by today's measure (SP 800-186); it is verified because some chips know it, and named in the result.
 */
import { constants, createHash, hash, type KeyObject, verify } from 'node:crypto';
import { concat, fromBase64Url, isEqualBytes, toHex } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import type { MemorySegment } from '../memory-segment.ts';
import { type ImageTrust, importTrustedKey } from '../trust.ts';
import { appOf, type EspApp } from './app-description.ts';
import { type EspImage, parseEspImage } from './parse.ts';
import { parseSignatureSector, type SignatureBlock, type SignatureScheme } from './signature-block.ts';

/** What an ESP-IDF image says about itself. */
export type EspImageDescription = {
  readonly format: 'esp-image';
  readonly sizeBytes: number;
  readonly chip: string;
  readonly entryAddress: number;
  readonly chipRevisionMin: number;
  readonly chipRevisionMax: number;
  readonly segments: readonly MemorySegment[];
  /** True when a SHA-256 stands behind the image; it has been checked. */
  readonly hasHash: boolean;
  /** Absent for bootloaders and the like. */
  readonly app?: EspApp;
  /** Secure Boot v2: scheme, and the SHA-256 of the key as it is burnt into the chip. */
  readonly signatures: readonly { readonly scheme: SignatureScheme; readonly keySha256: string }[];
};

/** What an authentic ESP-IDF image proved. */
export type VerifiedEspImage = {
  readonly format: 'esp-image';
  readonly chip: string;
  readonly app?: EspApp;
  readonly algorithm: SignatureScheme;
  /** SHA-256 of the key, as it is burnt into the chip. */
  readonly keySha256: string;
  /** Of all that is signed. */
  readonly signedSha256: string;
  readonly signedSizeBytes: number;
};

const CURVES: Readonly<
  Record<string, { readonly scheme: SignatureScheme; readonly id: number; readonly size: number }>
> = {
  prime192v1: { scheme: 'ecdsa-p192', id: 1, size: 24 },
  prime256v1: { scheme: 'ecdsa-p256', id: 2, size: 32 },
  secp384r1: { scheme: 'ecdsa-p384', id: 3, size: 48 },
};
const RSA_BITS = 3072;
const RSA_SIZE_BYTES = RSA_BITS / 8;

type TrustedKey = { readonly key: KeyObject; readonly scheme: SignatureScheme; readonly bytes: Uint8Array };

function toLittleEndian(value: bigint, sizeBytes: number): Uint8Array {
  const hex = value.toString(16).padStart(sizeBytes * 2, '0');
  return new Uint8Array(Buffer.from(hex, 'hex').reverse());
}

/** The inverse of an odd number modulo 2^32, by Newton's iteration: each step doubles the bits that are right. */
function inverseModulo32(value: bigint): bigint {
  let inverse = 1n;
  for (let step = 0; step < 5; step += 1) inverse = BigInt.asUintN(32, inverse * (2n - value * inverse));
  return inverse;
}

/** Modulus, exponent, and what the accelerator of the chip needs beside: 2^6144 mod n and -1/n mod 2^32. */
function rsaBytes(key: KeyObject): Uint8Array {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  const big = (text: string): bigint => BigInt(`0x${toHex(fromBase64Url(text))}`);
  const modulus = big(n);
  return concat(
    toLittleEndian(modulus, RSA_SIZE_BYTES),
    toLittleEndian(big(e), 4),
    toLittleEndian((1n << BigInt(RSA_BITS * 2)) % modulus, RSA_SIZE_BYTES),
    toLittleEndian(BigInt.asUintN(32, -inverseModulo32(modulus)), 4),
  );
}

/** The public key as a signature block holds it; a point of a short curve is filled up with zeros. */
function ecBytes(key: KeyObject, { id, size }: { id: number; size: number }): Uint8Array {
  const point = new Uint8Array(key.export({ format: 'raw-public' }));
  const bytes = new Uint8Array(1 + Math.max(64, 2 * size));
  bytes[0] = id;
  bytes.set(point.slice(1, 1 + size).reverse(), 1);
  bytes.set(point.slice(1 + size).reverse(), 1 + size);
  return bytes;
}

function trustedKeyOf(pem: string): TrustedKey {
  const key = importTrustedKey(pem);
  const { modulusLength, namedCurve, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isRsa = key.asymmetricKeyType === 'rsa' && modulusLength === RSA_BITS && publicExponent < 2n ** 32n;
  if (isRsa) return { key, scheme: 'rsa3072-pss', bytes: rsaBytes(key) };
  const curve = key.asymmetricKeyType === 'ec' ? CURVES[namedCurve ?? ''] : undefined;
  if (curve === undefined) {
    throw new ImageError('IMAGE_ALGORITHM_WEAK', {
      key: key.asymmetricKeyType,
      rsaBits: modulusLength,
      curve: namedCurve,
    });
  }
  return { key, scheme: curve.scheme, bytes: ecBytes(key, curve) };
}

function isValid({ scheme, signature }: SignatureBlock, { key }: TrustedKey, signed: Uint8Array): boolean {
  if (scheme === 'rsa3072-pss') {
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const;
    return verify('sha256', signed, { key, ...pss }, signature.toReversed());
  }
  const size = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']?.size ?? 0;
  const r = signature.slice(0, size).reverse();
  const s = signature.slice(size, 2 * size).reverse();
  const hasPadding = signature.subarray(2 * size).some((byte) => byte !== 0);
  const digest = scheme === 'ecdsa-p384' ? 'sha384' : 'sha256';
  return !hasPadding && verify(digest, signed, { key, dsaEncoding: 'ieee-p1363' }, concat(r, s));
}

function keySha256Of({ key }: SignatureBlock): string {
  return hash('sha256', key);
}

function factsOf(image: EspImage): { chip: string; app?: EspApp } {
  const app = appOf(image);
  return { chip: image.chip, ...(app === undefined ? {} : { app }) };
}

/**
 * Describes an ESP-IDF image and checks its structure, checksum and digests.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_DIGEST_MISMATCH
 */
export function describeEspImage(bytes: Uint8Array): EspImageDescription {
  const image = parseEspImage(bytes);
  const { blocks } = parseSignatureSector(bytes, image.sizeBytes);
  return {
    format: 'esp-image',
    sizeBytes: bytes.length,
    ...factsOf(image),
    entryAddress: image.entryAddress,
    chipRevisionMin: image.chipRevisionMin,
    chipRevisionMax: image.chipRevisionMax,
    segments: image.segments.map(({ address, sizeBytes }) => ({ address, sizeBytes })),
    hasHash: image.hasHash,
    signatures: blocks.map((block) => ({ scheme: block.scheme, keySha256: keySha256Of(block) })),
  };
}

/**
 * Verifies an ESP-IDF image by Secure Boot v2 under the trusted keys (RSA-3072 or ECDSA, PEM).
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_SIGNER_UNKNOWN, IMAGE_SIGNATURE_INVALID, IMAGE_ALGORITHM_WEAK, and those of `describeEspImage`
 * @throws CryptoError CRYPTO_KEY_MALFORMED
 */
export async function verifyEspImage(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedEspImage> {
  const trusted = trust.keysPem.map(trustedKeyOf);
  const image = parseEspImage(bytes);
  const { signed, blocks } = parseSignatureSector(bytes, image.sizeBytes);
  if (blocks.length === 0) throw new ImageError('IMAGE_UNSIGNED', { format: 'esp-image' });
  let proven: SignatureBlock | undefined;
  for (const block of blocks) {
    const key = trusted.find(({ scheme, bytes: own }) => scheme === block.scheme && isEqualBytes(own, block.key));
    if (key === undefined) continue;
    if (!isValid(block, key, signed)) {
      throw new ImageError('IMAGE_SIGNATURE_INVALID', { format: 'esp-image', algorithm: block.scheme });
    }
    proven ??= block;
  }
  if (proven === undefined) throw new ImageError('IMAGE_SIGNER_UNKNOWN', { format: 'esp-image' });
  return {
    format: 'esp-image',
    ...factsOf(image),
    algorithm: proven.scheme,
    keySha256: keySha256Of(proven),
    signedSha256: createHash('sha256').update(signed).digest('hex'),
    signedSizeBytes: signed.length,
  };
}
