/**
 * LMS keys in sealed files (RFC 8554, SP 800-208): the secret is a seed, and each signature wears one leaf of the tree out. The
 * signer reserves its leaf in the record beside the key file (`lms-state.ts`) before it signs, under a lock; a leaf that was
 * reserved and not used is lost, which is harmless.
 */
import { decodeCbor, encodeCbor, expectArray, expectBytes, expectInt } from '../cbor/index.ts';
import { keyIdOf } from '../cose/index.ts';
import { LmsPrivateKey, PublicKey, type Signer } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import { type SealOptions, sealSecret, unsealSecret } from './file-key.ts';
import { assertNotExpired, factsOf } from './key-facts.ts';
import type { KeyFile } from './key-file.ts';
import { reserveLeaf } from './lms-state.ts';

export type LmsKeyOptions = SealOptions & {
  /** 5, 10 or 15: 32, 1,024 or 32,768 signatures. */
  readonly height: 5 | 10 | 15;
  readonly width: 4 | 8;
};

function publicKeyOf(key: LmsPrivateKey): PublicKey {
  return PublicKey.fromRaw('HSS-LMS', key.publicKey.raw);
}

/**
 * Makes an LMS key and seals it; its record of used leaves is made with `createLmsState`.
 * @throws KeysError KEYS_ALGORITHM_NOT_ALLOWED, KEYS_PASSPHRASE_TOO_SHORT, KEYS_FILE_MALFORMED
 */
export async function createLmsKeyFile(options: LmsKeyOptions): Promise<KeyFile> {
  const { height, width } = options;
  const key = LmsPrivateKey.generate({ height, width });
  const facts = factsOf(publicKeyOf(key), { ...options, custody: options.custody ?? 'file' });
  const { identifier, seed } = key.secret;
  return sealSecret(facts, encodeCbor([height, width, identifier, seed]), options.passphrase);
}

function parseSecret(bytes: Uint8Array): LmsPrivateKey {
  const items = expectArray(decodeCbor(bytes), 'LMS secret');
  const height = expectInt(items[0], 'height');
  const width = expectInt(items[1], 'width');
  const isKnown = (height === 5 || height === 10 || height === 15) && (width === 4 || width === 8);
  if (!isKnown || items.length !== 4) throw new KeysError('KEYS_FILE_MALFORMED', { at: 'sealed' });
  const secret = {
    identifier: expectBytes(items[2], 'identifier').slice(),
    seed: expectBytes(items[3], 'seed').slice(),
  };
  return new LmsPrivateKey({ height, width, ...secret });
}

export type LmsSignerOptions = {
  readonly file: KeyFile;
  readonly passphrase: string;
  readonly statePath: string;
  readonly usedAtLeast: number;
  readonly now: Date;
  /** Runs work while no other process signs with this key. */
  readonly lock: <T>(work: () => Promise<T>) => Promise<T>;
};

/** An LMS key that remembers its leaves. */
export class LmsSigner implements Signer {
  readonly publicKey: PublicKey;
  readonly #key: LmsPrivateKey;
  readonly #options: LmsSignerOptions;

  private constructor(key: LmsPrivateKey, options: LmsSignerOptions) {
    this.publicKey = publicKeyOf(key);
    this.#key = key;
    this.#options = options;
  }

  /** @throws KeysError KEYS_PASSPHRASE_WRONG, KEYS_FILE_MALFORMED, KEYS_EXPIRED */
  static async open(options: LmsSignerOptions): Promise<LmsSigner> {
    const { file, passphrase, now } = options;
    assertNotExpired(file, now);
    if (file.algorithm !== 'HSS-LMS') throw new KeysError('KEYS_FILE_MALFORMED', { expected: 'HSS-LMS' });
    const secret = await unsealSecret(file, passphrase);
    const signer = new LmsSigner(parseSecret(secret), options);
    secret.fill(0);
    if (keyIdOf(signer.publicKey) !== file.id)
      throw new KeysError('KEYS_FILE_MALFORMED', { at: 'sealed', id: file.id });
    return signer;
  }

  /** @throws KeysError KEYS_STATE_UNUSABLE, KEYS_STATE_RESTORED, KEYS_EXHAUSTED */
  async sign(message: Uint8Array): Promise<Uint8Array> {
    const asked = message.slice();
    const { file, statePath, usedAtLeast, lock } = this.#options;
    const { signaturesMax } = this.#key;
    const leaf = await lock(() => reserveLeaf({ path: statePath, keyId: file.id, signaturesMax, usedAtLeast }));
    const signature = this.#key.signAtIndex(leaf, asked);
    this.publicKey.verify(asked, signature);
    return signature;
  }
}
