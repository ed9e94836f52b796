/** `pawl lab fleet` as an operator types it, against a server in this process. */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '@pawl/server/main';
import { LINE, Place } from './workspace-fixture.ts';

let place: Place;
let server: RunningServer;

before(async () => {
  place = await Place.make();
  const dataDir = place.path('server');
  const config = { dataDir, host: '127.0.0.1', port: 0, pollIntervalS: 1, now: () => new Date() };
  server = await startServer({ ...config, logLevel: 'silent' });
  const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
  const made = await place.pawl('init', ...identity, '--server', `${server.url}/#claim=${server.claim}`);
  assert.equal(made.status, 0, made.err.join());
});
after(async () => {
  await server.close();
  await place[Symbol.asyncDispose]();
});

test('a fleet registers itself, polls, and keeps its credentials for the next run', async () => {
  const words = ['lab', 'fleet', '--devices', '25', '--credentials', 'fleet.txt', '--mix', 'success=4,offline=1'];
  const timing = ['--spread', '0', '--poll', '1', '--for', '1', '--json'];
  const first = await place.pawl(...words, ...timing);
  assert.equal(first.status, 0, first.err.join());
  const file = await readFile(place.path('fleet.txt'), 'utf8');
  assert.equal(file.trim().split('\n').length, 25);
  assert.equal((await stat(place.path('fleet.txt'))).mode & 0o777, 0o600);
  const second = await place.pawl(...words, ...timing, '--server', server.url);
  for (const { json } of [first, second]) {
    const on = 25 - Number(json['offline']);
    assert.ok(on < 25 && Number(json['polls']) >= on, JSON.stringify(json));
    assert.deepEqual([json['unanswered'], json['refused']], [0, {}]);
  }
  // Asked for its attributes once.
  assert.equal(first.json['attributes'], 25 - Number(first.json['offline']));
  assert.equal(second.json['attributes'], 0);
  const seen = await place.pawl('device', 'list', '--json');
  const heard = (seen.json as unknown as { attributes: object }[]).filter((device) => 'fleet' in device.attributes);
  assert.equal(heard.length, first.json['attributes']);
});

test('the result is a table for people', async () => {
  const ran = await place.pawl(
    'lab',
    'fleet',
    '--credentials',
    'fleet.txt',
    '--devices',
    '3',
    '--for',
    '1',
    '--spread',
    '0',
  );
  assert.equal(ran.status, 0, ran.err.join());
  assert.ok(
    ran.out.some((line) => /^devices +3$/.test(line)),
    ran.out.join('\n'),
  );
  assert.ok(ran.out.some((line) => /^answer times +p50 [0-9.]+ ms, p99 [0-9.]+ ms$/.test(line)));
});

test('what cannot be meant is refused before a device is made', async () => {
  const refused: readonly (readonly string[])[] = [
    ['--devices', '0'],
    ['--devices', '1000001'],
    ['--connections', '0'],
    ['--mix', 'happy=1'],
    ['--server', 'not a url', '--credentials', 'fleet.txt'],
  ];
  for (const words of refused) {
    const ran = await place.pawl('lab', 'fleet', '--for', '1', ...words);
    assert.equal(ran.status, 2, words.join(' '));
    assert.match(ran.err[0] ?? '', /CLI_USAGE/);
  }
  const broken = await place.pawl('lab', 'fleet', '--for', '1', '--credentials', 'pawl.json');
  assert.match(broken.err[0] ?? '', /CLI_FILE_UNREADABLE/);
});
