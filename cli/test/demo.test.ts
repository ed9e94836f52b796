import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');

async function demo(cwd: string, ...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN, 'demo', ...words], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { status, out, err };
}

describe('pawl demo', { timeout: 90_000 }, () => {
  test('does all that it promises in under a minute', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'pawl-demo-'));
    try {
      const { status, out, err } = await demo(dir, '--exit', '--json');
      assert.equal(status, 0, err + out);
      const { isExpected, elapsedS, rows } = JSON.parse(out);
      assert.equal(isExpected, true);
      assert.ok(elapsedS < 60, `${elapsedS} s`);
      const results = rows.map(({ device, result }: { device: string; result: string }) => `${device} ${result}`);
      assert.deepEqual(results, [
        'hub-1 confirmed',
        'hub-2 confirmed',
        'hub-3 confirmed',
        'hub-4 refused',
        'hub-4 refused',
        'hub-4 refused',
        'hub-4 refused',
        'hub-1 reverted',
        'hub-4 confirmed',
        'ledger proven',
        'hub met',
        'sensor gap',
        'hub-lumen gap',
      ]);
      const codes = new Set(rows.slice(3, 7).map(({ code }: { code: string }) => code));
      assert.equal(codes.size, 4, 'each attack has its own code');
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test('touches no folder that it did not make', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'pawl-demo-'));
    try {
      await mkdir(join(dir, '.pawl/demo'), { recursive: true });
      await writeFile(join(dir, '.pawl/demo/precious'), 'mine');
      const { status, err } = await demo(dir, '--exit');
      assert.equal(status, 1);
      assert.match(err, /DEMO_FOLDER_FOREIGN/);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});
