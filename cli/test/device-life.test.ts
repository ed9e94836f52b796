/** How devices come in, by command line: a server in this process, and the agent as a process of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '@pawl/server/main';
import { LINE, Place } from './workspace-fixture.ts';

const MAIN = resolve(import.meta.dirname, '../bin/pawl.js');

let place: Place;
let server: RunningServer;

before(async () => {
  place = await Place.make();
  const data = { dataDir: place.path('server'), host: '127.0.0.1', port: 0, pollIntervalS: 300 };
  server = await startServer({ ...data, now: () => new Date(), logLevel: 'silent' });
  const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
  await ok('init', ...identity, '--server', `${server.url}/#claim=${server.claim ?? ''}`);
});
after(async () => {
  await server.close();
  await place[Symbol.asyncDispose]();
});

async function ok(...words: string[]): Promise<Record<string, unknown>> {
  const ran = await place.pawl(...words, '--json');
  assert.equal(ran.status, 0, ran.err.join());
  return ran.json;
}

async function fails(code: RegExp, ...words: string[]): Promise<string> {
  const ran = await place.pawl(...words);
  assert.notEqual(ran.status, 0, words.join(' '));
  assert.match(ran.err.join('\n'), code, words.join(' '));
  return ran.err.join('\n');
}

test('a device that introduces itself waits, and goes on by itself when an operator lets it in', async () => {
  await writeFile(place.path('v1.bin'), 'image');
  const numbers = ['--version', '1.0.0', '--sequence', '1', '--counter', '1'];
  await ok('agent', 'provision', '--state', 'device', '--image', 'v1.bin', ...numbers, '--boot', 'true');
  const said = ['--name', 'kettle-1', '--attribute', 'serial=4711'];
  const { keyId } = await ok('agent', 'introduce', '--state', 'device', ...said);
  assert.match(String(keyId), /^[0-9a-f]{64}$/);
  assert.equal((await stat(place.path('device', 'config.json'))).mode & 0o777, 0o600);
  const agent = spawn(
    process.execPath,
    [MAIN, 'agent', 'run', '--state', place.path('device'), '--poll', '1', '--json'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const events: string[] = [];
  for await (const line of createInterface({ input: agent.stdout })) {
    const { event, code } = JSON.parse(line) as { event: string; code?: string };
    events.push(`${event} ${code ?? ''}`.trim());
    if (events.length === 1) {
      const { out } = await place.pawl('device', 'pending');
      assert.ok(out.join('\n').includes(`pawl-1`) && out.join('\n').includes('serial=4711'), out.join('\n'));
      await fails(/INTRODUCTION_KEY_DIFFERS/, 'device', 'approve', 'pawl-1', 'kettle-1', '--key', 'ab'.repeat(32));
      await ok('device', 'approve', 'pawl-1', 'kettle-1', '--model', 'kettle-2', '--key', String(keyId));
    }
    if (event === 'polled') break;
  }
  agent.kill('SIGTERM');
  if (agent.exitCode === null) await once(agent, 'exit');
  assert.equal(events[0], 'waiting AGENT_INTRODUCTION_PENDING');
  assert.deepEqual(events.slice(-2), ['started', 'polled']);
  const shown = await ok('device', 'show', 'kettle-1');
  assert.deepEqual([shown['model'], shown['keyId'], shown['kind']], ['kettle-2', keyId, 'pawl']);
  const { controllerId } = await ok('agent', 'introduce', '--state', 'device', ...said);
  assert.equal(controllerId, 'kettle-1');
});

test('a device that is rejected hears so, and does not ask again', async () => {
  const numbers = ['--version', '1.0.0', '--sequence', '1', '--counter', '1'];
  await ok('agent', 'provision', '--state', 'other', '--image', 'v1.bin', ...numbers, '--boot', 'true');
  await ok('agent', 'introduce', '--state', 'other');
  await ok('device', 'reject', 'pawl-2');
  await fails(/AGENT_ENROLMENT_REFUSED/, 'agent', 'run', '--state', 'other');
  await fails(/CLI_USAGE/, 'device', 'pending', '--state', 'unheard');
  assert.match(await readFile(place.path('other', 'config.json'), 'utf8'), /"introduction"/);
});
