/**
 * How long a rollout over DEVICES (default 1,000,000) registered devices takes to be made and to start, how fast it then
 * offers (for at most OFFER_S seconds, default 30), and how long polls take meanwhile. The ratio printed is between the 99th
 * percentile of polls during the rollout and before it: other devices should not notice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementClient } from '@pawl/contract/client';
import type { LoadResult } from './load.ts';
import { type Engine, engines, load, row, type Site, startSite } from './measure.ts';
import { nameOf, tokenOf } from './populate.ts';

const DEVICES = Number(process.env['DEVICES'] ?? 1_000_000);
const OFFER_S = Number(process.env['OFFER_S'] ?? 30);
const CONNECTIONS = 4;
const BEFORE_S = 4;

function polls(site: Site, seconds: number): Promise<LoadResult> {
  const { host, port } = new URL(site.server.url);
  const step = Math.max(1, Math.floor(DEVICES / 2000));
  const requests = Array.from({ length: Math.ceil(DEVICES / step) }, (_, index) => {
    const device = index * step;
    return `GET /default/controller/v1/${nameOf(device)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: TargetToken ${tokenOf(device)}\r\n\r\n`;
  });
  return load(site.stage.dir, requests, { port: Number(port), connections: CONNECTIONS, seconds });
}

async function secondsOf<T>(act: () => Promise<T>): Promise<{ readonly seconds: number; readonly value: T }> {
  const startedAt = performance.now();
  const value = await act();
  return { seconds: (performance.now() - startedAt) / 1000, value };
}

async function offeredOf(client: ManagementClient, id: number): Promise<number> {
  const { counts } = await client.call('getRollout', { params: { id } });
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Seconds from the start to the first offer, and offers per second after it. */
async function watch(
  client: ManagementClient,
  id: number,
): Promise<{ firstS: number; perSecond: number; all: number }> {
  const startedAt = performance.now();
  const elapsedS = (): number => (performance.now() - startedAt) / 1000;
  let firstS: number | undefined;
  let offered = 0;
  while (offered < DEVICES && elapsedS() < OFFER_S) {
    await sleep(100);
    offered = await offeredOf(client, id);
    if (offered > 0) firstS ??= elapsedS();
  }
  const lasted = elapsedS() - (firstS ?? 0);
  return { firstS: firstS ?? Number.NaN, perSecond: offered / Math.max(0.001, lasted), all: offered };
}

async function benchEngine(engine: Engine): Promise<void> {
  const site = await startSite(engine, DEVICES);
  const { client, stage } = site;
  try {
    const releaseId = await stage.publish(client, '1.0.0', new Uint8Array(1000));
    await polls(site, 2);
    const before = await polls(site, BEFORE_S);
    const during = polls(site, BEFORE_S + OFFER_S);
    const body = { name: 'bench', releaseId, filter: 'name:bench-*', successKind: 'reported' as const };
    const made = await secondsOf(() => client.call('createRollout', { body }));
    const { id } = made.value;
    const started = await secondsOf(() => client.call('changeRollout', { params: { id, verb: 'start' }, body: {} }));
    const offers = await watch(client, id);
    const beside = await during;
    const facts = [
      `made in ${made.seconds.toFixed(2)} s`,
      `start answered in ${started.seconds.toFixed(2)} s`,
      `first offer after ${offers.firstS.toFixed(2)} s`,
      `${offers.all} offered, ${offers.perSecond.toFixed(0)}/s`,
    ];
    console.log(`pawl, ${engine}, ${DEVICES} devices: ${facts.join(', ')}`);
    console.log(row('  polls before', before));
    console.log(row('  polls during', beside, site.memoryMib()));
    console.log(`  ratio of the p99 of polls, during to before: ${(beside.p99Ms / before.p99Ms).toFixed(1)}`);
  } finally {
    await site.end();
  }
}

export async function benchRolloutStart(): Promise<void> {
  console.log(`rollout-start: one rollout over ${DEVICES} devices, ${CONNECTIONS} connections polling beside it`);
  for (const engine of engines()) await benchEngine(engine);
}
