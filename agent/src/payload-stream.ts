/**
 * From the bytes on the wire to the bytes of the image, in one pass: digest of what came, decryption, digest of the
 * plaintext, slot. The tag is the last 16 bytes. Nothing is true before `finish` has checked all three.
 *
 * After a cut the pass is rebuilt from the plaintext that the slot holds already: encrypted again under the same key and
 * nonce it gives the ciphertext that came before, byte for byte, and so the state of the digest and of the decryption.
 * The ciphertext goes nowhere else, so the nonce is not used for anything new.
 */
import { concat, isEqualBytes } from '@pawl/core/bytes';
import type { ContentSecrets } from '@pawl/core/cose';
import {
  AEAD_TAG_SIZE_BYTES,
  type AeadDecryptor,
  type AeadEncryptor,
  createAeadDecryptor,
  createAeadEncryptor,
  newHash,
} from '@pawl/core/crypto';
import { AgentError } from './errors.ts';

const SHA_256 = -16;

export type PayloadExpectations = {
  readonly secrets: ContentSecrets | undefined;
  readonly imageSizeBytes: number;
  /** Digest of the plaintext, and its algorithm by COSE id. */
  readonly imageDigest: { readonly algorithm: number; readonly bytes: Uint8Array };
  /** Length and SHA-256 of the bytes on the wire, as listed. */
  readonly listedSizeBytes: number;
  readonly listedSha256: Uint8Array;
};

type Aead = { readonly decryptor: AeadDecryptor; readonly encryptor: AeadEncryptor };

function aeadOf(secrets: ContentSecrets): Aead {
  const { algorithm, contentKey, iv, aad } = secrets;
  const options = { algorithm, key: contentKey, iv, aad };
  return { decryptor: createAeadDecryptor(options), encryptor: createAeadEncryptor(options) };
}

export class PayloadStream {
  readonly #expected: PayloadExpectations;
  readonly #aead: Aead | undefined;
  readonly #wireHash = newHash(SHA_256);
  readonly #imageHash: ReturnType<typeof newHash>;
  #imageBytes = 0;
  #tag: Uint8Array = new Uint8Array(0);

  /** @throws AgentError AGENT_PAYLOAD_SIZE_MISMATCH when listed length and image size cannot both be true */
  constructor(expected: PayloadExpectations) {
    const { secrets, imageSizeBytes, listedSizeBytes } = expected;
    const needed = imageSizeBytes + (secrets === undefined ? 0 : AEAD_TAG_SIZE_BYTES);
    if (listedSizeBytes !== needed) {
      throw new AgentError('AGENT_PAYLOAD_SIZE_MISMATCH', { expected: needed, actual: listedSizeBytes });
    }
    this.#expected = expected;
    this.#aead = secrets === undefined ? undefined : aeadOf(secrets);
    this.#imageHash = newHash(expected.imageDigest.algorithm);
  }

  /** Takes plaintext that an earlier run wrote, from the front on. */
  recall(plain: Uint8Array): void {
    const wire = this.#aead === undefined ? plain : this.#aead.encryptor.update(plain);
    this.#aead?.decryptor.update(wire);
    this.#wireHash.update(wire);
    this.#imageHash.update(plain);
    this.#imageBytes += plain.length;
  }

  /** Takes the next bytes of the wire; the bytes of the image that they give. */
  update(wire: Uint8Array): Uint8Array {
    this.#wireHash.update(wire);
    const rest = this.#expected.imageSizeBytes - this.#imageBytes;
    const body = wire.subarray(0, rest);
    if (body.length < wire.length) this.#tag = concat(this.#tag, wire.subarray(rest));
    const plain = this.#aead === undefined ? body : this.#aead.decryptor.update(body);
    this.#imageHash.update(plain);
    this.#imageBytes += body.length;
    return plain;
  }

  /** @throws AgentError AGENT_PAYLOAD_DIGEST_MISMATCH; CryptoError CRYPTO_AUTHENTICATION_FAILED */
  finish(): void {
    const { listedSha256, imageDigest } = this.#expected;
    if (!isEqualBytes(this.#wireHash.digest(), listedSha256)) {
      throw new AgentError('AGENT_PAYLOAD_DIGEST_MISMATCH', { of: 'the payload' });
    }
    this.#aead?.decryptor.final(this.#tag);
    if (!isEqualBytes(this.#imageHash.digest(), imageDigest.bytes)) {
      throw new AgentError('AGENT_PAYLOAD_DIGEST_MISMATCH', { of: 'the image' });
    }
  }
}
