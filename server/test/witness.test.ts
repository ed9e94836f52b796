/** A witness over real HTTP: each answer of tlog-witness, what survives a restart, and what must not start. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { utf8 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import {
  appendLeaf,
  consistencyProof,
  cosignatureOf,
  emptyRoot,
  encodeAddCheckpoint,
  encodeVkey,
  leafHash,
  type NodeId,
  signCheckpoint,
  withSignatures,
} from '@pawl/core/evidence';
import { type RunningWitness, startWitness, type WitnessConfig } from '../src/witness/witness-server.ts';
import { exchange } from './raw-http.ts';

const ORIGIN = 'pawl.example/ledger';
const NAME = 'lab.example/witness';
const key = PrivateKey.generate('Ed25519');
const vkey = encodeVkey(ORIGIN, key.publicKey);
const AT = new Date('2026-11-21T10:00:00.000Z');
let folder: string;
let witness: RunningWitness;
const judged: string[] = [];
const origins: string[] = [];

const configOf = (change: Partial<WitnessConfig> = {}): WitnessConfig => ({
  dir: join(folder, 'witness'),
  ledgers: [vkey],
  host: '127.0.0.1',
  port: 0,
  now: () => AT,
  onJudged: ({ origin, status, text }) => {
    origins.push(origin);
    judged.push(`${status} ${text}`);
  },
  ...change,
});

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-witness-'));
  witness = await startWitness(configOf({ newName: NAME }));
});
after(async () => {
  await witness.close();
  await rm(folder, { recursive: true });
});

/** Entries of a ledger; from `forkedAt` on others than those of the first history. */
class History {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #roots: Uint8Array[] = [emptyRoot()];
  readonly #getNode = ({ level, index }: NodeId) => this.#nodes.get(`${level}/${index}`);

