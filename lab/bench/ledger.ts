/**
 * The ledger: ENTRIES (default 100,000) signed statements get their places in a real server's ledger, read back as checkpoint,
 * proofs and tiles; a proof is verified. Beside it, in the same run: the bare SHA-256 of the same leaves and nodes, and the
 * bare Ed25519 verification and hashes that a proof is made of. Figures of a ledger a tenth as long stand beside those of the
 * whole: proofs and tiles do not grow with it. The gap matrix of a product reads every report once, and then what is new.
 */
import { generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { ManagementClient } from '@pawl/contract/client';
import { fromBase64, fromHex, utf8 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, encodeTlogProof, newStatement, signStatement, verifyTlogProof } from '@pawl/core/evidence';
import { end, ROOT } from '../src/stage/processes.ts';
import { Stage } from '../src/stage/stage.ts';

const ENTRIES = Number(process.env['ENTRIES'] ?? 100_000);
/** So many statements are signed; each is written again and again under another place. */
const SIGNED = 500;
const ASKED = 300;
const VERIFIED = 2000;
const GAPS = 10;

async function signedStatements(): Promise<Uint8Array[]> {
  const key = PrivateKey.generate('Ed25519');
  const envelopes: Uint8Array[] = [];
  for (let at = 0; at < SIGNED; at += 1) {
    const subject = [{ name: `device/bench-${at}`, digest: { sha256: 'ab'.repeat(32) } }];
    const predicate = { assignmentId: at, state: 'confirmed', version: '1.0.0', at: '2026-11-21T10:00:00.000Z' };
    const statement = newStatement({ predicateType: 'urn:pawl:device-report:1', subject, predicate });
    envelopes.push(encodeEnvelope(await signStatement(statement, key)));
  }
  return envelopes;
}

/** Statements without a place, as acts leave them; the server is down. */
function writePending(dataDir: string, envelopes: readonly Uint8Array[], count: number): void {
  const db = new DatabaseSync(`${dataDir}/pawl.db`);
  db.exec('PRAGMA synchronous=OFF; BEGIN');
  const insert = db.prepare('INSERT INTO ledger_pending (envelope, predicate_type, subject) VALUES (?, ?, ?)');
  for (let at = 0; at < count; at += 1) {
    insert.run(envelopes[at % envelopes.length] ?? new Uint8Array(), 'urn:pawl:device-report:1', `bench/${at}`);
  }
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
}

async function perSecond(count: number, act: (at: number) => unknown): Promise<number> {
  const startedAt = performance.now();
  for (let at = 0; at < count; at += 1) await act(at);
  return (count * 1000) / (performance.now() - startedAt);
}

/** The same, by the processor time of this process: what counts where others use the machine too. */
async function perCpuSecond(count: number, act: (at: number) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let at = 0; at < count; at += 1) await act(at);
  const { user, system } = process.cpuUsage(before);
  return (count * 1e6) / (user + system);
}

/** SHA-256 over a leaf of each entry, and as many nodes: what any ledger of them must hash. */
async function bareHashes(envelopes: readonly Uint8Array[], count: number): Promise<number> {
  const node = new Uint8Array(65);
  return await perCpuSecond(count, (at) => {
    hash('sha256', envelopes[at % envelopes.length] ?? node, 'buffer');
    hash('sha256', node, 'buffer');
  });
}

/** Milliseconds of the gap matrix of a product: the first one of this process, and the next ones. */
async function gapMs(client: ManagementClient): Promise<{ first: number; next: number }> {
  const source = readFileSync(`${ROOT}/examples/products/hearth.yaml`, 'utf8');
  await client.call('putProduct', { params: { product: 'hearth' }, body: { source } });
  const get = () => client.call('getGap', { params: { product: 'hearth' }, query: { on: '2027-12-11' } });
  const first = await perSecond(1, get);
  const next = await perSecond(GAPS, get);
  return { first: 1000 / first, next: 1000 / next };
}

type Asked = {
  readonly proofMs: number;
  readonly tileMs: number;
  readonly checkpointMs: number;
  readonly entriesMs: number;
};

/** Milliseconds of an answer over HTTP, at places all over the ledger. */
async function ask(client: ManagementClient, url: string, token: string, size: number): Promise<Asked> {
  const headers = { authorization: `Bearer ${token}` };
  const get = async (path: string): Promise<void> => {
    const answer = await fetch(`${url}/tlog/${path}`, { headers });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    await answer.arrayBuffer();
  };
  const groups = (index: number): string =>
    index < 1000 ? '' : `x${String(Math.floor(index / 1000)).padStart(3, '0')}/`;
  const tile = (at: number): string => {
    const index = (at * 31) % Math.floor(size / 256);
    return `${groups(index)}${String(index % 1000).padStart(3, '0')}`;
  };
  const proofs = await perSecond(ASKED, (at) => client.call('getProof', { params: { index: (at * 7919) % size } }));
  const tiles = await perSecond(ASKED, (at) => get(`tile/0/${tile(at)}`));
  const entries = await perSecond(ASKED, (at) => get(`tile/entries/${tile(at)}`));
  const checkpoints = await perSecond(ASKED, () => get('checkpoint'));
  return { proofMs: 1000 / proofs, tileMs: 1000 / tiles, entriesMs: 1000 / entries, checkpointMs: 1000 / checkpoints };
}

