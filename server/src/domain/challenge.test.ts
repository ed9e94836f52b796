import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { newChallenge, openChallenge } from './challenge.ts';

const random = new Uint8Array(randomBytes(32));
const NOW = Date.parse('2026-03-01T12:00:00Z');

test('a challenge is good for five minutes, for its purpose, under its secret', () => {
  const challenge = newChallenge('secret', 'sign-in', random, NOW);
  assert.deepEqual(openChallenge('secret', 'sign-in', challenge, NOW + 299_999), { expiresMs: NOW + 300_000 });
  assert.equal(openChallenge('secret', 'sign-in', challenge, NOW + 300_000), undefined);
  assert.equal(openChallenge('secret', 'passkey 1', challenge, NOW), undefined);
  assert.equal(openChallenge('other', 'sign-in', challenge, NOW), undefined);
});

test('no bit of a challenge can be changed, nor its length, nor its spelling', () => {
  const challenge = newChallenge('secret', 'sign-in', random, NOW);
  const bytes = Buffer.from(challenge, 'base64url');
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(openChallenge('secret', 'sign-in', flipped.toString('base64url'), NOW), undefined, String(bit));
  }
  for (const odd of [
    '',
    challenge.slice(1),
    `${challenge}A`,
    `${challenge}=`,
    ` ${challenge}`,
    bytes.toString('hex'),
  ]) {
    assert.equal(openChallenge('secret', 'sign-in', odd, NOW), undefined, odd);
  }
});

test('the MAC is what the comment says', () => {
  const bytes = Buffer.from(newChallenge('secret', 'p', random, NOW), 'base64url');
  const head = bytes.subarray(0, 24);
  assert.deepEqual([...head.subarray(0, 16)], [...random.subarray(0, 16)]);
  assert.equal(head.readBigUInt64BE(16), BigInt(NOW + 300_000));
  const said = Buffer.concat([Buffer.from('pawl-challenge-1\0p\0'), head]);
  assert.deepEqual(bytes.subarray(24), createHmac('sha256', 'secret').update(said).digest());
});
