/** Strict reading of the JSON files of this folder: exactly the members that the format has, each bounded. */
import { fromBase64, fromUtf8 } from '../bytes/index.ts';
import { KeysError } from './errors.ts';

const FILE_SIZE_BYTES_MAX = 64 * 1024;

export type Members = Readonly<Record<string, unknown>>;

export function malformed(at: string, expected: string, cause?: unknown): KeysError {
  return new KeysError('KEYS_FILE_MALFORMED', { at, expected }, cause);
}

export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > FILE_SIZE_BYTES_MAX) throw malformed('file', `at most ${FILE_SIZE_BYTES_MAX} bytes`);
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    // The cause would quote the text of the file.
    throw malformed('file', 'JSON');
  }
}

export function expectObject(value: unknown, at: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object');
  return value as Members;
}

export function expectMembers(value: unknown, names: readonly string[], at: string): Members {
  const members = expectObject(value, at);
  const actual = Object.keys(members);
  if (actual.length !== names.length || !names.every((name) => actual.includes(name))) {
    throw malformed(at, `the members ${names.join(', ')}`);
  }
  return members;
}

export function expectText(members: Members, name: string, charsMax: number): string {
  const value = members[name];
  if (typeof value !== 'string' || value.length > charsMax) throw malformed(name, `text of at most ${charsMax}`);
  return value;
}

/** Text for the command line of a tool or for a path: not empty, without control characters (a NUL would cut it). */
export function expectWord(members: Members, name: string, charsMax: number): string {
  const text = expectText(members, name, charsMax);
  if (text === '' || /\p{Cc}/u.test(text)) throw malformed(name, 'text without control characters');
  return text;
}

export function expectBase64(members: Members, name: string, sizeBytesMax: number): Uint8Array {
  const text = expectText(members, name, Math.ceil(sizeBytesMax / 3) * 4);
  try {
    return fromBase64(text);
  } catch (cause) {
    throw malformed(name, 'base64', cause);
  }
}

export function expectInteger(
  members: Members,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  const value = members[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw malformed(name, `${min} to ${max}`);
  }
  return value;
}

export function expectTime(members: Members, name: string): string {
  const text = expectText(members, name, 64);
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw malformed(name, 'a UTC timestamp');
  return text;
}

export function expectOneOf<const T extends string>(members: Members, name: string, values: readonly T[]): T {
  const found = values.find((value) => value === members[name]);
  if (found === undefined) throw malformed(name, values.join(', '));
  return found;
}
