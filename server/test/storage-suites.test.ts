/** The suites of the acts, which elsewhere run over SQLite, once more over PostgreSQL: the same cases, the same answers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';

/** Those that take long, and differ little, in `npm run test:exhaustive`. */
const LONG = [
  'access-matrix',
  'audit',
  'events',
  'gateways',
  'mender-admission',
  'mender-deployments',
  'transfer',
  'vulnerability-exposure',
  'webhooks',
];
const OFTEN = ['rollout', 'rollout-policy', 'attestation', 'device-filter', 'people', 'races', 'hostile-texts'];
const SUITES = process.env['PAWL_EXHAUSTIVE'] === undefined ? OFTEN : [...OFTEN, ...LONG];

test('what holds over SQLite holds over PostgreSQL', { skip: skipWithoutPostgres() }, async (t) => {
  const cluster = await PostgresCluster.start();
  t.after(() => cluster.close());
  const files = SUITES.map((name) => join(import.meta.dirname, `${name}.test.ts`));
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', '--test-concurrency=2', ...files], {
    env: { ...env, PAWL_TEST_POSTGRES: cluster.url('postgres') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(
    code,
    0,
    output
      .split('\n')
      .filter((line) => /not ok|error:|failureType/.test(line))
      .join('\n'),
  );
  assert.match(output, /^# pass [1-9]/m);
});
