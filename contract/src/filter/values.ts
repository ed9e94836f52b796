/** Values that are more than text: whole numbers to 2^64, versions, times. */

import type { FilterTime, TimeUnit } from './syntax.ts';
import { versionKey } from './version-key.ts';

const NUMBER = /^(0|[1-9][0-9]{0,19})$/;
const AGO = /^now-([1-9][0-9]{0,5})([smhdw])$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/;
/** `1`, `1.4`, `1.4.0`, `1.4.0-rc.1`. */
const SHORT_VERSION = /^(\d+)(?:\.(\d+))?$/;

export function parseNumber(text: string): string | undefined {
  return NUMBER.test(text) ? text : undefined;
}

/** A version; what is left out at its end is 0. */
export function parseFilterVersion(text: string): string | undefined {
  const [, major, minor = '0'] = SHORT_VERSION.exec(text) ?? [];
  const whole = major === undefined ? text : `${major}.${minor}.0`;
  return versionKey(whole) === undefined ? undefined : whole;
}

/** `now`, `now-7d`, `2026-01-31` (its first instant, UTC), `2026-01-31T10:11:12Z`. */
export function parseTime(text: string): FilterTime | undefined {
  if (text === 'now') return { kind: 'ago', amount: 0, unit: 's' };
  const [, amount, unit] = AGO.exec(text) ?? [];
  if (amount !== undefined) return { kind: 'ago', amount: Number(amount), unit: unit as TimeUnit };
  const whole = DAY.test(text) ? `${text}T00:00:00.000Z` : INSTANT.test(text) ? text : undefined;
  if (whole === undefined) return undefined;
  const ms = Date.parse(whole);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(whole.slice(0, 19))) return undefined;
  return { kind: 'at', ms };
}

export function printTime(time: FilterTime): string {
  if (time.kind === 'at') return new Date(time.ms).toISOString();
  return time.amount === 0 ? 'now' : `now-${time.amount}${time.unit}`;
}
