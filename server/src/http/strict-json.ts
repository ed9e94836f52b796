/**
 * JSON (RFC 8259) read with what RFC 8259 §4 leaves open refused: a repeated member name, and nesting beyond 16; and with what
 * no database holds as text (RFC 7493 §2.1: half of a surrogate pair; and U+0000) refused, or mended.
 *
 * `JSON.parse` judges the grammar first (it does not recurse); one linear pass over the text that it accepted then looks
 * at names and depth. Over text that was not accepted, the pass would be quadratic in unclosed quotes.
 */

const DEPTH_MAX = 16;

/** After JSON.parse accepted the text, these tokens are all that a scan needs. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

function refuse(what: string): never {
  throw new SyntaxError(`refused: ${what}`);
}

function assertNamesAndDepth(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  let lastString: string | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > DEPTH_MAX) refuse('nesting too deep');
    } else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const name = JSON.parse(lastString ?? '""') as string;
      const names = open.at(-1);
      if (names?.has(name) === true) refuse('a repeated member');
      names?.add(name);
    } else if (token !== ',') lastString = token;
  }
}

/**
 * What becomes of a text that cannot be kept: refused where its sender can mend it; U+FFFD in its place where a device would
 * only send it again for ever, the last word about an update among it.
 */
export type Texts = 'refused' | 'mended';

function keptText(text: string, texts: Texts): string {
  if (text.isWellFormed() && !text.includes('\0')) return text;
  if (texts === 'refused') refuse('a text with U+0000 or half of a surrogate pair');
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/**
 * Plain data whose texts, names of members among them, can be kept.
 * @throws SyntaxError
 */
export function keptTexts(value: unknown, texts: Texts): unknown {
  if (typeof value === 'string') return keptText(value, texts);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => keptTexts(element, texts));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [keptText(name, texts), keptTexts(member, texts)]),
  );
}

/** @throws SyntaxError */
export function parseStrictJson(text: string, texts: Texts = 'refused'): unknown {
  const value: unknown = JSON.parse(text);
  assertNamesAndDepth(text);
  // UTF-8 holds no half of a pair, and JSON no control character as it stands: only an escape can be one.
  return text.includes('\\u') ? keptTexts(value, texts) : value;
}
