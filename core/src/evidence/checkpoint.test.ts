import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fromBase64, utf8 } from '../bytes/index.ts';
import { PrivateKey } from '../crypto/index.ts';
import { signCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { decodeNote, encodeVkey, parseVkey, signNote, verifyNote } from './signed-note.ts';

const ROOT = join(import.meta.dirname, '../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'tlog');
const skip = existsSync(VECTORS) ? false : `the vectors are not at ${VECTORS} (PAWL_VECTORS)`;
const read = (name: string): string => readFileSync(`${VECTORS}/${name}`, 'utf8');

const NAME = 'pawl.example/ledger';
const key = PrivateKey.generate('Ed25519');
const vkey = encodeVkey(NAME, key.publicKey);
const checkpoint = { origin: NAME, size: 7, root: new Uint8Array(32).fill(5) };

test('a signed checkpoint verifies and says origin, size and root', async () => {
  const verified = verifyCheckpoint(await signCheckpoint(checkpoint, NAME, key), vkey);
  assert.equal(verified.origin, NAME);
  assert.equal(verified.size, 7);
  assert.deepEqual(verified.root, checkpoint.root);
});

test('verifies the example note of the C2SP specification', { skip }, () => {
  const text = verifyNote(read('signed_note_example.txt'), parseVkey(read('signed_note_example.vkey').trim()));
  assert.equal(text, 'This is an example message.\n');
});

test('verifies the checkpoints of the tessera log and signs the very same ones', { skip }, async () => {
  const logVkey = read('tessera-testdata-log/log.vkey').trim();
  const encoded = read('tessera-testdata-log/log.sec.skey').trim().split('+').slice(4).join('+');
  const signer = PrivateKey.fromRaw('Ed25519', fromBase64(encoded).subarray(1));
  assert.equal(encodeVkey('example.com/log/testdata', signer.publicKey), logVkey);
  for (let size = 0; size <= 15; size += 1) {
    const note = read(`tessera-testdata-log/checkpoint.${size}`);
    const verified = verifyCheckpoint(note, logVkey);
    assert.equal(verified.size, size);
    const { origin, root } = verified;
    assert.equal(await signCheckpoint({ origin, size, root }, origin, signer), note);
  }
});

test('ignores signatures of other keys but refuses when ours is missing or fails', async () => {
  const note = await signCheckpoint(checkpoint, NAME, key);
  const other = PrivateKey.generate('Ed25519');
  const foreign = (await signCheckpoint(checkpoint, 'witness.example', other)).split('\n').at(-2);
  assert.equal(verifyCheckpoint(`${note}${foreign}\n`, vkey).size, 7);
  assert.throws(() => verifyCheckpoint(note, encodeVkey('witness.example', other.publicKey)), {
    code: 'CHECKPOINT_SIGNER_UNKNOWN',
  });
  // The same name with another key has another hash, so it is another key.
  assert.throws(() => verifyCheckpoint(note, encodeVkey(NAME, other.publicKey)), { code: 'CHECKPOINT_SIGNER_UNKNOWN' });
  const forged = note.replace('\n7\n', '\n8\n');
  assert.throws(() => verifyCheckpoint(forged, vkey), { code: 'CHECKPOINT_SIGNATURE_INVALID' });
  const good = note.split('\n').at(-2) ?? '';
  const bad = (await signCheckpoint({ ...checkpoint, size: 8 }, NAME, key)).split('\n').at(-2);
  assert.throws(() => verifyCheckpoint(note.replace(good, `${good}\n${bad}`), vkey), {
    code: 'CHECKPOINT_SIGNATURE_INVALID',
  });
});

test('refuses a checkpoint of another ledger under the same key', async () => {
  const note = await signCheckpoint({ ...checkpoint, origin: 'pawl.example/other' }, NAME, key);
  assert.throws(() => verifyCheckpoint(note, vkey), { code: 'CHECKPOINT_ORIGIN_UNEXPECTED' });
  assert.equal(verifyCheckpoint(note, vkey, 'pawl.example/other').size, 7);
});

test('refuses every truncation and every single-bit flip of a checkpoint', async () => {
  const bytes = utf8(await signCheckpoint(checkpoint, NAME, key));
  const codes = new Set(['CHECKPOINT_MALFORMED', 'CHECKPOINT_SIGNER_UNKNOWN', 'CHECKPOINT_SIGNATURE_INVALID']);
  const isRefused = (error: { code: string }): boolean => codes.has(error.code);
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => verifyCheckpoint(decodeNote(bytes.subarray(0, length)), vkey), isRefused);
  }
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => verifyCheckpoint(decodeNote(flipped), vkey), isRefused, `bit ${bit}`);
  }
});

test('refuses a note or checkpoint that is not of the one form', async () => {
  const texts = [
    `${NAME}\n07\n${'A'.repeat(43)}=\n`,
    `${NAME}\n-1\n${'A'.repeat(43)}=\n`,
    `${NAME}\n9007199254740992\n${'A'.repeat(43)}=\n`,
    `${NAME}\n1\n${'A'.repeat(42)}==\n`,
    `${NAME}\n1\n${'A'.repeat(43)}=\nextension\n`,
    `\n1\n${'A'.repeat(43)}=\n`,
  ];
  for (const text of texts) {
    const note = await signNote(text, NAME, key);
    assert.throws(() => verifyCheckpoint(note, vkey), { code: 'CHECKPOINT_MALFORMED' }, text);
  }
  const line = `— ${NAME} AAAAAAAA\n`;
  const notes = [
    'x',
    'x\n',
    'x\n\n',
    'x\n\n\n',
    `x\n\n${line.replace('—', '-')}`,
    'x\n\n— a AAAA\n',
    `x\n\n${line}junk\n`,
  ];
  for (const note of [...notes, `x\n\n${line.repeat(65)}`, `${'x'.repeat(70_000)}\n\n${line}`, `\ud800\n\n${line}`]) {
    assert.throws(() => verifyNote(note, parseVkey(vkey)), { code: 'CHECKPOINT_MALFORMED' }, note.slice(0, 80));
  }
  assert.throws(() => decodeNote(Uint8Array.of(0xff)), { code: 'CHECKPOINT_MALFORMED' });
  await assert.rejects(signCheckpoint({ ...checkpoint, origin: 'a\nb' }, NAME, key), { code: 'CHECKPOINT_MALFORMED' });
});

test('refuses a verification key that is not of the one form', () => {
  const [name, hash, encoded] = vkey.split('+') as [string, string, string];
  const malformed = [
    '',
    `${name}+${hash}`,
    `${name}+00000000+${encoded}`,
    `other+${hash}+${encoded}`,
    `${name}+${hash}+${'A'.repeat(44)}`,
    `${name}+${hash}+${encoded}\n`,
    `a b+${hash}+${encoded}`,
  ];
  for (const text of malformed) assert.throws(() => parseVkey(text), { code: 'VKEY_MALFORMED' }, text);
  assert.throws(() => encodeVkey('a b', key.publicKey), { code: 'VKEY_MALFORMED' });
  assert.throws(() => encodeVkey(NAME, PrivateKey.generate('ESP256').publicKey), { code: 'VKEY_MALFORMED' });
  assert.equal(encodeVkey(NAME, parseVkey(vkey).publicKey), vkey);
});

test('refuses a root that only looks like base64', async () => {
  const note = await signNote(`${NAME}\n7\n${'='.repeat(44)}\n`, NAME, key);
  assert.throws(() => verifyCheckpoint(note, vkey), { code: 'CHECKPOINT_MALFORMED' });
});
