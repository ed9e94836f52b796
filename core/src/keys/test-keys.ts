/**
 * Published test keys, by thumbprint (RFC 9679): their private halves are in public repositories and drafts, so a product
 * that accepts one accepts anybody's firmware. Vendors have shipped them.
 */
import { keyIdOf } from '../cose/index.ts';
import type { AgreementPublicKey, PublicKey } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import { TEST_KEYS } from './test-key-list.ts';

/** A key whose private half has been published, and where. */
export type TestKey = { readonly id: string; readonly origin: string };

/** The published test key that this is, if it is one. For those who only warn. */
export function findTestKey(publicKey: PublicKey | AgreementPublicKey): TestKey | undefined {
  const id = keyIdOf(publicKey);
  const origin = TEST_KEYS.get(id);
  return origin === undefined ? undefined : { id, origin };
}

/**
 * Refuses a key whose private half has been published.
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export function assertNotTestKey(publicKey: PublicKey | AgreementPublicKey): void {
  const found = findTestKey(publicKey);
  if (found !== undefined) throw new KeysError('KEYS_TEST_KEY_BARRED', found);
}
