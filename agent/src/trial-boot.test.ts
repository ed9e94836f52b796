import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { runBootCommand } from './trial-boot.ts';

const slotPath = mkdtempSync(join(realpathSync(tmpdir()), 'pawl-boot-'));
after(() => rmSync(slotPath, { recursive: true }));

/** Whether a process runs; one that is dead and not yet collected does not. */
function isRunning(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the boot command', () => {
  const run = (script: string, timeoutMs = 60_000) =>
    runBootCommand({ command: ['sh', '-c', script], slotPath, timeoutMs });

  test('is healthy with status 0', async () => assert.equal(await run('exit 0'), 'healthy'));
  test('has failed with any other status', async () => {
    assert.equal(await run('exit 1'), 'failed');
    assert.equal(await run('exit 255'), 'failed');
  });
  test('has failed when a signal ends it', async () => assert.equal(await run('kill -9 $$'), 'failed'));

  test('has failed when it does not exist', async () => {
    const command = [join(slotPath, 'no-such-program')];
    assert.equal(await runBootCommand({ command, slotPath, timeoutMs: 60_000 }), 'failed');
  });

  test('gets the folder of the slot as its last argument, after its own words', async () => {
    const command = ['sh', '-c', 'printf %s "$1 $2" > "$2/words"', 'sh', 'own word'];
    assert.equal(await runBootCommand({ command, slotPath, timeoutMs: 60_000 }), 'healthy');
    assert.equal(readFileSync(join(slotPath, 'words'), 'utf8'), `own word ${slotPath}`);
  });

  test('is killed with all that it has started when it hangs', async () => {
    const script = 'sleep 600 & echo $$ $! > "$0/pids"; trap "" TERM; wait';
    assert.equal(await run(script, 500), 'timed-out');
    const pids = readFileSync(join(slotPath, 'pids'), 'utf8').trim().split(' ');
    assert.equal(pids.length, 2);
    for (let tries = 0; pids.some(isRunning) && tries < 100_000; tries += 1) await nextTick();
    assert.deepEqual(pids.filter(isRunning), []);
  });
});
