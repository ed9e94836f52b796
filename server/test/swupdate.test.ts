/**
 * Debian's SWUpdate, unchanged, in hawkBit mode against a real server on loopback: it installs a CMS-signed image,
 * restarts, confirms, and the server shows `reported`. SWUpdate keeps its state in the bootloader's environment, which is
 * not there, so that the second start says what a real device's start script says: `-c 2`, the update works.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { lastAssignment, publishForeign, rollOut, startTestServer, type TestServer } from './running-server.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

const SWUPDATE = 'swupdate';
const TOOLS = [SWUPDATE, 'openssl', 'cpio'];
const missing = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0);
const isSkipped = missing.length > 0 && process.env['CI'] !== 'true';
const skip = isSkipped ? `needs ${missing.join(', ')} (Debian packages swupdate, openssl, cpio)` : false;

const TIMEOUT_MS = 60_000;
const STATE_POLL_MS = 100;

type Client = {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly seen: (text: string) => Promise<void>;
};

function startClient(folder: string, certificateFile: string, suricatta: string): Client {
  const child = spawn(SWUPDATE, ['-v', '-H', 'board:1.0', '-k', certificateFile, '-u', suricatta], {
    cwd: folder,
    // Its sockets and its unpacked description go here, not to the machine's /tmp.
    env: { PATH: process.env['PATH'], TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const waiting = new Map<string, () => void>();
  const take = (line: string): void => {
    lines.push(line);
    for (const [text, resolve] of waiting) if (line.includes(text)) resolve();
  };
  createInterface({ input: child.stdout }).on('line', take);
  createInterface({ input: child.stderr }).on('line', take);
  const seen = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`swupdate never said "${text}":\n${lines.slice(-40).join('\n')}`));
      const timer = setTimeout(fail, TIMEOUT_MS);
      child.once('exit', fail);
      waiting.set(text, () => {
        clearTimeout(timer);
        child.off('exit', fail);
        resolve();
      });
      if (lines.some((line) => line.includes(text))) waiting.get(text)?.();
    });
  return { child, lines, seen };
}

async function stopClient({ child }: Client): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

async function stateBecomes(server: TestServer, expected: string, client: Client): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { state } = await lastAssignment(server.operator, 'dev1');
    if (state === expected) return;
    if (Date.now() > deadline) assert.fail(`${state}, not ${expected}:\n${client.lines.slice(-40).join('\n')}`);
    await wait(STATE_POLL_MS);
  }
}

test('SWUpdate installs a signed image, restarts, confirms, and is shown as reported', { skip }, async (t) => {
  assert.deepEqual(missing, [], 'with CI=true the tools of this test must be installed');
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
  const first = startClient(folder, signer.certificateFile, suricatta);
  t.after(() => stopClient(first));
  await first.seen('SWUPDATE successful');
  // It goes on polling, but asks for a restart before it takes anything else.
  await first.seen('Please restart SWUpdate to report the test results upstream');
  assert.deepEqual(new Uint8Array(readFileSync(installTo)), image);
  assert.equal((await lastAssignment(operator, 'dev1')).state, 'downloading');
  await stopClient(first);

  const second = startClient(folder, signer.certificateFile, `${suricatta} -c 2`);
  t.after(() => stopClient(second));
  await stateBecomes(server, 'reported', second);
  await second.seen('No pending action on server');
  await stopClient(second);

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
  assert.deepEqual(missing, [], 'with CI=true the tools of this test must be installed');
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
  const client = startClient(folder, signer.certificateFile, suricatta);
  t.after(() => stopClient(client));
  await stateBecomes(server, 'failed', client);
  await stopClient(client);
  assert.throws(() => readFileSync(installTo), { code: 'ENOENT' });
});
