import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { startJobs } from './schedule.ts';

beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
afterEach(() => mock.timers.reset());

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a job runs at its interval, and not at all once stopped', async () => {
  let runs = 0;
  const stop = startJobs([{ name: 'a', everyMs: 100, run: async () => (runs += 1) }], assert.fail);
  for (let turn = 0; turn < 3; turn += 1) {
    mock.timers.tick(100);
    await settle();
  }
  assert.equal(runs, 3);
  await stop();
  mock.timers.tick(1000);
  assert.equal(runs, 3);
});

test('a job that lasts is not started twice, and stopping waits for it', async () => {
  let runs = 0;
  let finish = (): void => undefined;
  const run = () =>
    new Promise<void>((resolve) => {
      runs += 1;
      finish = resolve;
    });
  const stop = startJobs([{ name: 'slow', everyMs: 100, run }], assert.fail);
  mock.timers.tick(500);
  assert.equal(runs, 1);
  let isStopped = false;
  const stopping = stop().then(() => (isStopped = true));
  await settle();
  assert.equal(isStopped, false);
  finish();
  await stopping;
});

test('a failure is told by the name of its job, and the next turn tries again', async () => {
  const failures: [string, unknown][] = [];
  const failure = new Error('no');
  const stop = startJobs([{ name: 'bad', everyMs: 100, run: () => Promise.reject(failure) }], (...all) =>
    failures.push(all),
  );
  for (let turn = 0; turn < 2; turn += 1) {
    mock.timers.tick(100);
    await settle();
  }
  assert.deepEqual(failures, [
    ['bad', failure],
    ['bad', failure],
  ]);
  await stop();
});
