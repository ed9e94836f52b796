/** Deployments, inventory and logs of Mender clients, exchange by exchange, with the quirks of clients of every age. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import {
  type MenderSigner,
  makeMenderArtifact,
  makeMenderSigner,
  skipWithoutMenderArtifact,
} from './mender-artifact.ts';
import { type MenderScript, preauthorised } from './mender-script.ts';
import { exchange } from './raw-http.ts';
import { lastAssignment, publishForeign, rollOut, startTestServer, type TestServer } from './running-server.ts';
import { makeSwu, makeSwuSigner, type SwuSigner } from './swupdate-image.ts';

const skip = skipWithoutMenderArtifact();
const isSkipped = skip !== false;
const RELEASE_2 = { artifact_name: 'release-2', device_type: 'gw-1' };

let server: TestServer;
let signer: MenderSigner;
let swuSigner: SwuSigner;
let artifact: Uint8Array;
let releaseId: number;

before(async () => {
  if (isSkipped) return;
  server = await startTestServer();
  signer = makeMenderSigner(server.folder, 'artifact');
  swuSigner = makeSwuSigner(server.folder, 'swu');
  const certificatesPem = [signer.publicKeyPem, readFileSync(swuSigner.certificateFile, 'utf8')];
  await server.operator.call('putLine', { params: { line: 'gateway' }, body: { certificatesPem } });
  const bytes = new Uint8Array(randomBytes(50_000));
  artifact = makeMenderArtifact(server.folder, signer, { artifactName: 'release-2', deviceType: 'gw-1', bytes });
  releaseId = await publish('2.0.0', 'release-2.mender', artifact);
});
after(async () => {
  if (!isSkipped) await server.close();
});

const publish = (version: string, fileName: string, bytes: Uint8Array) =>
  publishForeign(server.operator, { line: 'gateway', version, fileName, bytes });

/** A client that is offered release 2. */
async function offered(name: string): Promise<{ script: MenderScript; id: number }> {
  const script = await preauthorised(server, name);
  await rollOut(server.operator, releaseId, `name:${name}`);
  return { script, id: (await lastAssignment(server.operator, name)).id };
}

async function outcomeOf(name: string): Promise<readonly [string, string | null]> {
  const { items } = await server.operator.call('listAssignments', { query: { controllerId: name } });
  const last = items.at(-1);
  return [last?.state ?? '', last?.code ?? null];
}

const cancel = (id: number) => server.operator.call('cancelAssignment', { params: { id }, body: {} });

test('each way of asking gives the same deployment, poll after poll', { skip }, async () => {
  const { script, id } = await offered('ways');
  const provides = { artifact_name: 'release-1', device_type: 'gw-1' };
  const answers = [
    await script.next(),
    await script.next({ ...provides, 'rootfs-image.version': '1', 'data-partition.pawl-test.version': 'x' }),
    await script.nextFlat({ ...provides, artifact_provides: { a: 'b' } }),
    await script.nextQuery(provides),
    await script.nextQuery({}),
  ];
  for (const answer of answers) {
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
    assert.equal(answer.headers['transfer-encoding'], undefined);
    const { artifact: offer, ...rest } = answer.json<{ id: string; artifact: Record<string, unknown> }>();
    assert.deepEqual(rest, { id: String(id) });
    assert.deepEqual(Object.keys(offer).sort(), ['artifact_name', 'device_types_compatible', 'source']);
    assert.deepEqual([offer['artifact_name'], offer['device_types_compatible']], ['release-2', ['gw-1']]);
  }
  const uris = answers.map((answer) => answer.json<{ artifact: { source: { uri: string } } }>().artifact.source.uri);
  assert.equal(new Set(uris).size, 1, 'a download goes on under the address that it began with');
});

