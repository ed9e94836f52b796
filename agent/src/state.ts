/**
 * What the device knows about itself, as a fold over the journal: state + record -> state. Pure.
 *
 * The floor rises only in a `confirmed` record, which is also what makes the new slot the active one: there is no moment at
 * which one is true without the other. 64-bit numbers are decimal strings, as they stand in the journal.
 */
export const SLOTS = ['a', 'b'] as const;
export type SlotName = (typeof SLOTS)[number];
/** `unusable`: its content is unknown or incomplete, and must never be started. */
export type SlotState = 'good' | 'staged' | 'unusable';

export type Release = {
  readonly version: string;
  readonly sequenceNumber: string;
  readonly securityCounter: string;
  /** SHA-256 of the envelope file, hex; empty for the image that the device left production with. */
  readonly envelopeSha256: string;
  readonly imageSha256: string;
  readonly imageSizeBytes: number;
};

export type Pending = {
  readonly assignmentId: string;
  readonly release: Release;
  readonly slot: SlotName;
  readonly phase: 'downloading' | 'staged' | 'trial';
  /** Trials that were begun. */
  readonly attempts: number;
  /** Waits for its maintenance window: the server says when it opens. */
  readonly isHeld?: boolean;
};

type Ending = 'confirmed' | 'reverted' | 'refused' | 'failed' | 'cancelled';
export type Finished = {
  readonly assignmentId: string;
  readonly state: Ending;
  readonly code?: string;
  readonly step?: number;
};

/** A signed report that the server has not acknowledged. */
export type UnsentReport = { readonly counter: number; readonly body: string };

export type AgentState = {
  readonly floor: string;
  readonly installed: Release;
  readonly activeSlot: SlotName;
  readonly slots: Readonly<Record<SlotName, SlotState>>;
  readonly pending?: Pending;
  readonly finished: readonly Finished[];
  /** The counter of the last report. */
  readonly reportCounter: number;
  readonly unsent: readonly UnsentReport[];
  /** The assignment for which consent was asked and reported. */
  readonly askedFor?: string;
};

type Change =
  | { readonly kind: 'snapshot'; readonly state: AgentState; readonly previousHead: string; readonly records: number }
  | { readonly kind: 'begun'; readonly assignmentId: string; readonly release: Release; readonly slot: SlotName }
  | { readonly kind: 'restarted' }
  | { readonly kind: 'reported' }
  | { readonly kind: 'asked'; readonly assignmentId: string }
  | { readonly kind: 'staged' }
  | { readonly kind: 'held'; readonly isHeld: boolean }
  | { readonly kind: 'trial'; readonly attempt: number }
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'ended'; readonly finished: Finished }
  | { readonly kind: 'delivered'; readonly counter: number }
  | { readonly kind: 'torn-tail'; readonly sizeBytes: number };

/** A journal record: one change, and the report about it, which become true together. */
export type JournalRecord = Change & { readonly report?: UnsentReport };

const FINISHED_MAX = 64;
const UNSENT_MAX = 128;

export function otherSlot(slot: SlotName): SlotName {
  return slot === 'a' ? 'b' : 'a';
}

/** What a device is when it leaves production. */
export function initialState(installed: Release, floor: string): AgentState {
  return {
    floor,
    installed,
    activeSlot: 'a',
    slots: { a: 'good', b: 'unusable' },
    finished: [],
    reportCounter: 0,
    unsent: [],
  };
}

function withFinished(state: AgentState, finished: Finished): AgentState {
  const { askedFor: _, ...rest } = state;
  return { ...rest, finished: [...state.finished, finished].slice(-FINISHED_MAX) };
}

function withoutPending(state: AgentState): AgentState {
  const { pending: _, ...rest } = state;
  return rest;
}

function requirePending(state: AgentState): Pending {
  if (state.pending === undefined) throw new TypeError('a record about an installation, but none is under way');
  return state.pending;
}

function confirmPending(state: AgentState): AgentState {
  const { slot, release, assignmentId } = requirePending(state);
  const raised = BigInt(release.securityCounter) > BigInt(state.floor);
  return withFinished(
    withoutPending({
      ...state,
      // DESIGN: the rollback floor rises only after confirm, and never falls.
      floor: raised ? release.securityCounter : state.floor,
      installed: release,
      activeSlot: slot,
      slots: { ...state.slots, [slot]: 'good' },
    }),
    { assignmentId, state: 'confirmed' },
  );
}

function endPending(state: AgentState, finished: Finished): AgentState {
  const { pending } = state;
  const next = withFinished(state, finished);
  if (pending?.assignmentId !== finished.assignmentId) return next;
  return withoutPending({ ...next, slots: { ...state.slots, [pending.slot]: 'unusable' } });
}

function applyChange(state: AgentState, record: JournalRecord): AgentState {
  switch (record.kind) {
    case 'snapshot':
      return record.state;
    case 'begun': {
      const { assignmentId, release, slot } = record;
      const pending: Pending = { assignmentId, release, slot, phase: 'downloading', attempts: 0 };
      return { ...state, pending, slots: { ...state.slots, [slot]: 'unusable' } };
    }
    case 'staged': {
      const pending = requirePending(state);
      return {
        ...state,
        pending: { ...pending, phase: 'staged' },
        slots: { ...state.slots, [pending.slot]: 'staged' },
      };
    }
    case 'held':
      return { ...state, pending: { ...requirePending(state), isHeld: record.isHeld } };
    case 'trial':
      return { ...state, pending: { ...requirePending(state), phase: 'trial', attempts: record.attempt } };
    case 'confirmed':
      return confirmPending(state);
    case 'ended':
      return endPending(state, record.finished);
    case 'asked':
      return { ...state, askedFor: record.assignmentId };
    case 'delivered':
      return { ...state, unsent: state.unsent.filter(({ counter }) => counter > record.counter) };
    case 'restarted':
    case 'reported':
    case 'torn-tail':
      return state;
  }
}

/** The state after a record. */
export function applyRecord(state: AgentState, record: JournalRecord): AgentState {
  const next = applyChange(state, record);
  const { report } = record;
  if (report === undefined) return next;
  return { ...next, reportCounter: report.counter, unsent: [...next.unsent, report].slice(-UNSENT_MAX) };
}

export function findFinished(state: AgentState, assignmentId: string): Finished | undefined {
  return state.finished.find((finished) => finished.assignmentId === assignmentId);
}

export const TRIAL_ATTEMPTS_MAX = 3;

/** What to do first after a start, from the journal alone: whatever was cut, this goes on from it. */
export type Recovery =
  | { readonly kind: 'run' }
  | { readonly kind: 'trial'; readonly pending: Pending }
  | { readonly kind: 'give-up'; readonly pending: Pending };

export function decideRecovery({ pending }: AgentState): Recovery {
  if (pending === undefined || pending.phase === 'downloading') return { kind: 'run' };
  // Nothing begins outside its window, also not after a restart; a trial that began goes on.
  if (pending.phase === 'staged' && pending.isHeld === true) return { kind: 'run' };
  // A trial that was cut counts: an image that takes the device down with it must not be started for ever.
  return pending.attempts < TRIAL_ATTEMPTS_MAX ? { kind: 'trial', pending } : { kind: 'give-up', pending };
}
