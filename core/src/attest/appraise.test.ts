import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEqualBytes } from '../bytes/index.ts';
import { PrivateKey, sha256 } from '../crypto/index.ts';
import { appraise, type ReferenceValues, type Verdict } from './appraise.ts';
import { signEvidence, verifyEvidence } from './eat.ts';
import type { EatClaims } from './eat-claims.ts';

const KEY = PrivateKey.generate('ESP256');
const NONCE = new Uint8Array(32).fill(7);
const GOOD: EatClaims = {
  nonce: NONCE,
  version: '1.2.0',
  imageDigest: sha256(Uint8Array.of(1)),
  sequenceNumber: 7n,
  securityFloor: 3n,
};
const REFERENCE: ReferenceValues = {
  version: '1.2.0',
  imageDigest: sha256(Uint8Array.of(1)),
  sequenceNumber: 7n,
  securityCounter: 3n,
};

async function judge(claims: Partial<EatClaims>, asked = NONCE): Promise<Verdict> {
  const evidence = verifyEvidence(await signEvidence({ ...GOOD, ...claims }, KEY), KEY.publicKey);
  return appraise(evidence, REFERENCE, (nonce) => isEqualBytes(nonce, asked));
}

test('a device that measures the release is affirmed, also with a floor above it', async () => {
  assert.deepEqual(await judge({}), { tier: 'affirming', reasons: [] });
  assert.deepEqual(await judge({ securityFloor: 4n }), { tier: 'affirming', reasons: [] });
});

test('each difference to the release speaks against the device, by a reason of its own', async () => {
  const other = sha256(Uint8Array.of(2));
  const TABLE: readonly (readonly [Partial<EatClaims>, readonly string[]])[] = [
    [{ imageDigest: other }, ['ATTEST_DIGEST_DIFFERS']],
    [{ version: '1.2.1' }, ['ATTEST_VERSION_DIFFERS']],
    [{ sequenceNumber: 6n }, ['ATTEST_SEQUENCE_NUMBER_DIFFERS']],
    [{ sequenceNumber: 8n }, ['ATTEST_SEQUENCE_NUMBER_DIFFERS']],
    [{ securityFloor: 2n }, ['ATTEST_SECURITY_FLOOR_TOO_LOW']],
    [
      { imageDigest: other, version: '1.1.0', sequenceNumber: 2n, securityFloor: 0n },
      [
        'ATTEST_DIGEST_DIFFERS',
        'ATTEST_VERSION_DIFFERS',
        'ATTEST_SEQUENCE_NUMBER_DIFFERS',
        'ATTEST_SECURITY_FLOOR_TOO_LOW',
      ],
    ],
  ];
  for (const [claims, reasons] of TABLE) {
    assert.deepEqual(await judge(claims), { tier: 'contraindicated', reasons });
  }
});

test('evidence for another nonce gets no verdict, whatever it says', async () => {
  await assert.rejects(judge({}, new Uint8Array(32)), { code: 'ATTEST_NONCE_UNKNOWN' });
  await assert.rejects(judge({ version: '0' }, new Uint8Array(32)), { code: 'ATTEST_NONCE_UNKNOWN' });
});
