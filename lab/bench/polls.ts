/**
 * Authenticated device polls per second and their latency, with DEVICES devices registered (default 100,000), one server
 * process over SQLite, requests spread over all devices. The ratio printed is against Node's bare HTTP server with a
 * constant answer of the same size, driven by the same load in the same run: what of the machine's HTTP is left.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ManagementClient } from '@pawl/contract/client';
import { end, ROOT, run, start, startPawl } from '../src/stage/processes.ts';
import type { LoadPlan, LoadResult } from './load.ts';

const DEVICES = Number(process.env['DEVICES'] ?? 100_000);
const SECONDS = Number(process.env['SECONDS'] ?? 10);
const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 32);
const BATCH = 1000;
const SAMPLE = 20_000;

async function register(client: ManagementClient): Promise<string[]> {
  const tokens: string[] = [];
  for (let at = 0; at < DEVICES; at += BATCH) {
    const devices = Array.from({ length: Math.min(BATCH, DEVICES - at) }, (_, index) => ({
      controllerId: `bench-${at + index}`,
      model: 'bench',
    }));
    const added = await client.call('addDevices', { body: { devices } });
    tokens.push(...added.devices.map(({ token }) => token));
  }
  return tokens;
}

/** Requests of devices spread evenly over all that are registered. */
function requestsOf(tokens: readonly string[], host: string): string[] {
  const step = Math.max(1, Math.floor(tokens.length / SAMPLE));
  return tokens.flatMap((token, index) =>
    index % step === 0
      ? [
          `GET /default/controller/v1/bench-${index} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: TargetToken ${token}\r\n\r\n`,
        ]
      : [],
  );
}

async function load(plan: Omit<LoadPlan, 'host' | 'connections' | 'seconds'>, seconds = SECONDS): Promise<LoadResult> {
  const full: LoadPlan = { host: '127.0.0.1', connections: CONNECTIONS, seconds, ...plan };
  return JSON.parse(await run(process.execPath, [`${ROOT}/lab/bench/load.ts`, JSON.stringify(full)])) as LoadResult;
}

function row(name: string, { perSecond, p50Ms, p99Ms, errors }: LoadResult): string {
  return `${name.padEnd(28)} ${perSecond.toFixed(0).padStart(8)}/s   p50 ${p50Ms.toFixed(2)} ms   p99 ${p99Ms.toFixed(2)} ms   errors ${errors}`;
}

export async function benchPolls(): Promise<void> {
  const dir = mkdtempSync(`${tmpdir()}/pawl-bench-`);
  try {
    const server = await startPawl(['serve', '--data', `${dir}/data`, '--port', '0', '--poll', '300', '--json']);
    const { url, claimLink } = JSON.parse(server.firstLine) as { url: string; claimLink: string };
    const claim = new URLSearchParams(new URL(claimLink).hash.slice(1)).get('claim') ?? '';
    const { token } = await new ManagementClient({ url }).call('login', { body: { claim, label: 'bench' } });
    const startedAt = performance.now();
    const tokens = await register(new ManagementClient({ url, token }));
    const registeredS = (performance.now() - startedAt) / 1000;
    const { port, host } = new URL(url);
    const requestsFile = `${dir}/requests.json`;
    writeFileSync(requestsFile, JSON.stringify(requestsOf(tokens, host)));
    const floor = await start([`${ROOT}/lab/bench/floor-server.ts`]);
    await load({ port: Number(port), requestsFile }, 2);
    const pawl = await load({ port: Number(port), requestsFile });
    const bare = await load({ port: Number(floor.firstLine), requestsFile });
    console.log(
      `polls: ${DEVICES} devices registered (in ${registeredS.toFixed(1)} s), ${CONNECTIONS} connections, ${SECONDS} s each`,
    );
    console.log(row('pawl, authenticated poll', pawl));
    console.log(row('bare node:http, constant', bare));
    console.log(`ratio to bare node:http: ${(pawl.perSecond / bare.perSecond).toFixed(2)}`);
    await Promise.all([end(server), end(floor)]);
    if (pawl.errors > 0) throw new Error('the server refused polls; the figures mean nothing');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
