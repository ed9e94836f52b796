import assert from 'node:assert/strict';
import { appendFile, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import {
  createLmsKeyFile,
  createLmsState,
  type KeyFile,
  LmsSigner,
  newRandomSecret,
  openKeyFile,
  resealKeyFile,
  resumeLmsState,
} from './index.ts';
import { reserveLeaf } from './lms-state.ts';

const PASSPHRASE = newRandomSecret();
const NOW = new Date('2026-05-04T03:02:01.000Z');
let folder = '';
let file: KeyFile;
let count = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-lms-'));
  const intent = { role: 'image', purpose: 'signs boot images', createdAt: NOW } as const;
  file = await createLmsKeyFile({ ...intent, passphrase: PASSPHRASE, height: 5, width: 4 });
});
after(() => rm(folder, { recursive: true }));

const newPath = (): string => join(folder, `state-${count++}`);
const reservation = (path: string, usedAtLeast = 0) => ({ path, keyId: file.id, signaturesMax: 32, usedAtLeast });
const open = (statePath: string, more: { usedAtLeast?: number; passphrase?: string } = {}): Promise<LmsSigner> =>
  LmsSigner.open({
    file,
    passphrase: PASSPHRASE,
    statePath,
    usedAtLeast: 0,
    now: NOW,
    lock: (work) => work(),
    ...more,
  });
/** RFC 8554 §6.2, §5.4: u32 levels - 1, then the leaf number of the LMS signature. */
const leafOf = (signature: Uint8Array): number => new DataView(signature.buffer, signature.byteOffset).getUint32(4);

test('uses each leaf once, over several openings, and stops when all are used', async () => {
  const path = newPath();
  await createLmsState(path, file.id);
  const leaves: number[] = [];
  for (const round of [0, 1]) {
    const signer = await open(path);
    for (let at = 0; at < 16; at++) {
      const message = utf8(`message ${round} ${at}`);
      const signature = await signer.sign(message);
      signer.publicKey.verify(message, signature);
      leaves.push(leafOf(signature));
    }
  }
  assert.deepEqual(
    leaves,
    Array.from({ length: 32 }, (_, leaf) => leaf),
  );
  const signer = await open(path);
  await assert.rejects(signer.sign(utf8('one too many')), { code: 'KEYS_EXHAUSTED' });
});

test('has the reservation on the disk before it signs', async () => {
  const path = newPath();
  await createLmsState(path, file.id);
  assert.equal(await reserveLeaf(reservation(path)), 0);
  // The process ends here, without a signature: the leaf is lost, and not used again.
  const signer = await open(path);
  assert.equal(leafOf(await signer.sign(utf8('m'))), 1);
});

test('takes half a line at the end for a reservation that was never made', async () => {
  const path = newPath();
  await createLmsState(path, file.id);
  await reserveLeaf(reservation(path));
  await appendFile(path, '00000');
  assert.equal(await reserveLeaf(reservation(path)), 1);
  assert.equal(await reserveLeaf(reservation(path)), 2);
  assert.match(await readFile(path, 'latin1'), /\n0000000000\n0000000001\n0000000002\n0000000003\n$/);
});

test('refuses a copy of its record, and a backup that was put back', async () => {
  const path = newPath();
  await createLmsState(path, file.id);
  await reserveLeaf(reservation(path));
  const backup = newPath();
  await copyFile(path, backup);
  await assert.rejects(reserveLeaf(reservation(backup)), { code: 'KEYS_STATE_RESTORED' });
  await reserveLeaf(reservation(path));
  await rename(backup, path);
  await assert.rejects(reserveLeaf(reservation(path)), { code: 'KEYS_STATE_RESTORED' });
  const signer = await open(path);
  await assert.rejects(signer.sign(utf8('m')), { code: 'KEYS_STATE_RESTORED' });
});

test('skips what is known to be used from elsewhere, where an old record says less', async () => {
  const path = newPath();
  await createLmsState(path, file.id);
  const old = await readFile(path);
  for (let at = 0; at < 5; at++) await reserveLeaf(reservation(path));
  // Written back into the very same file: only the signing log can tell.
  await writeFile(path, old);
  assert.equal(await reserveLeaf(reservation(path, 5)), 5);
  assert.equal(await reserveLeaf(reservation(path, 5)), 6);
});

test('refuses a record that is missing, of another key, or damaged', async () => {
  const path = newPath();
  const UNUSABLE = { code: 'KEYS_STATE_UNUSABLE' };
  await assert.rejects(reserveLeaf(reservation(path)), UNUSABLE);
  await createLmsState(path, file.id);
  await assert.rejects(createLmsState(path, file.id), { code: 'KEYS_FILE_EXISTS' });
  await reserveLeaf(reservation(path));
  await reserveLeaf(reservation(path));
  await assert.rejects(reserveLeaf({ ...reservation(path), keyId: '00'.repeat(32) }), UNUSABLE);
  const good = await readFile(path);
  const header = good.indexOf('\n') + 1;
  const last = '0000000002\n';
  const damaged = [
    new Uint8Array(),
    good.subarray(0, 20),
    good.subarray(0, header),
    Buffer.from(good.toString('latin1').replace(last, '0000000001\n'), 'latin1'),
    Buffer.from(good.toString('latin1').replace(last, '-000000002\n'), 'latin1'),
    Buffer.from(good.toString('latin1').replace(last, '00000000020'), 'latin1'),
    Buffer.concat([good, Buffer.alloc(1024 * 1024)]),
  ];
  for (const bytes of damaged) {
    await writeFile(path, bytes);
    await assert.rejects(reserveLeaf(reservation(path)), UNUSABLE);
  }
  await writeFile(path, good);
  assert.equal(await reserveLeaf(reservation(path)), 2);
});

test('goes on from a leaf that a person vouches for', async () => {
  const path = newPath();
  for (const from of [0, -1, 1.5, 2 ** 26]) {
    await assert.rejects(() => resumeLmsState(path, file.id, from), { code: 'KEYS_STATE_UNUSABLE' });
  }
  await resumeLmsState(path, file.id, 20);
  assert.equal(leafOf(await (await open(path)).sign(utf8('m'))), 20);
  await assert.rejects(resumeLmsState(path, file.id, 1), { code: 'KEYS_FILE_EXISTS' });
});

test('opens with its passphrase only, is sealed anew as any key, and is no key without state', async () => {
  const path = newPath();
  await assert.rejects(open(path, { passphrase: 'another one' }), { code: 'KEYS_PASSPHRASE_WRONG' });
  await assert.rejects(openKeyFile(file, PASSPHRASE), { code: 'KEYS_FILE_MALFORMED' });
  const made = await resealKeyFile(file, { old: PASSPHRASE, new: 'a new passphrase' });
  const options = { statePath: path, usedAtLeast: 0, now: NOW, lock: <T>(work: () => Promise<T>) => work() };
  const signer = await LmsSigner.open({ ...options, file: made, passphrase: 'a new passphrase' });
  assert.ok(signer.publicKey.isEqual((await open(path)).publicKey));
});
