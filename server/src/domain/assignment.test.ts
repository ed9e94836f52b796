import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASSIGNMENT_STATES, type AssignmentState } from '@pawl/contract/management';
import fc from 'fast-check';
import { ASSIGNMENT_EVENTS, type AssignmentEvent, decideAssignment, isFinal } from './assignment.ts';

const PAIRS = ASSIGNMENT_STATES.flatMap((state) => ASSIGNMENT_EVENTS.map((event) => [state, event] as const));

test('every state and event has a decision, and a move leads to another known state', () => {
  for (const [state, event] of PAIRS) {
    const decision = decideAssignment(state, event);
    if (decision.kind !== 'move') continue;
    assert.ok(ASSIGNMENT_STATES.includes(decision.to));
    assert.notEqual(decision.to, state);
  }
});

test('nothing final is undone by any event', () => {
  for (const [state, event] of PAIRS) {
    if (isFinal(state)) assert.notEqual(decideAssignment(state, event).kind, 'move', `${state} x ${event}`);
  }
});

test('confirmed is reached only by a signed report, and only from trial or cancelling', () => {
  for (const [state, event] of PAIRS) {
    const decision = decideAssignment(state, event);
    if (decision.kind !== 'move' || decision.to !== 'confirmed') continue;
    assert.equal(event, 'report-confirmed');
    assert.ok(state === 'trial' || state === 'cancelling');
  }
});

test('the word of a foreign client reaches reported, never confirmed', () => {
  for (const state of ASSIGNMENT_STATES) {
    const decision = decideAssignment(state, 'ddi-success');
    if (decision.kind === 'move') assert.equal(decision.to, 'reported');
  }
});

test('a final report is never refused, whatever ended the assignment', () => {
  const finals: AssignmentEvent[] = ['report-confirmed', 'report-reverted', 'report-refused', 'report-failed'];
  for (const state of ASSIGNMENT_STATES.filter(isFinal)) {
    for (const event of finals) assert.equal(decideAssignment(state, event).kind, 'stay', `${state} x ${event}`);
  }
});

test('every active state can be ended by the operator, by a newer assignment and by time', () => {
  for (const state of ASSIGNMENT_STATES.filter((name) => !isFinal(name))) {
    assert.deepEqual(decideAssignment(state, 'supersede'), { kind: 'move', to: 'cancelled' });
    assert.deepEqual(decideAssignment(state, 'time-out'), { kind: 'move', to: 'timed-out' });
    assert.notEqual(decideAssignment(state, 'cancel').kind, 'refuse');
  }
});

test('a late success wins over a cancellation', () => {
  assert.deepEqual(decideAssignment('cancelling', 'report-confirmed'), { kind: 'move', to: 'confirmed' });
  assert.deepEqual(decideAssignment('cancelling', 'ddi-success'), { kind: 'move', to: 'reported' });
});

test('no sequence of events leaves a final state or the known states', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ASSIGNMENT_EVENTS), { maxLength: 40 }), (events) => {
      let state: AssignmentState = 'offered';
      for (const event of events) {
        const decision = decideAssignment(state, event);
        const before: AssignmentState = state;
        if (decision.kind === 'move') state = decision.to;
        assert.ok(!isFinal(before) || state === before);
      }
    }),
  );
});
