import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKeptByUse, keptByDates, RETENTION, type ReleaseDates, type ReleaseUse } from './retention.ts';

const NOW_MS = Date.parse('2036-09-11T00:00:00Z');
const at = (text: string) => Date.parse(`${text}T00:00:00Z`);

/** CRA, Article 13(9): ten years after it was issued. */
const DATES: readonly [string, ReleaseDates, ReturnType<typeof keptByDates>][] = [
  ['a new draft', { state: 'draft', publishedMs: null, changedMs: at('2036-09-01') }, 'keep'],
  ['a draft of old', { state: 'draft', publishedMs: null, changedMs: at('2036-08-01') }, 'drop'],
  ['published of late', { state: 'published', publishedMs: at('2036-09-01'), changedMs: at('2030-01-01') }, 'keep'],
  ['ten years, less a day', { state: 'published', publishedMs: at('2026-09-12'), changedMs: at('2026-09-12') }, 'keep'],
  ['more than ten years', { state: 'published', publishedMs: at('2026-09-09'), changedMs: at('2026-09-09') }, 'look'],
  ['uploaded again', { state: 'published', publishedMs: at('2020-01-01'), changedMs: at('2036-09-01') }, 'keep'],
];

test('drafts are kept a month, published releases ten years, and whatever was worked on a month', () => {
  for (const [name, dates, expected] of DATES) assert.equal(keptByDates(dates, NOW_MS, RETENTION), expected, name);
});

const UNUSED: ReleaseUse = { lastAssignedMs: null, isPlanned: false, isAssigned: false, isInstalled: false };
const USES: readonly [string, Partial<ReleaseUse>, boolean][] = [
  ['never assigned', {}, false],
  ['assigned more than ten years ago', { lastAssignedMs: at('2026-09-09') }, false],
  ['assigned ten years ago, less a day', { lastAssignedMs: at('2026-09-12') }, true],
  ['in a rollout', { isPlanned: true }, true],
  ['in the hands of a device', { isAssigned: true }, true],
  ['installed', { isInstalled: true, lastAssignedMs: at('2020-01-01') }, true],
];

test('an old release is kept while a device may ask for it, and ten years from its last assignment', () => {
  for (const [name, use, expected] of USES) {
    assert.equal(isKeptByUse({ ...UNUSED, ...use }, NOW_MS, RETENTION), expected, name);
  }
});
