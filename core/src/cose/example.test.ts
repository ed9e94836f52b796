import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@pawl/core/bytes';
import { decryptMessage, encryptMessage, signSign1, verifySign1 } from '@pawl/core/cose';
import { AgreementKey, PrivateKey } from '@pawl/core/crypto';

test('sign and verify a COSE_Sign1', async () => {
  const key = PrivateKey.generate('ESP256');
  const message = await signSign1({ payload: utf8('report'), contentType: 'text/plain' }, key);
  // The receiver says which keys are accepted; the message only says which one it claims.
  const verified = verifySign1(message, { keys: [key.publicKey] });
  assert.deepEqual(verified.payload, utf8('report'));
  assert.equal(verified.algorithm, 'ESP256');
});

test('encrypt for the holder of an agreement key (ECDH-ES+A256KW)', () => {
  const device = AgreementKey.generate();
  const message = encryptMessage({
    algorithm: 3,
    plaintext: utf8('secret'),
    recipients: [{ kind: 'ecdh-es', publicKey: device.publicKey, keyWrap: -31 }],
  });
  assert.deepEqual(decryptMessage(message, { agreementKeys: [device], keks: [] }), utf8('secret'));
});
