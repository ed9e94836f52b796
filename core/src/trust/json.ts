/**
 * A strict JSON reader (RFC 8259) for signed metadata. `JSON.parse` lets the last of two equal names win in silence, so
 * two readers can see two documents in the same signed bytes; here a duplicate name is refused. So are numbers that are
 * not exact integers (OLPC canonical JSON has no others), lone surrogates, a byte order mark, invalid UTF-8, nesting
 * over the limit and anything after the value. Objects have no prototype, so that `__proto__` is a name like any other.
 */
import { fromUtf8 } from '../bytes/index.ts';
import { TrustError } from './errors.ts';
import { TRUST_LIMITS } from './limits.ts';

export type JsonObject = { readonly [name: string]: JsonValue };
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

const SPACE = /[ \t\n\r]*/y;
const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const LITERALS: readonly (readonly [string, JsonValue])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #refuse(expected: string): never {
    throw new TrustError('TRUST_METADATA_MALFORMED', { expected, offset: this.#at });
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #takeChar(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    this.#take(SPACE);
  }

  document(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) this.#refuse('nothing after the value');
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > TRUST_LIMITS.jsonDepthMax) this.#refuse('less nesting');
    this.#space();
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #scalar(): JsonValue {
    for (const [word, value] of LITERALS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const digits = this.#take(INTEGER);
    if (digits === undefined) this.#refuse('a JSON value with integers only');
    const number = Number(digits);
    if (!Number.isSafeInteger(number) || Object.is(number, -0)) this.#refuse('an integer that is handled exactly');
    return number;
  }

  #string(): string {
    const start = this.#at;
    let isEscaped = false;
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      // NaN at the end of the text fails this comparison too.
      if (!(code >= 0x20)) this.#refuse('a closed string without control characters');
      if (code === 0x5c) {
        isEscaped = true;
        this.#at += 1;
      }
    }
    this.#at += 1;
    const text = isEscaped
      ? this.#unescape(this.#text.slice(start, this.#at))
      : this.#text.slice(start + 1, this.#at - 1);
    if (!text.isWellFormed()) this.#refuse('a string without lone surrogates');
    return text;
  }

  #unescape(literal: string): string {
    try {
      return String(JSON.parse(literal));
    } catch {
      return this.#refuse('a string with valid escapes');
    }
  }

  #array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.#at += 1;
    this.#space();
    if (this.#takeChar(']')) return items;
    for (;;) {
      items.push(this.#value(depth + 1));
      this.#space();
      if (this.#takeChar(']')) return items;
      if (!this.#takeChar(',')) this.#refuse('a comma or the end of the array');
    }
  }

  #object(depth: number): JsonObject {
    const object: Record<string, JsonValue> = Object.create(null);
    this.#at += 1;
    this.#space();
    if (this.#takeChar('}')) return object;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#refuse('a member name');
      const name = this.#string();
      if (Object.hasOwn(object, name)) this.#refuse('each member name once');
      this.#space();
      if (!this.#takeChar(':')) this.#refuse('a colon');
      object[name] = this.#value(depth + 1);
      this.#space();
      if (this.#takeChar('}')) return object;
      if (!this.#takeChar(',')) this.#refuse('a comma or the end of the object');
    }
  }
}

/** Reads one JSON document of at most `sizeBytesMax` bytes. */
export function parseJson(bytes: Uint8Array, sizeBytesMax: number): JsonValue {
  if (bytes.length > sizeBytesMax) {
    throw new TrustError('TRUST_LENGTH_EXCEEDED', { allowed: sizeBytesMax, actual: bytes.length });
  }
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw new TrustError('TRUST_METADATA_MALFORMED', { expected: 'UTF-8' }, cause);
  }
  return new Scanner(text).document();
}
