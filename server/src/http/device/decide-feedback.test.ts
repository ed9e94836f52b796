import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASSIGNMENT_STATES, type AssignmentState } from '@pawl/contract/management';
import {
  decideCancelFeedback,
  decideDeploymentFeedback,
  type FeedbackDecision,
  hasDeploymentBase,
  offerKindOf,
} from './decide-feedback.ts';
import { DDI_STATUSES, type DdiStatus } from './feedback.ts';

const text = (decision: FeedbackDecision): string =>
  decision.kind === 'refuse' ? decision.code : decision.kind === 'event' ? decision.event : decision.kind;

const OFFERED: Readonly<Record<AssignmentState, readonly [string | undefined, boolean]>> = {
  offered: ['deploymentBase', true],
  'awaiting-consent': ['confirmationBase', false],
  downloading: ['deploymentBase', true],
  verified: ['deploymentBase', true],
  staged: ['deploymentBase', true],
  trial: ['deploymentBase', true],
  cancelling: ['cancelAction', false],
  confirmed: [undefined, true],
  reported: [undefined, true],
  reverted: [undefined, true],
  refused: [undefined, true],
  failed: [undefined, true],
  'timed-out': [undefined, true],
  cancelled: [undefined, false],
};

for (const state of ASSIGNMENT_STATES) {
  test(`a poll in ${state} offers ${OFFERED[state][0] ?? 'nothing'}`, () => {
    assert.deepEqual([offerKindOf(state), hasDeploymentBase(state)], OFFERED[state]);
  });
}

const GONE = 'DEVICE_ACTION_GONE';
const ACTIVE: Partial<Record<DdiStatus, string>> = {
  RETRIEVED: 'ddi-progress',
  RUNNING: 'ddi-progress',
  DOWNLOAD: 'ddi-download',
  DOWNLOADED: 'ddi-downloaded',
  FINISHED: 'ddi-success',
  ERROR: 'ddi-failure',
  CANCELED: 'ddi-cancelled',
};
const FEEDBACK: readonly (readonly [AssignmentState, Partial<Record<DdiStatus, string>>, string])[] = [
  ['offered', ACTIVE, 'note'],
  ['downloading', ACTIVE, 'note'],
  ['cancelling', ACTIVE, 'note'],
  ['awaiting-consent', {}, 'DEVICE_NOT_FOUND'],
  ['reported', { FINISHED: 'repeat' }, GONE],
  ['confirmed', { FINISHED: 'repeat' }, GONE],
  ['failed', { ERROR: 'repeat' }, GONE],
  ['timed-out', { ERROR: 'repeat' }, GONE],
  ['cancelled', { CANCELED: 'repeat' }, GONE],
];

for (const [state, expected, otherwise] of FEEDBACK) {
  test(`feedback on a deployment in ${state}`, () => {
    for (const status of DDI_STATUSES) {
      const actual = text(decideDeploymentFeedback(state, status, false));
      assert.equal(actual, expected[status] ?? otherwise, status);
    }
  });
}

test('a proven end comes from the signed report only, but a cancellation is taken', () => {
  for (const status of ['FINISHED', 'ERROR', 'RUNNING'] as const) {
    assert.equal(text(decideDeploymentFeedback('offered', status, true)), 'note');
  }
  assert.equal(text(decideDeploymentFeedback('offered', 'CANCELED', true)), 'ddi-cancelled');
});

test('feedback on a cancellation', () => {
  assert.equal(text(decideCancelFeedback('cancelling', 'CANCELED')), 'ddi-cancelled');
  assert.equal(text(decideCancelFeedback('cancelling', 'CANCEL_REJECTED')), 'ddi-cancel-rejected');
  assert.equal(text(decideCancelFeedback('cancelling', 'RUNNING')), 'note');
  assert.equal(text(decideCancelFeedback('cancelled', 'CANCELED')), 'repeat');
  assert.equal(text(decideCancelFeedback('cancelled', 'CANCEL_REJECTED')), GONE);
  for (const state of ['offered', 'awaiting-consent', 'reported', 'failed'] as const) {
    assert.equal(text(decideCancelFeedback(state, 'CANCELED')), 'DEVICE_CANCEL_NOT_ALLOWED');
  }
});
