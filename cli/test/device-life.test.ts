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

const table = (...lines: string[]): string => `${lines.join('\n')}\n`;

test('a fleet comes as a table, goes as a table, and the table again changes nothing', async () => {
  const rows = Array.from({ length: 1100 }, (_, no) => `bulk-${no},bulk,${LINE},new tag-${no % 3},row ${no},`);
  rows[7] = `bulk-7,bulk,,"",'=1+1,"{""note"":""a, b""}"`;
  await writeFile(place.path('fleet.csv'), table('controllerId,model,line,tags,attribute.site,attributes', ...rows));
  assert.deepEqual(await ok('device', 'import', 'fleet.csv', '--dry-run'), { added: 1100, changed: 0, same: 0 });
  assert.deepEqual(await ok('device', 'import', 'fleet.csv', '--tokens', 'tokens.csv'), {
    added: 1100,
    changed: 0,
    same: 0,
  });
  assert.equal((await stat(place.path('tokens.csv'))).mode & 0o777, 0o600);
  assert.equal((await readFile(place.path('tokens.csv'), 'utf8')).trim().split('\n').length, 1101);
  await fails(/CLI_FILE_EXISTS/, 'device', 'import', 'fleet.csv', '--tokens', 'tokens.csv');
  assert.deepEqual(await ok('device', 'import', 'fleet.csv'), { added: 0, changed: 0, same: 1100 });
  for (const name of ['out.csv', 'out.ndjson']) {
    assert.deepEqual(await ok('device', 'export', '--filter', 'model:bulk', '--out', name), {
      devices: 1100,
      file: name,
    });
    assert.deepEqual(await ok('device', 'import', name), { added: 0, changed: 0, same: 1100 }, name);
  }
  const exported = await readFile(place.path('out.csv'), 'utf8');
  assert.doesNotMatch(exported, /(^|,)"?[=+@-]/m, 'nothing that a spreadsheet runs');
  const shown = await ok('device', 'show', 'bulk-7');
  assert.deepEqual([shown['operatorAttributes'], shown['line']], [{ note: 'a, b', site: '=1+1' }, null]);
  const { out } = await place.pawl('device', 'export', '--filter', 'name:bulk-7', '--format', 'ndjson');
  assert.equal(out.length, 1);
  await writeFile(place.path('change.ndjson'), '{"controllerId":"bulk-8","model":"bulk","tags":["old"]}\n');
  assert.deepEqual(await ok('device', 'import', 'change.ndjson'), { added: 0, changed: 1, same: 0 });
});

test('a table with a wrong line is not sent at all, and each wrong line is named', async () => {
  await writeFile(place.path('bad.csv'), table('controllerId,model', 'good-1,m', 'bad name,m', 'good-2', 'good-3,'));
  const said = await fails(/CLI_TABLE_MALFORMED/, 'device', 'import', 'bad.csv');
  for (const line of ['line 3: controllerId', 'line 4: 2 cells', 'line 5: model']) assert.ok(said.includes(line), said);
  await writeFile(place.path('strange.csv'), table('controllerId,modell', 'good-1,m'));
  await fails(/CLI_TABLE_MALFORMED.*modell|modell/, 'device', 'import', 'strange.csv');
  await writeFile(
    place.path('bad.ndjson'),
    table('{"controllerId":"good-1","model":"m"}', '[', '{"controllerId":"good-1"}'),
  );
  const lines = await fails(/CLI_TABLE_MALFORMED/, 'device', 'import', 'bad.ndjson');
  for (const line of ['line 2: a JSON object', 'line 3: model']) assert.ok(lines.includes(line), lines);
  const twice = Array.from({ length: 700 }, (_, no) => `twice-${no},m`).with(650, 'twice-3,other');
  await writeFile(place.path('twice.csv'), table('controllerId,model', ...twice));
  const again = await fails(/CLI_TABLE_MALFORMED/, 'device', 'import', 'twice.csv');
  assert.ok(again.includes('line 652: controllerId: twice-3 stands in line 5 already'), again);
  for (const name of ['good-1', 'twice-3']) await fails(/DEVICE_UNKNOWN/, 'device', 'show', name);
  // What only the server can say is said with the line too, and what came before stays.
  await ok('device', 'add', 'ended', '--line', LINE);
  await ok('device', 'remove', 'ended');
  const rows = Array.from({ length: 600 }, (_, no) => `late-${no},m`).with(550, 'ended,m');
  await writeFile(place.path('late.csv'), table('controllerId,model', ...rows));
  const refused = await fails(/CLI_TABLE_REFUSED/, 'device', 'import', 'late.csv');
  assert.match(refused, /line 552: DEVICE_EXISTS/);
  await writeFile(place.path('late.csv'), table('controllerId,model', ...rows.toSpliced(550, 1)));
  assert.deepEqual(await ok('device', 'import', 'late.csv'), { added: 99, changed: 0, same: 500 });
});

test('claims for a table of names come as a table', async () => {
  await writeFile(
    place.path('names.csv'),
    table('controllerId,model,tags', 'claim-1,kettle-2,a b', 'claim-2,kettle-2,'),
  );
  assert.deepEqual(await ok('device', 'claims', 'names.csv', '--out', 'claims.csv'), { claims: 2, file: 'claims.csv' });
  const rows = (await readFile(place.path('claims.csv'), 'utf8')).trim().split('\n');
  assert.deepEqual([rows.length, rows[0]], [3, 'controllerId,claim,expiresAt']);
  assert.equal((await stat(place.path('claims.csv'))).mode & 0o777, 0o600);
  const [name, claim] = rows[1]?.split(',') ?? [];
  const numbers = ['--version', '1.0.0', '--sequence', '1', '--counter', '1'];
  await ok('agent', 'provision', '--state', 'claimed', '--image', 'v1.bin', ...numbers, '--boot', 'true');
  assert.equal((await ok('agent', 'enrol', '--state', 'claimed', '--claim', claim ?? ''))['controllerId'], name);
  await fails(/DEVICE_EXISTS/, 'device', 'claims', 'names.csv', '--out', 'again.csv');
});
