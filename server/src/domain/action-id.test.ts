import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextActionId } from './action-id.ts';

test('ids start at 11 and skip a digit followed by zeros', () => {
  assert.equal(nextActionId(undefined), 11);
  assert.equal(nextActionId(11), 12);
  assert.equal(nextActionId(19), 21);
  assert.equal(nextActionId(199), 201);
  assert.equal(nextActionId(999_999), 1_000_001);
});

test('no id goes beyond 32 bits', () => {
  assert.equal(nextActionId(2_147_483_646), 2_147_483_647);
  assert.equal(nextActionId(2_147_483_647), undefined);
});
