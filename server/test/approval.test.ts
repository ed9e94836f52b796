/** Approval of rollouts by people with keys of their own, over the management API; and every way around it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManagementClient } from '@pawl/contract/client';
import type { ApprovalSignature, NewRollout } from '@pawl/contract/management';
import { toBase64 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, signStatement } from '@pawl/core/evidence';
import { changeBeside } from './beside.ts';
import { addDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';

type Person = { readonly id: number; readonly client: ManagementClient; readonly key: PrivateKey };

let server: DdiServer;
let author: Person;
let ada: Person;
let bob: Person;
let count = 0;
/** The server's clock is ahead of the machine's by so much. */
let aheadMs = 0;

async function invite(name: string, role: 'approver' | 'release-manager' | 'admin'): Promise<Person> {
  const { person, claim } = await server.operator.call('invitePerson', { body: { name, roles: [role] } });
  const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: name } });
  const key = PrivateKey.generate('Ed25519');
  await server.operator.call('registerApprovalKeyFor', {
    params: { id: person.id },
    body: { label: 'test', publicKeyPem: key.publicKey.toSpkiPem() },
  });
  return { id: person.id, client: new ManagementClient({ url: server.url, token }), key };
}

before(async () => {
  server = await startDdiServer({ now: () => new Date(Date.now() + aheadMs) });
  await addDevice(server, 'd-1');
  author = await invite('Author', 'admin');
  ada = await invite('Ada', 'approver');
  bob = await invite('Bob', 'approver');
  await server.operator.call('setPolicy', {
    ifMatch: '*',
    body: { approvalsRequired: 2, lines: { other: { approvalsRequired: 0 } } },
  });
});
after(() => server.close());

let id = 0;
const make = async (more: Partial<NewRollout> = {}): Promise<number> => {
  count += 1;
  const body = { name: `r-${count}`, releaseId: server.releaseId, filter: 'name:d-1', ...more };
  const made = await author.client.call('createRollout', { body });
  assert.deepEqual([made.state, made.approvalsRequired], ['waiting-approval', 2]);
  return made.id;
};
beforeEach(async () => {
  id = await make();
});

const params = () => ({ id });
const approval = () => server.operator.call('getApproval', { params: params() });
const stateOf = async () => (await server.operator.call('getRollout', { params: params() })).state;
const start = () => author.client.call('changeRollout', { params: { id, verb: 'start' }, body: {} });

async function sign(key: PrivateKey, digest: string): Promise<ApprovalSignature> {
  const subject = [{ name: `rollout/${id}`, digest: { sha256: digest } }];
  const statement = newStatement({ predicateType: 'urn:pawl:approval:1', subject, predicate: { rolloutId: id } });
  return { kind: 'statement', envelope: toBase64(encodeEnvelope(await signStatement(statement, key))) };
}

async function approve({ client, key }: Person, digest?: string) {
  const signature = await sign(key, digest ?? (await approval()).digest);
  return await client.call('approveRollout', { params: params(), body: { signature } });
}

test('a rollout starts when two people who did not make it have approved exactly it', async () => {
  const { document, digest } = await approval();
  assert.equal(createHash('sha256').update(document).digest('hex'), digest);
  await assert.rejects(start(), { code: 'ROLLOUT_UNAPPROVED' });
  const once = await approve(ada);
  assert.deepEqual([once.isApproved, await stateOf()], [false, 'waiting-approval']);
  await assert.rejects(start(), { code: 'ROLLOUT_UNAPPROVED' });
  const twice = await approve(bob);
  assert.deepEqual([twice.isApproved, await stateOf()], [true, 'ready']);
  assert.deepEqual(
    twice.verdicts.map(({ personId, isInForce }) => [personId, isInForce]),
    [
      [ada.id, true],
      [bob.id, true],
    ],
  );
  await start();
  assert.ok(['running', 'finished'].includes(await stateOf()));
  const late = server.operator.call('getApproval', { params: { id: 999 } });
  await assert.rejects(late, { code: 'ROLLOUT_UNKNOWN' });
});

test('the author, the same person again, a machine, another key and another digest approve nothing', async () => {
  await assert.rejects(approve(author), { code: 'APPROVAL_BY_AUTHOR' });
  await approve(ada);
  await assert.rejects(approve(ada), { code: 'APPROVAL_TWICE' });
  await assert.rejects(approve({ ...bob, key: ada.key }), { code: 'APPROVAL_SIGNATURE_INVALID' });
  await assert.rejects(approve(bob, 'ab'.repeat(32)), { code: 'APPROVAL_SIGNATURE_INVALID' });
  const other = await make();
  const { digest } = await server.operator.call('getApproval', { params: { id: other } });
  await assert.rejects(approve(bob, digest), { code: 'APPROVAL_SIGNATURE_INVALID' }, 'of another rollout');
  const { token } = await server.operator.call('createToken', {
    body: { label: 'ci', permissions: ['rollout:approve', 'rollout:read'] },
  });
  const machine = new ManagementClient({ url: server.url, token });
  await assert.rejects(approve({ ...bob, client: machine }), { code: 'PERSON_REQUIRED' });
  assert.equal(await stateOf(), 'waiting-approval');
});

test('whoever is shut out no longer counts, also after the approval', async () => {
  const carl = await invite('Carl', 'approver');
  await approve(carl);
  await approve(bob);
  assert.equal(await stateOf(), 'ready');
  await server.operator.call('disablePerson', { params: { id: carl.id }, body: {} });
  await assert.rejects(start(), { code: 'ROLLOUT_UNAPPROVED' });
  await assert.rejects(approve(carl), { code: 'API_UNAUTHENTICATED' });
});

