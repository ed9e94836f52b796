/**
 * Seals the secrets that the server must be able to read again (what signs webhooks), so that a copy of the database opens
 * nothing. A sealed secret is 1 (the format) ‖ nonce of 12 bytes ‖ AES-256-GCM ciphertext ‖ tag of 16, with what it is for as
 * additional data. The key is derived (HKDF-SHA256) from the secret of the data folder, which is in no database.
 */
import { toHex } from '@pawl/core/bytes';
import {
  AEAD_IV_SIZE_BYTES,
  AEAD_TAG_SIZE_BYTES,
  createAeadDecryptor,
  createAeadEncryptor,
  hkdfSha256,
  sha256,
} from '@pawl/core/crypto';
import { ServerError } from './errors.ts';

const FORMAT = 1;
/** AES-256-GCM. */
const ALGORITHM = 3;
const HEAD_BYTES = 1 + AEAD_IV_SIZE_BYTES;

export class Sealer {
  readonly #secret: Uint8Array;
  readonly #key: Uint8Array;
  readonly #random: () => Uint8Array;

  /** `random` gives at least 12 bytes. */
  constructor(secret: string, random: () => Uint8Array) {
    this.#secret = new Uint8Array(Buffer.from(secret, 'utf8'));
    this.#key = this.#derive('sealing');
    this.#random = random;
  }

  #derive(purpose: string): Uint8Array {
    const info = new Uint8Array(Buffer.from(`pawl-server-1 ${purpose}`, 'utf8'));
    return hkdfSha256({ secret: this.#secret, salt: new Uint8Array(), info, sizeBytes: 32 });
  }

  /** Names the key and opens nothing: by it all processes of one installation know that they have the same. */
  get keyId(): string {
    return toHex(sha256(this.#derive('key id')));
  }

  /** Marks challenges as this installation's own. */
  get challengeSecret(): string {
    return toHex(this.#derive('challenges'));
  }

  seal(what: string, secret: Uint8Array): Uint8Array {
    const iv = this.#random().subarray(0, AEAD_IV_SIZE_BYTES);
    const aad = new Uint8Array(Buffer.from(what, 'utf8'));
    const encryptor = createAeadEncryptor({ algorithm: ALGORITHM, key: this.#key, iv, aad });
    const sealed = encryptor.update(secret);
    return new Uint8Array(Buffer.concat([Buffer.of(FORMAT), iv, sealed, encryptor.final()]));
  }

  /** @throws ServerError SECRET_UNREADABLE */
  open(what: string, sealed: Uint8Array): Uint8Array {
    if (sealed[0] !== FORMAT || sealed.length < HEAD_BYTES + AEAD_TAG_SIZE_BYTES)
      throw new ServerError('SECRET_UNREADABLE', { what });
    const iv = sealed.subarray(1, HEAD_BYTES);
    const aad = new Uint8Array(Buffer.from(what, 'utf8'));
    const decryptor = createAeadDecryptor({ algorithm: ALGORITHM, key: this.#key, iv, aad });
    const secret = decryptor.update(sealed.subarray(HEAD_BYTES, -AEAD_TAG_SIZE_BYTES));
    try {
      decryptor.final(sealed.subarray(-AEAD_TAG_SIZE_BYTES));
    } catch (cause) {
      throw new ServerError('SECRET_UNREADABLE', { what }, cause);
    }
    return secret;
  }
}
