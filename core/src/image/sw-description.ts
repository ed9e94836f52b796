/**
 * Reads the `sw-description` of an SWUpdate image: libconfig 1.x text (libconfig manual, chapter 3) or JSON, which the same
 * reader takes because the two differ only in how they separate. `@include` is not followed. Only text whose signature was
 * verified may come here. Bounded in size and nesting; a name twice in one group is refused.
 *
 * What matters here is which files it names, and the SHA-256 that it gives each.
 */
import { fromUtf8, isCodedError } from '../bytes/index.ts';
import { ImageError } from './errors.ts';

const SIZE_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 16;

/** Numbers and false are not needed and stand as null. */
type Setting = string | true | null | readonly Setting[] | ReadonlyMap<string, Setting>;
type Group = ReadonlyMap<string, Setting>;

const SPACE = /(?:\s|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const NAME = /[A-Za-z*][-A-Za-z0-9_*]*/y;
const STRING = /"(?:[^"\\]|\\[\s\S])*"/y;
const SCALAR = /true|false|null|[-+]?(?:0[xX][0-9A-Fa-f]+|[0-9.]+(?:[eE][-+]?[0-9]+)?)L{0,2}/iy;
const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([\s\S]))/g;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', b: '\b' };

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #refuse(expected: string): never {
    throw new ImageError('IMAGE_MALFORMED', { format: 'sw-description', expected, offset: this.#at });
  }

  /** Takes what the pattern matches here, and the space behind it. */
  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
    return found;
  }

  #takeChar(chars: string): string | undefined {
    const char = this.#text[this.#at];
    if (char === undefined || !chars.includes(char)) return undefined;
    this.#at += 1;
    this.#take(SPACE);
    return char;
  }

  document(): Group {
    this.#take(SPACE);
    const isJson = this.#takeChar('{') !== undefined;
    const group = this.#settings(isJson ? '}' : undefined, 0);
    if (this.#at !== this.#text.length) this.#refuse('nothing after the settings');
    return group;
  }

  #isEnd(close: string | undefined): boolean {
    return close === undefined ? this.#at === this.#text.length : this.#takeChar(close) !== undefined;
  }

  #settings(close: string | undefined, depth: number): Group {
    const group = new Map<string, Setting>();
    while (!this.#isEnd(close)) {
      const name = this.#take(NAME) ?? this.#string();
      if (name === undefined) this.#refuse('a name');
      if (group.has(name)) this.#refuse('each name once');
      if (this.#takeChar('=:') === undefined) this.#refuse('= or :');
      group.set(name, this.#value(depth + 1));
      this.#takeChar(';,');
    }
    return group;
  }

  #value(depth: number): Setting {
    if (depth > DEPTH_MAX) this.#refuse('less nesting');
    if (this.#takeChar('{') !== undefined) return this.#settings('}', depth);
    if (this.#takeChar('(') !== undefined) return this.#items(')', depth);
    if (this.#takeChar('[') !== undefined) return this.#items(']', depth);
    const text = this.#string();
    if (text !== undefined) return text;
    const scalar = this.#take(SCALAR);
    if (scalar === undefined) this.#refuse('a value');
    return scalar.toLowerCase() === 'true' ? true : null;
  }

  #items(close: string, depth: number): Setting[] {
    const items: Setting[] = [];
    while (!this.#isEnd(close)) {
      items.push(this.#value(depth + 1));
      this.#takeChar(',');
    }
    return items;
  }

  /** Adjacent strings are one. */
  #string(): string | undefined {
    let joined: string | undefined;
    for (let literal = this.#take(STRING); literal !== undefined; literal = this.#take(STRING)) {
      joined = (joined ?? '') + unescape(literal.slice(1, -1));
    }
    return joined;
  }
}

function unescape(text: string): string {
  return text.replace(ESCAPE, (_, hex?: string, unicode?: string, char?: string) => {
    const digits = hex ?? unicode;
    if (digits !== undefined) return String.fromCharCode(Number.parseInt(digits, 16));
    return ESCAPES[char ?? ''] ?? char ?? '';
  });
}

/** A file that the description names, with the SHA-256 that it gives. */
type ListedFile = { readonly name: string; readonly sha256: string; readonly isEncrypted?: true };

function isGroup(setting: Setting): setting is Group {
  return setting instanceof Map;
}

function collect(setting: Setting, files: ListedFile[]): void {
  if (isGroup(setting)) {
    const name = setting.get('filename');
    if (typeof name === 'string') files.push({ name, sha256: digestOf(setting, name), ...encryptionOf(setting) });
    for (const member of setting.values()) collect(member, files);
  } else if (Array.isArray(setting)) {
    for (const item of setting as readonly Setting[]) collect(item, files);
  }
}

/** `encrypted` is true, or names the cipher. */
function encryptionOf(group: Group): { readonly isEncrypted?: true } {
  const encrypted = group.get('encrypted');
  return encrypted === true || typeof encrypted === 'string' ? { isEncrypted: true } : {};
}

function digestOf(group: Group, name: string): string {
  const sha256 = group.get('sha256');
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new ImageError('IMAGE_DIGEST_MISSING', { file: name });
  }
  return sha256.toLowerCase();
}

/** What is needed of a description. */
export type SwDescription = { readonly version?: string; readonly files: readonly ListedFile[] };

/**
 * Reads a description.
 * @throws ImageError IMAGE_MALFORMED, IMAGE_DIGEST_MISSING
 */
export function parseSwDescription(bytes: Uint8Array): SwDescription {
  if (bytes.length > SIZE_BYTES_MAX) {
    throw new ImageError('IMAGE_MALFORMED', { format: 'sw-description', expected: `at most ${SIZE_BYTES_MAX} bytes` });
  }
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new ImageError('IMAGE_MALFORMED', { format: 'sw-description', expected: 'UTF-8' }, cause);
  }
  const root = new Scanner(text).document();
  const software = root.get('software');
  if (software === undefined || !isGroup(software)) {
    throw new ImageError('IMAGE_MALFORMED', { format: 'sw-description', expected: 'a group named software' });
  }
  const files: ListedFile[] = [];
  collect(software, files);
  const version = software.get('version');
  return { files, ...(typeof version === 'string' ? { version } : {}) };
}
