/**
 * Keys that sign MCUboot images. A key may come from a PEM file or be a signer of the workspace; those that everybody knows
 * from MCUboot's own repository are barred.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  AgreementPublicKey,
  ecdsaRawToDer,
  importSpki,
  PublicKey,
  type SignatureAlgorithm,
  type Signer,
} from '../../crypto/index.ts';
import { assertNotTestKey } from '../../keys/index.ts';
import { ImageError } from '../errors.ts';
import type { McubootRecipient } from './image-key.ts';
import { algorithmOf, PSS } from './signature.ts';

/** Something that signs images with one key; the signature comes in the form in which an image holds it. */
export interface McubootSigner {
  readonly publicKey: KeyObject;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** The algorithms of the workspace that MCUboot has, and how their signatures become those of an image. */
const FORMS: Readonly<Partial<Record<SignatureAlgorithm, (signature: Uint8Array) => Uint8Array>>> = {
  ESP256: ecdsaRawToDer,
  ESP384: ecdsaRawToDer,
  Ed25519: (signature) => signature,
  PS256: (signature) => signature,
};

/**
 * A signer of the workspace, or in hardware, as a signer of images.
 * @throws ImageError IMAGE_ALGORITHM_WEAK
 */
export function mcubootSigner(signer: Signer): McubootSigner {
  const { algorithm } = signer.publicKey;
  const form = FORMS[algorithm];
  if (form === undefined) throw new ImageError('IMAGE_ALGORITHM_WEAK', { algorithm });
  const publicKey = importSpki(signer.publicKey.toSpkiDer());
  algorithmOf(publicKey);
  return { publicKey, sign: async (message) => form(await signer.sign(message)) };
}

function readPrivateKey(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch {
    // The cause is dropped on purpose: it is about secret bytes.
    throw new ImageError('IMAGE_KEY_MALFORMED', { what: 'signing key' });
  }
}

/**
 * A private key in PEM, such as imgtool makes it, as a signer of images.
 * @throws ImageError IMAGE_KEY_MALFORMED, IMAGE_ALGORITHM_WEAK
 */
export function mcubootSignerFromPem(pem: string, passphrase?: string): McubootSigner {
  const key = readPrivateKey(pem, passphrase);
  const { name, hashes } = algorithmOf(key);
  const isEd25519 = name === 'ed25519';
  const options = name.startsWith('rsa') ? { key, ...PSS } : { key };
  return {
    publicKey: createPublicKey(key),
    sign: async (message) => new Uint8Array(sign(isEd25519 ? null : (hashes[0] ?? null), message, options)),
  };
}

/**
 * The public key of a device, in PEM, as the one that an image is encrypted for.
 * @throws CryptoError CRYPTO_KEY_MALFORMED
 */
export function mcubootRecipientFromPem(pem: string, mac?: 'sha256' | 'sha512'): McubootRecipient {
  return { publicKey: importSpki(pem), ...(mac === undefined ? {} : { mac }) };
}

/**
 * Refuses to encrypt for a key whose private half has been published.
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export function assertRecipientAllowed(recipient: McubootRecipient): void {
  if ('kek' in recipient) return;
  const { publicKey } = recipient;
  const isRsa = publicKey.asymmetricKeyType === 'rsa';
  assertNotTestKey(isRsa ? PublicKey.fromKeyObject(publicKey) : AgreementPublicKey.fromKeyObject(publicKey));
}

/**
 * Refuses to sign with a key whose private half has been published.
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export function assertSignerAllowed({ publicKey }: McubootSigner): void {
  assertNotTestKey(PublicKey.fromKeyObject(publicKey));
}
