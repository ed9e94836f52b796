/** Rows as RFC 4180 has them, in pieces of any size; and no cell that a spreadsheet would run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeRow, type Row, RowReader } from './csv.ts';

function rowsOf(text: string, size = text.length): Row[] {
  const reader = new RowReader('t.csv');
  const rows: Row[] = [];
  for (let at = 0; at < text.length; at += size) rows.push(...reader.push(text.slice(at, at + size)));
  const last = reader.end();
  return last === undefined ? rows : [...rows, last];
}

const cellsOf = (text: string): (readonly string[])[] => rowsOf(text).map(({ cells }) => cells);

test('reads the examples of RFC 4180 section 2', () => {
  assert.deepEqual(cellsOf('aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n'), [
    ['aaa', 'bbb', 'ccc'],
    ['zzz', 'yyy', 'xxx'],
  ]);
  assert.deepEqual(cellsOf('aaa,bbb,ccc\r\nzzz,yyy,xxx').length, 2);
  assert.deepEqual(cellsOf('"aaa","b\r\nbb","ccc"\r\nzzz,yyy,xxx'), [
    ['aaa', 'b\r\nbb', 'ccc'],
    ['zzz', 'yyy', 'xxx'],
  ]);
  assert.deepEqual(cellsOf('"aaa","b""bb","ccc"'), [['aaa', 'b"bb', 'ccc']]);
});

test('whatever is written is read again, in pieces of any size, and no cell begins as a formula', () => {
  const cell = fc.oneof(
    fc.string({ maxLength: 6 }),
    fc
      .array(fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '\n', '"', ',', ' ', 'a'), { maxLength: 6 })
      .map((all) => all.join('')),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      (table, size) => {
        const text = table.map((cells) => `${encodeRow(cells)}\n`).join('');
        assert.deepEqual(
          rowsOf(text, size).map(({ cells }) => cells),
          table,
        );
        for (const cells of table) for (const one of cells) assert.doesNotMatch(encodeRow([one]), /^"?[=+\-@\t\r]/);
      },
    ),
  );
});

test('what is no row is refused with its line', () => {
  const TABLE: readonly (readonly [string, number])[] = [
    ['a,b\n"c', 2],
    ['a,b\nc,"d"e\n', 2],
    ['a,b\n\n"x\ny"\nc"d,e\n', 5],
    ['a\rb\n', 1],
    [`a\n${'x'.repeat(70_000)}`, 2],
    [`a\n${','.repeat(300)}`, 2],
  ];
  for (const [text, line] of TABLE) {
    assert.throws(
      () => rowsOf(text),
      (error: Error & { code?: string; details?: { line?: number } }) => {
        assert.deepEqual([error.code, error.details?.line], ['CLI_TABLE_MALFORMED', line], text.slice(0, 20));
        return true;
      },
    );
  }
});
