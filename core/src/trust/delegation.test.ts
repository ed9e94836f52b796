import assert from 'node:assert/strict';
import test from 'node:test';
import { toHex, utf8 } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import { type DelegatedRole, isDelegatedPath } from './delegation.ts';

function role(patterns: Partial<Pick<DelegatedRole, 'paths' | 'pathHashPrefixes'>>): DelegatedRole {
  return {
    name: 'r',
    terminating: false,
    keyIds: [],
    threshold: 1,
    paths: undefined,
    pathHashPrefixes: undefined,
    ...patterns,
  };
}

test('matches a path component by component', () => {
  const cases: [pattern: string, path: string, isMatch: boolean][] = [
    ['hub/*/*', 'hub/1.2.3/envelope.suit', true],
    ['hub/*/*', 'hub/1.2.3', false],
    ['hub/*/*', 'hub/1.2.3/a/b', false],
    ['hub/*/*', 'hub2/1.2.3/a', false],
    ['hub/*/*.enc', 'hub/1/a.enc', true],
    ['hub/*/*.enc', 'hub/1/a.encx', false],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a?c', 'a/c', false],
    ['a*b*c', 'aXbXbYc', true],
    ['a*b*c', 'aXbXbY', false],
    ['a**', 'a', true],
    ['a.c', 'abc', false],
    ['(a|b)+', '(a|b)+', true],
  ];
  for (const [pattern, path, isMatch] of cases) {
    assert.equal(isDelegatedPath(role({ paths: [pattern] }), path), isMatch, `${pattern} against ${path}`);
  }
});

test('answers a pattern made to be slow in bounded time', () => {
  const pattern = `${'*a'.repeat(200)}b`;
  assert.equal(isDelegatedPath(role({ paths: [pattern] }), 'a'.repeat(500)), false);
});

test('matches by the prefix of the digest of the path', () => {
  const hash = toHex(sha256(utf8('a/b')));
  assert.equal(isDelegatedPath(role({ pathHashPrefixes: [hash.slice(0, 4)] }), 'a/b'), true);
  assert.equal(isDelegatedPath(role({ pathHashPrefixes: ['0000', '1111'] }), 'a/b'), false);
});
