/** The client as a process, as the conformance suite runs it: exit code, the two folders, and what the server was asked. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { toHex, utf8 } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import {
  metadataFileName,
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  type Signable,
  signMetadata,
  withDelegation,
  withTarget,
} from '@pawl/core/trust';

const ROOT = resolve(import.meta.dirname, '../../..');
const MAIN = join(import.meta.dirname, 'main.ts');
const STATIC = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'tuf/tuf-conformance-static');
const HAS_FAKETIME = spawnSync('faketime', ['--version']).error === undefined;

type Site = { readonly url: string; readonly requests: string[]; readonly files: Map<string, Uint8Array> };

/** Serves `files`, and for what is not there `onMiss`. */
async function serve(
  t: TestContext,
  onMiss: (path: string) => Uint8Array | undefined = () => undefined,
): Promise<Site> {
  const files = new Map<string, Uint8Array>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1);
    requests.push(path);
    const bytes = files.get(path) ?? onMiss(path);
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests, files };
}

type Ran = { readonly code: number | null; readonly said: string };

/** Starts the client, at another time when one is given. */
async function run(args: readonly string[], faketime?: string): Promise<Ran> {
  const command = [process.execPath, MAIN, ...args];
  const [file = '', ...rest] = faketime === undefined ? command : ['faketime', faketime, ...command];
  const child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TZ: 'UTC' } });
  const said = text(child.stderr);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, said: await said };
}

type Folders = { readonly metadata: string; readonly targets: string; readonly root: string };