test('the artifact is downloaded without a header, whole or by Range, by whoever has the ticket', {
  skip,
}, async () => {
  const { script, id } = await offered('loads');
  const { uri } = (await script.offered()).artifact.source;
  const whole = await exchange(uri);
  assert.deepEqual([whole.status, whole.headers['content-length']], [200, String(artifact.length)]);
  assert.ok(whole.body.equals(artifact));
  const rest = await exchange(uri, { headers: { range: 'bytes=4096-' } });
  assert.deepEqual(
    [rest.status, rest.headers['content-range']],
    [206, `bytes 4096-${artifact.length - 1}/${artifact.length}`],
  );
  assert.ok(rest.body.equals(artifact.subarray(4096)));
  const head = await exchange(uri, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(artifact.length), 0]);
  assert.equal((await exchange(uri, { headers: { range: 'bytes=999999-' } })).status, 416);

  const other = await offered('other');
  await other.script.offered();
  const broken = [uri.replace(/artifact\/./, 'artifact/~'), uri.replace(`/${id}/`, `/${other.id}/`), `${uri}.x`];
  assert.deepEqual(await Promise.all(broken.map(async (one) => (await exchange(one)).status)), [401, 401, 404]);
  await script.status(id, 'success');
  const after = await exchange(uri);
  assert.deepEqual([after.status, after.json()['code']], [404, 'MENDER_DEPLOYMENT_UNKNOWN']);
});

test('the words of the client move the assignment, and are all kept', { skip }, async () => {
  const { script, id } = await offered('words');
  await script.offered();
  const steps: readonly (readonly [string, string])[] = [
    ['downloading', 'downloading'],
    ['pause_before_installing', 'downloading'],
    ['installing', 'staged'],
    ['rebooting', 'staged'],
    ['a-word-of-tomorrow', 'staged'],
    ['success', 'reported'],
    ['success', 'reported'],
  ];
  for (const [word, state] of steps) {
    assert.equal(await script.status(id, word, 'sub'), 204, word);
    assert.equal((await outcomeOf('words'))[0], state);
  }
  // The same last word is no error; another one comes too late.
  assert.deepEqual([await script.status(id, 'failure'), await script.status(id, 'rebooting')], [409, 409]);
  assert.equal((await script.next(RELEASE_2)).status, 204);
  const { items } = await server.operator.call('listAssignmentLog', { params: { id }, query: {} });
  const words = items.map(({ status }) => status).reverse();
  const told = ['DOWNLOADING', 'PAUSE_BEFORE_INSTALLING', 'INSTALLING', 'REBOOTING', 'A-WORD-OF-TOMORROW', 'SUCCESS'];
  assert.deepEqual(words, ['RETRIEVED', ...told]);
  assert.deepEqual(items[0]?.messages, ['sub']);
});

test('what is called off is refused until the last word, which says how it ended', { skip }, async () => {
  const back = await offered('back');
  await cancel(back.id);
  const refused = await back.script.send('PUT', `v1/deployments/device/deployments/${back.id}/status`, {
    status: 'installing',
  });
  assert.deepEqual([refused.status, refused.json()['code']], [409, 'MENDER_DEPLOYMENT_ABORTED']);
  assert.equal(await back.script.status(back.id, 'failure'), 204);
  assert.deepEqual(await outcomeOf('back'), ['cancelled', 'OPERATOR']);
  const late = await offered('late');
  await cancel(late.id);
  assert.equal(await late.script.status(late.id, 'success'), 204);
  assert.equal((await outcomeOf('late'))[0], 'reported');
  const idle = await offered('idle');
  await cancel(idle.id);
  assert.equal((await idle.script.next()).status, 204, 'it asks, so it is idle');
  assert.equal((await outcomeOf('idle'))[0], 'cancelled');
});

test('a last word that was lost is read from what the device runs', { skip }, async () => {
  const { script, id } = await offered('lost');
  await script.offered();
  await script.status(id, 'installing');
  assert.equal((await script.next(RELEASE_2)).status, 204);
  assert.deepEqual(await outcomeOf('lost'), ['reported', 'MENDER_ALREADY_INSTALLED']);
});

test('a device is not offered what it cannot install, and the assignment says why', { skip }, async () => {
  const { script } = await offered('type');
  assert.equal((await script.next({ artifact_name: 'release-1', device_type: 'toaster' })).status, 204);
  assert.deepEqual(await outcomeOf('type'), ['failed', 'MENDER_DEVICE_TYPE']);
  // The line knows keys of two formats: each is tried where it fits.
  const image = { version: '3.0.0', bytes: new Uint8Array(100), installTo: '/nowhere' };
  const swuId = await publish('3.0.0', 'x.swu', makeSwu(server.folder, swuSigner, image));
  const other = await preauthorised(server, 'noartifact');
  await rollOut(server.operator, swuId, 'name:noartifact');
  assert.equal((await other.next()).status, 204);
  assert.deepEqual(await outcomeOf('noartifact'), ['failed', 'MENDER_NO_ARTIFACT']);
});

