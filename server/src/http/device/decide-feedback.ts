/**
 * The table of states of DDI over our assignment states, pure: what a poll offers, which documents exist, what becomes
 * of a feedback. What a transition does to the assignment is decided in `domain`.
 *
 * Other than hawkBit: an identical repeated final report is taken again (some clients install once more after anything
 * but 200), and a Pawl release on a device with a key is finished by its signed report only, never by this API's word.
 */
import type { AssignmentState } from '@pawl/contract/management';
import type { AssignmentEvent } from '../../domain/assignment.ts';
import type { OfferKind } from './documents.ts';
import type { DeviceApiErrorCode } from './errors.ts';
import type { DdiStatus } from './feedback.ts';

export type FeedbackDecision =
  | { readonly kind: 'refuse'; readonly code: DeviceApiErrorCode }
  /** Kept as a message; the state stays. */
  | { readonly kind: 'note' }
  /** The same final report again: answered 200, nothing stored. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'event'; readonly event: AssignmentEvent };

type Phase = 'waiting' | 'active' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled';

const PHASES: Readonly<Record<AssignmentState, Phase>> = {
  'awaiting-consent': 'waiting',
  offered: 'active',
  downloading: 'active',
  verified: 'active',
  staged: 'active',
  trial: 'active',
  cancelling: 'cancelling',
  confirmed: 'succeeded',
  reported: 'succeeded',
  reverted: 'failed',
  refused: 'failed',
  failed: 'failed',
  'timed-out': 'failed',
  cancelled: 'cancelled',
};

const OFFERS: Readonly<Record<Phase, OfferKind | undefined>> = {
  waiting: 'confirmationBase',
  active: 'deploymentBase',
  cancelling: 'cancelAction',
  succeeded: undefined,
  failed: undefined,
  cancelled: undefined,
};

/** What a poll offers for an assignment in this state. */
export function offerKindOf(state: AssignmentState): OfferKind | undefined {
  return OFFERS[PHASES[state]];
}

/** DDI: the deployment of a waiting, cancelling or cancelled action is 404; a finished one is still served. */
export function hasDeploymentBase(state: AssignmentState): boolean {
  const phase = PHASES[state];
  return phase === 'active' || phase === 'succeeded' || phase === 'failed';
}

export function isSucceeded(state: AssignmentState): boolean {
  return PHASES[state] === 'succeeded';
}

/** Whether the poll is answered with the short interval: a client is at work. */
export function isActiveState(state: AssignmentState): boolean {
  return offerKindOf(state) !== undefined;
}

const GONE: FeedbackDecision = { kind: 'refuse', code: 'DEVICE_ACTION_GONE' };
const NOTE: FeedbackDecision = { kind: 'note' };
const REPEAT: FeedbackDecision = { kind: 'repeat' };

/** The final status that led to each ended phase, and so is identical when it comes again. */
const ENDED_BY: Partial<Readonly<Record<Phase, DdiStatus>>> = {
  succeeded: 'FINISHED',
  failed: 'ERROR',
  cancelled: 'CANCELED',
};

function eventOf(status: DdiStatus): AssignmentEvent | undefined {
  switch (status) {
    case 'FINISHED':
      return 'ddi-success';
    case 'ERROR':
      return 'ddi-failure';
    case 'CANCELED':
      return 'ddi-cancelled';
    case 'DOWNLOAD':
      return 'ddi-download';
    case 'DOWNLOADED':
      return 'ddi-downloaded';
    case 'RUNNING':
    case 'RETRIEVED':
      return 'ddi-progress';
    case 'WARNING':
    case 'CANCEL_REJECTED':
      return undefined;
  }
}

/** What becomes of feedback on a deployment. `isProven`: progress and end must be proven by signed reports. */
export function decideDeploymentFeedback(
  state: AssignmentState,
  status: DdiStatus,
  isProven: boolean,
): FeedbackDecision {
  const phase = PHASES[state];
  if (phase === 'waiting') return { kind: 'refuse', code: 'DEVICE_NOT_FOUND' };
  if (phase !== 'active' && phase !== 'cancelling') return ENDED_BY[phase] === status ? REPEAT : GONE;
  const event = eventOf(status);
  if (event === undefined || (isProven && event !== 'ddi-cancelled')) return NOTE;
  return { kind: 'event', event };
}

/** What becomes of feedback on a cancellation. */
export function decideCancelFeedback(state: AssignmentState, status: DdiStatus): FeedbackDecision {
  const phase = PHASES[state];
  if (phase === 'cancelled') return status === 'CANCELED' ? REPEAT : GONE;
  if (phase !== 'cancelling') return { kind: 'refuse', code: 'DEVICE_CANCEL_NOT_ALLOWED' };
  if (status === 'CANCELED') return { kind: 'event', event: 'ddi-cancelled' };
  if (status === 'CANCEL_REJECTED') return { kind: 'event', event: 'ddi-cancel-rejected' };
  return NOTE;
}
