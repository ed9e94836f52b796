/**
 * Local time to instant and back, in a zone of the IANA database (as the ICU of Node has it) or at a fixed offset. Pure.
 *
 * RFC 5545 §3.3.5: a local time that happens twice is its first occurrence; one that does not happen is read with the
 * offset before the gap, and so lies behind it. Formatters are kept, because making one costs a thousand polls.
 */
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const FIXED = /^([+-])([01][0-9]|2[0-3]):([0-5][0-9])$/;
const SHOWN_OFFSET = /^GMT(?:([+-])([0-9]{2}):([0-9]{2}))?/;

const formatters = new Map<string, Intl.DateTimeFormat | undefined>();
/** There are some 600 names of zones; what is no name must not fill the memory. */
const FORMATTERS_MAX = 1000;

function makeFormatter(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
}

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  const known = formatters.get(zone);
  if (known !== undefined || formatters.has(zone)) return known;
  if (formatters.size >= FORMATTERS_MAX) formatters.clear();
  const made = makeFormatter(zone);
  formatters.set(zone, made);
  return made;
}

function offsetMs(sign: string | undefined, hours: string | undefined, minutes: string | undefined): number {
  const size = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
  return sign === '-' ? -size : size;
}

/** Whether the name is one of a zone that is known here, or a fixed offset. */
export function isTimeZone(zone: string): boolean {
  return FIXED.test(zone) || formatterOf(zone) !== undefined;
}

/** What local time is ahead of UTC at an instant. @throws RangeError for a zone that is not known */
export function offsetAt(zone: string, instantMs: number): number {
  const fixed = FIXED.exec(zone);
  if (fixed !== null) return offsetMs(fixed[1], fixed[2], fixed[3]);
  const formatter = formatterOf(zone);
  if (formatter === undefined) throw new RangeError(`no time zone: ${zone}`);
  const shown = formatter.formatToParts(instantMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes] = SHOWN_OFFSET.exec(shown) ?? [];
  return offsetMs(sign, hours, minutes);
}

/** The instant of a local time; that one is given as milliseconds, as if it were UTC. */
export function instantOf(zone: string, localMs: number): number {
  const before = offsetAt(zone, localMs - DAY_MS);
  const after = offsetAt(zone, localMs + DAY_MS);
  const first = localMs - before;
  if (before === after || offsetAt(zone, first) === before) return first;
  const second = localMs - after;
  return offsetAt(zone, second) === after ? second : first;
}
