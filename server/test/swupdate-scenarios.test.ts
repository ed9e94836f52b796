/**
 * Debian's SWUpdate, unchanged, where things do not go well: a script that fails, an operator who changes his mind before and
 * during the download, a line that breaks; and with a client certificate in place of a token.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startCuttingRelay } from './cutting-relay.ts';
import { issueCertificate, makeSelfSigned } from './device-certificates.ts';
import { lastAssignment, publishForeign, rollOut, startTestServer, type TestServer } from './running-server.ts';
import { SwupdateClient, skipWithoutSwupdate } from './swupdate-client.ts';
import { makeSwu, makeSwuSigner, type SwuSigner } from './swupdate-image.ts';

const skip = skipWithoutSwupdate();
const TIMEOUT_MS = 60_000;
const IMAGE_BYTES = 1024 * 1024;

let server: TestServer;
let signer: SwuSigner;
let versions = 0;

before(async () => {
  if (skip !== false) return;
  server = await startTestServer({ pollIntervalS: 1 });
  signer = makeSwuSigner(server.folder, 'swu-signer');
  const certificatesPem = [readFileSync(signer.certificateFile, 'utf8')];
  await server.operator.call('putLine', { params: { line: 'gateway' }, body: { certificatesPem } });
});
after(async () => {
  if (skip === false) await server.close();
});

type Given = {
  readonly folder: string;
  readonly token: string;
  readonly image: Uint8Array;
  readonly installTo: string;
  readonly id: number;
};

/** A device that is given a release of its own. */
async function given(name: string, script?: string): Promise<Given> {
  const folder = join(server.folder, name);
  mkdirSync(folder);
  const image = new Uint8Array(randomBytes(IMAGE_BYTES));
  const installTo = join(folder, 'installed.bin');
  versions += 1;
  const version = `1.0.${versions}`;
  const more = script === undefined ? {} : { script };
  const bytes = makeSwu(folder, signer, { version, bytes: image, installTo, ...more });
  const { devices } = await server.operator.call('addDevices', {
    body: { devices: [{ controllerId: name, model: 'gw-1', line: 'gateway' }] },
  });
  const release = { line: 'gateway', version, fileName: `${name}.swu`, bytes };
  await rollOut(server.operator, await publishForeign(server.operator, release), `name:${name}`);
  const { id } = await lastAssignment(server.operator, name);
  return { folder, token: devices[0]?.token ?? '', image, installTo, id };
}

function start(name: string, { folder, token }: Given, url: string = server.url): SwupdateClient {
  return new SwupdateClient(folder, signer.certificateFile, `-t default -u ${url} -i ${name} -k ${token} -p 1 -w 1`);
}

async function becomes(name: string, expected: string, client: SwupdateClient): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { state } = await lastAssignment(server.operator, name);
    if (state === expected) return;
    if (Date.now() > deadline) assert.fail(`${state}, not ${expected}:\n${client.tail()}`);
    await wait(100);
  }
}

async function logOf(id: number): Promise<{ statuses: string[]; text: string }> {
  const { items } = await server.operator.call('listAssignmentLog', { params: { id }, query: { limit: 1000 } });
  const entries = items.reverse();
  return {
    statuses: entries.map(({ status }) => status),
    text: entries.flatMap(({ messages }) => messages).join('\n'),
  };
}

const cancel = (id: number) => server.operator.call('cancelAssignment', { params: { id }, body: {} });

