import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AGENT_ERRORS } from './errors.ts';

test('every code is asserted by another test', () => {
  const folder = new URL('.', import.meta.url);
  const text = globSync('**/*.test.ts', { cwd: folder })
    .filter((name) => name !== 'errors.test.ts')
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const missing = Object.keys(AGENT_ERRORS).filter((code) => !new RegExp(`\\b${code}\\b`).test(text));
  assert.deepEqual(missing, []);
});

test('every code says what happened and what to do', () => {
  for (const { message, advice } of Object.values(AGENT_ERRORS)) {
    assert.match(message, /^[a-z].*[^.]$/);
    assert.match(advice, /^[A-Z].*\.$/);
  }
});
