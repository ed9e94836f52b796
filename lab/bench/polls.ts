/**
 * Authenticated device polls per second, their latency and the memory of the server, with DEVICES devices registered (default
 * "100000,1000000"), one server process, requests spread over all devices. ENGINES (default sqlite, and postgres where it is
 * installed) says over what. Beside it in the same run: Node's bare HTTP server with a constant answer of the same size, and
 * with HAWKBIT_JAR a hawkBit under the same load (HAWKBIT_DEVICES, default 10,000: its registration is slow).
 */
import { tmpdir } from 'node:os';
import { end, memoryOf, ROOT, start } from '../src/stage/processes.ts';
import { startHawkBit } from './hawkbit.ts';
import type { LoadResult } from './load.ts';
import { type Engine, engines, load, row, startSite } from './measure.ts';
import { nameOf, tokenOf } from './populate.ts';

const DEVICES = (process.env['DEVICES'] ?? '100000,1000000').split(',').map(Number);
const SECONDS = Number(process.env['SECONDS'] ?? 8);
const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 32);
const HAWKBIT_DEVICES = Number(process.env['HAWKBIT_DEVICES'] ?? 10_000);
const WARM_S = 3;
const WARM_TURN_S = 10;
/** So many turns without getting faster end the warming. */
const STALE_TURNS = 3;
const HAWKBIT_WARM_S = 240;
const SAMPLE = 20_000;

/** Polls of devices spread evenly over all that are registered. */
function pollsOf(devices: number, tenant: string, host: string): string[] {
  const step = Math.max(1, Math.floor(devices / SAMPLE));
  return Array.from({ length: Math.ceil(devices / step) }, (_, index) => {
    const device = index * step;
    return `GET /${tenant}/controller/v1/${nameOf(device)} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: TargetToken ${tokenOf(device)}\r\n\r\n`;
  });
}

async function pollPawl(engine: Engine, devices: number, bare: LoadResult[]): Promise<LoadResult> {
  const site = await startSite(engine, devices);
  try {
    const { host, port } = new URL(site.server.url);
    const requests = pollsOf(devices, 'default', host);
    const plan = { port: Number(port), connections: CONNECTIONS };
    await load(site.stage.dir, requests, { ...plan, seconds: WARM_S });
    const result = await load(site.stage.dir, requests, { ...plan, seconds: SECONDS });
    const floor = await start([`${ROOT}/lab/bench/floor-server.ts`]);
    const beside = await load(site.stage.dir, requests, {
      ...plan,
      port: Number(floor.firstLine),
      seconds: SECONDS / 2,
    });
    bare.push(beside);
    console.log(row(`pawl, ${engine}, ${devices} devices`, result, site.memoryMib()));
    console.log(row('  bare node:http, constant', beside, memoryOf(floor.child.pid ?? 0).residentMib));
    console.log(`  ratio to bare node:http: ${(result.perSecond / beside.perSecond).toFixed(2)}`);
    await end(floor);
    if (result.errors > 0) throw new Error('the server refused polls; the figures mean nothing');
    return result;
  } finally {
    await site.end();
  }
}

/** The virtual machine compiles what is hot: it gets the load until that makes it no faster. The seconds that this took. */
async function warm(
  requests: readonly string[],
  plan: { readonly port: number; readonly connections: number },
): Promise<number> {
  let best = 0;
  let stale = 0;
  let seconds = 0;
  while (stale < STALE_TURNS && seconds < HAWKBIT_WARM_S) {
    const { perSecond } = await load(tmpdir(), requests, { ...plan, seconds: WARM_TURN_S });
    seconds += WARM_TURN_S;
    stale = perSecond > best * 1.05 ? 0 : stale + 1;
    best = Math.max(best, perSecond);
  }
  return seconds;
}

async function pollHawkBit(jar: string): Promise<LoadResult> {
  const hawkBit = await startHawkBit(jar, HAWKBIT_DEVICES);
  try {
    const requests = pollsOf(HAWKBIT_DEVICES, 'DEFAULT', `127.0.0.1:${hawkBit.port}`);
    const plan = { port: hawkBit.port, connections: CONNECTIONS };
    const warmedS = await warm(requests, plan);
    const result = await load(tmpdir(), requests, { ...plan, seconds: SECONDS });
    console.log(`  hawkBit was given ${warmedS} s of the same load before, until it got no faster`);
    console.log(row(`hawkBit, H2 in memory, ${HAWKBIT_DEVICES} devices`, result, hawkBit.memoryMib()));
    return result;
  } finally {
    await hawkBit.end();
  }
}

export async function benchPolls(): Promise<void> {
  console.log(`polls: ${CONNECTIONS} connections, ${SECONDS} s each, one server process`);
  const results: LoadResult[] = [];
  const bare: LoadResult[] = [];
  for (const engine of engines()) for (const devices of DEVICES) results.push(await pollPawl(engine, devices, bare));
  const jar = process.env['HAWKBIT_JAR'];
  if (jar === undefined) return;
  const hawkBit = await pollHawkBit(jar);
  const best = Math.max(...results.map(({ perSecond }) => perSecond));
  console.log(`ratio to hawkBit: ${(best / hawkBit.perSecond).toFixed(1)}`);
}
