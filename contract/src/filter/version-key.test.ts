import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { versionKey } from './version-key.ts';

const keyOf = (version: string): string => {
  const key = versionKey(version);
  assert.ok(key !== undefined, version);
  return key;
};

test('keys stand in the order that Semantic Versioning 2.0.0 §11 gives as its examples', () => {
  const rows = [
    ['1.0.0', '2.0.0', '2.1.0', '2.1.1'],
    [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
    ],
  ];
  for (const row of rows) assert.deepEqual([...row].map(keyOf).sort(), row.map(keyOf));
});

test('build metadata is ignored', () => {
  assert.equal(versionKey('1.0.0-rc.1+001'), versionKey('1.0.0-rc.1'));
});

/** §11 read literally. */
function precedence(left: string, right: string): number {
  const partsOf = (version: string) => {
    const [core = '', ...rest] = version.split('+')[0]?.split('-') ?? [];
    return { numbers: core.split('.').map(Number), before: rest.length === 0 ? undefined : rest.join('-').split('.') };
  };
  const [a, b] = [partsOf(left), partsOf(right)];
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0;
    if (number !== other) return number - other;
  }
  if (a.before === undefined || b.before === undefined)
    return Number(a.before === undefined) - Number(b.before === undefined);
  for (const [index, one] of a.before.entries()) {
    const other = b.before[index];
    if (other === undefined) return 1;
    if (one === other) continue;
    const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && isOtherNumber) return BigInt(one) < BigInt(other) ? -1 : 1;
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return a.before.length - b.before.length;
}

test('any two versions stand in the order of §11', () => {
  const number = fc.constantFrom('0', '1', '2', '9', '10', '100', '4294967295');
  const identifier = fc.oneof(
    number,
    fc.constantFrom('a', 'b', 'A', '-', 'a-', 'a-b', 'ab', 'a0', '0a', '1-', 'Z', 'z'),
  );
  const before = fc.array(identifier, { maxLength: 3 }).map((all) => (all.length === 0 ? '' : `-${all.join('.')}`));
  const version = fc
    .tuple(fc.array(number, { minLength: 3, maxLength: 3 }), before, fc.constantFrom('', '+b.1'))
    .map(([core, rest, build]) => `${core.join('.')}${rest}${build}`);
  fc.assert(
    fc.property(version, version, (left, right) => {
      const [a, b] = [keyOf(left), keyOf(right)];
      assert.equal(a < b ? -1 : Number(a > b), Math.sign(precedence(left, right)));
    }),
    { numRuns: 3000 },
  );
});

test('what is no semantic version has no key', () => {
  for (const text of [
    '',
    '1',
    '1.0',
    'v1.0.0',
    '01.0.0',
    '1.0.0-',
    '1.0.0-01',
    '1.0.0-a..b',
    '1.0.0+',
    '1.0.0 ',
    'latest',
  ]) {
    assert.equal(versionKey(text), undefined, text);
  }
  assert.equal(versionKey(`1.0.0-${'a'.repeat(200)}`), undefined);
});