const whyNot = async () => (await approval()).verdicts.map(({ notInForce }) => notInForce);
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let left = 400; left > 0 && !(await isSo()); left -= 1) await sleep(25);
  assert.ok(await isSo());
}
async function hasLapsed(): Promise<boolean> {
  const { items } = await server.operator.call('listEvents', { query: { limit: 100 } });
  return items.some(
    ({ type, data }) => type === 'pawl.rollout.changed' && data.act === 'lapse' && data.rolloutId === id,
  );
}

test('whoever may no longer approve does not count, and a scheduled rollout that rests on that does not start', async () => {
  const dora = await invite('Dora', 'approver');
  id = await make({ startAt: new Date(Date.now() + aheadMs + 3_600_000).toISOString() });
  await approve(dora);
  await approve(bob);
  await start();
  assert.equal(await stateOf(), 'scheduled');
  await server.operator.call('setRoles', { ifMatch: '*', params: { id: dora.id }, body: { roles: ['operator'] } });
  assert.deepEqual(await whyNot(), ['no-role', null]);
  assert.equal(await stateOf(), 'scheduled', 'its time has not come');
  aheadMs += 3_600_000;
  await until(hasLapsed);
  assert.equal(await stateOf(), 'waiting-approval');
  // The role given back makes it whole again, and somebody starts it anew: nothing starts by itself.
  await server.operator.call('setRoles', { ifMatch: '*', params: { id: dora.id }, body: { roles: ['approver'] } });
  assert.deepEqual(await whyNot(), [null, null]);
  await assert.rejects(start(), { code: 'ROLLOUT_STATE_UNSUITABLE' });
  await approve(ada);
  assert.equal(await stateOf(), 'ready');
});

test('a rollout that was started without its approvals offers nothing', async () => {
  await approve(ada);
  // As after a crash between the start and the first wave, or by somebody with access to the database.
  await changeBeside(server.folder, (db) => {
    db.prepare("UPDATE rollout SET state = 'starting' WHERE id = ?").run(id);
  });
  await until(hasLapsed);
  const { counts, state } = await server.operator.call('getRollout', { params: params() });
  assert.deepEqual([counts, state], [{}, 'waiting-approval']);
});

test('whoever made the token of the machine that made a rollout does not approve it', async () => {
  const tokenOf = async (client: ManagementClient, label: string) => {
    const body = { label, role: 'operator' as const };
    const { token } = await client.call('createToken', { body });
    return new ManagementClient({ url: server.url, token });
  };
  const maker = await tokenOf(author.client, 'ci');
  const me = await maker.call('getMe', {});
  const body = { name: 'by a machine', releaseId: server.releaseId, filter: 'name:d-1' };
  const made = await maker.call('createRollout', { body });
  assert.deepEqual([made.author, me.id, me.person], [me.id, made.author, null]);
  id = made.id;
  await assert.rejects(approve(author), { code: 'APPROVAL_BY_AUTHOR' });
  await approve(ada);
  await approve(bob);
  assert.equal(await stateOf(), 'ready');
  const byPerson = await server.operator.call('getRollout', { params: { id: await make() } });
  assert.equal(byPerson.author, `person/${author.id}`);
});

test('an approval can be taken back until the start, and given again', async () => {
  await approve(ada);
  await approve(bob);
  const withdraw = (who: Person) => who.client.call('withdrawApproval', { params: params() });
  await withdraw(bob);
  assert.equal(await stateOf(), 'waiting-approval');
  await assert.rejects(withdraw(bob), { code: 'APPROVAL_NONE' });
  await approve(bob);
  assert.equal(await stateOf(), 'ready');
  await start();
  await assert.rejects(withdraw(ada), { code: 'ROLLOUT_STATE_UNSUITABLE' });
  await assert.rejects(approve(ada), { code: 'ROLLOUT_STATE_UNSUITABLE' });
});

test('a no with its reason ends the rollout before it began', async () => {
  await approve(ada);
  const denied = await bob.client.call('denyRollout', {
    params: params(),
    body: { reason: 'the night before a holiday' },
  });
  assert.deepEqual(
    [denied.verdicts.at(-1)?.verdict, denied.verdicts.at(-1)?.reason],
    ['denied', 'the night before a holiday'],
  );
  assert.equal(await stateOf(), 'stopped');
  const again = bob.client.call('denyRollout', { params: params(), body: { reason: 'again' } });
  await assert.rejects(again, { code: 'ROLLOUT_STATE_UNSUITABLE' });
});

test('any change of what was approved takes the approvals away', async () => {
  await approve(ada);
  await approve(bob);
  // No operation changes a rollout: the database is changed as somebody with access to it could.
  await changeBeside(server.folder, (db) => {
    db.prepare("UPDATE rollout SET filter = '' WHERE id = ?").run(id);
  });
  const { isApproved, verdicts } = await approval();
  assert.deepEqual([isApproved, verdicts.map(({ isInForce }) => isInForce)], [false, [false, false]]);
  await assert.rejects(start(), { code: 'ROLLOUT_UNAPPROVED' });
});

test('attested is refused for a release without a reference value', async () => {
  await assert.rejects(make({ successKind: 'attested' }), { code: 'ROLLOUT_ATTESTATION_UNAVAILABLE' });
});
