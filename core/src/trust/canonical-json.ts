/**
 * OLPC canonical JSON, the form over which TUF metadata is signed and key ids are computed (TUF 1.0.34 §4.2, §4.3; not
 * RFC 8785): no white space, names sorted by code point, integers only, and in strings nothing but the quotation mark
 * and the backslash is escaped. The result can therefore hold raw control characters: it is signed, never parsed.
 */
import { utf8 } from '../bytes/index.ts';
import { isJsonArray, type JsonObject, type JsonValue } from './json.ts';

function canonicalString(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/** Order by code point; plain comparison of strings would put U+10000 and above before U+E000. */
function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function canonicalObject(object: JsonObject): string {
  const members = Object.entries(object).toSorted(([a], [b]) => compareCodePoints(a, b));
  return `{${members.map(([name, value]) => `${canonicalString(name)}:${canonical(value)}`).join(',')}}`;
}

function canonical(value: JsonValue): string {
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError('canonical JSON holds exact integers only');
    return String(value);
  }
  if (typeof value === 'boolean' || value === null) return String(value);
  if (isJsonArray(value)) return `[${value.map(canonical).join(',')}]`;
  return canonicalObject(value);
}

/** The bytes that are signed and hashed for this value. */
export function encodeCanonicalJson(value: JsonValue): Uint8Array {
  return utf8(canonical(value));
}
