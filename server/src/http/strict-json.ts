/**
 * JSON (RFC 8259) read with what RFC 8259 §4 leaves open refused: a repeated member name, and nesting beyond 16.
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

/** @throws SyntaxError */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  assertNamesAndDepth(text);
  return value;
}
