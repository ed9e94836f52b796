/**
 * API pages of core from its sources: the list and the doc of each folder's `index.ts`, the declaration and the doc comment
 * of every name in it, and the folder's `example.test.ts`, which the tests run. Read as text: the house has one way to write
 * a declaration, and a name whose doc or declaration is not found fails the generation.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Exported = { readonly name: string; readonly file: string };

const EXPORTS = /^export (?:type )?\{([^}]*)\} from '\.\/([^']+)';/gm;
/** Declarations longer than this are cut: the source is the place for them. */
const LINES_MAX = 30;

function exportsOf(indexText: string): Exported[] {
  return [...indexText.matchAll(EXPORTS)].flatMap(([, names = '', file = '']) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== '')
      .map((name) => ({ name: name.split(' as ').at(-1) ?? name, file })),
  );
}

/** The text of a doc comment without its frame. */
function docText(comment: string): string {
  return comment
    .replace(/^\s*\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim();
}

/** The doc comment that ends right before an offset; empty when there is none. */
function docBefore(text: string, at: number): string {
  const before = text.slice(0, at).trimEnd();
  const start = before.lastIndexOf('/**');
  return before.endsWith('*/') && start >= 0 && !before.slice(start, -2).includes('*/')
    ? docText(before.slice(start))
    : '';
}

const OPENING = '([{<';
const CLOSING = ')]}>';

/** The end of a type or function head: where brackets are closed and the given character comes. */
function endOf(text: string, from: number, stops: string): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (depth === 0 && stops.includes(character) && text[at - 1] !== '=') return at;
    if (text.startsWith('=>', at)) at += 1;
    else if (OPENING.includes(character)) depth += 1;
    else if (CLOSING.includes(character)) depth -= 1;
  }
  return text.length;
}

function cut(declaration: string): string {
  const lines = declaration.trimEnd().split('\n');
  return lines.length <= LINES_MAX ? lines.join('\n') : [...lines.slice(0, LINES_MAX), '  …'].join('\n');
}

/** The head of a function: up to its body. A return type may be an object type, so the body is the last brace of the line. */
function functionHead(text: string, at: number): string {
  const lines = text.slice(at).split('\n');
  const last = lines.findIndex((line) => line.endsWith(' {') && !/[:=(] \{$/.test(line));
  return lines
    .slice(0, last + 1)
    .join('\n')
    .replace(/ \{$/, '');
}

/** The public members of a class, each with the first sentence of its doc. */
function classMembers(text: string, at: number): string {
  const body = text.slice(at, text.indexOf('\n}\n', at));
  const heads = [...body.matchAll(/^ {2}(?!#|private|constructor|\}|\/|\*| )(.*)$/gm)].map(([, line = '']) =>
    line.replace(/ \{$/, ';').replace(/ = .*;$/, ';'),
  );
  const declared = heads.filter((line) => /^(static |readonly |get |async |[a-zA-Z]+\()/.test(line));
  return [functionHead(text, at), ...declared.map((line) => `  ${line}`)].join('\n');
}

function declarationAt(text: string, at: number, kind: string): string {
  if (kind === 'class') return classMembers(text, at);
  if (kind.endsWith('function')) return functionHead(text, at);
  if (kind === 'interface') return text.slice(at, text.indexOf('\n}', at) + 2);
  const end = kind === 'const' ? endOf(text, text.indexOf('=', at) + 1, ';') : endOf(text, at, ';');
  const declaration = text.slice(at, end);
  return kind === 'const' && declaration.split('\n').length > 6
    ? `${declaration.split('=')[0]?.trimEnd() ?? ''}`
    : declaration;
}

function render({ name, file }: Exported, folder: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  const found = new RegExp(`^export (async function\\*?|function\\*?|class|type|interface|const) ${name}\\b`, 'm').exec(
    text,
  );
  if (found === null) throw new Error(`${join(folder, file)} declares no ${name} in a way that can be read`);
  const [, kind = ''] = found;
  const declaration = declarationAt(text, found.index, kind).replace(/^export /, '');
  const doc = docBefore(text, found.index);
  return [
    `### ${name}`,
    '',
    '```ts',
    cut(declaration),
    '```',
    '',
    ...(doc === '' ? [] : [doc.replace(/\s*@throws/, '\n\n**Throws:**'), '']),
  ];
}

/** The page of one folder of core. */
export function renderApi(indexFile: string): string {
  const folder = dirname(indexFile);
  const part = folder.split('/').at(-1) ?? '';
  const indexText = readFileSync(indexFile, 'utf8');
  const about = docText(indexText.slice(0, indexText.indexOf('*/') + 2));
  const example = readFileSync(join(folder, 'example.test.ts'), 'utf8').trimEnd();
  const names = exportsOf(indexText);
  return [
    `# @pawl/core/${part}`,
    '',
    'Generated from the sources by `npm run gen`.',
    '',
    about,
    '',
    '## Example',
    '',
    `A test runs it: \`core/src/${part}/example.test.ts\`.`,
    '',
    '```ts',
    example,
    '```',
    '',
    '## Names',
    '',
    ...names.toSorted((a, b) => a.name.localeCompare(b.name, 'en')).flatMap((each) => render(each, folder)),
  ].join('\n');
}