function folders(t: TestContext): Folders {
  const dir = mkdtempSync(join(tmpdir(), 'pawl-tuf-client-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return { metadata: join(dir, 'metadata'), targets: join(dir, 'targets'), root: join(dir, 'initial.json') };
}

function downloadArgs(site: Site, { metadata, targets }: Folders, paths: readonly string[], prefix = ''): string[] {
  const metadataArgs = ['--metadata-dir', metadata, '--metadata-url', `${site.url}${prefix}metadata/`];
  const targetArgs = ['--target-dir', targets, '--target-base-url', `${site.url}${prefix}targets/`];
  return [...metadataArgs, ...paths.flatMap((path) => ['--target-name', path]), ...targetArgs, 'download'];
}

const FILE = utf8('a firmware image');
const ROLE = '../a role/?#';
const PATH = 'hub/an image.bin';

/** The same list with other digests; our producer itself always lists SHA-256. */
function relisted({ json }: Signable, hashes: Hashes): Signable {
  const targets = { [PATH]: { length: FILE.length, hashes } };
  return { json: { ...json, targets }, signatures: [] };
}

/** The members of a listed target that stand for its digests. */
type Hashes = Readonly<Record<string, string>>;

/** A repository of our producer: one target in a delegated role with an unpleasant name, one that is not there. */
async function publish(site: Site, hashes?: Hashes): Promise<Uint8Array> {
  const expiresAt = new Date(Date.now() + 3_600_000);
  const key = PrivateKey.generate('Ed25519');
  const keys = { root: [key], timestamp: [key], snapshot: [key], targets: [key] } as const;
  const publicKeys = [key.publicKey];
  const root = await signMetadata(
    newRoot({
      keys: { root: publicKeys, timestamp: publicKeys, snapshot: publicKeys, targets: publicKeys },
      expiresAt,
    }),
    keys.root,
  );
  const listed = { sizeBytes: FILE.length, sha256: sha256(FILE) };
  const line = withTarget(withTarget(newTargets({ expiresAt }), { path: PATH, ...listed }), {
    path: 'hub/lost',
    ...listed,
  });
  const targets = withDelegation(newTargets({ expiresAt }), { role: ROLE, keys: publicKeys, paths: ['hub/*'] });
  const roles = new Map([
    ['targets', await signMetadata(targets, keys.targets)],
    [ROLE, await signMetadata(hashes === undefined ? line : relisted(line, hashes), [key])],
  ]);
  const snapshot = await signMetadata(newSnapshot({ expiresAt, roles }), keys.snapshot);
  const timestamp = await signMetadata(newTimestamp({ version: 1, expiresAt, snapshot }), keys.timestamp);
  for (const [role, bytes] of roles) site.files.set(`metadata/${metadataFileName(role, 1)}`, bytes);
  site.files.set('metadata/1.root.json', root);
  site.files.set('metadata/1.snapshot.json', snapshot);
  site.files.set('metadata/timestamp.json', timestamp);
  site.files.set(`targets/hub/${toHex(sha256(FILE))}.an%20image.bin`, FILE);
  return root;
}

test('keeps the bytes that came, under harmless names, and fetches an artifact once', async (t) => {
  const site = await serve(t);
  const at = folders(t);
  const root = await publish(site);
  writeFileSync(at.root, root);

  assert.deepEqual(await run(['--metadata-dir', at.metadata, 'init', at.root]), { code: 0, said: '' });
  assert.deepEqual(site.requests, []);
  assert.deepEqual(new Uint8Array(readFileSync(join(at.metadata, 'root.json'))), root);

  // Without its last slash, the address means the same folder.
  const refresh = ['refresh', '--metadata-url', `${site.url}metadata`, '--metadata-dir', at.metadata];
  assert.deepEqual(await run(refresh), { code: 0, said: '' });
  const names = ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json'];
  assert.deepEqual(
    site.requests.splice(0),
    names.map((name) => `metadata/${name}`),
  );
  assert.deepEqual(readdirSync(at.metadata).sort(), ['root.json', 'snapshot.json', 'targets.json', 'timestamp.json']);

  assert.deepEqual(await run(downloadArgs(site, at, [PATH])), { code: 0, said: '' });
  const role = '..%2Fa%20role%2F%3F%23.json';
  const artifact = `targets/hub/${toHex(sha256(FILE))}.an%20image.bin`;
  assert.deepEqual(site.requests.splice(0).slice(2), [`metadata/1.${role}`, artifact]);
  assert.deepEqual(new Uint8Array(readFileSync(join(at.metadata, role))), site.files.get(`metadata/1.${role}`));
  const [saved = '', ...others] = readdirSync(at.targets);
  assert.deepEqual(others, []);
  assert.deepEqual(new Uint8Array(readFileSync(join(at.targets, saved))), FILE);

  assert.equal((await run(downloadArgs(site, at, [PATH, PATH]))).code, 0);
  assert.deepEqual(site.requests.splice(0), ['metadata/2.root.json', 'metadata/timestamp.json']);

  // A cached copy that is not what is listed is fetched anew.
  writeFileSync(join(at.targets, saved), 'something else');
  assert.equal((await run(downloadArgs(site, at, [PATH]))).code, 0);
  assert.deepEqual(new Uint8Array(readFileSync(join(at.targets, saved))), FILE);
});

test('stops with 1 and a reason at the first failure, and keeps nothing of it', async (t) => {
  const site = await serve(t);
  const at = folders(t);
  writeFileSync(at.root, await publish(site));
  const early = await run(downloadArgs(site, at, [PATH]));
  assert.deepEqual([early.code, site.requests], [1, []]);
  assert.match(early.said, /run "init" first/);
  await run(['--metadata-dir', at.metadata, 'init', at.root]);

  const unlisted = await run(downloadArgs(site, at, ['nobody/lists this', PATH]));
  assert.equal(unlisted.code, 1);
  assert.match(unlisted.said, /no trusted role lists nobody\/lists this/);
  assert.equal(existsSync(at.targets), false);

  const lost = await run(downloadArgs(site, at, [PATH, 'hub/lost']));
  assert.equal(lost.code, 1);
  assert.match(lost.said, /\.lost is not there/);
  assert.equal(readdirSync(at.targets).length, 1);

  const artifact = `targets/hub/${toHex(sha256(FILE))}.an%20image.bin`;
  rmSync(at.targets, { recursive: true });
  for (const [bytes, said] of [
    [utf8('another fw image'), /TRUST_DIGEST_MISMATCH/],
    [utf8('short'), /TRUST_LENGTH_MISMATCH/],
    [utf8('a firmware image and more'), /longer than 16 bytes/],
  ] as const) {
    site.files.set(artifact, bytes);
    const ran = await run(downloadArgs(site, at, [PATH]));
    assert.equal(ran.code, 1);
    assert.match(ran.said, said);
    assert.equal(existsSync(at.targets), false);
  }
});

test('takes a target by SHA-512 alone, and none by a digest that it does not know', async (t) => {
  const sha512 = createHash('sha512').update(FILE).digest('hex');
  const cases: readonly (readonly [Hashes, boolean])[] = [
    [{ sha512 }, true],
    [{ sha256: toHex(sha256(FILE)), sha512: '00'.repeat(64) }, false],
    [{ 'unknown-hash': sha512 }, false],
  ];
  for (const [hashes, isTaken] of cases) {
    const site = await serve(t);
    const at = folders(t);
    writeFileSync(at.root, await publish(site, hashes));
    for (const name of Object.values(hashes)) site.files.set(`targets/hub/${name}.an%20image.bin`, FILE);
    site.files.set('targets/hub/an%20image.bin', FILE);
    await run(['--metadata-dir', at.metadata, 'init', at.root]);
    const { code } = await run(downloadArgs(site, at, [PATH]));
    assert.equal(code, isTaken ? 0 : 1, JSON.stringify(hashes));
    assert.equal(existsSync(at.targets), isTaken);
  }
});

test('says what it does not understand, with 1', async (t) => {
  const at = folders(t);
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['refresh', 'more'], /usage/],
    [['init'], /usage/],
    [['--metadata-dir', at.metadata, 'refresh'], /--metadata-url is needed/],
    [['--surprise', 'refresh'], /surprise/],
  ];
  const runs = await Promise.all(cases.map(([args]) => run(args)));
  for (const [index, [, said]] of cases.entries()) {
    assert.equal(runs[index]?.code, 1);
    assert.match(runs[index].said, said);
  }
});

