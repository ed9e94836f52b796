import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DdiFeedback } from '@pawl/contract/device';
import { cancelStatusOf, type DdiStatus, deploymentStatusOf, splitMessages } from './feedback.ts';

type Status = DdiFeedback['status'];
const feedback = (execution: Status['execution'], finished: Status['result']['finished']): DdiFeedback => ({
  status: { execution, result: { finished } },
});

const TABLE: readonly (readonly [Status['execution'], Status['result']['finished'], DdiStatus, DdiStatus])[] = [
  ['closed', 'success', 'FINISHED', 'CANCELED'],
  ['closed', 'none', 'FINISHED', 'CANCELED'],
  ['closed', 'failure', 'ERROR', 'CANCEL_REJECTED'],
  ['canceled', 'success', 'CANCELED', 'CANCELED'],
  ['canceled', 'none', 'CANCELED', 'CANCELED'],
  ['rejected', 'none', 'WARNING', 'CANCEL_REJECTED'],
  ['rejected', 'success', 'WARNING', 'CANCEL_REJECTED'],
  ['download', 'none', 'DOWNLOAD', 'RUNNING'],
  ['downloaded', 'success', 'DOWNLOADED', 'RUNNING'],
  ['proceeding', 'none', 'RUNNING', 'RUNNING'],
  ['proceeding', 'failure', 'RUNNING', 'RUNNING'],
  ['scheduled', 'none', 'RUNNING', 'RUNNING'],
  ['resumed', 'none', 'RUNNING', 'RUNNING'],
];

for (const [execution, finished, deployment, cancel] of TABLE) {
  test(`${execution}/${finished} is ${deployment} of a deployment, ${cancel} of a cancellation`, () => {
    assert.equal(deploymentStatusOf(feedback(execution, finished)), deployment);
    assert.equal(cancelStatusOf(feedback(execution, finished)), cancel);
  });
}

test('splits long messages and keeps at most fifty', () => {
  assert.deepEqual(splitMessages(undefined), []);
  assert.deepEqual(splitMessages(['a', '']), ['a', '']);
  assert.deepEqual(
    splitMessages(['x'.repeat(1025)]).map((piece) => piece.length),
    [512, 512, 1],
  );
  assert.equal(splitMessages(Array(50).fill('y'.repeat(600))).length, 50);
});