describe('SWUpdate', { skip, concurrency: true }, () => {
  test('a script that fails ends the installation, with what it said', async (t) => {
    const device = await given('script', '#!/bin/sh\necho out of cheese >&2\nexit 1\n');
    const client = start('script', device);
    t.after(() => client.stop());
    await becomes('script', 'failed', client);
    const { statuses, text } = await logOf(device.id);
    assert.equal(statuses.at(-1), 'ERROR');
    assert.match(text, /out of cheese/);
    assert.ok(!existsSync(device.installTo));
    // It is not offered again.
    await client.seen('No pending action on server');
  });

  test('what is called off before it is fetched is never fetched', async (t) => {
    const device = await given('before');
    await cancel(device.id);
    const client = start('before', device);
    t.after(() => client.stop());
    await becomes('before', 'cancelled', client);
    await client.seen('No pending action on server');
    assert.ok(!existsSync(device.installTo));
    assert.deepEqual((await logOf(device.id)).statuses, ['CANCELED']);
  });

  test('what is called off while it is fetched stops', async (t) => {
    const device = await given('during');
    const relay = await startCuttingRelay(server.url, '/artifacts/');
    t.after(() => relay.close());
    relay.setSlow(true);
    const client = start('during', device, relay.url);
    t.after(() => client.stop());
    await becomes('during', 'downloading', client);
    await cancel(device.id);
    await becomes('during', 'cancelled', client);
    assert.ok(!existsSync(device.installTo));
    assert.equal((await logOf(device.id)).statuses.at(-1), 'CANCELED');
  });

  test('a download that breaks goes on where it stopped, and counts as one', async (t) => {
    const device = await given('breaks');
    const relay = await startCuttingRelay(server.url, '/artifacts/', IMAGE_BYTES / 2);
    t.after(() => relay.close());
    const client = start('breaks', device, relay.url);
    t.after(() => client.stop());
    await client.seen('SWUPDATE successful');
    assert.deepEqual(new Uint8Array(readFileSync(device.installTo)), device.image);
    assert.equal(relay.ranges.length, 2);
    assert.match(relay.ranges[1] ?? '', /^bytes=[1-9][0-9]+-/);
    const { statuses } = await logOf(device.id);
    assert.equal(statuses.filter((status) => status === 'DOWNLOAD').length, 1);
  });
});

test('SWUpdate comes in with a certificate of the device CA, and with no token', { skip }, async (t) => {
  const folder = join(server.folder, 'mtls');
  mkdirSync(folder);
  const ca = makeSelfSigned(folder, 'device-ca', { isAuthority: true });
  const own = makeSelfSigned(folder, 'server', { alternativeName: 'IP:127.0.0.1' });
  const device = issueCertificate(folder, 'dev-tls', ca);
  const stranger = issueCertificate(folder, 'someone-else', ca);
  const secure = await startTestServer({
    pollIntervalS: 1,
    tls: { key: own.keyPem, cert: own.certificatePem, clientCa: ca.certificatePem },
  });
  t.after(() => secure.close());
  const body = { devices: [{ controllerId: 'dev-tls', model: 'gw-1', line: 'gateway' }] };
  await secure.operator.call('addDevices', { body });
  const certificatesPem = [readFileSync(signer.certificateFile, 'utf8')];
  await secure.operator.call('putLine', { params: { line: 'gateway' }, body: { certificatesPem } });
  const installTo = join(folder, 'installed.bin');
  const image = new Uint8Array(randomBytes(10_000));
  const bytes = makeSwu(folder, signer, { version: '1.0.0', bytes: image, installTo });
  const release = { line: 'gateway', version: '1.0.0', fileName: 'tls.swu', bytes };
  const releaseId = await publishForeign(secure.operator, release);
  const configOf = (name: string, files: { keyFile: string; certificateFile: string }): string => {
    const configFile = join(folder, `${name}.cfg`);
    const lines = [
      `cafile = "${own.certificateFile}"`,
      `sslkey = "${files.keyFile}"`,
      `sslcert = "${files.certificateFile}"`,
    ];
    writeFileSync(configFile, `globals: {};\nsuricatta: {\n${lines.map((line) => `  ${line};\n`).join('')}};\n`);
    return configFile;
  };
  const run = (name: string, files: { keyFile: string; certificateFile: string }): SwupdateClient => {
    const home = join(folder, name);
    mkdirSync(home);
    const words = `-t default -u ${secure.url} -i dev-tls -p 1`;
    return new SwupdateClient(home, signer.certificateFile, words, { configFile: configOf(name, files) });
  };
  const client = run('good', device);
  t.after(() => client.stop());
  await client.seen('No pending action on server');
  assert.ok(!existsSync(installTo));
  await rollOut(secure.operator, releaseId, 'name:dev-tls');
  await client.seen('SWUPDATE successful');
  assert.deepEqual(new Uint8Array(readFileSync(installTo)), image);
  // The CA vouches for this one too, but under another name.
  const other = run('bad', stranger);
  t.after(() => other.stop());
  await other.seen('401');
});
