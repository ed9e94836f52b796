/** Approval of rollouts by people with keys of their own, over the management API; and every way around it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, beforeEach, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import type { ApprovalSignature, NewRollout } from '@pawl/contract/management';
import { toBase64 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, signStatement } from '@pawl/core/evidence';
import { addDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';

type Person = { readonly id: number; readonly client: ManagementClient; readonly key: PrivateKey };

let server: DdiServer;
let author: Person;
let ada: Person;
let bob: Person;
let count = 0;

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
  server = await startDdiServer();
  await addDevice(server, 'd-1');
  author = await invite('Author', 'admin');
  ada = await invite('Ada', 'approver');
  bob = await invite('Bob', 'approver');
  await server.operator.call('setPolicy', {
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
  const database = new DatabaseSync(join(server.folder, 'data', 'pawl.db'));
  database.prepare("UPDATE rollout SET filter = '' WHERE id = ?").run(id);
  database.close();
  const { isApproved, verdicts } = await approval();
  assert.deepEqual([isApproved, verdicts.map(({ isInForce }) => isInForce)], [false, [false, false]]);
  await assert.rejects(start(), { code: 'ROLLOUT_UNAPPROVED' });
});

test('attested is refused as long as nothing attests', async () => {
  await assert.rejects(make({ successKind: 'attested' }), { code: 'ROLLOUT_ATTESTATION_UNAVAILABLE' });
});
