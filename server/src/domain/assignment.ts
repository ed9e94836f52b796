/**
 * The life of an assignment (one device, one release) as a table: state x event -> state. Pure; the store persists what is
 * decided, in the transaction that writes the ledger entry.
 *
 * Nothing final is undone. A final report on an ended assignment stays a record without effect (the device may have lost
 * the answer); any other event on it is refused. While cancelling, a late success wins: the device did it.
 */
import type { AssignmentState } from '@pawl/contract/management';

export const ASSIGNMENT_EVENTS = [
  'report-awaiting-consent',
  'report-downloading',
  'report-verified',
  'report-staged',
  'report-trial',
  'report-confirmed',
  'report-reverted',
  'report-refused',
  'report-failed',
  'ddi-progress',
  'ddi-download',
  'ddi-downloaded',
  'ddi-success',
  'ddi-failure',
  'ddi-cancelled',
  'ddi-cancel-rejected',
  'consent-given',
  'consent-denied',
  'cancel',
  'supersede',
  'time-out',
] as const;
export type AssignmentEvent = (typeof ASSIGNMENT_EVENTS)[number];

export type AssignmentDecision =
  | { readonly kind: 'move'; readonly to: AssignmentState }
  | { readonly kind: 'stay' }
  | { readonly kind: 'refuse' };

type Row = Readonly<Partial<Record<AssignmentEvent, AssignmentState | 'stay'>>>;

const FINAL: ReadonlySet<AssignmentState> = new Set<AssignmentState>([
  'confirmed',
  'reported',
  'reverted',
  'refused',
  'failed',
  'cancelled',
  'timed-out',
]);

export function isFinal(state: AssignmentState): boolean {
  return FINAL.has(state);
}

/** A release that the device runs, as far as its kind of client can say. */
export function isSuccess(state: AssignmentState): boolean {
  return state === 'confirmed' || state === 'reported';
}

const ENDINGS: Row = {
  'report-refused': 'refused',
  'report-failed': 'failed',
  'ddi-success': 'reported',
  'ddi-failure': 'failed',
  'ddi-cancelled': 'cancelled',
  supersede: 'cancelled',
  'time-out': 'timed-out',
};

/** Before the trial boot a device may start over after a cut, so these states lead to each other. */
const INSTALLING: Row = {
  ...ENDINGS,
  'report-awaiting-consent': 'stay',
  'report-downloading': 'downloading',
  'report-verified': 'verified',
  'report-staged': 'staged',
  'report-trial': 'trial',
  'ddi-progress': 'stay',
  'ddi-download': 'downloading',
  'ddi-downloaded': 'staged',
  'ddi-cancel-rejected': 'stay',
  cancel: 'cancelling',
};

const ENDED: Row = {
  'report-confirmed': 'stay',
  'report-reverted': 'stay',
  'report-refused': 'stay',
  'report-failed': 'stay',
};

const TABLE: Readonly<Record<AssignmentState, Row>> = {
  offered: { ...INSTALLING, 'report-awaiting-consent': 'awaiting-consent' },
  'awaiting-consent': {
    'report-awaiting-consent': 'stay',
    'report-downloading': 'downloading',
    'report-refused': 'refused',
    'report-failed': 'failed',
    'consent-given': 'offered',
    // DDI: a denied action waits on; the device may be asked again, or given consent elsewhere.
    'consent-denied': 'stay',
    cancel: 'cancelled',
    supersede: 'cancelled',
    'time-out': 'timed-out',
  },
  downloading: INSTALLING,
  verified: INSTALLING,
  staged: INSTALLING,
  trial: {
    ...ENDINGS,
    'report-trial': 'stay',
    // Success is what the device proves after booting the new image: only from here.
    'report-confirmed': 'confirmed',
    'report-reverted': 'reverted',
    'ddi-progress': 'stay',
    'ddi-cancel-rejected': 'stay',
    cancel: 'cancelling',
  },
  cancelling: {
    ...ENDINGS,
    'report-awaiting-consent': 'stay',
    'report-downloading': 'stay',
    'report-verified': 'stay',
    'report-staged': 'stay',
    'report-trial': 'stay',
    'report-confirmed': 'confirmed',
    'report-reverted': 'reverted',
    'ddi-progress': 'stay',
    'ddi-download': 'stay',
    'ddi-downloaded': 'stay',
    // The device says that it is too late to stop: the installation goes on.
    'ddi-cancel-rejected': 'offered',
    cancel: 'stay',
  },
  confirmed: ENDED,
  reported: ENDED,
  reverted: ENDED,
  refused: ENDED,
  failed: ENDED,
  cancelled: ENDED,
  'timed-out': ENDED,
};

/** Decides what an event does to an assignment in this state. */
export function decideAssignment(state: AssignmentState, event: AssignmentEvent): AssignmentDecision {
  const to = TABLE[state][event];
  if (to === undefined) return { kind: 'refuse' };
  return to === 'stay' || to === state ? { kind: 'stay' } : { kind: 'move', to };
}
