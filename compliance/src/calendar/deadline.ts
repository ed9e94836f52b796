/**
 * Dates that matter, as data: each with its kind (a law in force is not a claim in an article), its source, and how well that
 * was verified. Only a date that is law, with a source that was read, may hold a release; the rest is for planning.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { VERIFICATIONS } from '../catalogue/index.ts';
import { CalendarError } from './errors.ts';

/**
 * `adopted` the text stands · `published` it can be had · `in-force` it exists as law · `applicable` it must be followed ·
 * `repeal` it ends · `expected-publication` somebody was asked to publish by then · `draft` proposed, may change ·
 * `milestone` of the process itself · `claim` told by a source that is not the rule.
 */
export const DATE_KINDS = [
  'adopted',
  'published',
  'in-force',
  'applicable',
  'repeal',
  'expected-publication',
  'draft',
  'milestone',
  'claim',
] as const;
export type DateKind = (typeof DATE_KINDS)[number];

const deadline = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{1,79}$/),
  /** The day, or the first day of the month or quarter. */
  date: z.iso.date(),
  precision: z.enum(['day', 'month', 'quarter']),
  kind: z.enum(DATE_KINDS),
  regime: z.string().min(1),
  what: z.string().min(1),
  source: z.string().min(1),
  verification: z.enum(VERIFICATIONS),
});
export type Deadline = z.infer<typeof deadline>;

const table = z
  .strictObject({
    retrieved: z.iso.date(),
    changeLog: z.array(z.strictObject({ date: z.iso.date(), change: z.string().min(1) })).min(1),
    fixed: z.array(deadline).min(1),
    /** Offsets from an event, for people to read; those of CRA Article 14 are computed by `reporting`. */
    rolling: z.array(z.strictObject({ offset: z.string(), what: z.string(), ref: z.string() })),
  })
  .refine(({ fixed }) => new Set(fixed.map(({ id }) => id)).size === fixed.length, {
    path: ['fixed'],
    message: 'each id once',
  });
export type DeadlineTable = z.infer<typeof table>;

/** @throws CalendarError CALENDAR_INVALID */
export function parseDeadlines(json: string): DeadlineTable {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new CalendarError('CALENDAR_INVALID', { expected: 'JSON' }, cause);
  }
  const result = table.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new CalendarError('CALENDAR_INVALID', {
    at: issue?.path.map(String).join('.') ?? '',
    expected: issue?.message ?? 'deadlines',
  });
}

/** The deadlines that come with the product. */
export function loadDeadlines(): DeadlineTable {
  return parseDeadlines(readFileSync(new URL('../../data/deadlines.json', import.meta.url), 'utf8'));
}

/** Whether a date may hold a release back: law that applies, read in the text itself or in an independent copy. */
export function isBinding({ kind, verification }: Deadline): boolean {
  return kind === 'applicable' && (verification === 'primary' || verification === 'secondary');
}

/** Dates within a span of days, both included, in their order. */
export function deadlinesBetween(all: readonly Deadline[], from: string, to: string): Deadline[] {
  return all
    .filter(({ date }) => from <= date && date <= to)
    .toSorted((a, b) => (a.date === b.date ? (a.id < b.id ? -1 : 1) : a.date < b.date ? -1 : 1));
}
