/** Certificates that may sign foreign images: none over a key whose private half has been published. */
import { X509Certificate } from 'node:crypto';
import { CryptoError, PublicKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';

function publicKeyOf(pem: string): PublicKey | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    // What it is good for, the verification of an image says.
    return undefined;
  }
  try {
    return PublicKey.fromKeyObject(certificate.publicKey);
  } catch (error) {
    if (error instanceof CryptoError) return undefined;
    throw error;
  }
}

/**
 * Refuses a certificate over a published test key.
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export function assertOwnCertificate(pem: string): void {
  const key = publicKeyOf(pem);
  if (key !== undefined) assertNotTestKey(key);
}
