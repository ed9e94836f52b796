/** The ledger over the management API: every entry is proven, and what was proven once stays true while it grows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fromBase64, fromHex, toHex } from '@pawl/core/bytes';
import {
  leafHash,
  parseVkey,
  verifyBundle,
  verifyCheckpoint,
  verifyInclusion,
  verifyStatement,
} from '@pawl/core/evidence';
import { LINE, LineRepository, publish } from './line-repository.ts';
import { startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
let releaseId: number;

before(async () => {
  server = await startTestServer();
  const repository = await LineRepository.of(server.operator);
  await repository.handIn(server.operator);
  releaseId = await publish(server.operator, repository, { version: '1.0.0' });
});
after(() => server.close());

const call: TestServer['operator']['call'] = (id, input) => server.operator.call(id, input);
const addDevice = (controllerId: string) =>
  call('addDevices', { body: { devices: [{ controllerId, model: 'hub', line: LINE }] } });

async function rollOutTo(filter: string): Promise<number> {
  const { id } = await call('createRollout', { body: { name: filter, releaseId, filter } });
  await call('changeRollout', { params: { id, verb: 'start' }, body: {} });
  return id;
}

async function entries(): Promise<{ index: number; envelope: Uint8Array; predicateType: string; subject: string }[]> {
  const all = [];
  for (let cursor: string | undefined; ; ) {
    const page: Awaited<ReturnType<typeof call<'listEntries'>>> = await call('listEntries', {
      query: { ...(cursor === undefined ? { from: 0 } : { cursor }), limit: 3 },
    });
    all.push(...page.items.map((one) => ({ ...one, envelope: fromBase64(one.envelope) })));
    if (page.next === null) return all;
    cursor = page.next;
  }
}

async function verifyEveryEntry(): Promise<number> {
  const { note, vkey, size, rootHash } = await call('getCheckpoint', {});
  const checkpoint = verifyCheckpoint(note, vkey);
  assert.deepEqual([checkpoint.size, toHex(checkpoint.root)], [size, rootHash]);
  const all = await entries();
  assert.deepEqual(
    all.map(({ index }) => index),
    Array.from({ length: size }, (_, index) => index),
  );
  for (const { index, envelope } of all) {
    const proof = await call('getProof', { params: { index } });
    assert.equal(proof.size, size);
    const { root } = verifyCheckpoint(proof.note, vkey);
    const inclusion = { index, size, leafHash: leafHash(envelope), proof: proof.hashes.map(fromHex), root };
    verifyInclusion(inclusion);
    assert.throws(() => verifyInclusion({ ...inclusion, leafHash: leafHash(envelope.subarray(1)) }));
  }
  return size;
}

test('each entry is proven against the checkpoint, at every size that the ledger goes through', async () => {
  let before = await verifyEveryEntry();
  assert.ok(before >= 5);
  for (const name of ['a', 'b', 'c']) {
    await addDevice(`grow-${name}`);
    await rollOutTo(`name:grow-${name}`);
    const size = await verifyEveryEntry();
    assert.ok(size > before);
    before = size;
  }
});

test('the bundle proves itself, and says the same as the entries', async () => {
  const { vkey, size } = await call('getCheckpoint', {});
  const bundle = await call('exportBundle', {});
  const report = verifyBundle(bundle, { vkey });
  assert.deepEqual(
    [report.isComplete, report.checkpoint.size, report.origin],
    [true, size, server.running.ledgerOrigin],
  );
  const listed = await entries();
  assert.deepEqual(
    report.entries.map(({ predicateType, subject }) => [predicateType, subject[0]?.name]),
    listed.map(({ predicateType, subject }) => [predicateType, subject]),
  );
  assert.ok(report.trustRootSha256 !== undefined);
  const middle = Math.floor(bundle.length / 2);
  assert.throws(() =>
    verifyBundle(
      bundle.map((byte, at) => (at === middle ? byte ^ 1 : byte)),
      { vkey },
    ),
  );
});

/** What the statements of a type say, each verified under the key of the ledger. */
async function predicatesOf(type: string): Promise<Readonly<Record<string, unknown>>[]> {
  const { publicKey } = parseVkey((await call('getCheckpoint', {})).vkey);
  return (await entries())
    .filter(({ predicateType }) => predicateType === type)
    .map(({ envelope }) => verifyStatement(envelope, [publicKey]).statement.predicate);
}

test('a rollout says who did what, an assignment how it moved and why', async () => {
  await addDevice('told');
  const id = await rollOutTo('name:told');
  for (const verb of ['pause', 'resume', 'stop'] as const)
    await call('changeRollout', { params: { id, verb }, body: {} });
  const [assignment] = (await call('listAssignments', { query: { rolloutId: id } })).items;
  const moves = await predicatesOf('urn:pawl:assignment-transition:1');
  assert.deepEqual(
    moves
      .filter(({ assignmentId }) => assignmentId === assignment?.id)
      .map(({ from, to, event, code }) => [from, to, event, code]),
    [
      [undefined, 'offered', 'assign', undefined],
      ['offered', 'cancelling', 'cancel', 'ROLLOUT_STOPPED'],
    ],
  );
  const acts = await predicatesOf('urn:pawl:rollout:1');
  const me = await call('getMe', {});
  assert.deepEqual(
    acts.filter(({ rolloutId }) => rolloutId === id).map(({ act, by }) => [act, by]),
    [
      ['create', me.id],
      ['start', me.id],
      ['begin', 'engine'],
      ['wave-start', 'engine'],
      ...['pause', 'resume', 'stop'].map((act) => [act, me.id]),
      ['all-told', 'engine'],
    ],
  );
});

test('a refusal leaves the ledger as it was', async () => {
  const before = await call('getCheckpoint', {});
  const attempts = [
    call('createRollout', { body: { name: 'x', releaseId, filter: 'name:nobody' } }),
    call('changeRollout', { params: { id: 2_000_000_000, verb: 'start' }, body: {} }),
    call('cancelAssignment', { params: { id: 2_000_000_000 }, body: {} }),
    call('publishRelease', { params: { id: 2_000_000_000 }, body: {} }),
    call('decommissionDevice', { params: { controllerId: 'nobody' } }),
  ];
  for (const { status } of await Promise.allSettled(attempts)) assert.equal(status, 'rejected');
  const after = await call('getCheckpoint', {});
  assert.deepEqual([after.size, after.rootHash], [before.size, before.rootHash]);
});

test('what many write at the same time is one row of entries without gaps', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `crowd-${index}`);
  for (const name of names) await addDevice(name);
  await Promise.all(names.map((name) => rollOutTo(`name:${name}`)));
  const { vkey, size } = await call('getCheckpoint', {});
  assert.equal(verifyBundle(await call('exportBundle', {}), { vkey }).checkpoint.size, size);
});
