import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Place } from './workspace-fixture.ts';

const HEARTH = fileURLToPath(new URL('../../examples/products/hearth.yaml', import.meta.url));
const EN_18031 = fileURLToPath(new URL('../../compliance/catalogues/en-18031.json', import.meta.url));

test('docs build writes every document, lists its digest, and gives the same bytes again', async () => {
  await using place = await Place.make();
  await cp(HEARTH, place.path('hearth.yaml'));
  const build = ['docs', 'build', '--product', 'hearth.yaml', '--on', '2027-12-11', '--out'] as const;
  const { status, json, err } = await place.pawl(...build, 'first', '--json');
  assert.deepEqual([status, err], [0, []]);
  const files = json['files'] as { name: string; sha256: string; gaps: number }[];
  assert.equal(files.length, 2 * 37 + 3 + 1);
  for (const { name, sha256, gaps } of files) {
    const bytes = await readFile(place.path(`first/${name}`));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
    if (name.endsWith('.html')) assert.equal(bytes.toString().match(/<strong>Gap\.<\/strong>/g)?.length ?? 0, gaps);
  }
  assert.equal((await place.pawl(...build, 'again')).status, 0);
  assert.deepEqual(
    await readFile(place.path('again/manifest.json'), 'utf8'),
    await readFile(place.path('first/manifest.json'), 'utf8'),
  );
});

test('gap show, queue and gate tell the models apart', async () => {
  await using place = await Place.make();
  await cp(HEARTH, place.path('hearth.yaml'));
  const on = ['--product', 'hearth.yaml', '--on', '2027-12-11'] as const;
  const shown = await place.pawl('gap', 'show', ...on, '--json');
  const cells = shown.json['cells'] as { model: string; requirement: string; state: string }[];
  const stateOf = (model: string): string | undefined =>
    cells.find((one) => one.model === model && one.requirement === 'ETSI-EN-303-645 5.1-1')?.state;
  assert.deepEqual(['gateway', 'sensor'].map(stateOf), ['gap', 'not-applicable']);
  const queue = await place.pawl('gap', 'queue', ...on, '--limit', '3');
  assert.ok(queue.out.length === 3 && queue.out.every((line) => line.trimStart().startsWith('sensor ')));
  const held = await place.pawl('gap', 'gate', ...on, '--model', 'sensor', '--market', 'EU');
  assert.equal(held.status, 1);
  assert.match(held.out.at(-1) ?? '', /^held: \d+ duties of law/);
  assert.equal((await place.pawl('gap', 'gate', ...on, '--model', 'sensor', '--market', 'UK')).status, 0);
});

test('what is wrong is said with its place, and nothing is written', async () => {
  await using place = await Place.make();
  const text = await readFile(HEARTH, 'utf8');
  await writeFile(place.path('bad.yaml'), text.replace('core: Cortex-M0', 'kore: Cortex-M0'));
  await writeFile(place.path('hearth.yaml'), text);
  await writeFile(place.path('bundle.zip'), 'no bundle');
  const product = ['--product', 'hearth.yaml'] as const;
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['docs', 'build', '--product', 'bad.yaml', '--out', 'd'], /PRODUCT_INVALID.*line "?\d+/],
    [['docs', 'build', ...product, '--bundle', 'bundle.zip', '--out', 'd'], /CLI_USAGE.*--key/],
    [['docs', 'build', ...product, '--bundle', 'bundle.zip', '--key', 'x', '--out', 'd'], /error: [A-Z_]+/],
    [['gap', 'show', ...product, '--on', '2027-13-01'], /CLI_USAGE/],
    [['gap', 'queue', ...product, '--limit', '0'], /CLI_USAGE/],
    [['gap', 'gate', ...product, '--model', 'toaster', '--market', 'EU'], /CLI_USAGE.*gateway/],
  ];
  for (const [words, expected] of cases) {
    const { status, err } = await place.pawl(...words);
    assert.notEqual(status, 0, words.join(' '));
    assert.match(err[0] ?? '', expected);
  }
  await assert.rejects(readFile(place.path('d/manifest.json')));
});

test('catalogues are listed and compared, deadlines exported', async () => {
  await using place = await Place.make();
  const listed = await place.pawl('catalogue', 'list');
  assert.ok(listed.out.some((line) => /EU-CRA +108 +Regulation \(EU\) 2024\/2847/.test(line)));
  const next = (await readFile(EN_18031, 'utf8')).replace('"standard-oj-cited"', '"standard-published"');
  await writeFile(place.path('next.json'), next);
  const { out } = await place.pawl('catalogue', 'compare', EN_18031, 'next.json');
  assert.deepEqual(out, ['  changed  ACM-1: source', '1 changes']);
  assert.equal((await place.pawl('catalogue', 'deadlines', '--out', 'dates.ics')).status, 0);
  assert.match(await readFile(place.path('dates.ics'), 'utf8'), /^BEGIN:VCALENDAR\r\n/);
});
