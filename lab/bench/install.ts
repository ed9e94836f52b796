/**
 * Install of a large encrypted image by the agent: time from the offer to `confirmed`, and peak memory of the agent process
 * above a Node process that does nothing. SIZES_MIB (default "64,512") shows that memory does not grow with the image. The
 * ratio printed is against `openssl` and `dd` doing the same work on the same bytes: decrypt once, digest twice, write and
 * fsync once.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { newRandomSecret } from '@pawl/core/keys';
import { end, memoryOf, run, runPawl, spawnPawl, start, startPawl } from '../src/stage/processes.ts';
import { opensslSpeed } from './openssl-speed.ts';

const SIZES_MIB = (process.env['SIZES_MIB'] ?? '64,512').split(',').map(Number);
const MIB = 1024 * 1024;

async function emptyNodeMib(): Promise<number> {
  const idle = await start(['-e', "console.log('up'); setInterval(() => {}, 1000)"]);
  const peak = memoryOf(idle.child.pid ?? 0).peakMib;
  await end(idle);
  return peak;
}

type Bench = { readonly dir: string; readonly env: NodeJS.ProcessEnv };

async function pawlJson(bench: Bench, ...args: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await runPawl([...args, '--json'], bench.env)) as Record<string, unknown>;
}

function writeImage(path: string, sizeMib: number): void {
  const file = openSync(path, 'w');
  for (let written = 0; written < sizeMib; written += 1) writeSync(file, randomBytes(MIB));
  closeSync(file);
}

async function prepare(bench: Bench, sizes: readonly number[]): Promise<void> {
  const { dir } = bench;
  for (const [index, size] of sizes.entries()) {
    writeImage(`${dir}/image.bin`, size);
    const version = `1.${index + 1}.0`;
    await pawlJson(
      bench,
      'seal',
      `${dir}/image.bin`,
      '--version',
      version,
      '--sequence',
      String(index + 2),
      '--counter',
      '1',
    );
    await pawlJson(bench, 'publish', `${dir}/workspace/releases/bench/${version}`);
  }
}

async function makeDevice(bench: Bench, name: string): Promise<string> {
  const state = `${bench.dir}/${name}`;
  writeFileSync(`${bench.dir}/factory.bin`, randomBytes(4096));
  const { claim } = await pawlJson(bench, 'device', 'claim', name, '--model', 'bench');
  const numbers = ['--version', '1.0.0', '--sequence', '1', '--counter', '1'];
  await pawlJson(
    bench,
    'agent',
    'provision',
    '--state',
    state,
    '--image',
    `${bench.dir}/factory.bin`,
    ...numbers,
    '--boot',
    '/bin/true',
  );
  await pawlJson(bench, 'agent', 'enrol', '--state', state, '--claim', String(claim));
  return state;
}

type Outcome = { readonly seconds: number; readonly peakMib: number };

/** Runs the agent until it confirms; time from `downloading`, and the peak right at the end. */
function install(bench: Bench, state: string): Promise<Outcome> {
  const child = spawnPawl(['agent', 'run', '--state', state, '--poll', '1', '--json'], bench.env);
  let startedAt = 0;
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the agent ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string; state?: string; code?: string };
      if (event.state === 'downloading' && startedAt === 0) startedAt = performance.now();
      if (event.state === 'refused' || event.state === 'failed') reject(new Error(`the agent says ${line}`));
      if (event.state !== 'confirmed') return;
      const outcome = { seconds: (performance.now() - startedAt) / 1000, peakMib: memoryOf(child.pid ?? 0).peakMib };
      child.removeAllListeners('exit');
      child.on('exit', () => resolve(outcome));
      child.kill('SIGTERM');
    });
  });
}

/** Seconds that openssl and dd take for the same work. */
async function yardstick(bench: Bench, sizeMib: number): Promise<number> {
  const bytes = sizeMib * MIB;
  const [gcm, sha] = [await opensslSpeed('aes-256-gcm'), await opensslSpeed('sha256')];
  const startedAt = performance.now();
  await run('dd', ['if=/dev/zero', `of=${bench.dir}/dd.bin`, 'bs=1M', `count=${sizeMib}`, 'conv=fsync', 'status=none']);
  const written = (performance.now() - startedAt) / 1000;
  rmSync(`${bench.dir}/dd.bin`);
  return bytes / gcm + (2 * bytes) / sha + written;
}

export async function benchInstall(): Promise<void> {
  const dir = mkdtempSync(`${tmpdir()}/pawl-bench-`);
  writeFileSync(`${dir}/passphrase`, newRandomSecret(), { mode: 0o600 });
  const env = { ...process.env, PAWL_PASSPHRASE_FILE: `${dir}/passphrase`, PAWL_WORKSPACE: `${dir}/workspace` };
  const bench = { dir, env };
  try {
    const server = await startPawl(['serve', '--data', `${dir}/data`, '--port', '0', '--poll', '1', '--json']);
    const { claimLink } = JSON.parse(server.firstLine) as { claimLink: string };
    const identity = ['--line', 'bench', '--vendor-domain', 'bench.example', '--class-info', 'b1'];
    await pawlJson(bench, 'init', `${dir}/workspace`, ...identity, '--server', claimLink);
    await prepare(bench, SIZES_MIB);
    const bare = await emptyNodeMib();
    console.log(`install: an empty Node process peaks at ${bare.toFixed(0)} MiB`);
    for (const [index, size] of SIZES_MIB.entries()) {
      const name = `bench-${index}`;
      const state = await makeDevice(bench, name);
      const rollout = [
        'rollout',
        'create',
        name,
        '--version',
        `1.${index + 1}.0`,
        '--filter',
        `name:${name}`,
        '--start',
      ];
      await pawlJson(bench, ...rollout);
      const outcome = await install(bench, state);
      const floor = await yardstick(bench, size);
      const above = outcome.peakMib - bare;
      console.log(
        `${String(size).padStart(5)} MiB  ${outcome.seconds.toFixed(2)} s  openssl + dd ${floor.toFixed(2)} s  ratio ${(floor / outcome.seconds).toFixed(2)}  peak ${outcome.peakMib.toFixed(0)} MiB, ${above.toFixed(0)} above Node`,
      );
    }
    await end(server);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
