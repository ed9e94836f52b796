/**
 * Artifact bytes per second with CONNECTIONS (default 200) devices that read one artifact of SIZE_MIB (default 64) in ranges
 * of 1 MiB at the same time. The ratio printed is against nginx serving the same file by the same ranges, where nginx is
 * installed, and against `cat` of the file otherwise.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, spawnProgram } from '../src/stage/processes.ts';
import type { LoadResult } from './load.ts';
import { load, type Site, startSite } from './measure.ts';
import { nameOf, tokenOf } from './populate.ts';

const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 200);
const SIZE_MIB = Number(process.env['SIZE_MIB'] ?? 64);
const SECONDS = Number(process.env['SECONDS'] ?? 8);
const MIB = 1024 * 1024;
const NGINX = '/usr/sbin/nginx';

/** One request a device and range, walked through in turn. */
function rangesOf(paths: readonly string[], host: string, lines: (device: number) => string): string[] {
  return Array.from({ length: CONNECTIONS * SIZE_MIB }, (_, index) => {
    const device = index % CONNECTIONS;
    const at = ((index * 7) % SIZE_MIB) * MIB;
    return `GET ${paths[device]} HTTP/1.1\r\nHost: ${host}\r\n${lines(device)}Range: bytes=${at}-${at + MIB - 1}\r\n\r\n`;
  });
}

async function fetchPawl(site: Site, image: Uint8Array): Promise<LoadResult> {
  const { stage, client, server } = site;
  const releaseId = await stage.publish(client, '1.0.0', image);
  const rolloutId = await stage.rollOut(client, releaseId, 'name:bench-*');
  let offered = 0;
  while (offered < CONNECTIONS) {
    await sleep(200);
    offered = (await client.call('getRollout', { params: { id: rolloutId } })).counts.offered ?? 0;
  }
  const { items } = await client.call('listReleases', {});
  const payload = items[0]?.artifacts.find(({ name }) => name !== 'envelope.suit')?.name ?? '';
  const { host, port } = new URL(server.url);
  const paths = Array.from(
    { length: CONNECTIONS },
    (_, device) => `/default/controller/v1/${nameOf(device)}/softwaremodules/${releaseId}/artifacts/${payload}`,
  );
  const requests = rangesOf(paths, host, (device) => `Authorization: TargetToken ${tokenOf(device)}\r\n`);
  return load(stage.dir, requests, {
    port: Number(port),
    connections: CONNECTIONS,
    seconds: SECONDS,
    expectedStatus: 206,
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function fetchNginx(dir: string, image: Uint8Array): Promise<LoadResult> {
  const folder = join(dir, 'nginx');
  mkdirSync(join(folder, 'logs'), { recursive: true });
  writeFileSync(join(folder, 'image.bin'), image);
  const port = await freePort();
  const conf = `daemon off; worker_processes 1; user root; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 1024; }
    http { access_log off; sendfile on; server { listen 127.0.0.1:${port}; root ${folder}; keepalive_requests 1000000; } }`;
  writeFileSync(join(folder, 'nginx.conf'), conf);
  const child = spawnProgram(NGINX, ['-p', folder, '-c', join(folder, 'nginx.conf')]);
  try {
    await sleep(500);
    const paths = Array.from({ length: CONNECTIONS }, () => '/image.bin');
    const requests = rangesOf(paths, `127.0.0.1:${port}`, () => '');
    return await load(dir, requests, { port, connections: CONNECTIONS, seconds: SECONDS, expectedStatus: 206 });
  } finally {
    child.kill('SIGTERM');
  }
}

function line(name: string, result: LoadResult, memoryMib?: number): string {
  const rate = (result.bytesPerSecond / MIB).toFixed(0).padStart(6);
  const memory = memoryMib === undefined ? '' : `   ${memoryMib.toFixed(0)} MiB`;
  return `${name.padEnd(38)} ${rate} MiB/s   p99 of a range ${result.p99Ms.toFixed(0)} ms   errors ${result.errors}${memory}`;
}

export async function benchRanges(): Promise<void> {
  console.log(`ranges: ${CONNECTIONS} connections, 1 MiB ranges of ${SIZE_MIB} MiB, ${SECONDS} s each`);
  const image = new Uint8Array(randomBytes(SIZE_MIB * MIB));
  const site = await startSite('sqlite', CONNECTIONS);
  try {
    const pawl = await fetchPawl(site, image);
    console.log(line('pawl', pawl, site.memoryMib()));
    if (existsSync(NGINX)) {
      const nginx = await fetchNginx(site.stage.dir, image);
      console.log(line('nginx, sendfile, one worker', nginx));
      console.log(`ratio to nginx: ${(pawl.bytesPerSecond / nginx.bytesPerSecond).toFixed(2)}`);
    } else {
      const path = join(site.stage.dir, 'image.bin');
      const startedAt = performance.now();
      await run('sh', ['-c', `for i in 1 2 3 4 5 6 7 8; do cat '${path}' > /dev/null; done`]);
      const cat = (image.length * 8 * 1000) / (performance.now() - startedAt);
      console.log(`cat to /dev/null: ${(cat / MIB).toFixed(0)} MiB/s; ratio ${(pawl.bytesPerSecond / cat).toFixed(2)}`);
    }
    if (pawl.errors > 0) throw new Error('ranges were refused; the figures mean nothing');
  } finally {
    await site.end();
  }
}
