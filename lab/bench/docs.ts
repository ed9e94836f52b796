/**
 * All documents of a product of three models from a ledger of ENTRIES (default 10 000) real signed statements: `pawl docs
 * build` as a whole process, with its peak memory, beside the same process that only reads and verifies the same bundle
 * (`pawl verify`), and beside a build from a bundle of ten statements. Every report is signed by its device.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { keyIdOf } from '@pawl/core/cose';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import {
  appendLeaf,
  encodeEnvelope,
  encodeVkey,
  leafHash,
  newStatement,
  type PredicateType,
  signCheckpoint,
  signStatement,
  writeBundle,
} from '@pawl/core/evidence';
import { memoryOf, ROOT, spawnPawl } from '../src/stage/processes.ts';

const ENTRIES = Number(process.env['ENTRIES'] ?? 10_000);
const ORIGIN = 'bench-ledger';
const AT = '2026-11-21T10:00:00.000Z';
const DEVICES = 50;
const REPORTS = [
  { state: 'confirmed', version: '2.0.0' },
  { state: 'refused', version: '1.0.0', code: 'AGENT_SECURITY_COUNTER_TOO_LOW' },
  { state: 'refused', version: '2.1.0', code: 'SUIT_SIGNATURE_INVALID' },
  { state: 'reverted', version: '2.1.0', code: 'AGENT_BOOT_FAILED' },
] as const;
const RUNS = 3;
const SAMPLE_MS = 20;

type Subject = { readonly name: string; readonly digest: { readonly sha256: string } };

async function statementOf(
  signer: PrivateKey,
  predicateType: PredicateType,
  subject: Subject,
  predicate: Record<string, string>,
): Promise<Uint8Array> {
  const statement = newStatement({ predicateType, subject: [subject], predicate });
  return encodeEnvelope(await signStatement(statement, signer));
}

/** A ledger of `count` statements as a bundle, and its key. */
async function makeBundle(count: number): Promise<{ bundle: Uint8Array; vkey: string }> {
  const server = PrivateKey.generate('Ed25519');
  const devices = Array.from({ length: Math.min(DEVICES, Math.ceil(count / 2)) }, (_, at) => {
    const key = PrivateKey.generate('ESP256');
    const subject = { name: `device/gw-${at}`, digest: { sha256: keyIdOf(key.publicKey) } };
    return { key, subject, controllerId: `gw-${at}` };
  });
  const entries: Uint8Array[] = [];
  for (const { key, subject, controllerId } of devices) {
    const publicKey = key.publicKey.toSpkiPem();
    const predicate = { controllerId, model: 'gateway', line: 'hearth', publicKey, at: AT };
    entries.push(await statementOf(server, 'urn:pawl:device-enrolled:1', subject, predicate));
  }
  for (let at = 0; entries.length < count; at += 1) {
    const device = devices[at % devices.length];
    const report = REPORTS[Math.floor(at / devices.length) % REPORTS.length];
    if (device === undefined || report === undefined) throw new TypeError('a ledger has devices');
    entries.push(await statementOf(device.key, 'urn:pawl:device-report:1', device.subject, { ...report, at: AT }));
  }
  const nodes = new Map<string, Uint8Array>();
  let head = { size: 0, root: sha256(new Uint8Array()) };
  for (const [at, entry] of entries.entries()) {
    const appended = await appendLeaf(at, leafHash(entry), ({ level, index }) =>
      Promise.resolve(nodes.get(`${level}/${index}`)),
    );
    for (const { level, index, hash } of appended.nodes) nodes.set(`${level}/${index}`, hash);
    head = { size: appended.size, root: appended.root };
  }
  const checkpoint = await signCheckpoint({ origin: ORIGIN, ...head }, ORIGIN, server);
  const vkey = encodeVkey(ORIGIN, server.publicKey);
  return { bundle: writeBundle({ kind: 'complete', checkpoint, vkey, entries }), vkey };
}

type Cost = { readonly seconds: number; readonly cpuSeconds: number; readonly peakMib: number };

/** Processor time of a live process and its threads (proc(5): utime and stime, in hundredths). */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A whole process: its seconds, its processor time (what counts where others use the machine too), and the most memory that it was seen to hold. */
function cost(args: readonly string[], cwd: string): Promise<Cost> {
  const startedAt = performance.now();
  const child = spawnPawl([...args], { ...process.env, PWD: cwd });
  child.stdout.resume();
  let peakMib = 0;
  let cpuSeconds = 0;
  const timer = setInterval(() => {
    try {
      peakMib = Math.max(peakMib, memoryOf(child.pid ?? 0).peakMib || 0);
      cpuSeconds = cpuSecondsOf(child.pid ?? 0);
    } catch {
      // It has ended in between.
    }
  }, SAMPLE_MS);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds, peakMib });
      else reject(new Error(`${args.join(' ')} ended with ${code}`));
    });
  });
}

async function median(args: readonly string[], dir: string): Promise<Cost> {
  const all: Cost[] = [];
  for (let turn = 0; turn < RUNS; turn += 1) all.push(await cost(args, dir));
  const [, middle] = all.toSorted((a, b) => a.seconds - b.seconds);
  if (middle === undefined) throw new TypeError('three runs have a middle');
  return middle;
}

function row(name: string, { seconds, cpuSeconds, peakMib }: Cost): string {
  return `${name.padEnd(44)} ${seconds.toFixed(2).padStart(6)} s   processor ${cpuSeconds.toFixed(2).padStart(6)} s   peak ${peakMib.toFixed(0).padStart(4)} MiB`;
}

export async function benchDocs(): Promise<void> {
  const dir = mkdtempSync(`${tmpdir()}/pawl-bench-`);
  try {
    cpSync(`${ROOT}/examples/products/hearth.yaml`, `${dir}/hearth.yaml`);
    for (const [name, count] of [
      ['large', ENTRIES],
      ['small', 10],
    ] as const) {
      const { bundle, vkey } = await makeBundle(count);
      writeFileSync(`${dir}/${name}.zip`, bundle);
      writeFileSync(`${dir}/${name}.vkey`, vkey);
    }
    const evidence = (name: string): string[] => ['--bundle', `${dir}/${name}.zip`, '--key', `${dir}/${name}.vkey`];
    const build = ['docs', 'build', '--product', `${dir}/hearth.yaml`, '--on', '2027-12-11', '--out', `${dir}/out`];
    const large = await median([...build, ...evidence('large')], dir);
    const small = await median([...build, ...evidence('small')], dir);
    const verify = await median(['verify', `${dir}/large.zip`, '--key', `${dir}/large.vkey`, '--json'], dir);
    console.log(`docs: three models, ${ENTRIES} ledger entries, median of ${RUNS}, whole processes`);
    console.log(row(`pawl docs build, ${ENTRIES} entries`, large));
    console.log(row('pawl docs build, 10 entries', small));
    console.log(row(`pawl verify, the same ${ENTRIES} entries`, verify));
    console.log(`ratio to verifying alone: ${(large.seconds / verify.seconds).toFixed(2)}`);
    console.log(`limit: 10 s; ${large.seconds < 10 ? 'kept' : 'NOT kept'}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
