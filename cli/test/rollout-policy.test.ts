/**
 * An update waits for its user and then for its window: a real agent process, the command line, and a server whose clock is
 * the test's. First put off, then asked again, given; downloaded before the window, installed in it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAgentStatus } from '@pawl/agent/main';
import { ManagementClient } from '@pawl/contract/client';
import { type RunningServer, startServer } from '@pawl/server/main';
import { LINE, Place } from './workspace-fixture.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');
const HOUR_MS = 3_600_000;

let place: Place;
let server: RunningServer;
let agent: ChildProcess | undefined;
/** Ahead of the machine's clock, by which the agent judges the age of the metadata. */
let aheadMs = 0;
const now = (): Date => new Date(Date.now() + aheadMs);
const states: string[] = [];

const ok = async (...words: string[]): Promise<Record<string, unknown>> => {
  const ran = await place.pawl(...words, '--json');
  assert.equal(ran.status, 0, `${words.join(' ')}: ${ran.err.join()}`);
  return ran.json;
};

before(async () => {
  place = await Place.make();
  const common = { host: '127.0.0.1', port: 0, pollIntervalS: 1, logLevel: 'silent' } as const;
  server = await startServer({ dataDir: place.path('server'), now, ...common });
  const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
  await ok('init', ...identity, '--server', `${server.url}/#claim=${server.claim}`);
});
after(async () => {
  if (agent !== undefined && agent.exitCode === null) {
    agent.kill('SIGTERM');
    await once(agent, 'exit');
  }
  await server.close();
  await place[Symbol.asyncDispose]();
});

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await sleep(50)) if (await isSo()) return;
  assert.fail(`${what}; the agent said ${states.join(', ')}`);
}

async function provision(): Promise<void> {
  const script = '#!/bin/sh\ncat "$1" > "$(dirname "$1")/told"\n';
  await writeFile(place.path('tell.sh'), script);
  await chmod(place.path('tell.sh'), 0o700);
  await writeFile(place.path('old.bin'), Buffer.alloc(20_000, 'old'));
  const numbers = ['--version', '1.0.0', '--sequence', '1', '--counter', '1'];
  const ways = ['--boot', 'true', '--consent', '--notice', place.path('tell.sh')];
  await ok('agent', 'provision', '--state', 'device', '--image', 'old.bin', ...numbers, ...ways);
  const { claim } = await ok('device', 'claim', 'kettle-1');
  await ok('agent', 'enrol', '--state', 'device', '--claim', String(claim));
}

