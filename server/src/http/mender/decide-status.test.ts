/** Every state of an assignment against every status of a Mender client. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASSIGNMENT_STATES, type AssignmentState } from '@pawl/contract/management';
import { decideStatus, isFinalMenderStatus } from './decide-status.ts';

/** Mender's own list (deployments API), and a word that it does not have yet. */
const STATUSES = [
  'downloading',
  'pause_before_installing',
  'installing',
  'pause_before_rebooting',
  'rebooting',
  'pause_before_committing',
  'success',
  'failure',
  'already-installed',
  'levitating',
] as const;

type Column = readonly string[];

const ACTIVE: Column = [
  'ddi-download',
  'note',
  'ddi-downloaded',
  'note',
  'note',
  'note',
  'ddi-success',
  'ddi-failure',
  'ddi-success',
  'note',
];
const ended = (success: string, failure: string): Column =>
  STATUSES.map((status) => {
    if (!isFinalMenderStatus(status)) return 'abort';
    return status === 'failure' ? failure : success;
  });
const SUCCEEDED = ended('repeat', 'abort');
const ENDED = ended('abort', 'repeat');

const EXPECTED: Readonly<Record<AssignmentState, Column>> = {
  offered: ACTIVE,
  downloading: ACTIVE,
  verified: ACTIVE,
  staged: ACTIVE,
  trial: ACTIVE,
  'awaiting-consent': STATUSES.map(() => 'unknown'),
  cancelling: ended('ddi-success', 'ddi-cancelled'),
  confirmed: SUCCEEDED,
  reported: SUCCEEDED,
  reverted: ENDED,
  refused: ENDED,
  failed: ENDED,
  cancelled: ENDED,
  'timed-out': ENDED,
};

for (const state of ASSIGNMENT_STATES) {
  test(`a status of a Mender client in ${state}`, () => {
    const actual = STATUSES.map((status) => {
      const decision = decideStatus(state, status);
      return decision.kind === 'event' ? decision.event : decision.kind;
    });
    assert.deepEqual(actual, EXPECTED[state]);
  });
}

test('names of members that every object has are no statuses', () => {
  for (const status of ['constructor', 'toString', '__proto__']) {
    assert.deepEqual(decideStatus('offered', status), { kind: 'note' });
  }
});
