/**
 * `pawl serve` is told to stop while it works: what is under way is answered, what was acknowledged is there after the next
 * start, and a second word ends it at once.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { ScriptedDevice } from './ddi-device.ts';
import { sha256Hex } from './line-repository.ts';
import { publishForeign, rollOut } from './running-server.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

const PAWL = join(import.meta.dirname, '../../cli/bin/pawl.js');
/** More than the buffers between two sockets hold. */
const IMAGE = randomBytes(12_000_000);

let image: Uint8Array;
let folder: string;
let child: ChildProcess | undefined;
let url = '';
let token = '';
let deviceToken = '';
let acknowledged = 0;

async function start(): Promise<ManagementClient> {
  const words = ['serve', '--data', join(folder, 'data'), '--port', '0', '--json'];
  const started = spawn(process.execPath, [PAWL, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = started;
  const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string];
  const { url: at, claimLink } = JSON.parse(line) as { url: string; claimLink?: string };
  url = at;
  if (claimLink !== undefined) {
    const claim = new URLSearchParams(new URL(claimLink).hash.slice(1)).get('claim') ?? '';
    token = (await new ManagementClient({ url }).call('login', { body: { claim, label: 'test' } })).token;
  }
  return new ManagementClient({ url, token });
}

async function untilExit(): Promise<readonly [number | null, NodeJS.Signals | null]> {
  const ended = child;
  child = undefined;
  if (ended === undefined) throw new TypeError('the test started a server');
  if (ended.exitCode === null && ended.signalCode === null) await once(ended, 'exit');
  return [ended.exitCode, ended.signalCode];
}

/** Makes devices until the server is gone; the names of those that were acknowledged. */
async function addDevices(operator: ManagementClient): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    acknowledged += 1;
    const controllerId = `n-${acknowledged}`;
    try {
      await operator.call('addDevices', { body: { devices: [{ controllerId, model: 'hub' }] } });
    } catch {
      return names;
    }
    names.push(controllerId);
  }
}

/** Polls until the server is gone; every answer that began came whole and was good. */
async function poll(): Promise<number> {
  const device = new ScriptedDevice(url, 'd-1', deviceToken);
  try {
    for (let count = 0; ; count += 1) {
      const answer = await device.send('').catch(() => undefined);
      if (answer === undefined) return count;
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['content-length'], String(answer.body.length));
    }
  } finally {
    device.close();
  }
}

/** A download of which nothing is read before `go` is called; its digest. */
async function heldDownload(href: string) {
  const request = http.get(href, { headers: { authorization: `TargetToken ${deviceToken}` } });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  assert.equal(answer.statusCode, 200);
  const go = async (): Promise<string> => {
    const hash = createHash('sha256');
    for await (const chunk of answer) hash.update(chunk as Buffer);
    return hash.digest('hex');
  };
  return { go, cut: () => request.destroy() };
}

async function heldUpload(id: number, bytes: Buffer) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
  const upload = http.request(`${url}/api/v1/releases/${id}/artifacts/b.bin`, {
    method: 'PUT',
    headers: { ...headers, 'content-length': bytes.length },
  });
  const answered = once(upload, 'response') as Promise<[http.IncomingMessage]>;
  upload.write(bytes.subarray(0, 1000));
  return async (): Promise<number | undefined> => {
    upload.end(bytes.subarray(1000));
    const [answer] = await answered;
    answer.resume();
    return answer.statusCode;
  };
}

async function downloadLink(): Promise<string> {
  const device = new ScriptedDevice(url, 'd-1', deviceToken);
  try {
    const answer = await device.send(await device.link('deploymentBase'));
    const chunk = answer.json<{
      deployment: { chunks: { artifacts: { _links: Record<string, { href: string }> }[] }[] };
    }>().deployment.chunks[0];
    return chunk?.artifacts[0]?._links['download-http']?.href ?? '';
  } finally {
    device.close();
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-stop-'));
  const operator = await start();
  const { devices } = await operator.call('addDevices', {
    body: { devices: [{ controllerId: 'd-1', model: 'hub', line: 'hub' }] },
  });
  deviceToken = devices[0]?.token ?? '';
  const signer = makeSwuSigner(folder, 'signer');
  image = makeSwu(folder, signer, { version: '1.0.0', bytes: new Uint8Array(IMAGE), installTo: '/nowhere/image.bin' });
  const certificatesPem = [await readFile(signer.certificateFile, 'utf8')];
  await operator.call('putLine', { params: { line: 'hub' }, body: { certificatesPem } });
  const release = { line: 'hub', version: '1.0.0', fileName: 'a.swu', bytes: image };
  await rollOut(operator, await publishForeign(operator, release), 'name:d-1');
});
afterEach(async () => {
  if (child !== undefined) return;
  await start();
});
after(async () => {
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function verifyAll(names: readonly string[]): Promise<void> {
  const operator = await start();
  for (const controllerId of names) await operator.call('getDevice', { params: { controllerId } });
  const { vkey } = await operator.call('getCheckpoint', {});
  assert.equal(verifyBundle(await operator.call('exportBundle', {}), { vkey }).isComplete, true);
  const device = new ScriptedDevice(url, 'd-1', deviceToken);
  await device.link('deploymentBase');
  device.close();
}

test('told to stop amid everything: what is under way ends well, exit status 0, nothing acknowledged is lost', async () => {
  const operator = new ManagementClient({ url, token });
  const bytes = randomBytes(200_000);
  const artifacts = [{ name: 'b.bin', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const draft = { line: 'hub', version: '2.0.0', kind: 'foreign' as const, artifacts };
  const { id } = await operator.call('createRelease', { body: draft });
  const [upload, download] = [await heldUpload(id, bytes), await heldDownload(await downloadLink())];
  const leave = new AbortController();
  const events = operator.follow({}, { signal: leave.signal, retryMs: 10 });
  const told: string[] = [];
  const following = (async () => {
    for await (const { type } of events) told.push(type);
  })();
  const work = [addDevices(operator), addDevices(operator)];
  const polls = [poll(), poll(), poll()];
  while (acknowledged < 20 || told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  child?.kill('SIGTERM');
  const names = (await Promise.all(work)).flat();
  const counts = await Promise.all(polls);
  assert.deepEqual([await upload(), await download.go()], [200, sha256Hex(image)]);
  leave.abort();
  await following;
  assert.deepEqual(await untilExit(), [0, null]);
  assert.ok(names.length >= 10 && counts.every((count) => count > 0), `${names.length} ${counts.join()}`);
  await verifyAll(names);
  const { items } = await new ManagementClient({ url, token }).call('listReleases', {});
  assert.equal(items.find(({ version }) => version === '2.0.0')?.artifacts[0]?.isUploaded, true);
});

test('told twice it ends at once, whatever is under way, and goes on at the next start', async () => {
  const operator = new ManagementClient({ url, token });
  const download = await heldDownload(await downloadLink());
  const work = [addDevices(operator), addDevices(operator)];
  const before = acknowledged;
  while (acknowledged < before + 10) await new Promise((resolve) => setTimeout(resolve, 5));
  child?.kill('SIGTERM');
  const names = (await Promise.all(work)).flat();
  child?.kill('SIGTERM');
  const ended = untilExit();
  await assert.rejects(download.go());
  assert.deepEqual(await ended, [130, null]);
  await verifyAll(names);
});
