/**
 * `npm run soak:faults`: a server on PostgreSQL and an S3-compatible store, with a rollout over DEVICES (default 1000) simulated
 * devices, 200 clients that only drip, and somebody who reads and writes all the time. The database is ended as by a crash, for
 * AWAY_S (default 30), then the object store, then both. The server has to stay up, to answer 503 with Retry-After and nothing
 * worse, to go on by itself within RECOVER_S (default 15) when they are back, and to have lost nothing that it acknowledged.
 * Exit status 1 when something is wrong. Clocks that jump: server/test/clock-jumps.test.ts, over the port of the clock.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FinalWord, registerFleet, runFleet } from '../../src/fleet/index.ts';
import { Postgres } from '../../src/stage/postgres.ts';
import { end, ROOT, type Started, start } from '../../src/stage/processes.ts';
import { Stage } from '../../src/stage/stage.ts';
import { judge } from '../judge.ts';
import { Witness } from './witness.ts';

const setting = (name: string, value: number): number => Number(process.env[name] ?? value);
const DEVICES = setting('DEVICES', 1000);
const AWAY_MS = setting('AWAY_S', 30) * 1000;
const RECOVER_MS = setting('RECOVER_S', 15) * 1000;
const LIMIT_MS = setting('LIMIT_S', 900) * 1000;
const DRIPPING = 200;
const QUIET_MS = 5000;
const LOOK_MS = 100;

class ObjectStore {
  readonly #folder: string;
  #started: Started | undefined;
  #port = '0';

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async start(): Promise<void> {
    this.#started = await start([`${ROOT}/lab/soak/faults/object-store.ts`, this.#port, this.#folder]);
    this.#port = this.#started.firstLine;
  }

  get options(): object {
    const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
    return { endpoint: `http://127.0.0.1:${this.#port}`, bucket: 'pawl', region: 'eu-central-1', ...keys };
  }

  async halt(): Promise<void> {
    if (this.#started !== undefined) await end(this.#started);
    this.#started = undefined;
  }
}

/** Connections that send a byte of a head now and then, opened again when they are cut. */
function drip(url: string): () => void {
  const { hostname, port } = new URL(url);
  const sockets = new Set<net.Socket>();
  let isEnding = false;
  const open = (): void => {
    if (isEnding) return;
    const socket = net.connect(Number(port), hostname, () =>
      socket.write('POST /api/v1/login HTTP/1.1\r\nHost: x\r\n'),
    );
    sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(socket);
        setTimeout(open, 500).unref();
      });
  };
  for (let count = 0; count < DRIPPING; count += 1) open();
  const dripping = setInterval(() => {
    for (const socket of sockets) socket.write('x-a: b\r\n');
  }, 1000);
  return () => {
    isEnding = true;
    clearInterval(dripping);
    for (const socket of sockets) socket.destroy();
  };
}

type Part = { halt(): Promise<void>; start(): Promise<void> };

async function takeAway(what: string, parts: readonly Part[], witness: Witness): Promise<void> {
  await sleep(QUIET_MS);
  console.log(`${what} away for ${AWAY_MS / 1000} s`);
  const refusedBefore = witness.refusals;
  witness.slowestMs = 0;
  for (const part of parts) await part.halt();
  await sleep(AWAY_MS);
  for (const part of parts) await part.start();
  const backMs = performance.now();
  const isWell = (): boolean => (witness.wellSinceMs ?? Number.POSITIVE_INFINITY) < performance.now() - LOOK_MS;
  while (!isWell() && performance.now() - backMs < RECOVER_MS) await sleep(LOOK_MS);
  const figures = `${witness.refusals - refusedBefore} refused, the slowest answer ${Math.round(witness.slowestMs)} ms`;
  if (isWell())
    console.log(`${what} back: served again after ${Math.round(performance.now() - backMs)} ms; ${figures}`);
  else witness.faults.push(`${what} is back, and the server is not after ${RECOVER_MS / 1000} s`);
}

const postgres = await Postgres.start();
const stage = Stage.make({ ...process.env, PAWL_DATABASE_URL: postgres.url });
const store = new ObjectStore(join(stage.dir, 'objects'));
await store.start();
let server: Started | undefined;
try {
  const objectsFile = join(stage.dir, 'objects.json');
  writeFileSync(objectsFile, JSON.stringify(store.options), { mode: 0o600 });
  const started = await stage.serve('--poll', '2', '--objects-file', objectsFile);
  server = started;
  const ended = new Promise<string>((resolve) =>
    started.child.once('exit', (code) => resolve(`the server ended with ${code}`)),
  );
  const client = await stage.init(started.claimLink ?? '');
  const token = readFileSync(join(stage.dir, 'workspace', 'token'), 'utf8').trim();
  const roster = await registerFleet(client, { devices: DEVICES, prefix: 'soak-', model: 'soak' });
  const releaseId = await stage.publish(client, '1.0.0', new Uint8Array(10_000));
  const rolloutId = await stage.rollOut(client, releaseId, 'name:soak-*');
  const witness = new Witness(started.url, token);
  const watching = witness.watch();
  const endDripping = drip(started.url);
  const said = new Map<string, FinalWord>();
  const spreadMs = 3 * (AWAY_MS + 2 * QUIET_MS);
  console.log(`soak: ${DEVICES} devices over ${Math.round(spreadMs / 1000)} s, ${DRIPPING} dripping clients`);
  const fleet = runFleet({
    url: new URL(started.url),
    tenant: 'default',
    roster,
    mix: { success: 85, failure: 6, revert: 4, slow: 5 },
    seed: 1,
    connections: 32,
    timeoutMs: 15_000,
    spreadMs,
    pollMs: 4000,
    installMs: 4000,
    retryMs: 1000,
    isDownloading: true,
    isUntilReported: true,
    forMs: LIMIT_MS,
    onFinal: (controllerId, word) => said.set(controllerId, word),
  });
  const database: Part = { halt: () => postgres.halt(), start: () => postgres.resume() };
  const objects: Part = { halt: () => store.halt(), start: () => store.start() };
  const story = (async () => {
    await takeAway('the database', [database], witness);
    await takeAway('the object store', [objects], witness);
    await takeAway('both', [database, objects], witness);
    return await fleet;
  })();
  const summary = await Promise.race([story, ended]);
  endDripping();
  witness.end();
  await watching;
  if (typeof summary === 'string') witness.faults.push(summary);
  else {
    await witness.compare();
    const { faults, ledgerSize } = await judge(client, rolloutId, said);
    witness.faults.push(...faults);
    if (said.size < DEVICES) witness.faults.push(`${DEVICES - said.size} devices had no final word taken in time`);
    const { success, failure, reverted, unanswered, refused } = summary;
    console.log(
      `fleet: ${success} success, ${failure} failure, ${reverted} reverted; ${unanswered} unanswered, refused ${JSON.stringify(refused)}`,
    );
    console.log(`ledger: ${ledgerSize} entries`);
  }
  for (const fault of witness.summary().slice(0, 20)) console.log(`FAULT: ${fault}`);
  console.log(
    witness.faults.length === 0 ? 'stayed up, answered plainly, lost nothing' : `${witness.faults.length} faults`,
  );
  process.exitCode = witness.faults.length === 0 ? 0 : 1;
} finally {
  await stage.end(...(server === undefined ? [] : [server]));
  await store.halt();
  await postgres.end();
}
