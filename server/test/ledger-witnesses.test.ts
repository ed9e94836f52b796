/** A server and what may stand at the address of a witness: it lies, it is silent, it is gone. No act and no export waits for long. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { PrivateKey } from '@pawl/core/crypto';
import { cosign, encodeWitnessVkey, parseAddCheckpoint, verifyBundle } from '@pawl/core/evidence';
import { startTestServer, type TestServer } from './running-server.ts';

type Said = { readonly status: number; readonly body: string } | 'nothing';
const NAME = 'w.example';
const signer = PrivateKey.generate('Ed25519');
const vkey = encodeWitnessVkey(NAME, signer.publicKey);
const asked: { oldSize: number; size: number; note: string }[] = [];
let answer: (note: string, oldSize: number) => Said | Promise<Said>;

const site = http.createServer((request, reply) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const respond = async (): Promise<void> => {
      const { oldSize, note } = parseAddCheckpoint(new Uint8Array(Buffer.concat(chunks)));
      asked.push({ oldSize, note, size: Number(note.split('\n')[1]) });
      const said = await answer(note, oldSize);
      if (said !== 'nothing') reply.writeHead(said.status).end(said.body);
    };
    void respond();
  });
});
let port: number;
let server: TestServer;
let nowMs = Date.parse('2026-11-21T10:00:00.000Z');
let counted = 0;

before(async () => {
  await new Promise<void>((resolve) => {
    site.listen(0, '127.0.0.1', resolve);
  });
  port = (site.address() as AddressInfo).port;
  server = await startTestServer(config());
});
after(async () => {
  site.close();
  site.closeAllConnections();
  await server.close();
});

const config = () => ({
  now: () => new Date(nowMs),
  witnesses: [{ vkey, url: `http://127.0.0.1:${port}` }],
  egress: { networks: ['127.0.0.0/8'], isHttpAllowed: true, ports: [port] },
});
/** One more entry, and the pause after a failure is over. */
async function act(): Promise<void> {
  const controllerId = `d${(counted += 1)}`;
  await server.operator.call('addDevices', { body: { devices: [{ controllerId, model: 'hub' }] } });
  await server.operator.call('decommissionDevice', { params: { controllerId } });
  nowMs += 600_000;
}
async function stateAfterExport(): Promise<readonly [string, string]> {
  const { vkey: ledger } = await server.operator.call('getCheckpoint', {});
  // Whatever stands there, the export is whole and verifies under the key of the ledger.
  assert.equal(verifyBundle(await server.operator.call('exportBundle', {}), { vkey: ledger }).isComplete, true);
  const [witness] = (await server.operator.call('listWitnesses', {})).items;
  return [witness?.state ?? '', witness?.detail ?? ''];
}
const good = async (note: string): Promise<Said> => ({
  status: 200,
  body: `${await cosign(note, { name: NAME, signer, atMs: nowMs })}\n`,
});

test('a witness that knows another size is proven to from there', async () => {
  answer = (note) => good(note);
  for (let at = 0; at < 5; at += 1) await act();
  answer = (note, oldSize) => (oldSize === 3 ? good(note) : { status: 409, body: '3\n' });
  await act();
  assert.deepEqual(await stateAfterExport(), ['cosigned', '']);
  assert.equal(asked.at(-1)?.oldSize, 3);
});

test('each lie is told as what it is, kept by nobody, and the next honest answer counts again', async () => {
  const lies: readonly (readonly [typeof answer, string])[] = [
    [() => ({ status: 200, body: 'fine\n' }), 'refused'],
    [() => ({ status: 200, body: '' }), 'refused'],
    [
      async (note) => ({
        status: 200,
        body: `${await cosign(note.replace(/\n\d+\n/, '\n1\n'), { name: NAME, signer, atMs: nowMs })}\n`,
      }),
      'refused',
    ],
    [(_, oldSize) => ({ status: 409, body: `${Math.max(0, oldSize - 1)}\n` }), 'refused'],
    [() => ({ status: 409, body: '1000000\n' }), 'set-back'],
    [() => ({ status: 422, body: '' }), 'forked'],
    [() => ({ status: 302, body: '' }), 'unreachable'],
    [() => ({ status: 200, body: 'x'.repeat(1_000_000) }), 'refused'],
  ];
  for (const [lie, state] of lies) {
    answer = lie;
    await act();
    assert.equal((await stateAfterExport())[0], state);
    const { note, size } = await server.operator.call('getCheckpoint', {});
    assert.equal(note.split('\n').filter((line) => line.startsWith('— ')).length, 1, `${state} at ${size}`);
    answer = (honest) => good(honest);
    nowMs += 600_000;
    assert.deepEqual(await stateAfterExport(), ['cosigned', '']);
  }
});

test('each change of how it stands with a witness is told, once', async () => {
  const query = { type: 'pawl.ledger.witness-changed' } as const;
  const told = async () =>
    (await server.operator.call('listEvents', { query })).items.flatMap((each) =>
      each.type === query.type ? [`${each.subject} ${each.data.state}`] : [],
    );
  const states = ['refused', 'refused', 'refused', 'refused', 'set-back', 'forked', 'unreachable', 'refused'];
  const expected = ['cosigned', ...states.flatMap((state) => [state, 'cosigned'])];
  // A job gives events their place in the stream.
  while ((await told()).length < expected.length) await new Promise((done) => setImmediate(done));
  assert.deepEqual(
    await told(),
    expected.map((state) => `witness/w.example ${state}`),
  );
});

test('a witness that failed is not asked at every turn', async () => {
  answer = () => ({ status: 500, body: '' });
  await act();
  await stateAfterExport();
  const before = asked.length;
  for (let at = 0; at < 5; at += 1) await stateAfterExport();
  assert.equal(asked.length, before);
  nowMs += 600_000;
  await stateAfterExport();
  assert.equal(asked.length, before + 1);
});

test('an export waits a few seconds for a witness that says nothing, acts do not wait, and the server ends all the same', async () => {
  answer = () => 'nothing';
  // Whoever waited for the witness would do so for the ten seconds that it is given.
  for (const wait of [act, () => server.operator.call('exportBundle', {})]) {
    const startedMs = performance.now();
    await wait();
    assert.ok(performance.now() - startedMs < 9000);
  }
});

test('a configuration that names no witness is refused', async () => {
  const { folder, token } = server;
  site.closeAllConnections();
  await server.running.close();
  const start = (change: object) => startTestServer({ ...config(), ...change }, { folder, token });
  const [witness] = config().witnesses;
  for (const witnesses of [
    [{ vkey: 'x', url: witness?.url }],
    [{ vkey, url: 'file:///etc/passwd' }],
    [{ vkey, url: 'http://10.0.0.1/' }],
    [witness, witness],
  ]) {
    await assert.rejects(start({ witnesses }), { code: 'SERVER_CONFIG_INVALID' });
  }
  server = await start({});
});
