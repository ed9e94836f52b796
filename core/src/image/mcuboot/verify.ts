/**
 * Verifies MCUboot images (MCUboot v2.4, bootutil/image_validate.c; docs/encrypted_images.md): structure, decryption, image
 * hash, signature under a trusted key. Hash and signature are over the plaintext, so an encrypted image is authentic only
 * for those who can open it.
 *
 * Closed world: outside the signed region nothing may stand but the signature and what leads to it, and behind the image
 * nothing but erased flash and a trailer.
 */
import { createPrivateKey, hash, type KeyObject } from 'node:crypto';
import { concat, toHex } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { type ImageTrust, importTrustedKey } from '../trust.ts';
import { isHashOf } from './describe.ts';
import { factsOf, type McubootFacts } from './facts.ts';
import { aesCtr, unwrapImageKey } from './image-key.ts';
import { formatVersion, UNPROTECTED_TLVS } from './layout.ts';
import { type McubootImage, malformed, parseMcuboot } from './parse.ts';
import { algorithmOf, keyBytesOf, type McubootAlgorithm, verifySignature } from './signature.ts';
import { isPadding } from './trailer.ts';

/** What an authentic MCUboot image proved. */
export type VerifiedMcuboot = McubootFacts & {
  readonly format: 'mcuboot';
  readonly version: string;
  readonly algorithm: McubootAlgorithm;
  /** SHA-256 of the key that signed, in the form that MCUboot holds it. */
  readonly keySha256: string;
  readonly isEncrypted: boolean;
  readonly payloadSizeBytes: number;
  /** Of the payload in the clear. */
  readonly payloadSha256: string;
};

function checkClosed({ tlvs, rest }: McubootImage): void {
  const stray = tlvs.find(({ type, isProtected }) => !isProtected && !UNPROTECTED_TLVS.has(type));
  if (stray !== undefined) throw malformed(`a protected ${stray.name}`, 0, stray.type);
  if (!isPadding(rest)) throw malformed('nothing but erased flash and a trailer behind the image', 0, rest.length);
}

function readPrivateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is dropped on purpose: it is about secret bytes.
    throw new ImageError('IMAGE_KEY_MALFORMED', { what: 'decryption key' });
  }
}

/** The signed region in the clear. */
function openRegion(image: McubootImage, trust: ImageTrust): { region: Uint8Array; isEncrypted: boolean } {
  const { region, encryptedKey, aesKeySizeBytes, header } = image;
  if (encryptedKey === undefined || aesKeySizeBytes === 0) return { region, isEncrypted: false };
  // imgtool --clear: an image that will be encrypted on the device is still in the clear, and its hash fits as it is.
  if (isHashOf(image, region)) return { region, isEncrypted: false };
  const imageKey = unwrapImageKey(encryptedKey, aesKeySizeBytes, {
    privateKeys: (trust.decryptionKeysPem ?? []).map(readPrivateKey),
    keks: trust.decryptionKeks ?? [],
  });
  const payloadEnd = header.headerSize + header.payloadSize;
  const payload = aesCtr(imageKey, region.subarray(header.headerSize, payloadEnd));
  return {
    region: concat(region.subarray(0, header.headerSize), payload, region.subarray(payloadEnd)),
    isEncrypted: true,
  };
}

/**
 * Verifies an MCUboot image and hands out its payload in the clear.
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_SIGNER_UNKNOWN, IMAGE_SIGNATURE_INVALID, IMAGE_ALGORITHM_WEAK, IMAGE_DECRYPTION_*, IMAGE_KEY_MALFORMED, IMAGE_DIGEST_MISMATCH, IMAGE_TRUNCATED, IMAGE_MALFORMED
 * @throws CryptoError CRYPTO_KEY_MALFORMED
 */
export function openMcuboot(bytes: Uint8Array, trust: ImageTrust): { verified: VerifiedMcuboot; payload: Uint8Array } {
  const trusted = trust.keysPem.map((pem) => importTrustedKey(pem));
  // A key that can sign no image is an error of whoever trusts it, not a reason to look at the next.
  for (const key of trusted) algorithmOf(key);
  const image = parseMcuboot(bytes);
  const facts = factsOf(image.tlvs);
  checkClosed(image);
  if (image.signature === undefined) throw new ImageError('IMAGE_UNSIGNED', { format: 'mcuboot' });
  const { region, isEncrypted } = openRegion(image, trust);
  if (image.hash !== undefined && !isHashOf(image, region)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { format: 'mcuboot', algorithm: image.hash.name });
  }
  const { key, algorithm } = verifySignature(image, image.signature, region, trusted);
  const { headerSize, payloadSize, version } = image.header;
  const payload = region.slice(headerSize, headerSize + payloadSize);
  const verified: VerifiedMcuboot = {
    format: 'mcuboot',
    version: formatVersion(version),
    algorithm,
    keySha256: toHex(hash('sha256', keyBytesOf(key), 'buffer')),
    isEncrypted,
    ...facts,
    payloadSizeBytes: payloadSize,
    payloadSha256: hash('sha256', payload),
  };
  return { verified, payload };
}

/** Verifies an MCUboot image under the trusted keys; see `openMcuboot`. */
export async function verifyMcuboot(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedMcuboot> {
  return openMcuboot(bytes, trust).verified;
}
