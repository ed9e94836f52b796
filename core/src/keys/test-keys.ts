/**
 * Published test keys, by thumbprint (RFC 9679): their private halves are in public repositories and drafts, so a product
 * that accepts one accepts anybody's firmware. Vendors have shipped them.
 */
import { keyIdOf } from '../cose/index.ts';
import type { AgreementPublicKey, PublicKey } from '../crypto/index.ts';
import { KeysError } from './errors.ts';

const TEST_KEYS: ReadonlyMap<string, string> = new Map([
  ['7e60053d1bdd374a71d12ab3b00ec4b0833d21558b128908a0d993d5c70da3ea', 'MCUboot root-ec-p256'],
  ['d775ee3931d4e8a21c82633f0a7e5731fd5a53fee923bf72b95ca5819dab0a8a', 'MCUboot root-ed25519'],
  ['9970a5b9e488165f06ef1630efac22c016c34da0e189f44e987721889ecd9b93', 'MCUboot enc-ec256'],
  ['ca9e35f23b2b525fb4fc83f512b0dcac4ac29e457e873a5d6a7313f71690b33c', 'SUIT manifest examples, trust anchor'],
  ['c770ec535d8c949586324adaf2ddffb76b1a852dfa52e19c80f7440ec163beea', 'libcsuit delegated authority and TAM'],
  ['e96788b10b1610abe478f9ce8dcfe2304c0911dd8cfeadde25ec30ccb5a7b5af', 'SUIT firmware encryption examples, device'],
  ['b71d9fc27ee9ce61a60560b2eeeef7f6934a6b9d57ce122b2b12e932cacbf1d9', 'COSE examples, key 11'],
  ['496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec', 'COSE examples, meriadoc.brandybuck'],
  ['6d2fa0f356b17af590e91c0100de2fa77a07b0c54616a6b9d7c172fab40a2a97', 'COSE examples, P384'],
  ['866eefbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a415743', 'RFC 8032 test 1'],
  ['b788acf242f1f1d6532926d816e76e1636874267f2a48c84c4e65789ab80cc02', 'RFC 9964 example, ML-DSA-65 seed of zeros'],
  ['6f7deef65d54a69905d309a53cb13fc7e9b9a40a32ca0fd4a09c71199c3f07cd', 'Ed25519 seed of zeros'],
  ['b5d5e1275063b1bec731a51c1133b69e5ae5812fe66d167516e88f3fadae55a4', 'P-256 private key 1'],
]);

/**
 * Refuses a key whose private half has been published.
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export function assertNotTestKey(publicKey: PublicKey | AgreementPublicKey): void {
  const id = keyIdOf(publicKey);
  const origin = TEST_KEYS.get(id);
  if (origin !== undefined) throw new KeysError('KEYS_TEST_KEY_BARRED', { id, origin });
}
