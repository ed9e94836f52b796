/**
 * Scheduling backwards: from the day on which something must be done to the day on which the first step must begin. Days are
 * calendar days; a month back is the same day of the month before, or its last day.
 */
import { CalendarError } from './errors.ts';

export type Step = {
  readonly name: string;
  readonly length: { readonly days: number } | { readonly weeks: number } | { readonly months: number };
  /** Why it takes so long: a laboratory's own word, a rule, experience. */
  readonly reason: string;
};

export type ScheduledStep = Step & {
  /** First day. */
  readonly startsOn: string;
  /** The day on which its result must be there. */
  readonly endsOn: string;
  /** Should have begun before today. */
  readonly isLate: boolean;
};

const DAY_MS = 86_400_000;
const ISO_DAY = /^\d{4}-\d\d-\d\d$/;

function dayOf(text: string): Date {
  const day = new Date(`${text}T00:00:00Z`);
  if (!ISO_DAY.test(text) || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) {
    throw new CalendarError('CALENDAR_PLAN_INVALID', { expected: 'a day such as 2027-12-11', actual: text });
  }
  return day;
}

function textOf(day: Date): string {
  return day.toISOString().slice(0, 10);
}

function monthsBefore(day: Date, months: number): Date {
  const first = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(day.getUTCDate(), last));
  return first;
}

function startOf({ name, length }: Step, end: Date): Date {
  const [amount] = Object.values(length);
  if (!Number.isInteger(amount) || (amount ?? 0) < 1) {
    throw new CalendarError('CALENDAR_PLAN_INVALID', { at: name, expected: 'a whole length of at least 1' });
  }
  if ('months' in length) return monthsBefore(end, length.months);
  const days = 'weeks' in length ? length.weeks * 7 : length.days;
  return new Date(end.getTime() - days * DAY_MS);
}

/**
 * Lays the steps, given in the order in which they are done, before the day on which all must be done.
 * @throws CalendarError CALENDAR_PLAN_INVALID
 */
export function scheduleBack(steps: readonly Step[], doneBy: string, today: string): ScheduledStep[] {
  let end = dayOf(doneBy);
  dayOf(today);
  const laid: ScheduledStep[] = [];
  for (const step of steps.toReversed()) {
    const start = startOf(step, end);
    laid.push({ ...step, startsOn: textOf(start), endsOn: textOf(end), isLate: textOf(start) < today });
    end = start;
  }
  return laid.reverse();
}
