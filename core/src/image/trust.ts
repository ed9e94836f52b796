import { type KeyObject, X509Certificate } from 'node:crypto';
import { importSpki } from '../crypto/index.ts';
import { ImageError } from './errors.ts';

/** What whoever verifies an image trusts, as it stands in files. */
export type ImageTrust = {
  /** PEM texts, each a public key or an X.509 certificate, as the format wants it. */
  readonly keysPem: readonly string[];
  /** Private keys (PKCS#8 PEM) that open encrypted images. */
  readonly decryptionKeysPem?: readonly string[];
  /** Symmetric keys of 16 or 32 bytes that open encrypted images. */
  readonly decryptionKeks?: readonly Uint8Array[];
};

const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/**
 * The key of a trusted text, for formats that know keys only: a public key, or the one in a certificate. Of the certificate
 * nothing else counts: who gives it as trusted has said so.
 * @throws CryptoError CRYPTO_KEY_MALFORMED; ImageError IMAGE_CERTIFICATE_MALFORMED
 */
export function importTrustedKey(pem: string): KeyObject {
  if (!pem.includes(CERTIFICATE)) return importSpki(pem);
  try {
    return new X509Certificate(pem).publicKey;
  } catch (cause) {
    throw new ImageError('IMAGE_CERTIFICATE_MALFORMED', {}, cause);
  }
}
