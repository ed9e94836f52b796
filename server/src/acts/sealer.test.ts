import assert from 'node:assert/strict';
import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Sealer } from './sealer.ts';

const SECRET = 'the secret of a data folder';
const random = () => new Uint8Array(randomBytes(32));
const sealer = new Sealer(SECRET, random);
const plain = new Uint8Array(randomBytes(32));

test('what is sealed is AES-256-GCM under a key derived from the secret of the folder, and opens for what it is for only', () => {
  const sealed = sealer.seal('webhook/1', plain);
  assert.deepEqual(sealer.open('webhook/1', sealed), plain);
  // By node:crypto, as the header of the file says.
  const key = new Uint8Array(hkdfSync('sha256', SECRET, '', 'pawl-server-1 sealing', 32));
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13));
  decipher.setAAD(Buffer.from('webhook/1')).setAuthTag(sealed.subarray(-16));
  const opened = Buffer.concat([decipher.update(sealed.subarray(13, -16)), decipher.final()]);
  assert.deepEqual(new Uint8Array(opened), plain);
  assert.throws(() => sealer.open('webhook/2', sealed), { code: 'SECRET_UNREADABLE' });
  assert.throws(() => new Sealer('another', random).open('webhook/1', sealed), { code: 'SECRET_UNREADABLE' });
  assert.notDeepEqual(sealer.seal('webhook/1', plain), sealed, 'each time under a nonce of its own');
});

test('a bit changed anywhere, and anything shorter, does not open', () => {
  const sealed = sealer.seal('x', plain);
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = sealed.map((byte, at) => (at === index ? byte ^ 1 : byte));
    assert.throws(() => sealer.open('x', changed), { code: 'SECRET_UNREADABLE' }, String(index));
    assert.throws(() => sealer.open('x', sealed.subarray(0, index)), { code: 'SECRET_UNREADABLE' }, String(index));
  }
});

test('the same folder has the same key and marks challenges in the same way; the names give nothing away', () => {
  const again = new Sealer(SECRET, random);
  assert.deepEqual([again.keyId, again.challengeSecret], [sealer.keyId, sealer.challengeSecret]);
  const all = [sealer.keyId, sealer.challengeSecret, new Sealer('another', random).keyId];
  assert.equal(new Set(all).size, 3);
  for (const text of all) assert.match(text, /^[0-9a-f]{64}$/);
});
