import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { describeImage, identifyImage, mcubootSigner, signMcuboot, verifyImage } from '@pawl/core/image';

test('sign an image for MCUboot, describe it, and verify it', async () => {
  const key = PrivateKey.generate('ESP256');
  const image = await signMcuboot({
    payload: utf8('firmware'),
    version: { major: 1, minor: 2, revision: 0, build: 0 },
    securityCounter: 3,
    signer: mcubootSigner(key),
  });
  assert.equal(identifyImage(image), 'mcuboot');
  assert.equal(describeImage(image).format, 'mcuboot');
  const verified = await verifyImage(image, { keysPem: [key.publicKey.toSpkiPem()] });
  assert.equal(verified.format, 'mcuboot');
  // Bytes that carry no signature are never authentic.
  await assert.rejects(verifyImage(utf8('firmware'), { keysPem: [] }), { code: 'IMAGE_UNSIGNED' });
});
