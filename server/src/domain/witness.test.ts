/** Every answer that a witness, or whoever stands at its address, may give. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '@pawl/core/crypto';
import { cosign, emptyRoot, encodeVkey, encodeWitnessVkey, signCheckpoint } from '@pawl/core/evidence';
import { readWitnessAnswer } from './witness.ts';

const ledger = PrivateKey.generate('Ed25519');
const note = await signCheckpoint({ origin: 'ledger', size: 7, root: emptyRoot() }, 'ledger', ledger);
const signer = PrivateKey.generate('Ed25519');
const name = 'w.example';
const vkey = encodeWitnessVkey(name, signer.publicKey);
const atMs = 1_800_000_000_000;
const line = await cosign(note, { name, signer, atMs });
const asked = { vkey, note, oldSize: 3, size: 7 };
const read = (status: number, body: string, change = {}) =>
  readWitnessAnswer({ status, body }, { ...asked, ...change });

test('a cosignature is kept, those of others beside it are not', async () => {
  assert.deepEqual(read(200, `${line}\n`), { next: 'keep', line, atMs });
  const other = await cosign(note, { name: 'o.example', signer: PrivateKey.generate('Ed25519'), atMs });
  assert.deepEqual(read(200, `${other}\n${line}\n`), { next: 'keep', line, atMs });
  const refused = { next: 'give-up', state: 'refused' };
  for (const body of ['', `${other}\n`, 'welcome', `${line.slice(0, -8)}AAAAAAA=\n`, `— ${name} !\n`]) {
    const { next, state } = read(200, body) as { next: string; state?: string };
    assert.deepEqual({ next, state }, refused, body);
  }
  const log = encodeVkey(name, signer.publicKey);
  assert.equal(log === vkey, false);
});

test('of an answer with many lines one is kept, whatever name and key they say they are of', async () => {
  const older = await cosign(note, { name, signer, atMs: atMs - 1000 });
  const others = Array.from({ length: 70 }, (_, at) => `— ${name} ${Buffer.alloc(76, at).toString('base64')}`);
  assert.deepEqual(read(200, [...others, older, line, older, ''].join('\n')), { next: 'keep', line, atMs });
});

test('a cosignature that stood in the note before is no answer', () => {
  const again = { note: `${note}${line}\n` };
  const refused = { next: 'give-up', state: 'refused', detail: 'no cosignature of its key' };
  const junk = `— ${name} ${Buffer.alloc(76, 7).toString('base64')}`;
  for (const body of ['', `${junk}\n`]) assert.deepEqual(read(200, body, again), refused);
  assert.deepEqual(read(200, `${line}\n`, again), { next: 'keep', line, atMs });
});

test('a size of the witness is proven from, or says that the ledger was set back or forked', () => {
  assert.deepEqual(read(409, '5\n'), { next: 'prove', oldSize: 5 });
  assert.deepEqual(read(409, '0\n'), { next: 'prove', oldSize: 0 });
  assert.deepEqual(read(409, '7\n'), { next: 'prove', oldSize: 7 });
  assert.deepEqual(read(409, '9\n'), { next: 'behind', seen: 9 });
  assert.equal((read(409, '7\n', { oldSize: 7 }) as { state?: string }).state, 'forked');
  for (const body of ['3\n', '', '07\n', 'x'])
    assert.equal((read(409, body) as { state?: string }).state, 'refused', body);
  assert.equal((read(422, '') as { state?: string }).state, 'forked');
});

test('other answers say why, or that there was none', () => {
  for (const [status, state] of [
    [403, 'refused'],
    [404, 'refused'],
    [400, 'unreachable'],
    [302, 'unreachable'],
    [500, 'unreachable'],
    [429, 'unreachable'],
  ] as const) {
    assert.equal((read(status, line) as { state?: string }).state, state, String(status));
  }
});
