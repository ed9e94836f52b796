/**
 * Signatures of `sw-description` (SWUpdate documentation, "Update images from verified source"): CMS under certificates, or
 * the bare signature that `openssl dgst -sha256 -sign` makes with an RSA key, PKCS #1 v1.5 or PSS, under public keys.
 *
 * A device is built for one kind. Here the registered keys say which can be: CMS under certificates, the bare ones under
 * public keys.
 */
import { constants, createHash, type KeyObject } from 'node:crypto';
import { importSpki } from '../crypto/index.ts';
import type { CmsSigner } from './certificate.ts';
import { isCmsStart, verifyDetachedCms } from './cms.ts';
import { ImageError } from './errors.ts';
import { checkKeyStrength, isSignatureOf } from './signature-algorithm.ts';

/** A signer that is known by its public key alone. */
export type KeySigner = {
  /** SHA-256 of the public key (SPKI), in hexadecimal. */
  readonly keySha256: string;
  readonly padding: 'pkcs1' | 'pss';
};

const PUBLIC_KEY = '-----BEGIN PUBLIC KEY-----';
const SCHEMES = [
  ['pkcs1', { scheme: 'rsa' }],
  // Signing tools take the longest salt or that of the digest; verifiers read it from the signature.
  ['pss', { scheme: 'rsa-pss', saltLength: constants.RSA_PSS_SALTLEN_AUTO }],
] as const;

function verifyBare(message: Uint8Array, signature: Uint8Array, keys: readonly KeyObject[]): KeySigner {
  for (const key of keys) checkKeyStrength(key);
  for (const [padding, algorithm] of SCHEMES) {
    const key = keys.find((each) => isSignatureOf({ message, signature, algorithm, digest: 'sha256' }, each));
    if (key === undefined) continue;
    const spki = key.export({ type: 'spki', format: 'der' });
    return { keySha256: createHash('sha256').update(spki).digest('hex'), padding };
  }
  throw new ImageError('IMAGE_SIGNATURE_INVALID', { expected: 'an RSA signature with SHA-256 by a registered key' });
}

/**
 * Verifies the signature of a description under registered certificates and public keys (PEM).
 * @throws ImageError IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, IMAGE_CERTIFICATE_MALFORMED; CryptoError CRYPTO_KEY_MALFORMED
 */
export function verifyDescriptionSignature(
  description: Uint8Array,
  signature: Uint8Array,
  keysPem: readonly string[],
): CmsSigner | KeySigner {
  const keys = keysPem.filter((pem) => pem.includes(PUBLIC_KEY)).map((pem) => importSpki(pem));
  const certificates = keysPem.filter((pem) => !pem.includes(PUBLIC_KEY));
  return keys.length > 0 && !isCmsStart(signature)
    ? verifyBare(description, signature, keys)
    : verifyDetachedCms(description, signature, certificates);
}
