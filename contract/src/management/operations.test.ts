import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { managementOpenApi } from './openapi.ts';
import { MANAGEMENT_OPERATIONS, type ManagementOperation } from './operations/index.ts';
import { permissionsOf } from './permissions.ts';
import { newClaim, newDevice } from './resources/device.ts';
import { newRelease } from './resources/release.ts';
import { newRollout } from './resources/rollout.ts';

const OPERATIONS = Object.entries(MANAGEMENT_OPERATIONS) as [string, ManagementOperation][];

test('no two operations have the same method and path', () => {
  const seen = OPERATIONS.map(([, { method, path }]) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`);
  assert.equal(new Set(seen).size, seen.length);
});

test('the names in a path are exactly the parameters of its operation', () => {
  for (const [id, { path, params }] of OPERATIONS) {
    const named = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    const taken = new Set(params === undefined ? [] : Object.keys((params as z.ZodObject).shape));
    assert.deepEqual(taken, named, id);
  }
});

/** What answers without anybody: none of it tells or changes anything without a claim or a passkey. */
const OPEN = ['health', 'ready', 'login', 'getSignIn', 'lookAtClaim', 'beginJoin', 'join', 'beginSignIn', 'signIn'];

test('what changes something takes more than a viewer, unless it is your own; few answer without anybody', () => {
  for (const [id, { method, path, allow }] of OPERATIONS) {
    if (allow === 'open') assert.ok(OPEN.includes(id), id);
    else if (allow === 'anybody') assert.match(path, /^\/api\/v1\/(me(\/|$)|sign-out$)/, id);
    else if (method !== 'GET') assert.ok(!permissionsOf('viewer').includes(allow), id);
  }
});

test('every operation stands in the OpenAPI document', () => {
  const { paths } = managementOpenApi({}) as { paths: Record<string, Record<string, { operationId: string }>> };
  for (const [id, { method, path }] of OPERATIONS) {
    assert.equal(paths[path]?.[method.toLowerCase()]?.operationId, id);
  }
});

const artifact = (name: string, sizeBytes = 10) => ({ name, sizeBytes, sha256: 'ab'.repeat(32) });
const pawl = { line: 'hub', version: '1.0.0', kind: 'pawl', artifacts: [artifact('envelope.suit'), artifact('a.enc')] };
const foreign = { line: 'hub', version: '1.0.0', kind: 'foreign', artifacts: [artifact('a.swu')] };

const isTaken = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

test('takes releases as they should be', () => {
  assert.ok(isTaken(newRelease, pawl));
  assert.ok(isTaken(newRelease, foreign));
  assert.ok(isTaken(newRelease, { ...pawl, sequenceNumber: '18446744073709551615', securityCounter: '0' }));
  assert.ok(isTaken(newRelease, { ...pawl, artifacts: [...pawl.artifacts, artifact('b.enc', 2 ** 53 - 1)] }));
});

test('refuses releases with a name, number or size that cannot be', () => {
  const table: readonly (readonly [string, object])[] = [
    ['a name twice', { ...pawl, artifacts: [...pawl.artifacts, artifact('a.enc')] }],
    ['no envelope', { ...pawl, artifacts: [artifact('a.enc')] }],
    ['an envelope of more than 1 MiB', { ...pawl, artifacts: [artifact('envelope.suit', 2 ** 20 + 1)] }],
    ['a foreign image of more than 1 GiB', { ...foreign, artifacts: [artifact('a.swu', 2 ** 30 + 1)] }],
    ['a size that is no exact integer', { ...pawl, artifacts: [artifact('envelope.suit'), artifact('a', 2 ** 53)] }],
    ['a size of zero', { ...foreign, artifacts: [artifact('a.swu', 0)] }],
    ['no artifact', { ...foreign, artifacts: [] }],
    ['a member too many', { ...foreign, isSigned: true }],
    ['a version that is no semver', { ...foreign, version: '1.0' }],
    ['a version with a path', { ...foreign, version: '1.0.0-../x' }],
    ['a line with a slash', { ...foreign, line: 'a/b' }],
    ['a counter with a leading zero', { ...foreign, securityCounter: '01' }],
    ['a counter as a number', { ...foreign, securityCounter: 1 }],
    ['a digest in capitals', { ...foreign, artifacts: [{ ...artifact('a.swu'), sha256: 'AB'.repeat(32) }] }],
    ...['../a', '.a', '', 'a/b', 'a\\b', 'a\u0000', 'a b', '/etc/passwd', 'x'.repeat(129)].map(
      (name) => [`an artifact called ${JSON.stringify(name)}`, { ...foreign, artifacts: [artifact(name)] }] as const,
    ),
  ];
  for (const [name, value] of table) assert.ok(!isTaken(newRelease, value), name);
});

test('refuses controller ids, tags and filters that are too long or no names', () => {
  const device = { controllerId: 'hub-1', model: 'hub' };
  assert.ok(isTaken(newDevice, device));
  for (const controllerId of ['', '.', '..', 'a/b', 'a%2fb', 'a b', 'ä', 'x'.repeat(129)]) {
    assert.ok(!isTaken(newDevice, { ...device, controllerId }), controllerId);
  }
  assert.ok(!isTaken(newDevice, { ...device, tags: ['UPPER'] }));
  assert.ok(!isTaken(newClaim, { ...device, line: 'hub', validForS: 59 }));
  assert.ok(!isTaken(newRollout, { name: 'r', releaseId: 2 ** 31, filter: '' }));
  assert.ok(!isTaken(newRollout, { name: 'r', releaseId: 1, filter: 'a'.repeat(1025) }));
});
