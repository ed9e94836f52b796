/**
 * The device filter: one grammar for API, CLI and rollouts.
 *
 *     filter = *( SP / term )          all terms must hold; no term matches every device
 *     term   = field ":" value
 *     field  = "name" / "model" / "line" / "tag" / "version" / "state"
 *     value  = 1*128( ALPHA / DIGIT / "." / "_" / "-" / "+" / ":" ) with at most one "*" at its start and one at its end
 */
import { FilterError } from './errors.ts';

const FILTER_FIELDS = ['name', 'model', 'line', 'tag', 'version', 'state'] as const;
export type FilterField = (typeof FILTER_FIELDS)[number];

/** One condition. `text` is the value without its stars; open ends match anything. */
export type FilterTerm = {
  readonly field: FilterField;
  readonly text: string;
  readonly isOpenStart: boolean;
  readonly isOpenEnd: boolean;
};

const VALUE = /^(\*?)([A-Za-z0-9._+:-]{0,128})(\*?)$/;
const TERMS_MAX = 32;

function isField(text: string): text is FilterField {
  return (FILTER_FIELDS as readonly string[]).includes(text);
}

function parseTerm(word: string, at: number): FilterTerm {
  const colon = word.indexOf(':');
  const field = word.slice(0, Math.max(0, colon));
  if (!isField(field))
    throw new FilterError('FILTER_MALFORMED', { at, expected: FILTER_FIELDS.join(' | '), actual: word });
  const match = VALUE.exec(word.slice(colon + 1));
  const [, start = '', text = '', end = ''] = match ?? [];
  if (match === null || (text === '' && start === '' && end === '')) {
    throw new FilterError('FILTER_MALFORMED', {
      at: at + colon + 1,
      expected: 'a value, * at its ends only',
      actual: word,
    });
  }
  return { field, text, isOpenStart: start !== '', isOpenEnd: end !== '' };
}

/**
 * Reads a filter; the empty filter has no terms and matches every device.
 * @throws FilterError FILTER_MALFORMED with the position
 */
export function parseFilter(text: string): FilterTerm[] {
  const words = [...text.matchAll(/[^ ]+/g)];
  if (words.length > TERMS_MAX) throw new FilterError('FILTER_MALFORMED', { expected: `at most ${TERMS_MAX} terms` });
  return words.map((word) => parseTerm(word[0], word.index));
}

/** Whether a value satisfies a term. */
export function isMatch(term: FilterTerm, value: string): boolean {
  const { text, isOpenStart, isOpenEnd } = term;
  if (isOpenStart && isOpenEnd) return value.includes(text);
  if (isOpenStart) return value.endsWith(text);
  if (isOpenEnd) return value.startsWith(text);
  return value === text;
}