  static async make(forkedAt = Number.POSITIVE_INFINITY): Promise<History> {
    const history = new History();
    for (let at = 0; at < 60; at += 1) {
      const leaf = leafHash(utf8(`${at < forkedAt ? 'entry' : 'another'} ${at}`));
      const { nodes, root } = await appendLeaf(at, leaf, history.#getNode);
      for (const { level, index, hash } of nodes) history.#nodes.set(`${level}/${index}`, hash);
      history.#roots.push(root);
    }
    return history;
  }

  note(size: number, by = key): Promise<string> {
    return signCheckpoint({ origin: ORIGIN, size, root: this.#roots[size] ?? assert.fail() }, ORIGIN, by);
  }

  async request(oldSize: number, size: number): Promise<string> {
    const proof = oldSize > 0 && oldSize < size ? await consistencyProof(oldSize, size, this.#getNode) : [];
    return encodeAddCheckpoint({ oldSize, proof, note: await this.note(size) });
  }
}
const main = await History.make();
const fork = await History.make(10);

const post = (body: string, path = '/add-checkpoint', method = 'POST') =>
  exchange(`${witness.url}${path}`, { method, ...(method === 'GET' ? {} : { body }) });
async function statusOf(body: string): Promise<number> {
  return (await post(body)).status;
}

test('a new ledger is cosigned, and goes on being', async () => {
  for (const [oldSize, size] of [
    [0, 5],
    [5, 5],
    [5, 20],
  ] as const) {
    const answer = await post(await main.request(oldSize, size));
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, /^— lab\.example\/witness [A-Za-z0-9+/]+=*\n$/);
    const cosigned = withSignatures(await main.note(size), answer.text.trimEnd().split('\n'));
    assert.deepEqual(cosignatureOf(cosigned, witness.vkey), { witness: NAME, atMs: AT.getTime() });
  }
});

test('what is wrong is answered as the specification says, and changes nothing', async () => {
  const behind = await post(await main.request(0, 30));
  assert.deepEqual([behind.status, behind.headers['content-type'], behind.text], [409, 'text/x.tlog.size', '20\n']);
  assert.equal(await statusOf((await main.request(20, 30)).replaceAll(ORIGIN, 'x.example')), 404);
  const shown = `\u001B]0;owned\u0007${'x'.repeat(9000)}`;
  assert.equal(await statusOf((await main.request(20, 30)).replaceAll(ORIGIN, shown)), 404);
  const said = origins.at(-1) ?? '';
  assert.ok(said.length <= 255 && !/\p{Cc}/u.test(said), JSON.stringify(said.slice(0, 40)));
  assert.equal(await statusOf((await main.request(20, 30)).replace('\n30\n', '\n31\n')), 403);
  const stranger = encodeAddCheckpoint({
    oldSize: 20,
    proof: [],
    note: await main.note(30, PrivateKey.generate('Ed25519')),
  });
  assert.equal(await statusOf(stranger), 403);
  assert.equal(await statusOf(await main.request(30, 20)), 400);
  for (const body of ['', 'old 20', 'x'.repeat(80_000)]) assert.equal(await statusOf(body), 400);
  assert.equal((await post('', '/add-checkpoint', 'GET')).headers['allow'], 'POST');
  for (const path of ['/', '/checkpoint', '/add-checkpoint/', '/add-checkpoint?a=1'])
    assert.equal((await post('', path)).status, 404);
  assert.equal(await statusOf(await main.request(20, 20)), 200);
  assert.deepEqual(witness.refused(), []);
});

test('another history is refused and kept as evidence, once', async () => {
  assert.equal(await statusOf(await fork.request(20, 40)), 422);
  assert.equal(await statusOf(await fork.request(20, 40)), 422);
  assert.equal(await statusOf(await fork.request(20, 20)), 409);
  // A proof of the other history does not help either.
  const mixed = encodeAddCheckpoint({ oldSize: 20, proof: [], note: await fork.note(40) });
  assert.equal(await statusOf(mixed), 422);
  assert.deepEqual(
    witness.refused().map(({ origin, atMs, note, isFork }) => [origin, atMs, note.split('\n')[1], isFork]),
    [
      [ORIGIN, AT.getTime(), '20', true],
      [ORIGIN, AT.getTime(), '40', false],
    ],
  );
  assert.ok(judged.includes('422 MERKLE_CONSISTENCY_INVALID'));
});

test('a checkpoint of the ledger that a stranger sends with a bad proof is no fork, and pushes no evidence out', async () => {
  const request = async (size: number, more = '') =>
    encodeAddCheckpoint({ oldSize: 20, proof: [], note: `${await main.note(size)}${more}` });
  const forks = () => witness.refused().filter(({ isFork }) => isFork);
  const before = forks();
  assert.equal(before.length, 1);
  for (let at = 0; at < 101; at += 1) {
    const line = `— stranger.example ${Buffer.alloc(76, at).toString('base64')}\n`;
    assert.equal(await statusOf(await request(30, line)), 422);
  }
  assert.equal(await statusOf(await request(31)), 422);
  assert.deepEqual(forks(), before);
  // What others wrote under it makes no other checkpoint of it.
  assert.equal(witness.refused().length, 4);
});

test('of requests at the same time one goes first, and none sets the ledger back', async () => {
  const sizes = [21, 25, 30, 30, 28, 22];
  const requests = await Promise.all(sizes.map((size) => main.request(20, size)));
  const answers = await Promise.all(requests.map((body) => post(body)));
  const good = answers.flatMap(({ status }, at) => (status === 200 ? [sizes[at]] : []));
  // Whoever came second proved from a size that was no longer the last, unless it asked for that very size.
  assert.equal(new Set(good).size, 1, `${good.join(' ')}`);
  const last = await post(await main.request(0, 60));
  assert.deepEqual([last.status, last.text], [409, `${good[0]}\n`]);
  assert.equal(await statusOf(await main.request(good[0] ?? 0, 40)), 200);
});

test('it goes on where it ended, and one process at a time runs it', async () => {
  await assert.rejects(startWitness(configOf()), { code: 'WITNESS_FOLDER_BUSY' });
  const before = witness.vkey;
  await witness.close();
  witness = await startWitness(configOf());
  assert.equal(witness.vkey, before);
  assert.equal((await post(await main.request(0, 50))).text, '40\n');
  assert.equal(await statusOf(await fork.request(40, 50)), 422);
  assert.equal(witness.refused().length, 5);
});

test('a witness that lost what it saw, or would be made over another, does not start', async () => {
  await assert.rejects(startWitness(configOf({ newName: NAME })), { code: 'WITNESS_FOLDER_EXISTS' });
  await assert.rejects(startWitness(configOf({ dir: join(folder, 'none') })), { code: 'WITNESS_FOLDER_DAMAGED' });
  await assert.rejects(startWitness(configOf({ dir: join(folder, 'new'), newName: 'a name' })), {
    code: 'VKEY_MALFORMED',
  });
  await assert.rejects(startWitness(configOf({ host: '0.0.0.0' })), { code: 'SERVER_TLS_REQUIRED' });
  await assert.rejects(startWitness(configOf({ ledgers: ['x'] })), { code: 'VKEY_MALFORMED' });
  const other = await startWitness(configOf({ dir: join(folder, 'other'), newName: 'other.example' }));
  const taken = { port: Number(new URL(other.url).port) };
  await assert.rejects(startWitness(configOf({ ...taken, dir: join(folder, 'third'), newName: NAME })), {
    code: 'SERVER_PORT_IN_USE',
  });
  await other.close();
  const damage: readonly ((dir: string) => Promise<void>)[] = [
    (dir) => rm(join(dir, 'seen.db')),
    (dir) => writeFile(join(dir, 'seen.db'), 'no database'),
    (dir) => rm(join(dir, 'key.json')),
    (dir) => rm(join(dir, 'secret')),
    (dir) => writeFile(join(dir, 'witness.vkey'), `${witness.vkey}\n`),
    (dir) => writeFile(join(dir, 'witness.vkey'), 'nobody\n'),
  ];
  for (const [at, break_] of damage.entries()) {
    const dir = join(folder, `damaged-${at}`);
    await cp(join(folder, 'other'), dir, { recursive: true });
    await break_(dir);
    await assert.rejects(startWitness(configOf({ dir })), { code: 'WITNESS_FOLDER_DAMAGED' }, `damage ${at}`);
  }
});
