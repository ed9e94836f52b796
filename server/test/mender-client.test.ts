/** Debian's mender-client 3.4, unchanged, against a real server on loopback. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeSelfSigned } from './device-certificates.ts';
import { type MenderSigner, makeMenderArtifact, makeMenderSigner, randomImage } from './mender-artifact.ts';
import { MenderDevice, skipWithoutMender } from './mender-device.ts';
import { lastAssignment, publishForeign, rollOut, startTestServer, type TestServer } from './running-server.ts';

const skip = skipWithoutMender();
const DEVICE_TYPE = 'gw-1';

let server: TestServer;
let signer: MenderSigner;

before(async () => {
  if (skip !== false) return;
  server = await startTestServer();
  signer = makeMenderSigner(server.folder, 'artifact');
  const body = { certificatesPem: [signer.publicKeyPem] };
  await server.operator.call('putLine', { params: { line: 'gateway' }, body });
});
after(async () => {
  if (skip === false) await server.close();
});

function makeDevice(serial: string, more: { readonly tenantToken?: string } = {}): MenderDevice {
  const home = join(server.folder, serial);
  mkdirSync(home);
  return new MenderDevice(home, { serverUrl: server.url, serial, artifactKeyFile: signer.publicKeyFile, ...more });
}

/** A device that a one-time claim lets in, as its tenant token. */
async function claimedDevice(serial: string): Promise<MenderDevice> {
  const claim = { controllerId: serial, model: 'gw', line: 'gateway' };
  const made = await server.operator.call('createClaim', { body: claim });
  const device = makeDevice(serial, { tenantToken: made.claim });
  device.makeKey('ec');
  return device;
}

async function publish(artifactName: string, version: string): Promise<{ releaseId: number; image: Uint8Array }> {
  const image = randomImage(200_000);
  const bytes = makeMenderArtifact(server.folder, signer, { artifactName, deviceType: DEVICE_TYPE, bytes: image });
  const release = { line: 'gateway', version, fileName: `${artifactName}.mender`, bytes };
  return { image, releaseId: await publishForeign(server.operator, release) };
}

const stateOf = async (name: string) => (await lastAssignment(server.operator, name)).state;

/** What the client said about its last assignment, oldest first. */
async function saidBy(name: string): Promise<{ words: string[]; log: string }> {
  const { id } = await lastAssignment(server.operator, name);
  const { items } = await server.operator.call('listAssignmentLog', { params: { id }, query: {} });
  const isLog = (status: string): boolean => status === 'LOG';
  const log = items.filter(({ status }) => isLog(status)).flatMap(({ messages }) => messages);
  return {
    words: items.flatMap(({ status }) => (isLog(status) ? [] : [status])).reverse(),
    log: log.join('\n'),
  };
}

