/**
 * Passphrase to key: Argon2id (RFC 9106). The cost stands in the key file, so that it can rise later; what a file asks
 * for is bounded, so that a planted file cannot exhaust the machine. A secret that a machine made has 256 random bits,
 * which nobody guesses at any speed: it says so by its form, and pays the least.
 */
import { argon2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { toBase64Url, utf8 } from '../bytes/index.ts';
import { KeysError } from './errors.ts';

export type KdfParameters = {
  readonly name: 'argon2id';
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Uint8Array;
};

// RFC 9106 §4, second recommended option: t = 3, m = 64 MiB (with p = 1, since keys are opened on small machines too).
const PASSPHRASE_COST = { name: 'argon2id', memoryKiB: 64 * 1024, passes: 3, lanes: 1 } as const;
// The floor of KDF_BOUNDS: RFC 9106 makes guessing slow, and here is nothing to guess.
const RANDOM_SECRET_COST = { name: 'argon2id', memoryKiB: 8 * 1024, passes: 1, lanes: 1 } as const;
const RANDOM_SECRET = /^pawl-secret-[A-Za-z0-9_-]{43}$/;
const RANDOM_SECRET_SIZE_BYTES = 32;
export const SALT_SIZE_BYTES = 16;
const KEY_SIZE_BYTES = 32;
const PASSPHRASE_CHARS_MIN = 8;

export const KDF_BOUNDS = {
  memoryKiB: { min: 8 * 1024, max: 256 * 1024 },
  passes: { min: 1, max: 16 },
  lanes: { min: 1, max: 4 },
} as const;

const argon2Async = promisify(argon2);

/** A passphrase for machines to keep: 256 random bits, of a form that no person types. */
export function newRandomSecret(): string {
  return `pawl-secret-${toBase64Url(new Uint8Array(randomBytes(RANDOM_SECRET_SIZE_BYTES)))}`;
}

/** What sealing with this passphrase costs. */
export function costOfPassphrase(passphrase: string): Omit<KdfParameters, 'salt'> {
  return RANDOM_SECRET.test(passphrase) ? RANDOM_SECRET_COST : PASSPHRASE_COST;
}

/** A new passphrase is long enough to be worth the name. */
export function assertPassphrase(passphrase: string): void {
  if (passphrase.length < PASSPHRASE_CHARS_MIN) {
    throw new KeysError('KEYS_PASSPHRASE_TOO_SHORT', { expected: PASSPHRASE_CHARS_MIN });
  }
}

export async function derivePassphraseKey(passphrase: string, kdf: KdfParameters): Promise<Uint8Array> {
  const key = await argon2Async('argon2id', {
    // One passphrase can be typed in several Unicode forms; they shall all open the key.
    message: utf8(passphrase.normalize('NFC')),
    nonce: kdf.salt,
    parallelism: kdf.lanes,
    memory: kdf.memoryKiB,
    passes: kdf.passes,
    tagLength: KEY_SIZE_BYTES,
  });
  return new Uint8Array(key);
}
