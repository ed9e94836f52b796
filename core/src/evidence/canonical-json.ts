/**
 * Canonical JSON for statements: RFC 8785 (JCS) without floating-point numbers. Members are sorted by UTF-16 code units,
 * strings are escaped as ECMAScript does it, there is no white space.
 *
 * Reading accepts only what writing makes: the text is parsed, written again and compared. So each value has one
 * spelling, and a duplicate member, a second spelling of a number or an escape, a lone surrogate, a byte order mark or
 * trailing data cannot pass. Size is bounded before, nesting during the walk.
 */
import { fromUtf8, isEqualBytes, utf8 } from '../bytes/index.ts';
import type { JsonObject, JsonValue } from '../trust/index.ts';
import { EvidenceError } from './errors.ts';

/** Limits of one statement in its envelope. 65,535 bytes is the largest entry that C2SP tlog-tiles can carry. */
export const STATEMENT_LIMITS = { sizeBytesMax: 65_535, depthMax: 12 } as const;

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value);
}

function canonicalString(text: string): string {
  // RFC 8785 §3.2.2.2: a lone surrogate has no UTF-8 form and is an error.
  if (!text.isWellFormed()) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'text without lone surrogates' });
  }
  return JSON.stringify(text);
}

function canonicalNumber(value: number): string {
  // RFC 8785 §3.2.2.3 would allow any double; integers that are exact everywhere are all that statements need.
  if (!Number.isSafeInteger(value)) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'an exact integer', actual: value });
  }
  return String(value);
}

function canonical(value: JsonValue, depth: number): string {
  if (depth > STATEMENT_LIMITS.depthMax) {
    throw new EvidenceError('STATEMENT_TOO_LARGE', { depthMax: STATEMENT_LIMITS.depthMax });
  }
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'boolean' || value === null) return String(value);
  if (isArray(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`${typeof value} is not JSON`);
  // RFC 8785 §3.2.3: sorted by UTF-16 code units, which is how JavaScript compares strings.
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${canonicalString(name)}:${canonical(member, depth + 1)}`);
  return `{${members.join(',')}}`;
}

/**
 * The canonical JSON bytes of a value.
 * @throws EvidenceError STATEMENT_MALFORMED (a number that is not an exact integer, a lone surrogate), STATEMENT_TOO_LARGE (nesting)
 */
export function canonicalJson(value: JsonValue): Uint8Array {
  return utf8(canonical(value, 0));
}

/**
 * Reads JSON that must be in canonical form.
 * @throws EvidenceError STATEMENT_MALFORMED, STATEMENT_TOO_LARGE
 */
export function parseCanonicalJson(bytes: Uint8Array, sizeBytesMax: number = STATEMENT_LIMITS.sizeBytesMax): JsonValue {
  if (bytes.length > sizeBytesMax) {
    throw new EvidenceError('STATEMENT_TOO_LARGE', { sizeBytesMax, actual: bytes.length });
  }
  let value: JsonValue;
  try {
    value = JSON.parse(fromUtf8(bytes)) as JsonValue;
  } catch (cause) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'JSON' }, cause);
  }
  if (!isEqualBytes(canonicalJson(value), bytes)) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'canonical JSON (RFC 8785)' });
  }
  return value;
}

/**
 * Checks that an object has exactly these members.
 * @throws EvidenceError STATEMENT_MALFORMED
 */
export function expectMembers(value: JsonValue | undefined, names: readonly string[], at: string): JsonObject {
  if (!isJsonObject(value)) throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'an object', at });
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'no other member', actual: unknown, at });
  }
  const missing = names.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw new EvidenceError('STATEMENT_MALFORMED', { expected: missing, at });
  return value;
}

export function expectString(value: JsonValue | undefined, at: string): string {
  if (typeof value !== 'string') throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'text', at });
  return value;
}

export function expectItems(value: JsonValue | undefined, at: string): readonly JsonValue[] {
  if (value === undefined || !isArray(value))
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'an array', at });
  return value;
}
