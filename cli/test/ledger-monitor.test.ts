/** `pawl ledger monitor` against a live server: it holds the ledger to what it saw, also after an old backup was continued. */
import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { type RunningServer, startServer } from '@pawl/server/main';
import { Place } from './workspace-fixture.ts';

let place: Place;
let server: RunningServer;
let token = '';
let counted = 0;

before(async () => {
  place = await Place.make();
  server = await start();
  const { token: own } = await new ManagementClient({ url: server.url }).call('login', {
    body: { claim: server.claim ?? '', label: 'test' },
  });
  token = own;
  await writeFile(place.path('token'), `${own}\n`);
  await writeFile(place.path('key'), (await client().call('getCheckpoint', {})).vkey);
});
after(async () => {
  await server.close();
  await place[Symbol.asyncDispose]();
});

const start = () =>
  startServer({
    dataDir: place.path('data'),
    host: '127.0.0.1',
    port: 0,
    pollIntervalS: 300,
    now: () => new Date(),
    logLevel: 'silent',
    isLedgerPublic: true,
  });
const client = () => new ManagementClient({ url: server.url, token });
/** Makes the ledger longer. */
async function act(times = 1): Promise<void> {
  for (; times > 0; times -= 1) {
    const controllerId = `d${(counted += 1)}`;
    await client().call('addDevices', { body: { devices: [{ controllerId, model: 'hub' }] } });
    await client().call('decommissionDevice', { params: { controllerId } });
  }
}
const monitor = (...words: string[]) =>
  place.pawl('ledger', 'monitor', `${server.url}/tlog`, '--key', 'key', '--state', 'seen', '--json', ...words);
const note = (name: string) => readFile(place.path(name), 'utf8');

test('what is seen first is remembered, and growth is consistent from then on', async () => {
  await act();
  const first = await monitor();
  assert.deepEqual([first.status, first.json['verdict']], [0, 'first'], first.err.join());
  assert.deepEqual((await monitor()).json['verdict'], 'same');
  await act(3);
  const grown = await monitor('--entries', '--token-file', 'token');
  assert.deepEqual([grown.status, grown.json['verdict'], grown.json['isConsistent']], [0, 'grown', true]);
  assert.equal(grown.json['entriesProven'], grown.json['added']);
  assert.equal(Number(grown.json['size']) - Number(first.json['size']), grown.json['added']);
  assert.match(await note('seen'), new RegExp(`\n${String(grown.json['size'])}\n`));
});

test('entries are for who may read them, and another key or address is no ledger', async () => {
  await act();
  const seen = await note('seen');
  const refused = await monitor('--entries');
  assert.match(refused.err[0] ?? '', /CLI_LEDGER_UNREACHABLE.*401/);
  const other = ['ledger', 'monitor', server.url, '--key', 'key', '--state', 'seen'];
  assert.match((await place.pawl(...other)).err[0] ?? '', /CLI_LEDGER_UNREACHABLE/);
  assert.equal((await place.pawl('ledger', 'monitor', 'ftp://x', '--key', 'key', '--state', 'seen')).status, 2);
  const foreign = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const wrong = await place.pawl('ledger', 'monitor', `${server.url}/tlog`, '--key', foreign, '--state', 'none');
  assert.match(wrong.err[0] ?? '', /CHECKPOINT_SIGNER_UNKNOWN/);
  assert.equal(await note('seen'), seen);
});

test('a site that answers without an end, or sends elsewhere, is cut off', async () => {
  const site = http.createServer((request, answer) => {
    if (request.url === '/away/checkpoint') {
      answer.writeHead(302, { location: `${server.url}/tlog/checkpoint` }).end();
      return;
    }
    const more = (): void => {
      if (answer.destroyed) return;
      if (answer.write(Buffer.alloc(65_536))) setImmediate(more);
      else answer.once('drain', more);
    };
    more();
  });
  await new Promise<void>((resolve) => {
    site.listen(0, '127.0.0.1', resolve);
  });
  try {
    for (const prefix of ['endless', 'away']) {
      const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/${prefix}`;
      const ran = await place.pawl('ledger', 'monitor', url, '--key', 'key', '--state', 'none');
      assert.match(ran.err[0] ?? '', /CLI_LEDGER_UNREACHABLE/, prefix);
    }
  } finally {
    site.close();
    site.closeAllConnections();
  }
});

test('a ledger that was set back to an old backup is found, and so is what it went on to', async () => {
  await server.close();
  await cp(place.path('data'), place.path('backup'), { recursive: true });
  server = await start();
  await act(2);
  assert.equal((await monitor()).status, 0);
  const seen = await note('seen');
  await server.close();
  await rm(place.path('data'), { recursive: true });
  await cp(place.path('backup'), place.path('data'), { recursive: true });
  server = await start();

  const back = await monitor();
  assert.deepEqual([back.status, back.json['verdict'], back.json['isConsistent']], [1, 'truncated', false]);
  await act(4);
  const forked = await monitor();
  assert.deepEqual([forked.status, forked.json['verdict']], [1, 'forked']);
  const said = await place.pawl('ledger', 'monitor', `${server.url}/tlog`, '--key', 'key', '--state', 'seen');
  assert.match(said.out.join('\n'), /^rewritten: the \d+ entries that the ledger key signed before are not those/);
  // What was remembered stays; the other history is kept beside it.
  assert.equal(await note('seen'), seen);
  assert.equal(await note('seen.conflict'), (await client().call('getCheckpoint', {})).note);
});
