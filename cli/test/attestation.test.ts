/**
 * A rollout that counts attested devices, whole: agents, the command line, a server, and the bundle that an auditor gets.
 * One device (its agent in this process) runs what it confirmed; the slot of the other (a process of its own) is altered
 * after its confirmation.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentEvent, runAgent, systemPorts } from '@pawl/agent/main';
import { verifyEvidence } from '@pawl/core/attest';
import { fromBase64 } from '@pawl/core/bytes';
import { PublicKey, sha256 } from '@pawl/core/crypto';
import { type BundleEntry, verifyBundle } from '@pawl/core/evidence';
import { type RunningServer, startServer } from '@pawl/server/main';
import { LINE, Place } from './workspace-fixture.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');
const VERDICT = 'urn:pawl:attestation-verdict:1';

let place: Place;
let server: RunningServer;
let stop: (() => Promise<void>) | undefined;

const ok = async (...words: string[]): Promise<Record<string, unknown>> => {
  const ran = await place.pawl(...words, '--json');
  assert.equal(ran.status, 0, `${words.join(' ')}: ${ran.err.join()}`);
  return ran.json;
};

before(async () => {
  place = await Place.make();
  const common = { host: '127.0.0.1', port: 0, pollIntervalS: 1, logLevel: 'silent' } as const;
  server = await startServer({ dataDir: place.path('server'), now: () => new Date(), ...common });
  const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
  await ok('init', ...identity, '--server', `${server.url}/#claim=${server.claim}`);
  await writeFile(place.path('old.bin'), Buffer.alloc(20_000, 'old'));
  await writeFile(place.path('new.bin'), Buffer.alloc(20_000, 'new'));
  for (const name of ['kettle-1', 'kettle-2']) {
    const numbers = ['--version', '1.0.0', '--sequence', '1', '--counter', '1', '--boot', 'true'];
    await ok('agent', 'provision', '--state', name, '--image', 'old.bin', ...numbers);
    const { claim } = await ok('device', 'claim', name);
    await ok('agent', 'enrol', '--state', name, '--claim', String(claim));
  }
  const { dir } = await ok('seal', 'new.bin', '--version', '1.1.0', '--sequence', '2', '--counter', '2');
  await ok('publish', String(dir));
});
after(async () => {
  await stop?.();
  await server.close();
  await place[Symbol.asyncDispose]();
});

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await sleep(50)) if (await isSo()) return;
  assert.fail(what);
}

/** One round with the server and no more: the next would be in an hour. */
async function runProcess(name: string): Promise<AgentEvent[]> {
  const words = ['agent', 'run', '--state', place.path(name), '--poll', '3600', '--json'];
  const agent = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const events: AgentEvent[] = [];
  createInterface({ input: agent.stdout }).on('line', (line) => events.push(JSON.parse(line) as AgentEvent));
  stop = async () => {
    agent.kill('SIGTERM');
    await once(agent, 'exit');
    stop = undefined;
  };
  await until(`${name} polled`, () => events.some(({ event }) => event === 'polled'));
  await stop();
  return events;
}

async function runHere(name: string): Promise<AgentEvent[]> {
  const events: AgentEvent[] = [];
  const { signal } = new AbortController();
  const ports = systemPorts({ emit: (event) => events.push(event), signal });
  await runAgent(
    { stateDir: place.path(name), rounds: 1 },
    { ...ports, clock: { ...ports.clock, sleep: async () => undefined } },
  );
  return events;
}

const runBoth = (): Promise<AgentEvent[][]> => Promise.all([runHere('kettle-1'), runProcess('kettle-2')]);

const textOf = (entry: BundleEntry | undefined, member: string): string => {
  const value = entry?.predicate[member];
  return typeof value === 'string' ? value : '';
};

test('the device that runs what it confirmed counts, the one whose slot was altered does not, and a bundle shows why', {
  timeout: 150_000,
}, async () => {
  const { id } = await ok('rollout', 'create', 'kitchen', '--version', '1.1.0', '--success', 'attested', '--start');
  const image = place.path('kettle-2', 'current', 'image');
  for (const events of await runBoth()) {
    assert.ok(events.some((event) => event.event === 'state' && event.state === 'confirmed'));
  }
  const waiting = await ok('rollout', 'show', String(id));
  assert.deepEqual([waiting['state'], waiting['succeeded'], waiting['outcomes']], ['running', 0, { proving: 2 }]);

  const altered = await readFile(image);
  altered[10_000] = (altered[10_000] ?? 0) ^ 1;
  await writeFile(image, altered);
  const verdicts = (await runBoth()).flat().flatMap((event) => (event.event === 'attested' ? [event.verdict] : []));
  assert.deepEqual(verdicts, ['affirming', 'contraindicated']);

  const done = await ok('rollout', 'show', String(id));
  assert.deepEqual([done['succeeded'], done['outcomes']], [1, { succeeded: 1, failed: 1 }]);
  const shown = (await place.pawl('rollout', 'show', String(id))).out.join('\n');
  assert.match(shown, /kettle-1 +confirmed +affirming/);
  assert.match(shown, /kettle-2 +confirmed +contraindicated ATTEST_DIGEST_DIFFERS/);
  const device = (await place.pawl('device', 'show', 'kettle-2')).out.join('\n');
  assert.match(device, /confirmed +contraindicated ATTEST_DIGEST_DIFFERS/);
  const log = (await place.pawl('device', 'log', 'kettle-2')).out.join('\n');
  assert.match(log, /contraindicated\n +ATTEST_DIGEST_DIFFERS/);

  const { vkey } = await ok('ledger', 'export', '--out', 'bundle.zip');
  await ok('verify', 'bundle.zip', '--key', String(vkey));
  const { entries } = verifyBundle(new Uint8Array(await readFile(place.path('bundle.zip'))), { vkey: String(vkey) });
  const digests = ['kettle-1', 'kettle-2'].map((name) => {
    const about = entries.filter(({ subject }) => subject[0]?.name === `device/${name}`);
    const enrolled = about.find(({ predicateType }) => predicateType === 'urn:pawl:device-enrolled:1');
    const verdict = about.find(({ predicateType }) => predicateType === VERDICT);
    const key = PublicKey.fromSpki(textOf(enrolled, 'publicKey'));
    return verifyEvidence(fromBase64(textOf(verdict, 'evidence')), key).claims.imageDigest;
  });
  assert.deepEqual(digests, [sha256(new Uint8Array(Buffer.alloc(20_000, 'new'))), sha256(new Uint8Array(altered))]);
});
