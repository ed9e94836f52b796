/** What the benchmarks of the server share: the load in a process of its own, its rows, a server on a full database. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManagementClient } from '@pawl/contract/client';
import { hasPostgres, Postgres } from '../src/stage/postgres.ts';
import { end, memoryOf, ROOT, run, type Started } from '../src/stage/processes.ts';
import { Stage } from '../src/stage/stage.ts';
import type { LoadPlan, LoadResult } from './load.ts';
import { populate } from './populate.ts';

export type Engine = 'sqlite' | 'postgres';

/** ENGINES, as far as they are there. */
export function engines(): Engine[] {
  const wanted = process.env['ENGINES']?.split(',') ?? ['sqlite', 'postgres'];
  const isPossible = process.env['PAWL_DATABASE_URL'] !== undefined || hasPostgres();
  return (['sqlite', 'postgres'] as const).filter((name) => wanted.includes(name) && (name === 'sqlite' || isPossible));
}

export async function load(
  dir: string,
  requests: readonly string[],
  plan: Omit<LoadPlan, 'host' | 'requestsFile'>,
): Promise<LoadResult> {
  const requestsFile = join(dir, 'requests.json');
  writeFileSync(requestsFile, JSON.stringify(requests));
  const full: LoadPlan = { host: '127.0.0.1', requestsFile, ...plan };
  return JSON.parse(await run(process.execPath, [`${ROOT}/lab/bench/load.ts`, JSON.stringify(full)])) as LoadResult;
}

export function row(name: string, result: LoadResult, memoryMib?: number): string {
  const { perSecond, p50Ms, p99Ms, errors } = result;
  const memory = memoryMib === undefined ? '' : `   ${memoryMib.toFixed(0)} MiB`;
  const times = `p50 ${p50Ms.toFixed(2).padStart(7)} ms   p99 ${p99Ms.toFixed(2).padStart(7)} ms`;
  return `${name.padEnd(38)} ${perSecond.toFixed(0).padStart(7)}/s   ${times}   errors ${errors}${memory}`;
}

export type Site = {
  readonly stage: Stage;
  readonly server: Started & { readonly url: string };
  readonly client: ManagementClient;
  /** Of the server process now. */
  readonly memoryMib: () => number;
  readonly populateS: number;
  end(): Promise<void>;
};

/** A server over SQLite or PostgreSQL (PAWL_DATABASE_URL, else a cluster of its own), with `devices` registered. */
export async function startSite(engine: Engine, devices: number): Promise<Site> {
  const { PAWL_DATABASE_URL: given, ...env } = process.env;
  const own = engine === 'postgres' && given === undefined ? await Postgres.start() : undefined;
  const url = engine === 'postgres' ? (given ?? own?.url) : undefined;
  const stage = Stage.make(url === undefined ? env : { ...env, PAWL_DATABASE_URL: url });
  const first = await stage.serve('--poll', '300');
  const client = await stage.init(first.claimLink ?? '');
  const template = `template-${first.child.pid}`;
  await client.call('addDevices', { body: { devices: [{ controllerId: template, model: 'bench' }] } });
  await end(first);
  const startedAt = performance.now();
  populate({ dataDir: join(stage.dir, 'data'), url }, template, devices);
  const populateS = (performance.now() - startedAt) / 1000;
  // The same address: the workspace knows it.
  const server = await stage.serve('--poll', '300', '--port', new URL(first.url).port);
  return {
    stage,
    server,
    client: stage.client(server.url),
    memoryMib: () => memoryOf(server.child.pid ?? 0).residentMib,
    populateS,
    end: async () => {
      await stage.end(server);
      await own?.end();
    },
  };
}
