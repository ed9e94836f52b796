/** Instants as people write them: ISO 8601 with a zone. A time without one is refused: nobody may guess where a clock hung. */
import { ReportingError } from './errors.ts';

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,3})?)?(?:Z|[+-](\d\d):(\d\d))$/;

/**
 * The instant that a text names.
 * @throws ReportingError REPORTING_FIELD_INVALID
 */
export function parseInstant(text: string): Date {
  const match = INSTANT.exec(text);
  const [year, month, day] = (match ?? []).slice(1, 4).map(Number);
  const isDay = match !== null && isDayOf(year ?? 0, month ?? 0, day ?? 0);
  const date = new Date(text);
  if (!isDay || Number.isNaN(date.getTime())) {
    throw new ReportingError('REPORTING_FIELD_INVALID', {
      expected: 'a time with its zone, as 2026-11-21T09:30:00Z or 2026-11-21T10:30:00+01:00',
      actual: text.slice(0, 40),
    });
  }
  return date;
}

/** Date takes 30 February for 2 March. */
function isDayOf(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
