/**
 * Signers whose key is elsewhere. What comes from outside is a signature only when it verifies under the key that was
 * asked for: a tool that answers with another key, for another message or with noise is found here, before anybody builds
 * on it.
 */
import { isCodedError } from '../bytes/index.ts';
import { type PublicKey, SIGNATURE_ALGORITHMS, type Signer } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import { askExec } from './exec-signer.ts';
import { assertNotExpired, signingKeyOf } from './key-facts.ts';
import type { KeyReference, SignerAddress } from './key-reference.ts';
import { askPkcs11 } from './pkcs11-signer.ts';
import type { Environment, SigningRequest } from './run-tool.ts';

class ExternalSigner implements Signer {
  readonly publicKey: PublicKey;
  readonly #address: SignerAddress;
  readonly #env: Environment;

  constructor(publicKey: PublicKey, address: SignerAddress, env: Environment) {
    this.publicKey = publicKey;
    this.#address = address;
    this.#env = env;
  }

  #ask(message: Uint8Array): Promise<Uint8Array> {
    const request: SigningRequest = { publicKey: this.publicKey, message, env: this.#env };
    return this.#address.kind === 'pkcs11' ? askPkcs11(this.#address, request) : askExec(this.#address, request);
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    // A copy: what is verified below is what was asked for, even if the caller's bytes change meanwhile.
    const asked = message.slice();
    const signature = await this.#ask(asked);
    const { signatureSizeBytes } = SIGNATURE_ALGORITHMS[this.publicKey.algorithm];
    if (signatureSizeBytes !== null && signature.length !== signatureSizeBytes) {
      throw new KeysError('KEYS_SIGNATURE_MALFORMED', { expected: signatureSizeBytes, actual: signature.length });
    }
    try {
      this.publicKey.verify(asked, signature);
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw new KeysError('KEYS_SIGNER_MISMATCH', { signer: this.#address.kind }, cause);
    }
    return signature;
  }
}

/** A signer at an address, for a public key that is known. */
export function newExternalSigner(publicKey: PublicKey, address: SignerAddress, env: Environment): Signer {
  return new ExternalSigner(publicKey, address, env);
}

/**
 * The signer of a key reference. The key is asked for nothing yet.
 * @throws KeysError KEYS_EXPIRED
 */
export function openKeyReference(
  reference: KeyReference,
  { env, now }: { readonly env: Environment; readonly now: Date },
): Signer {
  assertNotExpired(reference, now);
  return newExternalSigner(signingKeyOf(reference), reference.signer, env);
}
