import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { appraise, signEvidence, verifyEvidence } from '@pawl/core/attest';
import { isEqualBytes, utf8 } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';

test('a device attests what it runs, and the one who asked appraises it', async () => {
  const deviceKey = PrivateKey.generate('ESP256');
  const image = utf8('the bytes in the slot');
  // The one who asks gives a nonce; the device measures and signs.
  const nonce = new Uint8Array(randomBytes(32));
  const evidence = await signEvidence(
    { nonce, version: '1.2.0', imageDigest: sha256(image), sequenceNumber: 7n, securityFloor: 3n },
    deviceKey,
  );
  // The one who asked knows the key of the device, and what the release says of the image.
  const reference = { version: '1.2.0', imageDigest: sha256(image), sequenceNumber: 7n, securityCounter: 3n };
  const verified = verifyEvidence(evidence, deviceKey.publicKey);
  const verdict = appraise(verified, reference, (given) => isEqualBytes(given, nonce));
  assert.equal(verdict.tier, 'affirming');
});
