import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandGroups, type Filter, type FilterErrorCode, groupNames, parseFilter } from './index.ts';

const groupsOf = (texts: Readonly<Record<string, string>>): ReadonlyMap<string, Filter> =>
  new Map(Object.entries(texts).map(([name, text]) => [name, parseFilter(text)]));
const codeOf = (code: FilterErrorCode) => ({ name: 'FilterError', code });

test('the filter of a group stands where its name stood, through other groups too', () => {
  const groups = groupsOf({ pilot: 'tag:pilot or group:lab', lab: 'name:lab-*' });
  assert.deepEqual(
    expandGroups(parseFilter('not group:pilot model:hub'), groups),
    parseFilter('not (tag:pilot or name:lab-*) model:hub'),
  );
});

test('the names of groups are found wherever they stand', () => {
  assert.deepEqual(groupNames(parseFilter('group:a or not (group:b tag:c group:a)')), new Set(['a', 'b']));
});

test('a group that does not exist, or that contains itself, is refused', () => {
  const groups = groupsOf({ a: 'group:b', b: 'tag:x group:c', c: 'not group:a', self: 'group:self' });
  assert.throws(() => expandGroups(parseFilter('group:none'), groups), codeOf('FILTER_GROUP_UNKNOWN'));
  for (const text of ['group:a', 'group:b', 'group:self']) {
    assert.throws(() => expandGroups(parseFilter(text), groups), codeOf('FILTER_GROUP_CYCLE'), text);
  }
});

test('a group that is about to be saved may not come back to itself', () => {
  const groups = groupsOf({ a: 'group:b', b: 'tag:x' });
  assert.doesNotThrow(() => expandGroups(parseFilter('group:a'), groups, 'c'));
  assert.throws(() => expandGroups(parseFilter('group:a'), groups, 'b'), codeOf('FILTER_GROUP_CYCLE'));
});

test('groups that name others many times are refused before they grow', () => {
  const many = (name: string) => Array.from({ length: 32 }, () => `group:${name}`).join(' ');
  const groups = groupsOf({ a: many('b'), b: many('c'), c: many('d'), d: many('e'), e: '' });
  assert.throws(() => expandGroups(parseFilter('group:a'), groups), codeOf('FILTER_TOO_LARGE'));
});

test('at most eight groups stand inside each other', () => {
  const chain = (length: number) =>
    groupsOf(
      Object.fromEntries(
        Array.from({ length }, (_, at) => [`g${at}`, at === length - 1 ? 'tag:x' : `group:g${at + 1}`]),
      ),
    );
  assert.doesNotThrow(() => expandGroups(parseFilter('group:g0'), chain(8)));
  assert.throws(() => expandGroups(parseFilter('group:g0'), chain(9)), codeOf('FILTER_TOO_LARGE'));
});