test('a paused rollout and one that waits for consent offer nothing', { skip }, async () => {
  const script = await preauthorised(server, 'waits');
  await rollOut(server.operator, releaseId, 'name:waits', { needsConsent: true });
  assert.equal((await script.next()).status, 204);
  const { id } = await lastAssignment(server.operator, 'waits');
  assert.equal(await script.status(id, 'downloading'), 404);
  const paused = await preauthorised(server, 'paused');
  const rolloutId = await rollOut(server.operator, releaseId, 'name:paused');
  await server.operator.call('changeRollout', { params: { id: rolloutId, verb: 'pause' }, body: {} });
  assert.equal((await paused.next()).status, 204);
});

test('the log keeps its last 500 lines, once, and refuses more than a mebibyte', { skip }, async () => {
  const { script, id } = await offered('logs');
  await script.offered();
  await script.status(id, 'failure');
  const lines = Array.from({ length: 1200 }, (_, index) => ({
    timestamp: 't',
    level: 'info',
    message: `line ${index}`,
  }));
  assert.equal((await script.log(id, lines)).status, 204);
  assert.equal((await script.log(id, lines)).status, 204);
  const { items } = await server.operator.call('listAssignmentLog', { params: { id }, query: { limit: 1000 } });
  const kept = items
    .filter(({ status }) => status === 'LOG')
    .reverse()
    .flatMap(({ messages }) => messages);
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [500, 't info: line 700', 't info: line 1199']);
  const big = [{ timestamp: 't', level: 'info', message: 'x'.repeat(1024 * 1024) }];
  const refused = await script.log(id, big);
  assert.deepEqual([refused.status, refused.json()['code']], [413, 'MENDER_BODY_TOO_LARGE']);
});

test('inventory becomes attributes: PUT all of them, PATCH some, never more than are kept', { skip }, async () => {
  const script = await preauthorised(server, 'things');
  const attributesOf = async () =>
    (await server.operator.call('getDevice', { params: { controllerId: 'things' } })).attributes;
  const first = [
    { name: 'a', value: 1 },
    { name: 'ip', value: ['x', 'y'] },
    { name: 'long', value: 'z'.repeat(500) },
  ];
  assert.equal((await script.inventory('PUT', first)).status, 200);
  assert.deepEqual(await attributesOf(), { a: '1', ip: 'x, y', long: 'z'.repeat(128) });
  assert.equal((await script.inventory('PATCH', [{ name: 'a', value: true, description: 'd' }])).status, 200);
  assert.equal((await attributesOf())['a'], 'true');
  const many = Array.from({ length: 300 }, (_, index) => ({ name: `n${index}`, value: index }));
  assert.equal((await script.inventory('PUT', many)).status, 200);
  assert.equal(Object.keys(await attributesOf()).length, 100);
  assert.equal((await script.inventory('PUT', [{ name: 'a' }])).json()['code'], 'MENDER_REQUEST_MALFORMED');
});

test('a device sees its own deployments only, and what is no deployment does not exist', { skip }, async () => {
  const { id } = await offered('mine');
  const stranger = await preauthorised(server, 'stranger');
  assert.equal(await stranger.status(id, 'success'), 404);
  assert.equal(await stranger.status('2147483647', 'success'), 404);
  assert.equal(await stranger.status('abc', 'success'), 400);
  assert.equal((await stranger.log(id, [])).status, 404);
  const unknown = await stranger.send('PUT', 'v1/deployments/device/deployments/2147483647/status', { status: 'UP' });
  assert.deepEqual([unknown.status, unknown.json()['code']], [400, 'MENDER_REQUEST_MALFORMED']);
  const map = `v2/deployments/device/deployments/${id}/update_control_map`;
  assert.equal((await stranger.send('GET', map)).status, 404, 'client 3.x asks for it and goes on without');
});

test('an artifact that is unsigned, or signed by another key, is never published', { skip }, async () => {
  const stranger = makeMenderSigner(server.folder, 'stranger');
  const image = { artifactName: 'release-9', deviceType: 'gw-1', bytes: new Uint8Array(5000) };
  const bytes = makeMenderArtifact(server.folder, stranger, image);
  await assert.rejects(publish('9.0.0', 'release-9.mender', bytes), { code: 'RELEASE_UNSIGNED' });
  await assert.rejects(publish('9.0.1', 'raw.bin', new Uint8Array(5000)), { code: 'RELEASE_UNSIGNED' });
});
