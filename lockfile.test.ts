import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Lockfile, missingPackages } from './lockfile.ts';

const text = readFileSync(`${import.meta.dirname}/package-lock.json`, 'utf8');

test('the lockfile holds every optional platform package that it names', () => {
  assert.deepEqual(
    missingPackages(JSON.parse(text) as Lockfile).map(([name]) => name),
    [],
  );
});

test('a platform package that npm left out is found, with whom it is for', () => {
  const packages = { 'node_modules/x': { optionalDependencies: { '@x/linux-arm64-musl': '1.2.3' } } };
  const entry = { version: '1.2.3', optional: true, cpu: ['arm64'], libc: ['musl'], os: ['linux'] };
  assert.deepEqual(missingPackages({ packages }), [['node_modules/@x/linux-arm64-musl', entry]]);
});

test('the lockfile names no registry', () => {
  assert.doesNotMatch(text, /"resolved": "https?:/);
});

test('every fetched package of a pinned platform has its integrity', () => {
  const { packages } = JSON.parse(text) as Lockfile;
  const bare = Object.entries(packages).filter(
    ([at, entry]) => at.startsWith('node_modules/') && entry['link'] !== true && entry['integrity'] === undefined,
  );
  // Only what lockfile.ts added lacks it, and all of that is for other platforms.
  for (const [at, entry] of bare) assert.equal(entry['optional'], true, at);
  assert.ok(bare.length < Object.keys(packages).length / 3);
});