// Each client waits most of its time.
describe('mender-client 3.4', { skip, concurrency: true }, () => {
  test('a client is let in by the operator, installs a signed artifact and reports it', async (t) => {
    const device = makeDevice('one');
    device.makeKey('rsa');
    t.after(() => device.stop());
    device.start();
    let id = 0;
    await device.until('a pending request', async () => {
      const { items } = await server.operator.call('listMenderRequests', { query: { state: 'pending' } });
      id = items.find(({ identity }) => identity === '{"board":"gw","serial":"one"}')?.id ?? 0;
      return id !== 0;
    });
    const body = { controllerId: 'one', model: 'gw', line: 'gateway', tags: ['lab'] };
    await server.operator.call('acceptMenderRequest', { params: { id }, body });
    const getDevice = () => server.operator.call('getDevice', { params: { controllerId: 'one' } });
    await device.until('its inventory', async () => (await getDevice()).attributes['kernel'] === '6.1');
    const { attributes } = await getDevice();
    assert.deepEqual([attributes['device_type'], attributes['artifact_name']], [DEVICE_TYPE, 'release-1']);
    assert.equal(attributes['ip'], '10.0.0.1, 10.0.0.2');

    const { releaseId, image } = await publish('release-2', '2.0.0');
    const rolloutId = await rollOut(server.operator, releaseId, 'name:one', { successKind: 'version-seen' });
    await device.until('reported', async () => (await stateOf('one')) === 'reported');
    assert.ok(readFileSync(device.path('installed')).equals(image));
    assert.ok(device.states().includes('ArtifactCommit'));
    // Its own inventory shows the artifact afterwards.
    const rollout = () => server.operator.call('getRollout', { params: { id: rolloutId } });
    await device.until('version seen', async () => (await rollout()).succeeded === 1);
    const after = await getDevice();
    assert.deepEqual(
      [after.installedVersion, after.kind, after.attributes['artifact_name']],
      ['2.0.0', 'foreign', 'release-2'],
    );
  });

  test('a module that fails is rolled back and reported as failed, with the log', async (t) => {
    const device = await claimedDevice('two');
    t.after(() => device.stop());
    device.tell('installed', 'what ran before');
    device.tell('fail-in', 'ArtifactCommit');
    device.start();
    await device.until('let in by its claim', async () => {
      const { items } = await server.operator.call('listDevices', { query: { filter: 'name:two' } });
      return items.length === 1;
    });
    const { releaseId } = await publish('release-3', '3.0.0');
    await rollOut(server.operator, releaseId, 'name:two');
    await device.until('failed', async () => (await stateOf('two')) === 'failed');
    await device.until('the log', async () => (await saidBy('two')).log !== '');
    assert.ok(device.states().includes('ArtifactRollback'));
    assert.equal(readFileSync(device.path('installed'), 'utf8'), 'what ran before');
    const { words, log } = await saidBy('two');
    assert.deepEqual([...new Set(words)], ['RETRIEVED', 'DOWNLOADING', 'INSTALLING', 'FAILURE']);
    assert.match(log, /told to fail in ArtifactCommit/);
    assert.match(log, /Performing rollback/);
    // It is not offered again: the client asks every second.
    const polls = () => device.text().split('No update available').length;
    const before = polls();
    await device.until('two more polls', () => polls() > before + 1);
    assert.equal(await stateOf('two'), 'failed');
  });

  test('what the operator calls off is rolled back by the client, and ends as cancelled', async (t) => {
    const device = await claimedDevice('three');
    t.after(() => device.stop());
    device.tell('installed', 'what ran before');
    device.tell('hold', '');
    device.start();
    await device.until('let in by its claim', async () => {
      const { items } = await server.operator.call('listDevices', { query: { filter: 'name:three' } });
      return items.length === 1;
    });
    const { releaseId } = await publish('release-4', '4.0.0');
    await rollOut(server.operator, releaseId, 'name:three');
    await device.until('installing', () => device.states().includes('ArtifactInstall'));
    const { id } = await lastAssignment(server.operator, 'three');
    await server.operator.call('cancelAssignment', { params: { id }, body: {} });
    assert.equal(await stateOf('three'), 'cancelling');
    rmSync(device.path('hold'));
    await device.until('an end', async () => (await stateOf('three')) !== 'cancelling');
    assert.equal(await stateOf('three'), 'cancelled');
    assert.equal(readFileSync(device.path('installed'), 'utf8'), 'what ran before');
    assert.ok(device.states().includes('ArtifactRollback'));
    assert.ok(!device.states().includes('ArtifactCommit'));
    assert.match(device.text(), /deployment aborted at the backend/);
  });

  test('a preauthorised key comes in at once, over TLS with a certificate that the client knows', async (t) => {
    const { keyPem, certificatePem, certificateFile } = makeSelfSigned(server.folder, 'tls', {
      alternativeName: 'IP:127.0.0.1',
    });
    const secure = await startTestServer({ tls: { key: keyPem, cert: certificatePem } });
    t.after(() => secure.close());
    const home = join(secure.folder, 'four');
    mkdirSync(home);
    const setup = { serverUrl: secure.url, serial: 'four', artifactKeyFile: signer.publicKeyFile };
    const device = new MenderDevice(home, { ...setup, serverCertificate: certificateFile });
    t.after(() => device.stop());
    const body = { controllerId: 'four', model: 'gw', identity: { serial: 'four', board: 'gw' } };
    await secure.operator.call('preauthoriseMender', { body: { ...body, publicKey: device.makeKey('ed25519') } });
    device.start();
    const getDevice = () => secure.operator.call('getDevice', { params: { controllerId: 'four' } });
    await device.until('its inventory', async () => (await getDevice()).attributes['kernel'] === '6.1');
    // Rejected, it is out at once: the token that it holds opens nothing.
    const { items } = await secure.operator.call('listMenderRequests', { query: {} });
    await secure.operator.call('rejectMenderRequest', { params: { id: items[0]?.id ?? 0 }, body: {} });
    await device.until('shut out', () => device.text().includes('authentication request rejected'));
  });
});
