/**
 * What becomes of a status that a Mender client puts, as a table over our states. Pure.
 *
 * 409 makes the client stop and go back, whatever it is at. So it is given where the operator called the deployment off,
 * but not to the last word of the device: that it failed is then taken as the end of the cancellation, and that it succeeded
 * as what it is. The same last word again is no error: the client may have lost the answer, and would roll back (MD PR 825).
 */
import type { AssignmentState } from '@pawl/contract/management';
import type { AssignmentEvent } from '../../domain/assignment.ts';
import { isSucceeded, offerKindOf } from '../device/decide-feedback.ts';

export type StatusDecision =
  | { readonly kind: 'event'; readonly event: AssignmentEvent; readonly code?: string }
  /** Kept as a message; the state stays. */
  | { readonly kind: 'note' }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'unknown' };

const EVENTS: ReadonlyMap<string, AssignmentEvent> = new Map([
  ['downloading', 'ddi-download'],
  // The payload is where it belongs; from here the client writes nothing more that it fetches.
  ['installing', 'ddi-downloaded'],
  ['success', 'ddi-success'],
  ['failure', 'ddi-failure'],
  ['already-installed', 'ddi-success'],
]);

const SUCCESSES: ReadonlySet<string> = new Set(['success', 'already-installed']);

export function isFinalMenderStatus(status: string): boolean {
  return status === 'failure' || SUCCESSES.has(status);
}

function decideWhileCancelling(status: string): StatusDecision {
  if (SUCCESSES.has(status)) return { kind: 'event', event: 'ddi-success' };
  return status === 'failure' ? { kind: 'event', event: 'ddi-cancelled' } : { kind: 'abort' };
}

function decideWhenEnded(state: AssignmentState, status: string): StatusDecision {
  const isSame = isSucceeded(state) ? SUCCESSES.has(status) : status === 'failure';
  return { kind: isSame ? 'repeat' : 'abort' };
}

export function decideStatus(state: AssignmentState, status: string): StatusDecision {
  switch (offerKindOf(state)) {
    case 'confirmationBase':
      return { kind: 'unknown' };
    case 'cancelAction':
      return decideWhileCancelling(status);
    case undefined:
      return decideWhenEnded(state, status);
    case 'deploymentBase': {
      const event = EVENTS.get(status);
      if (event === undefined) return { kind: 'note' };
      const code = status === 'already-installed' ? { code: 'MENDER_ALREADY_INSTALLED' } : {};
      return { kind: 'event', event, ...code };
    }
  }
}
