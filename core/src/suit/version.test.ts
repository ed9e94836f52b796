import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeVersion, encodeVersion, versionOf } from './version.ts';

test('writes and reads the examples of update-management', () => {
  const examples: [string, number[]][] = [
    ['1.2.3', [1, 2, 3]],
    ['0.0.0', [0, 0, 0]],
    ['1.2.3-alpha.4', [1, 2, 3, -3, 4]],
    ['1.2.0-rc.3', [1, 2, 0, -1, 3]],
    ['1.2.0-beta', [1, 2, 0, -2]],
    ['7.28.0-rc.1.2', [7, 28, 0, -1, 1, 2]],
  ];
  for (const [version, parts] of examples) {
    assert.deepEqual(encodeVersion(version), parts);
    assert.equal(decodeVersion(parts), version);
  }
});

test('refuses versions that the integers cannot hold', () => {
  const refused = [
    '',
    '1.2',
    '1.2.3.4',
    'v1.2.3',
    '01.2.3',
    '1.2.3-',
    '1.2.3-gamma.1',
    '1.2.3-alpha.01',
    '1.2.3-alpha1',
    '1.2.3+build',
    '1.2.-3',
    '1.2.3\n',
    '9999999999.0.0',
    '1.2.3-rc.1.2.3.4.5',
  ];
  for (const version of refused) assert.throws(() => encodeVersion(version), { code: 'SUIT_VERSION_INVALID' }, version);
});

test('refuses integers that are no full version', () => {
  const refused = [
    [],
    [1],
    [1, 2],
    [1, 2, -3],
    [-1, 2, 3],
    [1, 2, 3, 4],
    [1, 2, 3, -4],
    [1, 2, 3, -1, -1],
    [1, 2, 2 ** 40],
  ];
  for (const parts of refused) {
    assert.throws(() => decodeVersion(parts), { code: 'SUIT_VERSION_INVALID' }, parts.join());
    assert.equal(versionOf(parts), undefined);
  }
  assert.equal(versionOf(undefined), undefined);
  assert.equal(versionOf([1, 2, 3]), '1.2.3');
});

test('every version that is written is read back', () => {
  const number = fc.integer({ min: 0, max: 999_999_999 });
  const preRelease = fc.tuple(fc.constantFrom('alpha', 'beta', 'rc'), fc.array(number, { maxLength: 4 }));
  fc.assert(
    fc.property(fc.tuple(number, number, number), fc.option(preRelease), (release, pre) => {
      const version = release.join('.') + (pre === null ? '' : `-${[pre[0], ...pre[1]].join('.')}`);
      assert.equal(decodeVersion(encodeVersion(version)), version);
    }),
  );
});
