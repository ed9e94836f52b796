/**
 * `npm run soak:processes`: PROCESSES (default 3) server processes on one PostgreSQL and one data folder behind a balancer, a
 * rollout over DEVICES (default 10,000) simulated devices, and every KILL_S (default 4) seconds one process, drawn by SEED,
 * is killed (SIGKILL) and started again. At the end the books are compared: nothing lost, nothing twice. PAWL_DATABASE_URL
 * names a database, else a cluster is started; ENGINE=sqlite runs one process on SQLite instead. Bounded by LIMIT_S
 * (default 900). Exit status 1 when something is wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementClient } from '@pawl/contract/client';
import { draw } from '../src/fleet/behaviour.ts';
import { type FinalWord, registerFleet, runFleet } from '../src/fleet/index.ts';
import { startBalancer } from '../src/stage/balancer.ts';
import { Postgres } from '../src/stage/postgres.ts';
import type { Started } from '../src/stage/processes.ts';
import { Stage } from '../src/stage/stage.ts';
import { judge } from './judge.ts';

const setting = (name: string, value: number): number => Number(process.env[name] ?? value);
const DEVICES = setting('DEVICES', 10_000);
const KILL_MS = setting('KILL_S', 4) * 1000;
const LIMIT_MS = setting('LIMIT_S', 900) * 1000;
const SEED = setting('SEED', 1);
const IS_SQLITE = process.env['ENGINE'] === 'sqlite';
const PROCESSES = IS_SQLITE ? 1 : setting('PROCESSES', 3);
const DOWN_MS = 500;
const KILL_STREAM = 9;

/** The server processes; each keeps its port through its deaths. */
class Servers {
  readonly #stage: Stage;
  readonly ports: number[] = [];
  readonly #running: (Started | undefined)[] = [];
  #isEnding = false;
  kills = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async add(): Promise<string | undefined> {
    const started = await this.#stage.serve('--poll', '2');
    this.ports.push(Number(new URL(started.url).port));
    this.#running.push(started);
    return started.claimLink;
  }

  async #restart(index: number): Promise<void> {
    await sleep(DOWN_MS);
    this.#running[index] = await this.#stage.serve('--poll', '2', '--port', String(this.ports[index]));
  }

  /** Kills one every while and starts it again, until `end`. */
  async harass(): Promise<void> {
    for (let turn = 0; !this.#isEnding; turn += 1) {
      await sleep(KILL_MS);
      const index = Math.floor(draw(SEED, KILL_STREAM, turn) * PROCESSES);
      const victim = this.#running[index];
      if (this.#isEnding || victim === undefined) continue;
      this.#running[index] = undefined;
      victim.child.removeAllListeners('exit');
      const ended = new Promise((resolve) => victim.child.once('exit', resolve));
      victim.child.kill('SIGKILL');
      await ended;
      this.kills += 1;
      await this.#restart(index);
    }
  }

  stopKilling(): void {
    this.#isEnding = true;
  }

  get all(): Started[] {
    return this.#running.filter((started) => started !== undefined);
  }
}

async function drive(client: ManagementClient, stage: Stage, servers: Servers, port: number): Promise<boolean> {
  const roster = await registerFleet(client, { devices: DEVICES, prefix: 'soak-', model: 'soak' });
  const releaseId = await stage.publish(client, '1.0.0', new Uint8Array(10_000));
  const rolloutId = await stage.rollOut(client, releaseId, 'name:soak-*');
  const said = new Map<string, FinalWord>();
  const harassing = servers.harass();
  const summary = await runFleet({
    url: new URL(`http://127.0.0.1:${port}`),
    tenant: 'default',
    roster,
    mix: { success: 85, failure: 6, revert: 4, slow: 5 },
    seed: SEED,
    connections: 32,
    timeoutMs: 15_000,
    spreadMs: 5000,
    pollMs: 4000,
    installMs: 4000,
    retryMs: 1000,
    isDownloading: true,
    isUntilReported: true,
    forMs: LIMIT_MS,
    onFinal: (controllerId, word) => said.set(controllerId, word),
    onProgress: ({ elapsedMs, reported, unanswered }) => {
      if (Math.floor(elapsedMs / 1000) % 10 === 0) {
        console.log(
          `${(elapsedMs / 1000).toFixed(0)} s: ${reported} of ${DEVICES} reported, ${servers.kills} kills, ${unanswered} unanswered`,
        );
      }
    },
  });
  servers.stopKilling();
  await harassing;
  const { faults: found, ledgerSize } = await judge(client, rolloutId, said);
  const late = DEVICES - said.size;
  const faults = late === 0 ? found : [...found, `${late} devices had no final word taken in time`];
  const { success, failure, reverted, unanswered, refused, gone } = summary;
  console.log(
    `fleet: ${success} success, ${failure} failure, ${reverted} reverted, ${gone} gone, ${unanswered} unanswered`,
  );
  console.log(`       refused: ${JSON.stringify(refused)}; ledger: ${ledgerSize} entries; ${servers.kills} kills`);
  for (const fault of faults.slice(0, 20)) console.log(`FAULT: ${fault}`);
  console.log(faults.length === 0 ? 'nothing lost, nothing twice' : `${faults.length} faults`);
  return faults.length === 0;
}

const { PAWL_DATABASE_URL: given, ...env } = process.env;
const own = IS_SQLITE || given !== undefined ? undefined : await Postgres.start();
const database = IS_SQLITE ? undefined : (given ?? own?.url);
const stage = Stage.make(database === undefined ? env : { ...env, PAWL_DATABASE_URL: database });
const servers = new Servers(stage);
try {
  // The claim of the first one is replaced when another starts, as long as there is no operator.
  await stage.init((await servers.add()) ?? '');
  while (servers.ports.length < PROCESSES) await servers.add();
  const balancer = await startBalancer(servers.ports);
  const client = stage.client(`http://127.0.0.1:${balancer.port}`);
  console.log(
    `soak: ${PROCESSES} processes over ${database === undefined ? 'SQLite' : 'PostgreSQL'}, ${DEVICES} devices, a kill every ${KILL_MS / 1000} s`,
  );
  process.exitCode = (await drive(client, stage, servers, balancer.port)) ? 0 : 1;
  await balancer.close();
} finally {
  await stage.end(...servers.all);
  await own?.end();
}
