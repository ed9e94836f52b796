import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadCatalogues } from '@pawl/compliance/catalogue';
import { loadMission } from '@pawl/compliance/mission';
import { COMMANDS } from '../src/commands/index.ts';

const MISSION = loadMission();
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('all 186 items and 32 features have their row, and every item comes out on the page', () => {
  const page = readFileSync(`${ROOT}docs/reference/mission.md`, 'utf8');
  const count = (source: number): number => MISSION.rows.filter((one) => one.source === source).length;
  assert.deepEqual([0, 1, 2, 3, 4].map(count), [44, 46, 30, 38, 28]);
  assert.equal(new Set(MISSION.rows.map(({ id }) => id)).size, 186);
  assert.equal(MISSION.features.length, 32);
  for (const { id } of MISSION.rows) assert.ok(page.includes(`\n| ${id} | `), id);
});

test('every command, page and test that is named exists', async () => {
  const known = new Set<string>();
  for (const [name, command] of Object.entries(COMMANDS)) {
    known.add(name);
    const entry = (await command.load()) as { readonly commands?: Readonly<Record<string, unknown>> };
    for (const word of Object.keys(entry.commands ?? {})) known.add(`${name} ${word}`);
  }
  for (const { id, commands, documents, tests } of [...MISSION.features, ...MISSION.rows]) {
    for (const one of commands) assert.ok(known.has(one), `${id}: pawl ${one}`);
    for (const one of [...documents, ...tests]) assert.ok(existsSync(`${ROOT}${one}`), `${id}: ${one}`);
    for (const one of tests) assert.match(one, /\.test\.ts$/, id);
  }
});

test('what is built names a test, what is not says what is lacking, and nothing that is not there has a command', () => {
  for (const { id, state, tests, commands, lacks } of MISSION.features) {
    if (state === 'not-yet') assert.deepEqual([commands, tests], [[], []], id);
    else assert.ok(tests.length > 0, id);
    assert.equal(lacks === undefined, state === 'built', id);
  }
  for (const { id, state, tests } of MISSION.rows) if (state === 'built') assert.ok(tests.length > 0, id);
});

test('every doubtful claim says what was found out or what really exists, and both exist', () => {
  const library = loadCatalogues();
  const claims = new Set(MISSION.claims.map(({ id }) => id));
  for (const { id, truth, facts, real, note } of MISSION.rows) {
    for (const one of real) assert.ok(library.find(one) !== undefined, `${id}: ${one}`);
    for (const one of facts) assert.ok(claims.has(one), `${id}: ${one}`);
    if (truth === 'contradicted') assert.ok(facts.length > 0, id);
    if (truth === 'unverified')
      assert.ok(facts.length + real.length > 0 || note !== undefined || id.startsWith('S3-'), id);
  }
});
