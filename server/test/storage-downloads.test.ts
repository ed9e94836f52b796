/**
 * Downloads from the object store itself: a device is sent to an address that is signed and good for a while, and shows the
 * store nothing of what it shows us. Over a real S3-compatible server behind a relay that notes what it is asked, so that
 * devices reach the store under another name than the server does.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { S3Blobs } from '../src/blobs/s3-blobs.ts';
import { type CuttingRelay, startCuttingRelay } from './cutting-relay.ts';
import { addDevice, type ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, FILE_NAME, startDdiServer } from './ddi-server.ts';
import { makeMenderArtifact, makeMenderSigner, skipWithoutMenderArtifact } from './mender-artifact.ts';
import { preauthorised } from './mender-script.ts';
import { enrolDevice } from './pawl-device.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import { lastAssignment, publishForeign, rollOut } from './running-server.ts';
import { type S3Server, startS3 } from './s3-server.ts';
import { SwupdateClient, skipWithoutSwupdate } from './swupdate-client.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

const SECONDS = 900;
const IMAGE_BYTES = 1024 * 1024;

let store: S3Server;
let relay: CuttingRelay;
let server: DdiServer;
let device: ScriptedDevice;
let file: string;

before(async () => {
  store = await startS3();
  // The first large answer breaks in the middle, as lines do.
  relay = await startCuttingRelay(store.options.endpoint, '/pawl/', IMAGE_BYTES / 2);
  const downloads = { seconds: SECONDS, endpoint: relay.url };
  server = await startDdiServer({ pollIntervalS: 1, objects: { ...store.options, downloads } });
  device = await addDevice(server, 'dev1');
  await rollOut(server.operator, server.releaseId, 'name:dev1');
  file = `${device.base}/softwaremodules/${server.releaseId}/artifacts/${FILE_NAME}`;
});
after(async () => {
  device.close();
  await server.close();
  await relay.close();
  await store.close();
});

/** Where the server sends this request to. */
async function sentTo(method = 'GET', headers: Record<string, string> = {}): Promise<URL> {
  const answer = await device.send(file, { method, headers });
  assert.deepEqual([answer.status, answer.body.length], [302, 0], answer.text);
  assert.equal(answer.headers['cache-control'], 'no-store');
  return new URL(answer.headers.location ?? '');
}

const ask = (url: URL, headers: Record<string, string> = {}, method = 'GET'): Promise<RawAnswer> =>
  exchange(url.href, { method, headers });

