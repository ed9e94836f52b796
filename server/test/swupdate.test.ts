/**
 * Debian's SWUpdate, unchanged, in hawkBit mode against a real server on loopback: it installs a CMS-signed image,
 * restarts, confirms, and the server shows `reported`. SWUpdate keeps its state in the bootloader's environment, which is
 * not there, so that the second start says what a real device's start script says: `-c 2`, the update works.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { lastAssignment, publishForeign, rollOut, startTestServer, type TestServer } from './running-server.ts';
import { SwupdateClient, skipWithoutSwupdate } from './swupdate-client.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

const skip = skipWithoutSwupdate();
const TIMEOUT_MS = 60_000;
const STATE_POLL_MS = 100;

async function stateBecomes(server: TestServer, expected: string, client: SwupdateClient): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { state } = await lastAssignment(server.operator, 'dev1');
    if (state === expected) return;
    if (Date.now() > deadline) assert.fail(`${state}, not ${expected}:\n${client.tail()}`);
    await wait(STATE_POLL_MS);
  }
}

test('SWUpdate installs a signed image, restarts, confirms, and is shown as reported', { skip }, async (t) => {
  const server = await startTestServer({ pollIntervalS: 1 });
  t.after(() => server.close());
  const { operator, folder } = server;
  const signer = makeSwuSigner(folder, 'swu-signer');
  const image = new Uint8Array(randomBytes(3 * 1024 * 1024));
  const installTo = join(folder, 'device', 'image.bin');
  mkdirSync(join(folder, 'device'));
  const swu = makeSwu(folder, signer, { version: '1.2.0', bytes: image, installTo });

  await operator.call('putLine', {
    params: { line: 'gateway' },
    body: { certificatesPem: [readFileSync(signer.certificateFile, 'utf8')] },
  });
  const { devices } = await operator.call('addDevices', {
    body: { devices: [{ controllerId: 'dev1', model: 'gw-1', line: 'gateway' }] },
  });
  const releaseId = await publishForeign(operator, {
    line: 'gateway',
    version: '1.2.0',
    fileName: 'gateway-1.2.0.swu',
    bytes: swu,
  });
  await rollOut(operator, releaseId, 'name:dev1');

  const suricatta = `-t default -u ${server.url} -i dev1 -k ${devices[0]?.token ?? ''} -p 1`;
  const first = new SwupdateClient(folder, signer.certificateFile, suricatta);
  t.after(() => first.stop());
  await first.seen('SWUPDATE successful');
  // It goes on polling, but asks for a restart before it takes anything else.
  await first.seen('Please restart SWUpdate to report the test results upstream');
  assert.deepEqual(new Uint8Array(readFileSync(installTo)), image);
  assert.equal((await lastAssignment(operator, 'dev1')).state, 'downloading');
  await first.stop();

  const second = new SwupdateClient(folder, signer.certificateFile, `${suricatta} -c 2`);
  t.after(() => second.stop());
  await stateBecomes(server, 'reported', second);
  await second.seen('No pending action on server');
  await second.stop();

  const device = await operator.call('getDevice', { params: { controllerId: 'dev1' } });
  assert.deepEqual([device.state, device.installedVersion, device.kind], ['reported', '1.2.0', 'foreign']);
  const { items } = await operator.call('listEntries', { query: {} });
  const transitions = items.filter((entry) => entry.predicateType === 'urn:pawl:assignment-transition:1');
  assert.deepEqual(
    transitions.map(({ envelope }) => toOf(envelope)),
    ['offered', 'downloading', 'reported'],
  );
});

/** The state that a transition statement of the ledger names. */
function toOf(envelope: string): unknown {
  const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: { to: unknown } };
  return statement.predicate.to;
}

test('SWUpdate refuses an image of a signer that it does not know, and the server shows it', { skip }, async (t) => {
  const server = await startTestServer({ pollIntervalS: 1 });
  t.after(() => server.close());
  const { operator, folder } = server;
  const [signer, other] = [makeSwuSigner(folder, 'swu-signer'), makeSwuSigner(folder, 'other-signer')];
  const installTo = join(folder, 'image.bin.installed');
  const swu = makeSwu(folder, other, { version: '6.6.6', bytes: new Uint8Array(randomBytes(4096)), installTo });
  // The operator was deceived: the other certificate stands in the line. The device's own trust decides.
  await operator.call('putLine', {
    params: { line: 'gateway' },
    body: { certificatesPem: [readFileSync(other.certificateFile, 'utf8')] },
  });
  const { devices } = await operator.call('addDevices', {
    body: { devices: [{ controllerId: 'dev1', model: 'gw-1', line: 'gateway' }] },
  });
  const release = { line: 'gateway', version: '6.6.6', fileName: 'x.swu', bytes: swu };
  await rollOut(operator, await publishForeign(operator, release), 'name:dev1');
  const suricatta = `-t default -u ${server.url} -i dev1 -k ${devices[0]?.token ?? ''} -p 1`;
  const client = new SwupdateClient(folder, signer.certificateFile, suricatta);
  t.after(() => client.stop());
  await stateBecomes(server, 'failed', client);
  await client.stop();
  assert.throws(() => readFileSync(installTo), { code: 'ENOENT' });
});
