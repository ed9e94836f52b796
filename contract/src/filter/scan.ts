/** The characters of a filter: where the reader stands, and what it finds there. Positions count from 0. */
import { FilterError } from './errors.ts';
import type { Pattern } from './syntax.ts';

const BARE = /^(\*?)([A-Za-z0-9._+:-]{0,128})(\*?)$/;
const VALUE_CHARS_MAX = 128;
/** Everything a quoted value may hold: no control characters, so that it reads back from one line. */
const QUOTED = /"((?:[^"\\\p{Cc}]|\\["\\])*)"/uy;
const WORD = /[^ ()]*/y;
const SPACES = / */y;
const TEXT_CHARS_MAX = 1024;

export function malformed(at: number, expected: string, actual?: string): FilterError {
  return new FilterError('FILTER_MALFORMED', { at, expected, ...(actual === undefined ? {} : { actual }) });
}

/** Moves over the text; every `take` either moves behind what it found or stays where it was. */
export class Scanner {
  readonly #text: string;
  #at = 0;

  /** @throws FilterError FILTER_TOO_LARGE */
  constructor(text: string) {
    if (text.length > TEXT_CHARS_MAX)
      throw new FilterError('FILTER_TOO_LARGE', { expected: `at most ${TEXT_CHARS_MAX} characters` });
    this.#text = text;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  skipSpaces(): void {
    this.take(SPACES);
  }

  /** A sticky expression at this place. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }

  /** Whether one of these expressions matches at this place; nothing is taken. */
  isBefore(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }

  /** What stands here up to the next space or bracket, for messages. */
  peekWord(): string {
    WORD.lastIndex = this.#at;
    return WORD.exec(this.#text)?.[0] ?? '';
  }

  /** @throws FilterError FILTER_MALFORMED */
  takeQuoted(): string {
    const at = this.#at;
    const text = this.take(QUOTED)?.[1]?.replace(/\\(["\\])/g, '$1');
    if (text === undefined || !text.isWellFormed()) throw malformed(at, 'text between double quotes');
    if (text.length > VALUE_CHARS_MAX) throw malformed(at, `at most ${VALUE_CHARS_MAX} characters`);
    return text;
  }

  /** A value without quotes. @throws FilterError FILTER_MALFORMED */
  takeBare(): Pattern {
    const at = this.#at;
    const word = this.peekWord();
    const [, start = '', text = '', end = ''] = BARE.exec(word) ?? [];
    if (start + text + end === '') throw malformed(at, 'a value, * at its ends only; other characters in quotes', word);
    this.#at += word.length;
    return { text, isOpenStart: start !== '', isOpenEnd: end !== '' };
  }
}
