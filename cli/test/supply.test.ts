/** Suppliers, operators and laboratories on the command line: links that work, bundles that verify offline, the files of the docs. */
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningServer, startServer } from '@pawl/server/main';
import { Place } from './workspace-fixture.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const REPOSITORY = resolve(import.meta.dirname, '../..');
let place: Place;
let server: RunningServer;

before(async () => {
  place = await Place.make();
  place.now = NOW;
  const common = { host: '127.0.0.1', port: 0, pollIntervalS: 300, logLevel: 'silent' } as const;
  server = await startServer({ dataDir: place.path('server'), now: () => NOW, ...common });
  const identity = ['--line', 'hub', '--vendor-domain', 'hubs.example', '--class-info', 'hub 1'];
  await run('init', ...identity, '--server', `${server.url}/#claim=${server.claim}`);
  await copyFile(resolve(REPOSITORY, 'examples/products/hearth.yaml'), place.path('hearth.yaml'));
  await run('product', 'put', 'hearth.yaml');
  await writeFile(place.path('report.pdf'), '%PDF-1.7 report');
});
after(async () => {
  await server.close();
  await place[Symbol.asyncDispose]();
});

async function run(...words: string[]) {
  const ran = await place.pawl(...words);
  assert.equal(ran.status, 0, `${words.join(' ')}: ${ran.err.join('\n')}`);
  return ran;
}

test('a supplier is asked by a link of the command line, answers, and is accepted; who is late is said by the exit code', async () => {
  const { out } = await run('inquiry', 'template');
  await writeFile(place.path('parts.json'), out.join('\n'));
  await writeFile(place.path('broken.yaml'), out.join('\n').replace('"yes-no"', '"maybe"'));
  const about = ['--supplier', 'Chip AG', '--product', 'hearth', '--part', 'STM32H563', '--due', '2026-11-20'];
  const broken = await place.pawl('inquiry', 'make', ...about, '--template', 'broken.yaml');
  assert.equal(broken.status, 1, broken.err.join('\n'));
  assert.match(broken.err.join('\n'), /INQUIRY_TEMPLATE_INVALID[\s\S]*line/);
  const chosen = ['--template', 'parts.json', '--topic', 'delivery', '--valid-days', '7'];
  const made = await run('inquiry', 'make', ...about, ...chosen, '--json');
  const link = String(made.json['link']);
  assert.ok(link.startsWith(`${server.url}/inquiry/`));
  const late = await place.pawl('inquiry', 'list', '--overdue');
  assert.deepEqual([late.status, /2026-11-20, 1 day late/.test(late.out.join('\n'))], [1, true]);
  const form = new FormData();
  const fields = {
    revision: '0',
    act: 'submit',
    answeredBy: 'Ada',
    'a.available-from': '2027-01-01',
    'a.lead-time': '12 weeks',
  };
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const answer = await fetch(link, { method: 'POST', body: form, redirect: 'manual' });
  assert.equal(answer.status, 303);
  const shown = (await run('inquiry', 'show', '1')).out.join('\n');
  assert.match(shown, /lead-time +12 weeks +assurance/);
  await run('inquiry', 'accept', '1', '--note', 'by telephone too');
  assert.equal((await place.pawl('inquiry', 'list', '--overdue')).status, 0);
  await run('inquiry', 'ask-again', '1', '--note', 'And now?', '--due', '2027-02-01');
  const { json } = await run('inquiry', 'link', '1', '--json');
  assert.notEqual(json['link'], link);
  await run('inquiry', 'revoke', '1');
  await run('inquiry', 'withdraw', '1', '--reason', 'not built in');
});

test('whoever has the link of a share takes a bundle that verifies offline by the command that the page shows', async () => {
  const document = ['--product', 'hearth', '--kind', 'declaration', '--issuer', 'Us', '--issued', '2026-11-01'];
  await run('evidence', 'add', 'report.pdf', ...document);
  const given = ['--product', 'hearth', '--for', 'Import GmbH', '--role', 'importer', '--document', '1'];
  const { json } = await run('share', 'make', ...given, '--json');
  const page = await (await fetch(String(json['link']))).text();
  const key = /pawl verify hearth\.zip --key &#39;(.+?)&#39;/.exec(page)?.[1] ?? '';
  const bundle = await fetch(`${String(json['link'])}/bundle`);
  await writeFile(place.path('hearth.zip'), Buffer.from(await bundle.arrayBuffer()));
  await run('verify', 'hearth.zip', '--key', key);
  assert.match((await run('share', 'list', '--product', 'hearth')).out.join('\n'), /Import GmbH +importer +open/);
  await run('share', 'revoke', '1', '--reason', 'the contract ended');
  assert.equal((await fetch(String(json['link']))).status, 404);
});

test('the directory and the results of the docs are taken, and results by another edition are not', async () => {
  const text = await readFile(resolve(REPOSITORY, 'docs/operate/laboratories.md'), 'utf8');
  const [, directory = '', results = ''] = [...text.matchAll(/^```\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  await writeFile(place.path('laboratories.csv'), directory);
  await writeFile(place.path('results.csv'), results);
  await writeFile(place.path('old.csv'), results.replace('V3.1.3 (2024-09)', 'V2.1.1 (2020-06)'));
  await run('laboratory', 'import', 'laboratories.csv');
  assert.match((await run('laboratory', 'list', '--capability', 'update-simulation')).out.join('\n'), /test-house/);
  const pinned = ['--catalogue', 'ETSI-EN-303-645', '--edition', 'V3.1.3 (2024-09)', '--laboratory', 'test-house'];
  await run('testplan', 'make', '--product', 'hearth', '--model', 'gateway', ...pinned, '--done-by', '2027-09-01');
  const old = await place.pawl('testplan', 'import', '1', 'old.csv');
  assert.equal(old.status, 1, old.err.join('\n'));
  assert.match(old.err.join('\n'), /TEST_EDITION_OTHER/);
  const taken = await run('testplan', 'import', '1', 'results.csv', '--report', 'report.pdf');
  assert.match(taken.out.join('\n'), /5\.3-10 +pass +tested/);
  assert.match((await run('testplan', 'show', '1')).out.join('\n'), /wait for Test House GmbH +2027-04-06/);
  assert.match((await run('testplan', 'list', '--product', 'hearth')).out.join('\n'), /test-house/);
});
