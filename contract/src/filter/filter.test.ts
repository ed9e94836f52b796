import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyFilter } from '../../test/any-filter.ts';
import { type Filter, FilterError, parseFilter, printFilter } from './index.ts';

const match = (field: string, text: string, isOpenStart = false, isOpenEnd = false): Filter => ({
  kind: 'match',
  of: { field: field as 'name' },
  pattern: { text, isOpenStart, isOpenEnd },
});
const A = match('name', 'a');
const B = match('name', 'b');
const C = match('name', 'c');

test('terms side by side must all hold; no term matches every device', () => {
  assert.deepEqual(parseFilter(''), { kind: 'and', all: [] });
  assert.deepEqual(parseFilter('   '), { kind: 'and', all: [] });
  assert.deepEqual(parseFilter(' model:hub  tag:lab '), {
    kind: 'and',
    all: [match('model', 'hub'), match('tag', 'lab')],
  });
  assert.deepEqual(parseFilter('version:1.2.0+build'), match('version', '1.2.0+build'));
});

test('a star stands at the ends of a value, and a star alone for any value', () => {
  assert.deepEqual(parseFilter('name:hub-*'), match('name', 'hub-', false, true));
  assert.deepEqual(parseFilter('name:*-4'), match('name', '-4', true));
  assert.deepEqual(parseFilter('name:*b*'), match('name', 'b', true, true));
  assert.deepEqual(parseFilter('line:*'), match('line', '', true));
});

test('only the first colon parts field and value', () => {
  assert.deepEqual(parseFilter('name:urn:dev:7'), match('name', 'urn:dev:7'));
});

test('a quoted value is taken as it is, stars and all', () => {
  assert.deepEqual(parseFilter('name:"a*"'), match('name', 'a*'));
  assert.deepEqual(parseFilter('model:"Prime hub (2)" name:""'), {
    kind: 'and',
    all: [match('model', 'Prime hub (2)'), match('name', '')],
  });
  assert.deepEqual(parseFilter(String.raw`name:"a\"b\\c"`), match('name', String.raw`a"b\c`));
});

test('not binds strongest, then and (written or not), then or; brackets part', () => {
  const table: readonly (readonly [string, Filter])[] = [
    ['name:a name:b or name:c', { kind: 'or', all: [{ kind: 'and', all: [A, B] }, C] }],
    ['name:a and name:b or name:c', { kind: 'or', all: [{ kind: 'and', all: [A, B] }, C] }],
    ['name:a or name:b name:c', { kind: 'or', all: [A, { kind: 'and', all: [B, C] }] }],
    ['not name:a name:b', { kind: 'and', all: [{ kind: 'not', filter: A }, B] }],
    ['not (name:a name:b)', { kind: 'not', filter: { kind: 'and', all: [A, B] } }],
    ['not not name:a', { kind: 'not', filter: { kind: 'not', filter: A } }],
    ['name:a and (name:b or name:c)', { kind: 'and', all: [A, { kind: 'or', all: [B, C] }] }],
    ['( ( name:a ) )', A],
  ];
  for (const [text, filter] of table) assert.deepEqual(parseFilter(text), filter, text);
});

test('versions, numbers and times compare; groups and presence have words of their own', () => {
  const table: readonly (readonly [string, Filter])[] = [
    ['version>=1.4.0', { kind: 'version', comparison: '>=', version: '1.4.0' }],
    ['version<2', { kind: 'version', comparison: '<', version: '2.0.0' }],
    ['version>1.4', { kind: 'version', comparison: '>', version: '1.4.0' }],
    ['version<=2.0.0-rc.1', { kind: 'version', comparison: '<=', version: '2.0.0-rc.1' }],
    ['floor:7', { kind: 'number', comparison: ':', value: '7' }],
    ['floor<18446744073709551615', { kind: 'number', comparison: '<', value: '18446744073709551615' }],
    [
      'lastSeen<now-7d',
      { kind: 'time', field: 'lastSeen', comparison: '<', time: { kind: 'ago', amount: 7, unit: 'd' } },
    ],
    [
      'lastSeen<=now',
      { kind: 'time', field: 'lastSeen', comparison: '<=', time: { kind: 'ago', amount: 0, unit: 's' } },
    ],
    [
      'enrolled>2026-01-31',
      { kind: 'time', field: 'enrolled', comparison: '>', time: { kind: 'at', ms: Date.UTC(2026, 0, 31) } },
    ],
    [
      'enrolled>=2026-01-31T10:11:12Z',
      {
        kind: 'time',
        field: 'enrolled',
        comparison: '>=',
        time: { kind: 'at', ms: Date.UTC(2026, 0, 31, 10, 11, 12) },
      },
    ],
    ['has:line', { kind: 'has', of: { field: 'line' } }],
    ['has:attribute.site', { kind: 'has', of: { field: 'attribute', key: 'site' } }],
    ['group:pilot-2', { kind: 'group', name: 'pilot-2' }],
    [
      'attribute.hw.rev:b*',
      {
        kind: 'match',
        of: { field: 'attribute', key: 'hw.rev' },
        pattern: { text: 'b', isOpenStart: false, isOpenEnd: true },
      },
    ],
    [
      'operator."site name":"Bad Tölz"',
      {
        kind: 'match',
        of: { field: 'operator', key: 'site name' },
        pattern: { text: 'Bad Tölz', isOpenStart: false, isOpenEnd: false },
      },
    ],
  ];
  for (const [text, filter] of table) assert.deepEqual(parseFilter(text), filter, text);
});

