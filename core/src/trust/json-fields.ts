/**
 * Typed access to parsed JSON. Each function names the place (`at`) in its refusal, so that a person who writes metadata
 * by hand finds the line.
 */
import { TrustError } from './errors.ts';
import { isJsonArray, type JsonObject, type JsonValue } from './json.ts';

export function malformed(at: string, expected: string): TrustError {
  return new TrustError('TRUST_METADATA_MALFORMED', { at, expected });
}

export function expectObject(value: JsonValue | undefined, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || isJsonArray(value)) throw malformed(at, 'an object');
  return value;
}

export function expectArray(value: JsonValue | undefined, at: string): readonly JsonValue[] {
  if (value === undefined || value === null || typeof value !== 'object' || !isJsonArray(value)) {
    throw malformed(at, 'an array');
  }
  return value;
}

export function expectString(value: JsonValue | undefined, at: string): string {
  if (typeof value !== 'string') throw malformed(at, 'a string');
  return value;
}

export function expectBoolean(value: JsonValue | undefined, at: string): boolean {
  if (typeof value !== 'boolean') throw malformed(at, 'true or false');
  return value;
}

export function expectInteger(value: JsonValue | undefined, at: string, min: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw malformed(at, `an integer of at least ${min}`);
  }
  return value;
}

export function expectDistinctStrings(value: JsonValue | undefined, at: string): readonly string[] {
  const strings = expectArray(value, at).map((item, index) => expectString(item, `${at}[${index}]`));
  if (new Set(strings).size !== strings.length) throw malformed(at, 'each entry once');
  return strings;
}
