/**
 * A server and two witnesses as processes of their own: exports are cosigned and verify offline; a witness that is away holds
 * nothing up; a ledger that was restored from an old backup and continued is cosigned by nobody, and `pawl verify` says so.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { type RunningServer, startServer } from '@pawl/server/main';
import { Place } from './workspace-fixture.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');
type Witness = { readonly child: ChildProcess; readonly url: string; readonly vkey: string };

let place: Place;
let server: RunningServer;
let token = '';
let ledgerKey = '';
let counted = 0;
const witnesses = new Map<string, Witness>();

async function startWitness(name: string, port: string, ...words: string[]): Promise<Witness> {
  const args = ['ledger', 'witness', place.path(name), '--ledger', ledgerKey, '--port', port, '--json', ...words];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { url, vkey } = JSON.parse(line) as { url: string; vkey: string };
    child.stdout.resume();
    const witness = { child, url, vkey };
    witnesses.set(name, witness);
    return witness;
  }
  throw new Error('the witness ended before it listened');
}
async function stopWitness(name: string): Promise<void> {
  const { child } = witnesses.get(name) ?? assert.fail();
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}
const of = (name: string): Witness => witnesses.get(name) ?? assert.fail();
const portOf = (name: string): number => Number(new URL(of(name).url).port);

function start(): Promise<RunningServer> {
  return startServer({
    dataDir: place.path('data'),
    host: '127.0.0.1',
    port: 0,
    pollIntervalS: 300,
    now: () => new Date(),
    logLevel: 'silent',
    witnesses: [...witnesses.values()].map(({ vkey, url }) => ({ vkey, url })),
    egress: { networks: ['127.0.0.0/8'], isHttpAllowed: true, ports: [...witnesses.keys()].map(portOf) },
  });
}
const client = () => new ManagementClient({ url: server.url, token });
async function act(times = 1): Promise<void> {
  for (; times > 0; times -= 1) {
    const controllerId = `d${(counted += 1)}`;
    await client().call('addDevices', { body: { devices: [{ controllerId, model: 'hub' }] } });
    await client().call('decommissionDevice', { params: { controllerId } });
  }
}
async function exportTo(file: string): Promise<void> {
  await writeFile(place.path(file), await client().call('exportBundle', {}));
}
const verify = (file: string, needed: string) =>
  place.pawl(
    'verify',
    file,
    '--key',
    ledgerKey,
    ...['one', 'two'].flatMap((name) => ['--witness', of(name).vkey]),
    '--witnesses',
    needed,
  );
const states = async () =>
  Object.fromEntries((await client().call('listWitnesses', {})).items.map(({ name, state }) => [name, state]));

before(async () => {
  place = await Place.make();
  server = await start();
  ({ token } = await new ManagementClient({ url: server.url }).call('login', {
    body: { claim: server.claim ?? '', label: 'test' },
  }));
  ledgerKey = (await client().call('getCheckpoint', {})).vkey;
  await Promise.all(['one', 'two'].map((name) => startWitness(name, '0', '--new', `${name}.example/witness`)));
  await server.close();
  server = await start();
});
after(async () => {
  await Promise.all([...witnesses.keys()].map(stopWitness));
  await server.close();
  await place[Symbol.asyncDispose]();
});

test('exports, proofs and checkpoints carry the cosignatures of all witnesses, and verify offline', async () => {
  await act(2);
  await exportTo('whole.zip');
  const ran = await verify('whole.zip', '2');
  assert.equal(ran.status, 0, ran.err.join());
  assert.equal(ran.out.filter((line) => line.startsWith('cosigned by')).length, 2);
  await act();
  await writeFile(place.path('part.zip'), await client().call('exportBundle', { query: { since: '2020-01-01' } }));
  assert.equal((await verify('part.zip', '2')).status, 0);
  const { note } = await client().call('getProof', { params: { index: 0 } });
  assert.deepEqual(note.split('\n').filter((line) => line.startsWith('— ')).length, 3);
  assert.deepEqual(await states(), { 'one.example/witness': 'cosigned', 'two.example/witness': 'cosigned' });
});

test('without being asked, the job has the ledger cosigned when it has grown', async () => {
  await act();
  const { size } = await client().call('getCheckpoint', {});
  const isDone = async () => (await client().call('listWitnesses', {})).items.every((each) => each.size === size);
  while (!(await isDone())) await new Promise((done) => setImmediate(done));
});

test('a witness that is away holds nothing up, and its cosignature is missed where it is needed', async () => {
  const port = portOf('two');
  await stopWitness('two');
  await act();
  await exportTo('one.zip');
  assert.equal((await verify('one.zip', '1')).status, 0);
  const few = await verify('one.zip', '2');
  assert.match(few.err[0] ?? '', /CHECKPOINT_COSIGNATURES_TOO_FEW.*two\.example/);
  assert.equal((await states())['two.example/witness'], 'unreachable');
  await startWitness('two', String(port));
  await server.close();
  server = await start();
  await exportTo('both.zip');
  assert.equal((await verify('both.zip', '2')).status, 0);
});

test('a ledger that was restored from an old backup and continued is cosigned by nobody', async () => {
  await server.close();
  await cp(place.path('data'), place.path('backup'), { recursive: true });
  server = await start();
  await act(2);
  await exportTo('before.zip');
  await server.close();
  await rm(place.path('data'), { recursive: true });
  await cp(place.path('backup'), place.path('data'), { recursive: true });
  server = await start();

  await exportTo('set-back.zip');
  await act();
  await exportTo('set-back.zip');
  assert.deepEqual(await states(), { 'one.example/witness': 'set-back', 'two.example/witness': 'set-back' });
  await server.close();
  server = await start();
  await act(5);
  await exportTo('forked.zip');
  assert.deepEqual(await states(), { 'one.example/witness': 'forked', 'two.example/witness': 'forked' });

  assert.equal((await verify('before.zip', '2')).status, 0);
  for (const file of ['set-back.zip', 'forked.zip']) {
    const refused = await verify(file, '1');
    assert.equal(refused.status, 1);
    assert.match(refused.err.join('\n'), /CHECKPOINT_COSIGNATURES_TOO_FEW[^]*rewritten or set back/);
    // By its own key alone nobody could tell.
    assert.equal((await place.pawl('verify', file, '--key', ledgerKey)).status, 0);
  }
  const compared = await place.pawl('ledger', 'compare', 'before.zip', 'forked.zip', '--key', ledgerKey);
  assert.match(compared.out.at(-1) ?? '', /^forked/);
});
