import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@pawl/core/bytes';
import { createAeadDecryptor, createAeadEncryptor, PrivateKey, PublicKey } from '@pawl/core/crypto';

test('sign, and verify by a key that knows its algorithm', async () => {
  const key = PrivateKey.generate('ML-DSA-65');
  const signature = await key.sign(utf8('firmware'));
  const publicKey = PublicKey.fromSpki(key.publicKey.toSpkiPem());
  publicKey.verify(utf8('firmware'), signature); // returns only when it fits
  assert.throws(() => publicKey.verify(utf8('other'), signature), { code: 'CRYPTO_SIGNATURE_INVALID' });
});

test('encrypt and decrypt in a stream; nothing counts before final has passed', () => {
  // A256GCM. One key and nonce encrypt one thing, once.
  const options = {
    algorithm: 3,
    key: new Uint8Array(32),
    iv: new Uint8Array(12),
    aad: utf8('what it is for'),
  } as const;
  const encryptor = createAeadEncryptor(options);
  const ciphertext = encryptor.update(utf8('image'));
  const tag = encryptor.final();
  const decryptor = createAeadDecryptor(options);
  assert.deepEqual(decryptor.update(ciphertext), utf8('image'));
  decryptor.final(tag); // throws when a bit was changed
});