test('follows no redirect and takes no other answer for a file', async (t) => {
  const at = folders(t);
  const server = createServer((request, response) => {
    if (request.url === '/moved/2.root.json') response.writeHead(302, { location: '/elsewhere/2.root.json' });
    else response.writeHead(503);
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(at.root, await publish({ url, requests: [], files: new Map() }));
  await run(['--metadata-dir', at.metadata, 'init', at.root]);
  const refresh = (path: string): Promise<Ran> =>
    run(['--metadata-dir', at.metadata, '--metadata-url', `${url}/${path}`, 'refresh']);
  assert.equal((await refresh('moved')).code, 1);
  assert.match((await refresh('down')).said, /2\.root\.json answered 503/);
});

test('refreshes from a repository of another tool, at the time for which it was made', async (t) => {
  if (!existsSync(STATIC)) {
    t.skip('the static repositories of tuf-conformance are not there (PAWL_VECTORS)');
    return;
  }
  // With CI=true a missing tool must fail the tests, not skip them.
  if (!HAS_FAKETIME && process.env['CI'] !== 'true') {
    t.skip('not installed: faketime');
    return;
  }
  const site = await serve(t, (path) => {
    const file = join(STATIC, decodeURIComponent(path));
    return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined;
  });
  for (const name of readdirSync(STATIC)) {
    const at = folders(t);
    const word = (file: string): string => readFileSync(join(STATIC, name, file), 'utf8').trim();
    await run(['--metadata-dir', at.metadata, 'init', join(STATIC, name, 'initial_root.json')]);
    const args = downloadArgs(site, at, [word('targetpath')], `${name}/`);
    // Written with an offset, which faketime does not read; all of them are UTC.
    const faketime = word('faketime').replace('+00:00', '');
    assert.deepEqual(await run(args, faketime), { code: 0, said: '' });
    const [saved = ''] = readdirSync(at.targets);
    const digest = toHex(sha256(readFileSync(join(at.targets, saved))));
    assert.equal(site.requests.at(-1)?.split('/').at(-1)?.split('.')[0], digest);

    const late = await run(args, '2060-01-01 00:00:00');
    assert.equal(late.code, 1);
    assert.match(late.said, /TRUST_EXPIRED/);
  }
});
