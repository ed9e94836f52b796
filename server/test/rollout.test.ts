/** Rollouts over the management API, with devices that sign their reports and devices that only say. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DeviceReport } from '@pawl/contract/device';
import type { SuccessKind } from '@pawl/contract/management';
import { addDevice, feedback, type ScriptedDevice } from './ddi-device.ts';
import { LineRepository, publish } from './line-repository.ts';
import { enrolDevice, type PawlDevice, signReport } from './pawl-device.ts';
import { lastAssignment, startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
let oldRelease: number;
let newRelease: number;
const scripts: ScriptedDevice[] = [];

before(async () => {
  server = await startTestServer();
  const repository = await LineRepository.of(server.operator);
  await repository.handIn(server.operator);
  oldRelease = await publish(server.operator, repository, {
    version: '1.0.0',
    sequenceNumber: 1n,
    securityCounter: 1n,
  });
  newRelease = await publish(server.operator, repository, {
    version: '2.0.0',
    sequenceNumber: 2n,
    securityCounter: 2n,
  });
});
after(async () => {
  for (const script of scripts) script.close();
  await server.close();
});

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};

async function foreign(name: string): Promise<ScriptedDevice> {
  const device = await addDevice(server, name);
  scripts.push(device);
  return device;
}

async function enrolled(name: string): Promise<PawlDevice> {
  const device = await enrolDevice(server, name);
  scripts.push(device.script);
  return device;
}

const create = (releaseId: number, filter: string, more: { successKind?: SuccessKind; despiteFloor?: boolean } = {}) =>
  server.operator.call('createRollout', { body: { name: filter, releaseId, filter, ...more } });
const change = (id: number, verb: 'start' | 'pause' | 'resume' | 'stop') =>
  server.operator.call('changeRollout', { params: { id, verb }, body: {} });
const show = (id: number) => server.operator.call('getRollout', { params: { id } });
const deviceOf = (controllerId: string) => server.operator.call('getDevice', { params: { controllerId } });
const start = async (releaseId: number, filter: string, more: Parameters<typeof create>[2] = {}) =>
  change((await create(releaseId, filter, more)).id, 'start');

async function report(
  { key, script }: PawlDevice,
  assignmentId: number,
  counter: number,
  state: DeviceReport['state'],
  more: Partial<DeviceReport> = {},
): Promise<void> {
  const body = await signReport(key, {
    assignmentId,
    counter,
    state,
    version: '2.0.0',
    sequenceNumber: 2,
    securityCounter: '2',
    floor: '2',
    slot: 1,
    journalHead: 'ab'.repeat(32),
    at: '2026-03-01T10:00:00.000Z',
    ...more,
  });
  const href = await script.link('report');
  const answer = await script.send(href, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.dsse+json' },
    body,
  });
  assert.equal(answer.status, 200, answer.text);
}

test('nothing is offered before the start; pausing holds back who has not begun; the last device ends it', async () => {
  const [first, second] = [await foreign('wave-1'), await foreign('wave-2')];
  const { id, devices, state } = await create(oldRelease, 'name:wave-*', { successKind: 'reported' });
  assert.deepEqual([devices, state], [2, 'ready']);
  assert.ok(!(await first.linkNames()).includes('deploymentBase'));
  const started = await change(id, 'start');
  assert.deepEqual([started.state, started.counts, started.succeeded], ['running', { offered: 2 }, 0]);
  await assert.rejects(change(id, 'start'), codeIs('ROLLOUT_STATE_UNSUITABLE'));
  const begun = (await lastAssignment(server.operator, 'wave-1')).id;
  await first.post(`/deploymentBase/${begun}/feedback`, feedback('download', 'none'));
  await change(id, 'pause');
  assert.ok((await first.linkNames()).includes('deploymentBase'), 'has begun');
  assert.ok(!(await second.linkNames()).includes('deploymentBase'), 'has not');
  await change(id, 'resume');
  assert.ok((await second.linkNames()).includes('deploymentBase'));
  for (const [name, device] of [
    ['wave-1', first],
    ['wave-2', second],
  ] as const) {
    const assignment = await lastAssignment(server.operator, name);
    await device.post(`/deploymentBase/${assignment.id}/feedback`, feedback('closed', 'success'));
  }
  const ended = await show(id);
  assert.deepEqual([ended.state, ended.counts, ended.succeeded], ['finished', { reported: 2 }, 2]);
  for (const verb of ['start', 'pause', 'resume', 'stop'] as const) {
    await assert.rejects(change(id, verb), codeIs('ROLLOUT_STATE_UNSUITABLE'));
  }
});

test('a newer assignment cancels the older one: a device has at most one at a time', async () => {
  const device = await foreign('twice');
  const first = await start(oldRelease, 'name:twice');
  const before = await lastAssignment(server.operator, 'twice');
  await start(newRelease, 'name:twice');
  const { items } = await server.operator.call('listAssignments', { query: { controllerId: 'twice' } });
  assert.deepEqual(
    items.map(({ state, code, version }) => [state, code, version]),
    [
      ['cancelled', 'SUPERSEDED', '1.0.0'],
      ['offered', null, '2.0.0'],
    ],
  );
  assert.equal((await show(first.id)).state, 'finished');
  const link = await device.link('deploymentBase');
  assert.ok(!link.includes(`/${before.id}?`));
});

test('stopping asks every device to stop; one that is done stays done', async () => {
  const [done, busy] = [await foreign('stop-1'), await foreign('stop-2')];
  const { id } = await start(oldRelease, 'name:stop-*');
  const { id: doneId } = await lastAssignment(server.operator, 'stop-1');
  await done.post(`/deploymentBase/${doneId}/feedback`, feedback('closed', 'success'));
  assert.deepEqual((await change(id, 'stop')).counts, { reported: 1, cancelling: 1 });
  const { id: busyId } = await lastAssignment(server.operator, 'stop-2');
  assert.ok((await busy.linkNames()).includes('cancelAction'));
  await busy.post(`/cancelAction/${busyId}/feedback`, feedback('closed', 'success'));
  assert.deepEqual((await show(id)).counts, { reported: 1, cancelled: 1 });
  assert.equal((await show(id)).state, 'stopped');
});

test('a rollout that could do nothing, or only be refused, is not made', async () => {
  const device = await enrolled('floored');
  await start(newRelease, 'name:floored');
  const { id } = await lastAssignment(server.operator, 'floored');
  await report(device, id, 1, 'trial');
  await report(device, id, 2, 'confirmed');
  await assert.rejects(create(oldRelease, 'name:floored'), codeIs('ROLLOUT_BELOW_FLOOR'));
  assert.equal((await create(oldRelease, 'name:floored', { despiteFloor: true })).devices, 1);
  await assert.rejects(create(oldRelease, 'name:nobody'), codeIs('ROLLOUT_EMPTY'));
  await assert.rejects(create(oldRelease, 'colour:red'), codeIs('FILTER_MALFORMED'));
  await assert.rejects(create(2_000_000_000, 'name:floored'), codeIs('RELEASE_UNKNOWN'));
  await assert.rejects(show(2_000_000_000), codeIs('ROLLOUT_UNKNOWN'));
  await assert.rejects(change(2_000_000_000, 'start'), codeIs('ROLLOUT_UNKNOWN'));
});

test('devices of another line are never offered a release', async () => {
  const other = await addDevice(server, 'other-line', 'kettle');
  scripts.push(other);
  await assert.rejects(create(oldRelease, 'name:other-line'), codeIs('ROLLOUT_EMPTY'));
});

test('an assignment is cancelled once, and not after its end', async () => {
  const device = await foreign('cancel');
  await start(oldRelease, 'name:cancel');
  const { id } = await lastAssignment(server.operator, 'cancel');
  const cancel = (assignment: number) =>
    server.operator.call('cancelAssignment', { params: { id: assignment }, body: {} });
  assert.equal((await cancel(id)).state, 'cancelling');
  assert.equal((await cancel(id)).state, 'cancelling');
  await device.post(`/cancelAction/${id}/feedback`, feedback('closed', 'success'));
  await assert.rejects(cancel(id), codeIs('ASSIGNMENT_FINAL'));
  await assert.rejects(cancel(2_000_000_000), codeIs('ASSIGNMENT_UNKNOWN'));
});

test('version-seen believes the own attributes of a device after the update, not its word', async () => {
  const [, shows, lies] = [await foreign('seen-0'), await foreign('seen-1'), await foreign('seen-2')];
  const proves = await enrolled('seen-3');
  const { id } = await start(newRelease, 'name:seen-*', { successKind: 'version-seen' });
  const config = (device: ScriptedDevice, version: string) => device.post('/configData', { data: { version } }, 'PUT');
  await config(lies, '2.0.0');
  for (const [name, device] of [
    ['seen-1', shows],
    ['seen-2', lies],
  ] as const) {
    const assignment = await lastAssignment(server.operator, name);
    await device.post(`/deploymentBase/${assignment.id}/feedback`, feedback('closed', 'success'));
  }
  assert.deepEqual([(await show(id)).counts, (await show(id)).succeeded], [{ offered: 2, reported: 2 }, 0]);
  await config(shows, '2.0.0');
  // Back on the old one, and with a version kept from before: a merge of something else does not count either.
  await lies.post('/configData', { data: { serial: '7' } }, 'PUT');
  await config(lies, '1.0.0');
  assert.equal((await show(id)).succeeded, 1);
  const assignment = await lastAssignment(server.operator, 'seen-3');
  await report(proves, assignment.id, 1, 'trial');
  await report(proves, assignment.id, 2, 'confirmed');
  assert.equal((await show(id)).succeeded, 2);
});

test('a rollout that asks for proof does not count the word of a foreign client', async () => {
  const device = await foreign('word');
  const { id } = await start(newRelease, 'name:word', { successKind: 'confirmed' });
  const assignment = await lastAssignment(server.operator, 'word');
  await device.post(`/deploymentBase/${assignment.id}/feedback`, feedback('closed', 'success'));
  const { counts, succeeded } = await show(id);
  assert.deepEqual([counts, succeeded], [{ reported: 1 }, 0]);
});

test('what a device proves to run is known even when its assignment was superseded meanwhile', async () => {
  const device = await enrolled('late');
  await start(newRelease, 'name:late');
  const { id } = await lastAssignment(server.operator, 'late');
  await start(newRelease, 'name:late');
  // It had taken the offer up, and its word of that was lost.
  await report(device, id, 1, 'confirmed', { floor: '2' });
  const { installedVersion, floor } = await deviceOf('late');
  assert.deepEqual([installedVersion, floor], ['2.0.0', '2']);
  const { items } = await server.operator.call('listAssignments', { query: { controllerId: 'late' } });
  assert.deepEqual(
    items.map(({ state }) => state),
    ['cancelled', 'offered'],
  );
});

test('what a device has begun is not taken from it: the newer rollout waits for its turn', async () => {
  const device = await enrolled('busy');
  await start(oldRelease, 'name:busy');
  const { id: begun } = await lastAssignment(server.operator, 'busy');
  await report(device, begun, 1, 'trial', { version: '1.0.0' });
  const later = await start(newRelease, 'name:busy');
  assert.deepEqual([later.state, later.outcomes], ['running', { blocked: 1 }]);
  await report(device, begun, 2, 'confirmed', { version: '1.0.0', floor: '1' });
  const { state, outcomes } = await show(later.id);
  assert.deepEqual([state, outcomes], ['running', { active: 1 }]);
  assert.ok((await device.script.linkNames()).includes('deploymentBase'));
});

test('lists go on behind their cursor, newest rollout first', async () => {
  const seen: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const query: { limit: number; cursor?: string } = { limit: 3, ...(cursor === undefined ? {} : { cursor }) };
    const page: { items: { id: number }[]; next: string | null } = await server.operator.call('listRollouts', {
      query,
    });
    seen.push(...page.items.map(({ id }) => id));
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual(
    seen,
    [...new Set(seen)].sort((a, b) => b - a),
  );
  assert.ok(seen.length >= 9);
});

test('every rollout and every move of an assignment stands in the ledger', async () => {
  const { size } = await server.operator.call('getCheckpoint', {});
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  assert.equal(items.length, size);
  const moves = items.filter(({ predicateType }) => predicateType === 'urn:pawl:assignment-transition:1');
  const predicates = moves.map(({ envelope }) => {
    const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
    return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Record<string, unknown> }).predicate;
  });
  const { items: assignments } = await server.operator.call('listAssignments', { query: { limit: 500 } });
  for (const { id, state } of assignments) {
    const path = predicates.filter(({ assignmentId }) => assignmentId === id);
    assert.equal(path[0]?.['from'], undefined);
    for (const [index, move] of path.entries()) if (index > 0) assert.equal(move['from'], path[index - 1]?.['to']);
    assert.equal(path.at(-1)?.['to'], state);
  }
  await assert.rejects(server.operator.call('getProof', { params: { index: size } }), codeIs('LEDGER_ENTRY_UNKNOWN'));
});
