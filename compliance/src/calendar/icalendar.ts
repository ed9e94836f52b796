/**
 * Deadlines as iCalendar (RFC 5545): all-day events with stable UIDs, so that an import again moves what moved and doubles
 * nothing. A claim or a draft is TENTATIVE and says so in its summary. Lines are folded at 75 octets (§3.1).
 */
import type { Deadline } from './deadline.ts';

const LINE_OCTETS_MAX = 75;

/** TEXT values (§3.3.11). Control characters have no place in a calendar. */
function escapeText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\\;,]/g, (one) => `\\${one}`)
    .replace(/\n/g, '\\n')
    .replace(/[\p{Cc}]/gu, '');
}

/** Folds between characters, never inside one. */
function fold(line: string): string {
  let folded = '';
  let octets = 0;
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(line)) {
    for (const char of Buffer.byteLength(segment) > LINE_OCTETS_MAX - 1 ? Array.from(segment) : [segment]) {
      const size = Buffer.byteLength(char);
      if (octets + size > LINE_OCTETS_MAX) {
        folded += '\r\n ';
        octets = 1;
      }
      folded += char;
      octets += size;
    }
  }
  return folded;
}

function dayAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

const compact = (date: string): string => date.replaceAll('-', '');

function isCertain({ kind }: Deadline): boolean {
  return kind !== 'claim' && kind !== 'draft' && kind !== 'expected-publication';
}

function eventOf(deadline: Deadline, stamp: string): string[] {
  const { id, date, precision, kind, regime, what, source, verification } = deadline;
  const mark = isCertain(deadline) ? '' : `[${kind}] `;
  const vague = precision === 'day' ? '' : ` (${precision} of)`;
  return [
    'BEGIN:VEVENT',
    `UID:${id}@pawl`,
    `DTSTAMP:${stamp}`,
    `DTSTART;VALUE=DATE:${compact(date)}`,
    `DTEND;VALUE=DATE:${compact(dayAfter(date))}`,
    `SUMMARY:${escapeText(`${mark}${what}${vague}`)}`,
    `DESCRIPTION:${escapeText(`${regime}. Kind of date: ${kind}. Source: ${source}. Verified: ${verification}.`)}`,
    `CATEGORIES:${escapeText(kind)}`,
    `STATUS:${isCertain(deadline) ? 'CONFIRMED' : 'TENTATIVE'}`,
    'TRANSP:TRANSPARENT',
    'END:VEVENT',
  ];
}

/** The calendar file; `retrieved` is the day on which the dates were, and stamps every event. */
export function encodeICalendar(deadlines: readonly Deadline[], retrieved: string): string {
  const stamp = `${compact(retrieved)}T000000Z`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Pawl//deadlines//EN',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    ...deadlines.flatMap((one) => eventOf(one, stamp)),
    'END:VCALENDAR',
  ];
  return `${lines.map(fold).join('\r\n')}\r\n`;
}
