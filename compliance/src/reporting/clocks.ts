/**
 * The clocks of CRA Article 14: from awareness (24 h, 72 h), from the corrective or mitigating measure (14 days) and from
 * the submission of the notification (one month). Pure: the record of a case and the time in, the state of each clock out.
 *
 * Instants are exact and never later than the law allows: hours and days are counted from the very moment, a month ends on
 * the same day of the next month (its last day when there is none), and no holiday moves an end. Regulation (EEC, Euratom)
 * No 1182/71 may give a manufacturer more; nobody should need it.
 *
 * A clock stops only with the record of what was sent. The platform has no interface for machines: people submit there,
 * and record it here.
 */
import { ReportingError } from './errors.ts';

export const TRACKS = ['actively-exploited-vulnerability', 'severe-incident'] as const;
/** What Article 14(1) and 14(3) tell apart. */
export type Track = (typeof TRACKS)[number];

export const STAGES = ['early-warning', 'notification', 'final-report'] as const;
export type Stage = (typeof STAGES)[number];

/** One thing that was sent through the platform, as the person who did it records it. */
export type Submission = {
  readonly stage: Stage;
  readonly at: Date;
  readonly by: string;
  /** What the platform answered with. */
  readonly reference: string;
  /** SHA-256 (hex) of the dossier as it was sent. */
  readonly dossierSha256: string;
};

export type ReportingCase = {
  readonly track: Track;
  /** When the manufacturer became aware; never changed afterwards. */
  readonly awareAt: Date;
  /** When the corrective or mitigating measure was available to users. */
  readonly measureAvailableAt: Date | undefined;
  readonly submissions: readonly Submission[];
  /** When the impacted users were informed (Art. 14(8)). */
  readonly usersInformedAt: Date | undefined;
  /** A rehearsal: shown apart, and never counted as a report. */
  readonly isDrill: boolean;
};

export type ClockState =
  /** Waits for the event that starts it. */
  'not-started' | 'running' | 'overdue' | 'met' | 'met-late';

export type Clock = {
  readonly stage: Stage;
  /** Where the law says so. */
  readonly source: string;
  /** From what it runs. */
  readonly runsFrom: 'awareness' | 'measure-available' | 'notification-submitted';
  readonly startedAt: Date | undefined;
  readonly dueAt: Date | undefined;
  readonly submission: Submission | undefined;
  readonly state: ClockState;
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The same day and time a month later, in UTC; the last day of that month when it has no such day. */
export function addMonth(from: Date): Date {
  const year = from.getUTCFullYear();
  const month = from.getUTCMonth() + 1;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const end = new Date(from);
  end.setUTCFullYear(year, month, Math.min(from.getUTCDate(), lastDay));
  return end;
}

type ClockRule = {
  readonly stage: Stage;
  readonly runsFrom: Clock['runsFrom'];
  readonly due: (start: Date) => Date;
  readonly source: string;
};

const after =
  (ms: number) =>
  (start: Date): Date =>
    new Date(start.getTime() + ms);

const RULES: Readonly<Record<Track, readonly ClockRule[]>> = {
  'actively-exploited-vulnerability': [
    { stage: 'early-warning', runsFrom: 'awareness', due: after(24 * HOUR_MS), source: 'CRA Art. 14(2)(a)' },
    { stage: 'notification', runsFrom: 'awareness', due: after(72 * HOUR_MS), source: 'CRA Art. 14(2)(b)' },
    { stage: 'final-report', runsFrom: 'measure-available', due: after(14 * DAY_MS), source: 'CRA Art. 14(2)(c)' },
  ],
  'severe-incident': [
    { stage: 'early-warning', runsFrom: 'awareness', due: after(24 * HOUR_MS), source: 'CRA Art. 14(4)(a)' },
    { stage: 'notification', runsFrom: 'awareness', due: after(72 * HOUR_MS), source: 'CRA Art. 14(4)(b)' },
    { stage: 'final-report', runsFrom: 'notification-submitted', due: addMonth, source: 'CRA Art. 14(4)(c)' },
  ],
};

export function findSubmission(of: ReportingCase, stage: Stage): Submission | undefined {
  return of.submissions.find((one) => one.stage === stage);
}

function startOf(of: ReportingCase, runsFrom: Clock['runsFrom']): Date | undefined {
  switch (runsFrom) {
    case 'awareness':
      return of.awareAt;
    case 'measure-available':
      return of.measureAvailableAt;
    case 'notification-submitted':
      return findSubmission(of, 'notification')?.at;
  }
}

function stateOf(dueAt: Date | undefined, submission: Submission | undefined, now: Date): ClockState {
  if (submission !== undefined) return dueAt !== undefined && submission.at > dueAt ? 'met-late' : 'met';
  if (dueAt === undefined) return 'not-started';
  return now > dueAt ? 'overdue' : 'running';
}

/** The three clocks of a case as they stand at `now`. */
export function clocksOf(of: ReportingCase, now: Date): Clock[] {
  return RULES[of.track].map(({ stage, runsFrom, due, source }) => {
    const startedAt = startOf(of, runsFrom);
    const dueAt = startedAt === undefined ? undefined : due(startedAt);
    const submission = findSubmission(of, stage);
    return { stage, source, runsFrom, startedAt, dueAt, submission, state: stateOf(dueAt, submission, now) };
  });
}

/**
 * Adds what was sent. Stages follow each other, each is sent once, and nothing is sent before anybody was aware or after now.
 * @throws ReportingError REPORTING_ORDER
 */
export function addSubmission(of: ReportingCase, submission: Submission, now: Date): ReportingCase {
  const { stage, at } = submission;
  const expected = STAGES[of.submissions.length];
  if (stage !== expected) throw new ReportingError('REPORTING_ORDER', { at: 'stage', expected, actual: stage });
  const earliest = of.submissions.at(-1)?.at ?? of.awareAt;
  if (at < earliest || at > now) {
    throw new ReportingError('REPORTING_ORDER', {
      at: 'at',
      expected: `from ${earliest.toISOString()} to ${now.toISOString()}`,
      actual: at.toISOString(),
    });
  }
  return { ...of, submissions: [...of.submissions, submission] };
}

/**
 * Refuses to close a case while anything that the law asks for has no record.
 * @throws ReportingError REPORTING_CLOCK_OPEN
 */
export function assertClosable(of: ReportingCase): void {
  const open = STAGES.filter((stage) => findSubmission(of, stage) === undefined);
  const missing = [...open, ...(of.usersInformedAt === undefined ? ['user-information'] : [])];
  if (missing.length > 0) throw new ReportingError('REPORTING_CLOCK_OPEN', { missing: missing.join(', ') });
}

export type Reminder = { readonly at: Date; readonly stage: Stage; readonly dueAt: Date; readonly message: string };

/** Shares of the time that are used up when somebody is reminded. */
const REMIND_AT = [0, 0.5, 0.75, 0.9] as const;

/** When to remind of clocks that run and have no submission: at the start, half, three quarters, nine tenths, and the end. */
export function remindersOf(of: ReportingCase): Reminder[] {
  return clocksOf(of, of.awareAt).flatMap(({ stage, startedAt, dueAt, submission, source }) => {
    if (startedAt === undefined || dueAt === undefined || submission !== undefined) return [];
    const length = dueAt.getTime() - startedAt.getTime();
    const what = of.isDrill ? `drill: ${stage}` : stage;
    const message = `${what} due ${dueAt.toISOString()} (${source})`;
    return [...REMIND_AT, 1].map((share) => ({
      at: new Date(startedAt.getTime() + length * share),
      stage,
      dueAt,
      message,
    }));
  });
}
