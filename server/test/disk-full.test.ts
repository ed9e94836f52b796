/**
 * A real full disk: a server in a process of its own on a small file system in memory (a mount in a name space of its own, so
 * that no privilege is needed). What does not fit is refused with its code, reads and polls go on, nothing acknowledged is
 * lost, and with room again the same requests work.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { feedback, ScriptedDevice } from './ddi-device.ts';
import { sha256Hex } from './line-repository.ts';
import { publishForeign, rollOut } from './running-server.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

const SIZE_MB = 24;
const SCRIPT = `
  import { startServer } from ${JSON.stringify(join(import.meta.dirname, '../src/main.ts'))};
  const { url, claim } = await startServer({
    dataDir: process.argv[1] + '/data', host: '127.0.0.1', port: 0, pollIntervalS: 300, now: () => new Date(), logLevel: 'silent',
  });
  console.log(JSON.stringify({ url, claim }));
`;
const MOUNT = `mount -t tmpfs -o size=${SIZE_MB}m tmpfs "$1" && exec "$2" --input-type=module -e "$3" "$1"`;
const IN_SPACE = ['--user', '--map-root-user', '--mount'];

/** With CI=true never: there a missing tool fails the test. */
const isMissing = spawnSync('unshare', [...IN_SPACE, 'true']).status !== 0 && process.env['CI'] !== 'true';
const skip = isMissing ? 'no name spaces here' : false;

let folder: string;
let bench: string;
let child: ChildProcess;
let operator: ManagementClient;
let url: string;

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'pawl-full-'));
  bench = mkdtempSync(join(tmpdir(), 'pawl-full-'));
  const words = [...IN_SPACE, 'sh', '-c', MOUNT, 'sh', folder, process.execPath, SCRIPT];
  const started = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string];
  const told = JSON.parse(line) as { url: string; claim: string };
  url = told.url;
  const { token } = await new ManagementClient({ url }).call('login', { body: { claim: told.claim, label: 'test' } });
  operator = new ManagementClient({ url, token });
});
after(async () => {
  if (skip !== false) return;
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  for (const path of [folder, bench]) rmSync(path, { recursive: true, force: true });
});

/** The folder as the server sees it. */
const within = (name: string): string => `/proc/${child.pid}/root${folder}/${name}`;

/** Takes all the room that is left, but so much. */
function fill(leaveBytes: number): void {
  const file = openSync(within('filler'), 'w');
  const left = openSync(within('left'), 'w');
  writeSync(left, Buffer.alloc(Math.max(1, leaveBytes)));
  closeSync(left);
  const chunk = Buffer.alloc(65_536);
  for (let sizeBytes = chunk.length; sizeBytes >= 4096; sizeBytes /= 2) {
    try {
      for (;;) writeSync(file, chunk, 0, sizeBytes);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
  closeSync(file);
  rmSync(within('left'));
}

/** Adds devices until one is refused; what was acknowledged, and the code. */
async function addUntilRefused(
  prefix: string,
  atOnce: number,
): Promise<{ names: string[]; code: string; status: number }> {
  const names: string[] = [];
  for (let index = 0; ; index += 1) {
    const batch = Array.from({ length: atOnce }, (_, place) => `${prefix}-${index}-${place}`);
    const devices = batch.map((controllerId) => ({ controllerId, model: 'hub', tags: ['x'.repeat(60)] }));
    try {
      await operator.call('addDevices', { body: { devices } });
      names.push(...batch);
    } catch (error) {
      const { code, status } = error as { code: string; status: number };
      return { names, code, status };
    }
  }
}

async function verifyKnown(names: readonly string[]): Promise<void> {
  const known = new Set<string>();
  for (let cursor: string | undefined; ; ) {
    const page = await operator.call('listDevices', {
      query: { limit: 500, ...(cursor === undefined ? {} : { cursor }) },
    });
    for (const { controllerId } of page.items) known.add(controllerId);
    if (page.next === null) break;
    cursor = page.next;
  }
  for (const name of names) assert.ok(known.has(name), `${name} was acknowledged`);
  // And nothing of what was refused.
  assert.equal(known.size, names.length + 1);
  const { vkey } = await operator.call('getCheckpoint', {});
  assert.equal(verifyBundle(await operator.call('exportBundle', {}), { vkey }).isComplete, true);
}

test('a full disk refuses what does not fit, serves the rest, and takes the same again when there is room', {
  skip,
}, async () => {
  const { devices } = await operator.call('addDevices', {
    body: { devices: [{ controllerId: 'd-1', model: 'hub', line: 'hub' }] },
  });
  const signer = makeSwuSigner(bench, 'signer');
  const image = { version: '1.0.0', bytes: new Uint8Array(randomBytes(100_000)), installTo: '/nowhere/image.bin' };
  const certificatesPem = [readFileSync(signer.certificateFile, 'utf8')];
  await operator.call('putLine', { params: { line: 'hub' }, body: { certificatesPem } });
  const release = { line: 'hub', version: '1.0.0', fileName: 'a.swu', bytes: makeSwu(bench, signer, image) };
  await rollOut(operator, await publishForeign(operator, release), 'name:d-1');
  const device = new ScriptedDevice(url, 'd-1', devices[0]?.token ?? '');
  const action = /deploymentBase\/(\d+)/.exec(await device.link('deploymentBase'))?.[1] ?? '';
  const bytes = randomBytes(2_000_000);
  const artifacts = [{ name: 'b.bin', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const draft = { line: 'hub', version: '2.0.0', kind: 'foreign' as const, artifacts };
  const { id } = await operator.call('createRelease', { body: draft });
  const put = () =>
    operator.call('putArtifact', { params: { id, name: 'b.bin' }, body: bytes, sizeBytes: bytes.length });

  fill(1_000_000);
  await assert.rejects(put(), { code: 'STORAGE_FULL', status: 507 });
  // What was written of it is gone again: there is room for small things.
  const some = await addUntilRefused('some', 50);
  assert.deepEqual([some.code, some.status], ['STORE_FULL', 507]);
  assert.ok(some.names.length > 0);
  fill(0);
  // What room the log of the database has left is used up, too.
  const last = await addUntilRefused('last', 1);
  assert.equal(last.code, 'STORE_FULL');

  // Nothing that is written goes; everything that is read does.
  for (let turn = 0; turn < 3; turn += 1) {
    const answer = await device.post(`/deploymentBase/${action}/feedback`, feedback('closed', 'success'));
    // Clients of this API know 503 and come again.
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json()['code'], 'STORE_FULL');
    await device.link('deploymentBase');
    assert.equal((await operator.call('health', {})).status, 'ok');
    await assert.rejects(put(), { status: 507 });
  }
  await operator.call('getDevice', { params: { controllerId: some.names.at(-1) ?? '' } });
  assert.equal(
    (await operator.call('listReleases', {})).items.find((one) => one.id === id)?.artifacts[0]?.isUploaded,
    false,
  );

  rmSync(within('filler'));
  await put();
  const answer = await device.post(`/deploymentBase/${action}/feedback`, feedback('closed', 'success'));
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(await device.linkNames(), ['configData', 'installedBase']);
  device.close();
  const more = await operator.call('addDevices', { body: { devices: [{ controllerId: 'late', model: 'hub' }] } });
  assert.equal(more.devices.length, 1);
  await verifyKnown([...some.names, ...last.names, 'late']);
});