const REJECTED: readonly (readonly [string, string, number])[] = [
  ['a word without a field', 'hub', 0],
  ['an unknown field', 'model:a colour:red', 8],
  ['a field in capitals', 'Model:a', 0],
  ['a word of JavaScript', 'constructor:a', 0],
  ['a value that is empty', 'model:a name:', 13],
  ['a star inside a value', 'name:h*b', 5],
  ['two stars at one end', 'name:hub**', 5],
  ['a quote', "name:a'", 5],
  ['a per cent sign', 'name:a%', 5],
  ['a square bracket', 'name:[a]', 5],
  ['a tab', 'name:a\tmodel:b', 5],
  ['a letter outside ASCII', 'name:ä', 5],
  ['129 characters', `name:${'a'.repeat(129)}`, 5],
  ['129 characters in quotes', `name:"${'a'.repeat(129)}"`, 5],
  ['a quote that is not closed', 'name:"a', 5],
  ['a control character in quotes', 'name:"a\u0000"', 5],
  ['half a character in quotes', 'name:"\ud800"', 5],
  ['a letter behind a quote', 'name:"a"b', 8],
  ['a bracket that is not closed', '(name:a', 7],
  ['a bracket that was not opened', 'name:a)', 6],
  ['a bracket without a space before it', 'name:a(name:b)', 6],
  ['a term without a space before it', '(name:a)name:b', 8],
  ['nothing in brackets', '()', 1],
  ['nothing behind or', 'name:a or', 9],
  ['nothing behind and', 'name:a and ', 11],
  ['nothing behind not', 'not', 3],
  ['nothing before or', 'or name:a', 0],
  ['and twice', 'name:a and and name:b', 11],
  ['a capital word', 'name:a OR name:b', 7],
  ['an order of names', 'name<b', 4],
  ['a time that matches', 'lastSeen:now', 8],
  ['a version that is none', 'version<1.x', 8],
  ['a version with a leading zero', 'version<01.2.3', 8],
  ['a negative floor', 'floor>-1', 6],
  ['a floor with a star', 'floor:1*', 6],
  ['a time to come', 'lastSeen<now+7d', 9],
  ['a unit that is none', 'lastSeen<now-7y', 9],
  ['a day that is none', 'enrolled>2026-02-30', 9],
  ['a month that is none', 'enrolled>2026-13-01', 9],
  ['a local time', 'enrolled>2026-01-01T00:00:00', 9],
  ['a state that is none', 'state:confirmd', 6],
  ['a kind that is none', 'kind:hawkbit', 5],
  ['an attribute without a name', 'attribute:a', 0],
  ['an attribute with an empty name', 'attribute."":a', 0],
  ['a group in capitals', 'group:Pilot', 6],
  ['presence of nothing', 'has:', 4],
  ['presence of a group', 'has:group', 4],
];

function refusalOf(text: string): FilterError {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: `${text} was taken` });
}

test('refuses what is not of the grammar, with the position and what was expected there', () => {
  for (const [name, text, at] of REJECTED) {
    const { code, details } = refusalOf(text);
    assert.deepEqual([code, details['at']], ['FILTER_MALFORMED', at], name);
    assert.ok(details['expected'], name);
  }
});

test('refuses more than 32 terms, 16 levels or 1024 characters', () => {
  const row = (count: number) => Array.from({ length: count }, () => 'name:a').join(' ');
  const deep = (levels: number) => `${'('.repeat(levels)}name:a${')'.repeat(levels)}`;
  parseFilter(row(32));
  parseFilter(deep(16));
  parseFilter(`name:a${' '.repeat(1018)}`);
  for (const text of [row(33), deep(17), `${'not '.repeat(17)}name:a`, `name:a${' '.repeat(1019)}`, '('.repeat(1024)]) {
    assert.equal(refusalOf(text).code, 'FILTER_TOO_LARGE', text);
  }
});

test('a filter that is printed reads back as the same filter', () => {
  fc.assert(
    fc.property(anyFilter(['g1', 'g2']), (filter) => assert.deepEqual(parseFilter(printFilter(filter)), filter)),
  );
});

test('any text is read or refused with a position, and what is read prints to what reads the same', () => {
  const word = fc.constantFrom(
    'name:',
    'version',
    'lastSeen',
    '<',
    '>=',
    'now-7d',
    '1.2',
    '(',
    ')',
    ' ',
    ' or ',
    ' and ',
    'not ',
    '"',
    '\\',
    '*',
    'a',
    'has:',
    'tag',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(word, { maxLength: 12 }).map((words) => words.join('')),
      ),
      (text) => {
        let filter: Filter;
        try {
          filter = parseFilter(text);
        } catch (error) {
          assert.ok(error instanceof FilterError, String(error));
          return;
        }
        assert.deepEqual(parseFilter(printFilter(filter)), filter);
      },
    ),
    { numRuns: 2000 },
  );
});
