/** tuf-js, unchanged, as a client of a repository that our producer made: over real HTTP, through rotations and releases. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { Updater } from 'tuf-js';
import { toHex, utf8 } from '../bytes/index.ts';
import { PrivateKey, type SignatureAlgorithm, sha256 } from '../crypto/index.ts';
import { nextTargets, withDelegation, withTarget } from './produce-targets.ts';
import { publicKeys, RepositorySimulator } from './simulator.ts';

const ARTIFACT = utf8('a firmware image');
const PATH = 'hub/2.0.0/envelope.suit';
const FAR = new Date('2100-01-01T00:00:00Z');

type Served = { readonly url: string; close(): Promise<void> };

async function serve(files: ReadonlyMap<string, Uint8Array>): Promise<Served> {
  const server = createServer((request, response) => {
    const bytes = files.get((request.url ?? '').replace(/^\/(metadata\/)?/, ''));
    response.writeHead(bytes === undefined ? 404 : 200);
    response.end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

/** Everything that carries a date in the simulator is moved out of tuf-js's own clock's way. */
async function republish(simulator: RepositorySimulator): Promise<void> {
  const days = (FAR.getTime() - Date.UTC(2026, 0, 1)) / 86_400_000;
  await simulator.rotate({}, days);
  simulator.targets = nextTargets(simulator.targets, { expiresAt: FAR });
  await simulator.publishTargets();
  simulator.line = nextTargets(simulator.line, { expiresAt: FAR });
  await simulator.publishLine();
  await simulator.publishFreshness(days);
}

async function download(base: string, dir: string): Promise<string> {
  const updater = new Updater({
    metadataDir: join(dir, 'metadata'),
    metadataBaseUrl: `${base}metadata`,
    targetDir: join(dir, 'targets'),
    targetBaseUrl: base.replace(/\/$/, ''),
    config: { fetchRetry: 0 },
  });
  await updater.refresh();
  const info = await updater.getTargetInfo(PATH);
  assert.ok(info, 'tuf-js finds the target');
  assert.deepEqual(info.custom, { pawl: { version: '2.0.0' } });
  return await updater.downloadTarget(info);
}

for (const algorithm of ['Ed25519', 'ESP256', 'ESP384', 'PS256'] as const satisfies SignatureAlgorithm[]) {
  test(`tuf-js follows a repository signed with ${algorithm}, through the rotation of every key`, async (t) => {
    const simulator = new RepositorySimulator();
    const fresh = (): PrivateKey[] => [PrivateKey.generate(algorithm)];
    await simulator.publishRoot(simulator.keys.root);
    await simulator.rotate({ root: fresh(), timestamp: fresh(), snapshot: fresh(), targets: fresh() });
    simulator.lineKeys = fresh();
    const keys = publicKeys(simulator.lineKeys);
    simulator.targets = withDelegation(simulator.targets, { role: 'hub', keys, paths: ['hub/*/*'] });
    simulator.line = withTarget(simulator.line, {
      path: PATH,
      sizeBytes: ARTIFACT.length,
      sha256: sha256(ARTIFACT),
      custom: { pawl: { version: '2.0.0' } },
    });
    await republish(simulator);
    simulator.files.set(`hub/2.0.0/${toHex(sha256(ARTIFACT))}.envelope.suit`, ARTIFACT);

    const dir = await mkdtemp(join(tmpdir(), 'pawl-tuf-js-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    await mkdir(join(dir, 'metadata'));
    await mkdir(join(dir, 'targets'));
    await writeFile(join(dir, 'metadata', 'root.json'), simulator.file('1.root.json'));
    const served = await serve(simulator.files);
    t.after(() => served.close());

    const file = await download(served.url, dir);
    assert.deepEqual(new Uint8Array(await readFile(file)), ARTIFACT);

    await simulator.rotate({ root: fresh(), timestamp: fresh(), snapshot: fresh(), targets: fresh() });
    await republish(simulator);
    await download(served.url, dir);
    const root = JSON.parse(await readFile(join(dir, 'metadata', 'root.json'), 'utf8'));
    assert.equal(root.signed.version, simulator.root.signed.version);
    assert.deepEqual(
      new Uint8Array(await readFile(join(dir, 'metadata', 'hub.json'))),
      simulator.file(`${simulator.line.signed.version}.hub.json`),
    );
  });
}

test('tuf-js meets its threshold beside an ML-DSA-65 key that it does not know', async (t) => {
  const simulator = new RepositorySimulator();
  simulator.keys.timestamp.push(PrivateKey.generate('ML-DSA-65'));
  simulator.keys.root.push(PrivateKey.generate('ML-DSA-65'));
  await simulator.publishRoot(simulator.keys.root);
  simulator.line = withTarget(simulator.line, {
    path: PATH,
    sizeBytes: ARTIFACT.length,
    sha256: sha256(ARTIFACT),
    custom: { pawl: { version: '2.0.0' } },
  });
  await republish(simulator);
  simulator.files.set(`hub/2.0.0/${toHex(sha256(ARTIFACT))}.envelope.suit`, ARTIFACT);
  const dir = await mkdtemp(join(tmpdir(), 'pawl-tuf-js-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  await mkdir(join(dir, 'metadata'));
  await mkdir(join(dir, 'targets'));
  await writeFile(join(dir, 'metadata', 'root.json'), simulator.file('1.root.json'));
  const served = await serve(simulator.files);
  t.after(() => served.close());
  await download(served.url, dir);
});
