/** What names a Mender client: its identity (JSON with sorted names) and its public key. Pure. */
import { isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PublicKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import { ServerError } from './errors.ts';

export type MenderPublicKey = { readonly pem: string; readonly keyId: string };

/**
 * One text for one identity. Mender's server hashes the text as it was sent, so that another order of the same members makes
 * another device there; here it does not.
 */
export function identityText(record: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(record).sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return JSON.stringify(Object.fromEntries(sorted));
}

/** A key that may name a device: RSA of 2048 bits and more, ECDSA, Ed25519. @throws ServerError MENDER_KEY_UNSUITABLE */
export function menderPublicKey(pem: string): MenderPublicKey {
  try {
    const key = PublicKey.fromSpki(pem);
    assertNotTestKey(key);
    return { pem: key.toSpkiPem(), keyId: keyIdOf(key) };
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new ServerError('MENDER_KEY_UNSUITABLE', { reason: cause.code }, cause);
  }
}