function runAgent(): void {
  agent = spawn(process.execPath, [MAIN, 'agent', 'run', '--state', place.path('device'), '--poll', '1', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(agent.stdout);
  createInterface({ input: agent.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as { event: string; state?: string };
    if (event.event === 'state') states.push(event.state ?? '');
  });
}

/** A window of two hours that opens in so many. */
function windowIn(hours: number): string {
  return `${new Date(now().getTime() + hours * HOUR_MS).toISOString().slice(11, 16)}+120`;
}

test('put off, asked again, given; downloaded at once, installed when the window opens', {
  timeout: 120_000,
}, async () => {
  await provision();
  await writeFile(place.path('new.bin'), Buffer.alloc(20_000, 'new'));
  const numbers = ['--version', '1.1.0', '--sequence', '2', '--counter', '1'];
  const why = [
    '--urgency',
    'security',
    '--justification',
    'one fix',
    '--notice',
    'Fixes the kettle.',
    '--reference',
    'CVE-2026-1',
  ];
  const { dir } = await ok('seal', 'new.bin', ...numbers, ...why);
  await ok('publish', String(dir));
  const policy = ['--consent', '--security-only', '--window', windowIn(6), '--postpone', '1,5'];
  const { id } = await ok('rollout', 'create', 'kitchen', '--version', '1.1.0', ...policy, '--start');
  runAgent();
  await until(
    'the user is told',
    async () => (await readFile(place.path('device', 'told'), 'utf8').catch(() => '')) !== '',
  );
  const told = JSON.parse(await readFile(place.path('device', 'told'), 'utf8')) as Record<string, unknown>;
  assert.deepEqual(
    [told['version'], told['urgency'], told['notice'], told['references']],
    ['1.1.0', 'security', 'Fixes the kettle.', ['CVE-2026-1']],
  );

  const later = new Date(now().getTime() + 4 * HOUR_MS).toISOString();
  await ok('agent', 'consent', 'later', '--until', later, '--state', 'device');
  const token = (await readFile(place.path('token'), 'utf8')).trim();
  const operator = new ManagementClient({ url: server.url, token });
  const answers = async (): Promise<string[]> => {
    const { items } = await operator.call('listEvents', { query: {} });
    return items.flatMap((event) => (event.type === 'pawl.consent.answered' ? [event.data.answer] : []));
  };
  await until('the server knows that it is put off', async () => (await answers()).includes('postponed'));
  assert.deepEqual(states, ['awaiting-consent']);

  aheadMs += 4 * HOUR_MS;
  await ok('agent', 'consent', 'yes', '--state', 'device');
  await until('it is staged', () => states.includes('staged'));
  assert.deepEqual(await answers(), ['postponed', 'given']);
  await until('it is held', async () => (await readAgentStatus(place.path('device'))).pending?.isHeld === true);
  assert.equal((await readAgentStatus(place.path('device'))).version, '1.0.0');
  assert.ok(!states.includes('trial'));

  aheadMs += 2 * HOUR_MS;
  await until('it is confirmed', () => states.includes('confirmed'));
  assert.equal((await readAgentStatus(place.path('device'))).version, '1.1.0');
  assert.deepEqual(states, ['awaiting-consent', 'downloading', 'verified', 'staged', 'trial', 'confirmed']);
  const { state } = await ok('rollout', 'show', String(id));
  assert.equal(state, 'finished');

  await ok('agent', 'opt-out', 'all', '--state', 'device');
  await until('the server knows what the owner wants', async () => {
    return (await ok('policy', 'device', 'kettle-1'))['optOut'] === 'all';
  });
});

test('policy, approval and the way back from the command line', async () => {
  const fails = async (code: RegExp, ...words: string[]): Promise<void> => {
    const ran = await place.pawl(...words);
    assert.match(ran.err[0] ?? 'done', code, words.join(' '));
  };
  await ok('policy', 'device', 'kettle-1', '--time-zone', 'Asia/Tokyo', '--opt-out', 'none');
  const set = await ok(
    'policy',
    'set',
    '--approvals',
    '1',
    '--window',
    'sat,sun@02:00+180',
    '--time-zone',
    'Europe/Berlin',
  );
  assert.deepEqual(await ok('policy', 'show'), set);
  await fails(/CLI_USAGE/, 'policy', 'set', '--window', 'caturday@02:00+1');
  await fails(/CLI_USAGE/, 'policy', 'device', 'kettle-1', '--opt-out', 'some');
  await fails(
    /CLI_USAGE/,
    'seal',
    'new.bin',
    '--version',
    '1.2.0',
    '--sequence',
    '3',
    '--counter',
    '1',
    '--urgency',
    'security',
  );
  await fails(/CLI_USAGE/, 'agent', 'consent', 'later', '--state', 'device');
  const make = async (name: string) =>
    String((await ok('rollout', 'create', name, '--version', '1.1.0', '--any-time'))['id']);
  const id = await make('approved');
  const { digest } = await ok('rollout', 'approval', id);
  assert.match(String(digest), /^[0-9a-f]{64}$/);
  await fails(/APPROVAL_BY_AUTHOR/, 'rollout', 'approve', id, '--key', 'image');
  await fails(/ROLLOUT_UNAPPROVED/, 'rollout', 'start', id);
  await fails(/APPROVAL_NONE/, 'rollout', 'withdraw', id);
  const denied = await ok('rollout', 'deny', id, '--reason', 'no');
  assert.equal((denied['verdicts'] as { reason: string }[])[0]?.reason, 'no');
  await fails(/ROLLOUT_RETURN_NOT_NEWER/, 'rollout', 'return', id, '--version', '1.1.0');

  // Another person, with a key of her own, on the same workspace.
  const token = (await readFile(place.path('token'), 'utf8')).trim();
  const operator = new ManagementClient({ url: server.url, token });
  const { person, claim } = await operator.call('invitePerson', { body: { name: 'Ada', roles: ['approver'] } });
  await ok('key', 'new', 'ada', '--role', 'release');
  const file = JSON.parse(await readFile(place.path('keys', 'ada.json'), 'utf8')) as { public: string };
  const body = { label: 'ada', publicKeyPem: file.public };
  await operator.call('registerApprovalKeyFor', { params: { id: person.id }, body });
  const next = await make('approved by Ada');
  const mine = await readFile(place.path('token'));
  const hers = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: 'ada' } });
  await writeFile(place.path('token'), hers.token);
  const approved = await ok('rollout', 'approve', next, '--key', 'ada');
  assert.equal(approved['isApproved'], true);
  const said = (await place.pawl('rollout', 'show', next)).out.join('\n');
  assert.match(said, /made by person\/1 at .*; installs at any time\n/);
  assert.match(said, new RegExp(`approved: 1 of 1 people\\n  .* person ${person.id} approved\\n`));
  await operator.call('setRoles', { ifMatch: '*', params: { id: person.id }, body: { roles: ['viewer'] } });
  assert.match(
    (await place.pawl('rollout', 'show', next)).out.join('\n'),
    /not approved: 0 of 1 people\n.*does not count: the person may no longer approve/,
  );
  await operator.call('setRoles', { ifMatch: '*', params: { id: person.id }, body: { roles: ['approver'] } });
  await writeFile(place.path('token'), mine);
  assert.equal((await ok('rollout', 'start', next))['id'], Number(next));
  const listed = (await place.pawl('rollout', 'list')).out;
  assert.match(
    listed[1] ?? '',
    new RegExp(`^${next} +approved by Ada +1\\.1\\.0 +running +0 of 1 +wave 1 of 1, running$`),
  );
  await using folder = await Place.make();
  const again = await operator.call('inviteAgain', { params: { id: person.id }, body: {} });
  assert.equal((await folder.pawl('login', `${server.url}/#claim=${again.claim}`)).status, 0);
  assert.equal((await folder.pawl('rollout', 'approval', next)).status, 0);
});
