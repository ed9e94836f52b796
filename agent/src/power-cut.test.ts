/** Every cut of ../test/power-cut-worker.ts, in workers: they use all cores, and the test runner's hooks do not slow them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { CUT_MODES } from '../test/power-cut-disk.ts';

const ENDS = { healthy: 'the new image', failed: 'the former image, when the new one fails' } as const;

describe('a power cut at every change of the disk', { concurrency: true }, () => {
  for (const [verdict, end] of Object.entries(ENDS)) {
    test(`ends in ${end}`, async (context) => {
      const worker = new Worker(new URL('../test/power-cut-worker.ts', import.meta.url), { workerData: verdict });
      // What the worker throws rejects here.
      const [changes] = (await once(worker, 'message')) as [number[]];
      await once(worker, 'exit');
      assert.equal(changes.length, CUT_MODES.length);
      for (const count of changes) assert.ok(count > 50);
      context.diagnostic(`changes (${CUT_MODES.join(', ')}): ${changes.join(', ')}`);
    });
  }
});
