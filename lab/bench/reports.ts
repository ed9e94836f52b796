/**
 * Final reports of devices per second, each on the disk (assignment, ledger entry and counts in one transaction) before its
 * device hears 200: REPORTS (default 10,000) devices say once that they are done, over CONNECTIONS connections (default 64).
 * The ratio printed is against how often per second the same disk makes one page durable.
 */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementClient } from '@pawl/contract/client';
import type { LoadResult } from './load.ts';
import { type Engine, engines, load, row, type Site, startSite } from './measure.ts';
import { tokenOf } from './populate.ts';

const REPORTS = Number(process.env['REPORTS'] ?? 10_000);
const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 64);
const SECONDS_MAX = 60;
const OFFER_S_MAX = 120;
const BODY = JSON.stringify({ status: { execution: 'closed', result: { finished: 'success' }, details: ['done'] } });

async function untilOffered(client: ManagementClient, rolloutId: number): Promise<void> {
  for (let waited = 0; waited < OFFER_S_MAX * 4; waited += 1) {
    const { counts } = await client.call('getRollout', { params: { id: rolloutId } });
    if ((counts.offered ?? 0) >= REPORTS) return;
    await sleep(250);
  }
  throw new Error('the rollout did not offer in time');
}

async function reportsOf(client: ManagementClient, rolloutId: number, host: string): Promise<string[]> {
  const requests: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { rolloutId, limit: 500, ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.call('listAssignments', { query });
    for (const { id, controllerId } of page.items) {
      const token = tokenOf(Number(controllerId.slice('bench-'.length)));
      const path = `/default/controller/v1/${controllerId}/deploymentBase/${id}/feedback`;
      const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: TargetToken ${token}\r\n`;
      requests.push(`${head}Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
    }
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return requests;
}

/** How often per second a page appended to a file in this folder is made durable, one after the other. */
function syncsPerSecond(dir: string): number {
  const path = join(dir, 'sync.bin');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const startedAt = performance.now();
  let syncs = 0;
  while (performance.now() - startedAt < 2000) {
    writeSync(file, page);
    fdatasyncSync(file);
    syncs += 1;
  }
  closeSync(file);
  rmSync(path);
  return (syncs * 1000) / (performance.now() - startedAt);
}

async function report(site: Site): Promise<LoadResult> {
  const { stage, client, server } = site;
  const releaseId = await stage.publish(client, '1.0.0', new Uint8Array(1000));
  const rolloutId = await stage.rollOut(client, releaseId, 'name:bench-*');
  await untilOffered(client, rolloutId);
  const { host, port } = new URL(server.url);
  const requests = await reportsOf(client, rolloutId, host);
  const plan = { port: Number(port), connections: CONNECTIONS, seconds: SECONDS_MAX, isOnce: true };
  const result = await load(stage.dir, requests, plan);
  const { succeeded } = await client.call('getRollout', { params: { id: rolloutId } });
  if (succeeded !== result.requests - result.errors)
    throw new Error(`${succeeded} of ${result.requests} reports are kept`);
  return result;
}

async function benchEngine(engine: Engine): Promise<void> {
  const site = await startSite(engine, REPORTS);
  try {
    const result = await report(site);
    const syncs = syncsPerSecond(site.stage.dir);
    console.log(row(`pawl, ${engine}, final reports`, result, site.memoryMib()));
    console.log(`  fdatasync of a page: ${syncs.toFixed(0)}/s; ratio ${(result.perSecond / syncs).toFixed(2)}`);
  } finally {
    await site.end();
  }
}

export async function benchReports(): Promise<void> {
  console.log(`reports: ${REPORTS} devices, ${CONNECTIONS} connections, each report durable when it is answered`);
  for (const engine of engines()) await benchEngine(engine);
}
