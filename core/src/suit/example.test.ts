import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import { buildTwoSlotManifest, describeManifest, explainEnvelope, signEnvelope, verifyEnvelope } from '@pawl/core/suit';

test('build, sign, verify and describe an update with two signatures', async () => {
  const image = utf8('firmware');
  const manifest = buildTwoSlotManifest({
    vendorDomain: 'kettles.example',
    classInfo: 'kettle board 2',
    sequenceNumber: 7n,
    securityCounter: 3n,
    version: '1.2.0',
    imageDigest: sha256(image),
    imageSizeBytes: image.length,
    payloadName: 'kettle.bin',
  });
  const classical = PrivateKey.generate('ESP256');
  const quantum = PrivateKey.generate('ML-DSA-65');
  const envelope = await signEnvelope(manifest, [classical, quantum]);

  // The policy is the receiver's: both algorithms must have signed, whatever the envelope brings.
  const verified = verifyEnvelope(envelope, {
    keys: [classical.publicKey, quantum.publicKey],
    requiredAlgorithms: ['ESP256', 'ML-DSA-65'],
    sequenceNumberMin: 6n,
  });
  assert.equal(describeManifest(verified).version, '1.2.0');
  assert.equal(explainEnvelope(envelope)[0]?.text, 'SUIT envelope, tag 107');
});
