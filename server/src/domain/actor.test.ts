import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMISSIONS, type Permission, permissionsOf, ROLES } from '@pawl/contract/management';
import fc from 'fast-check';
import { boundedBy, findExcess, permissionsOfRoles, type Scope } from './actor.ts';

const permissions = fc.subarray([...PERMISSIONS]).map((list) => new Set<Permission>(list));
const lines = fc.option(
  fc.subarray(['hub', 'kettle', 'lamp']).map((list) => new Set(list)),
  { nil: undefined },
);
const endsMs = fc.integer({ min: 1, max: 1000 });
const scope: fc.Arbitrary<Scope> = fc.record({ permissions, lines, endsMs });
/** Whoever makes a token: by a session (which makes what outlives it) or by a token. */
const maker = fc.record({ permissions, lines, endsMs: fc.option(endsMs, { nil: undefined }) });

/** What a scope lets somebody do, one act at a time: a permission, on a line, at a moment. */
function* actsOf({
  permissions: held,
  lines: on,
  endsMs: end,
}: Scope | ({ endsMs: undefined } & Omit<Scope, 'endsMs'>)) {
  for (const permission of held) {
    for (const line of ['hub', 'kettle', 'lamp', 'unheard-of']) {
      if (on !== undefined && !on.has(line)) continue;
      for (const at of [0, 250, 500, 999]) if (end === undefined || at < end) yield `${permission} ${line} ${at}`;
    }
  }
}

test('a token can do nothing that its maker cannot, however long the chain of makers', () => {
  fc.assert(
    fc.property(maker, fc.array(scope, { maxLength: 5 }), (first, wanted) => {
      const might = new Set(actsOf(first));
      let last: Parameters<typeof findExcess>[1] = first;
      for (const next of wanted) {
        if (findExcess(next, last) !== undefined) continue;
        for (const act of actsOf(next)) assert.ok(might.has(act), act);
        last = next;
      }
    }),
    { numRuns: 2000 },
  );
});

test('a maker can hand on all that it holds', () => {
  fc.assert(fc.property(scope, (all) => assert.equal(findExcess(all, all), undefined)));
});

test('a token of a person does no more than the person may at the moment, and no more than it was given', () => {
  fc.assert(
    fc.property(permissions, permissions, (given, owner) => {
      const both = [...PERMISSIONS].filter((one) => given.has(one) && owner.has(one));
      assert.deepEqual([...boundedBy(given, owner)].sort(), both.sort());
    }),
  );
  assert.deepEqual([...boundedBy(['device:read'], undefined)], ['device:read']);
});

test('several roles allow what each of them allows; a role that nobody knows allows nothing', () => {
  for (const role of ROLES) assert.deepEqual([...permissionsOfRoles([role])], [...permissionsOf(role)]);
  const two = permissionsOfRoles(['auditor', 'approver']);
  assert.ok(two.has('audit:read') && two.has('rollout:approve') && !two.has('device:write'));
  for (const odd of ['root', 'ADMIN', 'constructor', '__proto__', '']) {
    assert.equal(permissionsOfRoles([odd]).size, 0, odd);
  }
});
