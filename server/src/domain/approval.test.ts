import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Approval, approvers, isApproved, type NotInForce, notInForce, refusalOf } from './approval.ts';

const NEED = { required: 2, authorPersonId: 1, digest: 'now' };
const by = (personId: number, more: Partial<Approval> = {}): Approval => ({
  personId,
  digest: 'now',
  isWithdrawn: false,
  isPersonActive: true,
  mayApprove: true,
  ...more,
});

test('two distinct people who are not the author, over what the rollout is now, and nothing less', () => {
  const cases: readonly [readonly Approval[], boolean, string][] = [
    [[by(2), by(3)], true, 'two'],
    [[by(2)], false, 'one'],
    [[by(2), by(2)], false, 'one of them twice'],
    [[by(1), by(2)], false, 'the author'],
    [[by(2), by(3, { digest: 'before' })], false, 'before a change'],
    [[by(2), by(3, { isWithdrawn: true })], false, 'withdrawn'],
    [[by(2), by(3, { isPersonActive: false })], false, 'shut out'],
    [[by(2), by(3, { mayApprove: false })], false, 'without the role'],
    [[by(2), by(3, { isWithdrawn: true }), by(3)], true, 'withdrawn and given again'],
  ];
  for (const [approvals, expected, what] of cases) assert.equal(isApproved(NEED, approvals), expected, what);
  assert.ok(isApproved({ ...NEED, required: 0 }, []));
  assert.ok(isApproved({ ...NEED, authorPersonId: undefined }, [by(1), by(2)]));
});

test('the author and whoever approved already is told so; after a change everybody may approve again', () => {
  assert.equal(refusalOf(NEED, [], 1), 'APPROVAL_BY_AUTHOR');
  assert.equal(refusalOf(NEED, [by(2)], 2), 'APPROVAL_TWICE');
  assert.equal(refusalOf({ ...NEED, digest: 'changed' }, [by(2)], 2), undefined);
});

test('an approval that does not count says why, and one that says nothing counts', () => {
  const cases: readonly [Partial<Approval>, NotInForce | undefined][] = [
    [{}, undefined],
    [{ isWithdrawn: true, isPersonActive: false }, 'withdrawn'],
    [{ digest: 'before', mayApprove: false }, 'changed'],
    [{ personId: 1 }, 'author'],
    [{ isPersonActive: false, mayApprove: false }, 'shut-out'],
    [{ mayApprove: false }, 'no-role'],
  ];
  for (const [more, expected] of cases) assert.equal(notInForce(NEED, by(2, more)), expected);
});

test('no approvals of fewer people than are needed are ever enough', () => {
  const approval = fc.record({
    personId: fc.integer({ min: 1, max: 4 }),
    digest: fc.constantFrom('now', 'before'),
    isWithdrawn: fc.boolean(),
    isPersonActive: fc.boolean(),
    mayApprove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(approval), fc.integer({ min: 0, max: 4 }), (approvals, required) => {
      const need = { ...NEED, required };
      const people = approvers(need, approvals);
      assert.equal(isApproved(need, approvals), people.size >= required);
      for (const id of people)
        assert.ok(id !== 1 && approvals.some(({ personId, digest }) => personId === id && digest === 'now'));
      // Taking any approval away never makes more.
      assert.ok(approvers(need, approvals.slice(1)).size <= people.size);
    }),
  );
});