test('a download is sent to the store: whole, by Range, and its head', async () => {
  const { swu } = server;
  const url = await sentTo();
  assert.equal(url.origin, relay.url);
  assert.equal(url.searchParams.get('X-Amz-Expires'), String(SECONDS));
  const whole = await ask(url);
  assert.deepEqual([whole.status, whole.headers['content-length']], [200, String(swu.length)]);
  assert.ok(whole.body.equals(swu));
  const part = await ask(await sentTo('GET', { range: 'bytes=1000-' }), { range: 'bytes=1000-' });
  assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes 1000-${swu.length - 1}/${swu.length}`]);
  assert.ok(part.body.equals(swu.subarray(1000)));
  const beyond = { range: `bytes=${swu.length}-` };
  assert.equal((await ask(await sentTo('GET', beyond), beyond)).status, 416);
  const head = await ask(await sentTo('HEAD'), {}, 'HEAD');
  assert.deepEqual([head.status, head.headers['content-length']], [200, String(swu.length)]);
});

test('the address is for this object, this method and this time only, and holds no secret', async (t) => {
  const url = await sentTo();
  const { secretAccessKey } = store.options;
  assert.ok(!url.search.replaceAll(`=${store.options.accessKeyId}%2F`, '').includes(secretAccessKey), url.search);
  const other = new Uint8Array(20);
  const expected = { sha256: createHash('sha256').update(other).digest('hex'), sizeBytes: other.length };
  const downloads = { seconds: SECONDS, endpoint: relay.url };
  const blobs = new S3Blobs({ ...store.options, downloads });
  await blobs.write(Readable.from([other]), expected);
  const changed = (change: (copy: URL) => void): URL => {
    const copy = new URL(url);
    change(copy);
    return copy;
  };
  const wrong = [
    changed((copy) => {
      copy.pathname = `/pawl/site-1/sha256/${expected.sha256.slice(0, 2)}/${expected.sha256}`;
    }),
    changed((copy) => copy.searchParams.set('X-Amz-Expires', '604800')),
    changed((copy) => copy.searchParams.set('X-Amz-Signature', 'ab'.repeat(32))),
  ];
  for (const one of wrong) assert.equal((await ask(one)).status, 403, one.href);
  assert.equal((await ask(url, {}, 'DELETE')).status, 403);
  assert.equal((await ask(url)).status, 200);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() - (SECONDS + 60) * 1000 });
  const old = await blobs.link(expected.sha256, 'GET');
  t.mock.timers.reset();
  assert.equal((await exchange(old?.href ?? '')).status, 403);
});

test('everything else stays with the server: documents, sums, refusals, and the agent of Pawl', async () => {
  const { id } = await lastAssignment(server.operator, 'dev1');
  const document = (await device.send(`/deploymentBase/${id}`)).text;
  assert.ok(document.includes(`"href":"${file}"`), document);
  assert.match((await device.send(`${file}.MD5SUM`)).text, /^[0-9a-f]{32} {2}/);
  assert.equal((await device.send(`${file}.other`)).status, 404);
  assert.equal((await exchange(file)).status, 401);
  // It holds to the one host that it was given, and checks what it gets.
  const { script } = await enrolDevice(server, 'hub-1');
  await rollOut(server.operator, server.releaseId, 'name:hub-1');
  const answer = await script.send(`/softwaremodules/${server.releaseId}/artifacts/${FILE_NAME}`);
  script.close();
  assert.equal(answer.status, 200);
  assert.ok(answer.body.equals(server.swu));
});

const menderSkip = skipWithoutMenderArtifact();
test('a Mender client is given the address of the store, and until when', { skip: menderSkip }, async () => {
  const signer = makeMenderSigner(server.folder, 'mender');
  const certificatesPem = [signer.publicKeyPem];
  await server.operator.call('putLine', { params: { line: 'mender' }, body: { certificatesPem } });
  const image = { artifactName: 'release-2', deviceType: 'gw-1', bytes: new Uint8Array(5000) };
  const bytes = makeMenderArtifact(server.folder, signer, image);
  const release = { line: 'mender', version: '2.0.0', fileName: 'release-2.mender', bytes };
  const releaseId = await publishForeign(server.operator, release);
  const client = await preauthorised(server, 'mender-1', 'mender');
  await rollOut(server.operator, releaseId, 'name:mender-1');
  const before = Date.now();
  const { source } = (await client.offered()).artifact;
  const untilS = (Date.parse(source.expire ?? '') - before) / 1000;
  assert.ok(untilS > SECONDS - 1 && untilS < SECONDS + 60, `${untilS}`);
  assert.equal(new URL(source.uri).origin, relay.url);
  const answer = await exchange(source.uri, { headers: { range: 'bytes=10-' } });
  assert.equal(answer.status, 206);
  assert.ok(answer.body.equals(bytes.subarray(10)));
});

const skip = skipWithoutSwupdate();
test('SWUpdate follows, resumes what broke, and shows its token to us alone', { skip }, async (t) => {
  const folder = join(server.folder, 'swupdate');
  mkdirSync(folder);
  const signer = makeSwuSigner(server.folder, 'swu-signer-2');
  const certificatesPem = [readFileSync(signer.certificateFile, 'utf8')];
  await server.operator.call('putLine', { params: { line: 'gateway-2' }, body: { certificatesPem } });
  const { devices } = await server.operator.call('addDevices', {
    body: { devices: [{ controllerId: 'swu', model: 'gw-1', line: 'gateway-2' }] },
  });
  const token = devices[0]?.token ?? '';
  const image = new Uint8Array(IMAGE_BYTES).fill(7);
  const installTo = join(folder, 'installed.bin');
  const bytes = makeSwu(folder, signer, { version: '2.0.0', bytes: image, installTo });
  const release = { line: 'gateway-2', version: '2.0.0', fileName: 'two.swu', bytes };
  await rollOut(server.operator, await publishForeign(server.operator, release), 'name:swu');
  const before = relay.ranges.length;
  relay.cutNext();
  const words = `-t default -u ${server.url} -i swu -k ${token} -p 1 -w 1`;
  const client = new SwupdateClient(folder, signer.certificateFile, words);
  t.after(() => client.stop());
  await client.seen('SWUPDATE successful');
  assert.deepEqual(new Uint8Array(readFileSync(installTo)), image);
  const ranges = relay.ranges.slice(before);
  assert.equal(ranges.length, 2, ranges.join());
  assert.match(ranges[1] ?? '', /^bytes=[1-9][0-9]+-/);
});

test('no request to the store had a token with it', () => {
  assert.ok(relay.asked.length > 10);
  for (const { headers } of relay.asked) {
    assert.equal(headers.authorization, undefined);
    assert.equal(headers.cookie, undefined);
  }
});
