import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { takeLock } from './lock.ts';

const dir = mkdtempSync(join(realpathSync(tmpdir()), 'pawl-lock-'));
after(() => rmSync(dir, { recursive: true }));

/** A second process, which takes the lock, says so and stays. */
const HOLDER = `
  const { takeLock } = await import(process.argv[1]);
  globalThis.lock = takeLock(process.argv[2]);
  process.stdout.write('held');
  setInterval(() => undefined, 60_000);
`;

describe('the lock of a state folder', () => {
  test('is held by one process, and free again when that is killed', async () => {
    const path = join(dir, 'lock');
    const words = ['--input-type=module', '-e', HOLDER, new URL('lock.ts', import.meta.url).href, path];
    const holder = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(holder, 'exit');
    try {
      await once(holder.stdout, 'data');
      assert.throws(() => takeLock(path), { code: 'AGENT_LOCKED' });
      assert.throws(() => takeLock(path), { code: 'AGENT_LOCKED' });
    } finally {
      holder.kill('SIGKILL');
    }
    await exit;
    const lock = takeLock(path);
    lock.release();
    takeLock(path).release();
  });

  test('cannot be taken where nothing can be written', () => {
    writeFileSync(join(dir, 'file'), '');
    assert.throws(() => takeLock(join(dir, 'file', 'lock')), { code: 'AGENT_STATE_READ_ONLY' });
    assert.throws(() => takeLock(join(dir, 'no folder', 'lock')), { code: 'AGENT_STATE_READ_ONLY' });
  });
});
