import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FilterTerm, isMatch, parseFilter } from './filter.ts';

const term = (field: FilterTerm['field'], text: string, isOpenStart = false, isOpenEnd = false): FilterTerm => ({
  field,
  text,
  isOpenStart,
  isOpenEnd,
});

test('reads terms with spaces between; no term matches every device', () => {
  assert.deepEqual(parseFilter(''), []);
  assert.deepEqual(parseFilter('   '), []);
  assert.deepEqual(parseFilter(' model:hub  tag:lab '), [term('model', 'hub'), term('tag', 'lab')]);
  assert.deepEqual(parseFilter('version:1.2.0+build'), [term('version', '1.2.0+build')]);
});

test('a star stands at the ends of a value, and a star alone for any value', () => {
  assert.deepEqual(parseFilter('name:hub-*'), [term('name', 'hub-', false, true)]);
  assert.deepEqual(parseFilter('name:*-4'), [term('name', '-4', true)]);
  assert.deepEqual(parseFilter('name:*b*'), [term('name', 'b', true, true)]);
  assert.deepEqual(parseFilter('line:*'), [term('line', '', true)]);
});

test('only the first colon parts field and value', () => {
  assert.deepEqual(parseFilter('name:urn:dev:7'), [term('name', 'urn:dev:7')]);
});

const REJECTED: readonly (readonly [string, string, number | undefined])[] = [
  ['a word without a field', 'hub', 0],
  ['an unknown field', 'model:a colour:red', 8],
  ['a field in capitals', 'Model:a', 0],
  ['a value that is empty', 'model:a name:', 13],
  ['a star inside a value', 'name:h*b', 5],
  ['two stars at one end', 'name:hub**', 5],
  ['a quote', "name:a'", 5],
  ['a per cent sign', 'name:a%', 5],
  ['a bracket', 'name:[a]', 5],
  ['a tab', 'name:a\tmodel:b', 5],
  ['a letter outside ASCII', 'name:ä', 5],
  ['129 characters', `name:${'a'.repeat(129)}`, 5],
  ['33 terms', Array.from({ length: 33 }, () => 'name:a').join(' '), undefined],
];

test('refuses what is not of the grammar, with the position', () => {
  for (const [name, text, at] of REJECTED) {
    assert.throws(
      () => parseFilter(text),
      (error: Error & { code?: string; details?: { at?: number } }) =>
        error.name === 'FilterError' && error.code === 'FILTER_MALFORMED' && error.details?.at === at,
      name,
    );
  }
});

test('a value matches as the regular expression of its stars does', () => {
  const text = fc.stringMatching(/^[ab.*]{0,6}$/);
  fc.assert(
    fc.property(
      fc.constantFrom('', '*'),
      fc.stringMatching(/^[ab.]{1,3}$/),
      fc.constantFrom('', '*'),
      text,
      (...parts) => {
        const [start, middle, end, value] = parts;
        const [parsed] = parseFilter(`name:${start}${middle}${end}`);
        const escaped = middle.replaceAll('.', '\\.');
        const oracle = new RegExp(`^${start && '.*'}${escaped}${end && '.*'}$`, 's');
        assert.equal(isMatch(parsed!, value), oracle.test(value));
      },
    ),
  );
});
