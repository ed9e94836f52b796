import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { nodeDisk } from './disk.ts';
import { createJournal, Journal, readJournal } from './journal.ts';
import { initialState, type Release } from './state.ts';

const CORRUPT = { code: 'AGENT_JOURNAL_CORRUPT' };
const OLD: Release = {
  version: '1.0.0',
  sequenceNumber: '1',
  securityCounter: '1',
  envelopeSha256: '',
  imageSha256: '00',
  imageSizeBytes: 1,
};
const NEW: Release = { ...OLD, version: '1.1.0', sequenceNumber: '2', securityCounter: '18446744073709551615' };

let dir: string;
let path: string;
/** Where each record ends. */
let ends: number[];

beforeEach(async () => {
  dir = mkdtempSync(join(realpathSync(tmpdir()), 'pawl-journal-'));
  path = join(dir, 'journal');
  await createJournal(nodeDisk, path, initialState(OLD, '1'));
  ends = [statSync(path).size];
  const journal = await Journal.open(nodeDisk, path);
  for (const record of [
    { kind: 'begun', assignmentId: '7', release: NEW, slot: 'b' },
    { kind: 'staged' },
    { kind: 'trial', attempt: 1 },
    { kind: 'confirmed' },
  ] as const) {
    await journal.append(record);
    ends.push(statSync(path).size);
  }
  await journal.close();
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('a journal', () => {
  test('gives back what was appended', async () => {
    const { state, records } = await readJournal(nodeDisk, path);
    assert.equal(records, 5);
    assert.equal(state.floor, NEW.securityCounter);
    assert.deepEqual(state.installed, NEW);
    assert.equal(state.activeSlot, 'b');
    assert.deepEqual(state.finished, [{ assignmentId: '7', state: 'confirmed' }]);
  });

  test('is refused when any bit before the last record was changed', async () => {
    const good = new Uint8Array(readFileSync(path));
    for (let offset = 0; offset < ends[3]!; offset += 1) {
      writeFileSync(path, good.with(offset, good[offset]! ^ (1 << (offset % 8))));
      await assert.rejects(readJournal(nodeDisk, path), CORRUPT, `byte ${offset}`);
    }
    await assert.rejects(Journal.open(nodeDisk, path), CORRUPT);
  });

  test('is refused when a record was taken out of the middle, or two were exchanged', async () => {
    const good = readFileSync(path);
    const part = (index: number): Buffer => good.subarray(ends[index - 1] ?? 0, ends[index]);
    for (const order of [
      [0, 2, 3, 4],
      [0, 1, 3, 2, 4],
      [1, 2, 3, 4],
      [0, 0, 1, 2],
    ]) {
      writeFileSync(path, Buffer.concat(order.map(part)));
      await assert.rejects(readJournal(nodeDisk, path), CORRUPT, order.join());
    }
  });

  test('is refused when the first record is not whole, because there is no state without it', async () => {
    const good = readFileSync(path);
    for (const size of [0, 7, 8, 100, ends[0]! - 1]) {
      writeFileSync(path, good.subarray(0, size));
      await assert.rejects(Journal.open(nodeDisk, path), CORRUPT, `${size} bytes`);
    }
  });

  test('loses only the last record to a cut at any byte of it, cuts the rest off, and notes that', async () => {
    const good = readFileSync(path);
    const before = ends[3]!;
    for (let size = before + 1; size < good.length; size += 1) {
      writeFileSync(path, good.subarray(0, size));
      assert.equal((await readJournal(nodeDisk, path)).records, 4);
      const journal = await Journal.open(nodeDisk, path);
      assert.equal(journal.state.pending?.phase, 'trial');
      assert.equal(journal.state.floor, '1');
      assert.equal(journal.records, 5);
      await journal.append({ kind: 'confirmed' });
      await journal.close();
      assert.ok(readFileSync(path).includes(`{"kind":"torn-tail","sizeBytes":${size - before}}`), `${size} bytes`);
      assert.equal((await readJournal(nodeDisk, path)).state.floor, NEW.securityCounter);
    }
  });

  test('takes zeros, and a last record without its content, for a torn tail', async () => {
    const good = new Uint8Array(readFileSync(path));
    writeFileSync(path, good.slice().fill(0, ends[3]));
    assert.equal((await readJournal(nodeDisk, path)).records, 4);
    writeFileSync(path, good.slice().fill(0, ends[3]! + 8));
    assert.equal((await readJournal(nodeDisk, path)).records, 4);
  });

  test('is replaced by a snapshot of the same state when it is long, and goes on from its old head', async () => {
    const journal = await Journal.open(nodeDisk, path);
    const { state, head } = journal;
    await journal.compactIfLong();
    assert.equal(journal.head, head, 'short as it is, it stays');
    await journal.compactIfLong(1);
    assert.deepEqual(journal.state, state);
    assert.equal(journal.records, 6);
    assert.ok(readFileSync(path).includes(`"previousHead":"${head}"`));
    await journal.append({ kind: 'asked', assignmentId: '8' });
    await journal.close();
    const after = await readJournal(nodeDisk, path);
    assert.deepEqual(after.state, { ...state, askedFor: '8' });
    assert.equal(after.head, journal.head);
    assert.equal(after.records, 7);
  });

  test('writes a record again over what a failed append left behind', async () => {
    let isFull = true;
    const disk = {
      ...nodeDisk,
      open: async (name: string) => {
        const file = await nodeDisk.open(name);
        return {
          sizeBytes: () => file.sizeBytes(),
          read: (position: number, size: number) => file.read(position, size),
          truncate: (size: number) => file.truncate(size),
          sync: () => file.sync(),
          close: () => file.close(),
          write: async (position: number, bytes: Uint8Array) => {
            await file.write(position, isFull ? bytes.subarray(0, 60) : bytes);
            if (isFull) throw new Error('no space');
          },
        };
      },
    };
    const journal = await Journal.open(disk, path);
    const { head } = journal;
    await assert.rejects(journal.append({ kind: 'asked', assignmentId: 'a long one '.repeat(20) }), /no space/);
    assert.equal(journal.head, head);
    isFull = false;
    await journal.append({ kind: 'reported' });
    await journal.close();
    assert.equal((await readJournal(nodeDisk, path)).head, journal.head);
  });
});