async function verifiedMs(client: ManagementClient): Promise<{ own: number; bare: number; hashes: number }> {
  const { vkey, size } = await client.call('getCheckpoint', {});
  const index = Math.floor(size / 3);
  const { hashes, note } = await client.call('getProof', { params: { index } });
  const { items } = await client.call('listEntries', { query: { from: index, limit: 1 } });
  const entry = fromBase64(items[0]?.envelope ?? '');
  const proof = utf8(encodeTlogProof({ index, hashes: hashes.map(fromHex), checkpoint: note }));
  const own = await perCpuSecond(VERIFIED, () => verifyTlogProof(proof, entry, vkey));
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const text = Buffer.from(note.split('\n\n', 1)[0] ?? '');
  const signature = sign(null, text, privateKey);
  const node = new Uint8Array(65);
  const bare = await perCpuSecond(VERIFIED, () => {
    verify(null, text, publicKey, signature);
    hash('sha256', entry, 'buffer');
    for (const _ of hashes) hash('sha256', node, 'buffer');
  });
  return { own: 1000 / own, bare: 1000 / bare, hashes: hashes.length };
}

function row(name: string, { proofMs, tileMs, entriesMs, checkpointMs }: Asked): void {
  const columns = [proofMs, tileMs, entriesMs, checkpointMs].map((ms) => ms.toFixed(2).padStart(9));
  console.log(`${name.padEnd(24)} ${columns.join('')}`);
}

/** Processor time of a live process and its threads (proc(5): utime and stime, in hundredths). */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Lets the server place what is pending; entries per second. */
async function place(stage: Stage, port: string, count: number) {
  const server = await stage.serve('--port', port);
  const pid = server.child.pid ?? 0;
  const client = stage.client(server.url);
  const [startedAt, cpuBefore] = [performance.now(), cpuSecondsOf(pid)];
  // Whoever reads the ledger waits until all that was committed before has its place.
  const { size } = await client.call('getCheckpoint', {});
  const seconds = (performance.now() - startedAt) / 1000;
  if (size < count) throw new Error(`${size} of ${count} entries`);
  const perCpuSecond = count / (cpuSecondsOf(pid) - cpuBefore);
  return { rate: count / seconds, perCpuSecond, url: server.url, stop: () => end(server) };
}

export async function benchLedger(): Promise<void> {
  const stage = Stage.make(process.env);
  try {
    const first = await stage.serve();
    await stage.init(first.claimLink ?? '');
    await end(first);
    const { port } = new URL(first.url);
    const envelopes = await signedStatements();
    console.log(`ledger: ${ENTRIES} entries of ${envelopes[0]?.length} bytes, SQLite`);
    const [tenth, rest] = [Math.floor(ENTRIES / 10), ENTRIES - Math.floor(ENTRIES / 10)];
    const asked: Asked[] = [];
    for (const count of [tenth, rest]) {
      writePending(`${stage.dir}/data`, envelopes, count);
      const placed = await place(stage, port, count);
      const client = stage.client(placed.url);
      const { size } = await client.call('getCheckpoint', {});
      asked.push(await ask(client, placed.url, stage.token(), size));
      if (count === rest) {
        const bare = await bareHashes(envelopes, ENTRIES);
        const { rate, perCpuSecond: own } = placed;
        console.log(
          `placed           ${rate.toFixed(0)}/s, ${own.toFixed(0)} in a second of the processor (aim 10,000)`,
        );
        console.log(`                 bare sha256 of the same: ${bare.toFixed(0)}, ratio ${(own / bare).toFixed(2)}`);
        const { own: verified, bare: parts, hashes } = await verifiedMs(client);
        const ratio = (verified / parts).toFixed(2);
        console.log(`proof verified   ${verified.toFixed(3)} ms of the processor (aim 1)`);
        console.log(`                 bare Ed25519 and ${hashes + 1} hashes: ${parts.toFixed(3)} ms, ratio ${ratio}`);
        const { first: cold, next } = await gapMs(client);
        console.log(`gap matrix       ${cold.toFixed(0)} ms the first time, ${next.toFixed(0)} ms after that`);
        console.log(`                 ratio ${(next / cold).toFixed(2)}`);
      }
      await placed.stop();
    }
    console.log('ms of an answer             proof     tile  entries  checkpoint');
    const [small, large] = asked;
    if (small !== undefined) row(`${tenth} entries`, small);
    if (large !== undefined) row(`${ENTRIES} entries`, large);
  } finally {
    await stage.end();
  }
}
