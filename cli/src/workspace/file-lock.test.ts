import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withFileLock } from './file-lock.ts';

const dir = mkdtempSync(join(tmpdir(), 'pawl-lock-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'lock');

/** Another process that takes the lock and holds it until it is killed. */
const HOLDER = `
import { withFileLock } from ${JSON.stringify(join(import.meta.dirname, 'file-lock.ts'))};
await withFileLock(${JSON.stringify(path)}, async () => {
  console.log('held');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
`;

test('waits for another process, says busy in the end, and takes over when that was killed', async () => {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', HOLDER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await assert.rejects(
      withFileLock(path, () => Promise.resolve('never'), 100),
      { code: 'CLI_SIGNING_LOG_BUSY' },
    );
  } finally {
    child.kill('SIGKILL');
  }
  assert.equal(await withFileLock(path, () => Promise.resolve('mine')), 'mine');
});

test('runs one at a time in this process, in order, whether the one before failed or not', async () => {
  const seen: string[] = [];
  const step = (name: string) => async () => {
    seen.push(`${name} in`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${name} out`);
    if (name === 'b') throw new Error('b fails');
  };
  const runs = await Promise.allSettled(['a', 'b', 'c'].map((name) => withFileLock(path, step(name))));
  assert.deepEqual(
    runs.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(seen, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
});

test('says when there is no place for the lock', async () => {
  await assert.rejects(
    withFileLock(join(dir, 'none', 'lock'), () => Promise.resolve(1)),
    { code: 'CLI_FILE_UNWRITABLE' },
  );
});
