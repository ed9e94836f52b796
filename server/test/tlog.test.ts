/** The ledger as tiles over real HTTP: who may read what, what stands in the answers, and a ledger that is proven from them alone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { PERMISSIONS } from '@pawl/contract/management';
import { fromBase64 } from '@pawl/core/bytes';
import { ProvenTiles, type ReadTile, verifyCheckpoint } from '@pawl/core/evidence';
import { exchange, type RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

/** More than a tile holds, so that there is a full one, a partial one and a level above. */
const DEVICES = 300;
let server: TestServer;
let vkey: string;

before(async () => {
  server = await startTestServer();
  const devices = Array.from({ length: DEVICES }, (_, at) => ({ controllerId: `d${at}`, model: 'hub', line: 'hub' }));
  await server.operator.call('addDevices', { body: { devices } });
  for (const { controllerId } of devices)
    await server.operator.call('decommissionDevice', { params: { controllerId } });
  ({ vkey } = await server.operator.call('getCheckpoint', {}));
});
after(() => server.close());

const get = (path: string, token: string | undefined = server.token, of: TestServer = server): Promise<RawAnswer> =>
  exchange(`${of.url}/tlog/${path}`, {
    method: 'GET',
    headers: { 'accept-encoding': 'gzip', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
  });
const read: ReadTile = async (path) => {
  const answer = await get(path);
  return answer.status === 404 ? undefined : new Uint8Array(answer.body);
};

test('a ledger is proven from its tiles alone, entry by entry, and goes on from what it was', async () => {
  const checkpoint = verifyCheckpoint((await get('checkpoint')).text, vkey);
  assert.ok(checkpoint.size > 256, String(checkpoint.size));
  const tiles = new ProvenTiles(checkpoint, read);
  const entries = [...(await tiles.entries(0)), ...(await tiles.entries(1))];
  assert.equal(entries.length, checkpoint.size);
  const { items } = await server.operator.call('listEntries', { query: { from: 250, limit: 10 } });
  for (const { index, envelope } of items) {
    assert.deepEqual(fromBase64(envelope), entries[index]);
    await tiles.proveInclusion(index, fromBase64(envelope));
  }
  await server.operator.call('addDevices', {
    body: { devices: [{ controllerId: 'more', model: 'hub', line: 'hub' }] },
  });
  await server.operator.call('decommissionDevice', { params: { controllerId: 'more' } });
  const grown = verifyCheckpoint((await get('checkpoint')).text, vkey);
  const added = grown.size - checkpoint.size;
  assert.ok(added > 0);
  assert.deepEqual(await new ProvenTiles(grown, read).compareWith(checkpoint), { verdict: 'grown', added });
});

test('what never changes may be kept for long by who may read it, the checkpoint not at all', async () => {
  const checkpoint = await get('checkpoint');
  assert.deepEqual(
    [checkpoint.headers['content-type'], checkpoint.headers['cache-control']],
    ['text/plain; charset=utf-8', 'no-store'],
  );
  for (const path of ['tile/0/000', 'tile/0/000.p/3', 'tile/1/000.p/1', 'tile/entries/000.p/3', 'tile/entries/000']) {
    const { status, headers } = await get(path);
    assert.deepEqual(
      [status, headers['content-type'], headers['cache-control'], headers['content-encoding']],
      [200, 'application/octet-stream', 'private, max-age=31536000, immutable', undefined],
      path,
    );
    assert.match(String(headers['vary']), /authorization/);
  }
  assert.deepEqual([(await get('tile/0/000')).body.length, (await get('tile/0/000.p/3')).body.length], [8192, 96]);
});

test('tiles that the ledger has not grown to, and other spellings of those it has, are not there', async () => {
  const paths = ['tile/0/001', 'tile/0/999', 'tile/1/000', 'tile/1/000.p/2', 'tile/2/000.p/1', 'tile/entries/001'];
  const spellings = [
    'tile/0/0',
    'tile/00/000',
    'tile/0/x000/000',
    'tile/0/000.p/256',
    'tile/0/000.p/0',
    'tile/0/000?a=1',
  ];
  for (const path of [
    ...paths,
    ...spellings,
    'tile/0/000/',
    'tile/entries/%30%30%30',
    'tile/../checkpoint',
    'tile/',
    'x',
  ]) {
    assert.equal((await get(path)).status, 404, path);
  }
  const posted = await exchange(`${server.url}/tlog/checkpoint`, { method: 'POST', headers: {} });
  assert.deepEqual([posted.status, posted.headers['allow']], [405, 'GET, HEAD']);
});

const PATHS = ['checkpoint', 'tile/0/000', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/000.p/1', 'tile/9/999'];

test('nobody reads without the permission to read the ledger', async () => {
  const others = PERMISSIONS.filter((each) => each !== 'ledger:read');
  const { token } = await server.operator.call('createToken', { body: { label: 'others', permissions: others } });
  const body = { label: 'line', permissions: [...PERMISSIONS], lines: ['hub'] };
  const { token: ofLine } = await server.operator.call('createToken', { body });
  const reader = await server.operator.call('createToken', { body: { label: 'reader', permissions: ['ledger:read'] } });
  for (const path of PATHS) {
    const stranger = await get(path, '');
    assert.deepEqual([stranger.status, stranger.json()['code']], [401, 'API_UNAUTHENTICATED'], path);
    assert.equal((await get(path, 'x'.repeat(43))).status, 401, path);
    for (const refused of [token, ofLine])
      assert.equal((await get(path, refused)).json()['code'], 'API_FORBIDDEN', path);
    assert.ok([200, 404].includes((await get(path, reader.token)).status), path);
  }
});

test('a bundle of entries, which are of all tenants, is for the first tenant only', async () => {
  const { claim } = await server.operator.call('createTenant', { body: { name: 'other' } });
  const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: 'other' } });
  for (const path of PATHS.filter((each) => each.includes('entries'))) {
    const { status, text } = await get(path, token);
    assert.deepEqual([status, text.includes('API_FORBIDDEN')], [403, true], path);
  }
});

test('where hashes are public anybody reads them, and still no entry', async () => {
  const { folder, token } = server;
  await server.running.close();
  server = await startTestServer({ isLedgerPublic: true }, { folder, token });
  for (const path of PATHS) {
    const { status, headers } = await get(path, '');
    assert.equal(status, path.includes('entries') ? 401 : path === 'tile/9/999' ? 404 : 200, path);
    if (path === 'tile/0/000') assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
  }
  assert.equal((await get('tile/entries/000')).headers['cache-control'], 'private, max-age=31536000, immutable');
  // However the address is written, entries are entries.
  for (const path of [
    'tile/%65ntries/000',
    'tile//entries/000',
    'tile/entries%2f000',
    'tile/0/../entries/000',
    '/tile/entries/000',
  ]) {
    assert.ok([401, 404].includes((await get(path, '')).status), path);
  }
});
