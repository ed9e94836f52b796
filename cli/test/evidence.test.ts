/** The examples of docs/operate/evidence.md, line by line, against a server; and documents from what it holds. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyBundle } from '@pawl/core/evidence';
import { type RunningServer, startServer } from '@pawl/server/main';
import { LINE, Place } from './workspace-fixture.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NOW = new Date('2026-11-21T12:00:00Z');
const CSV = [
  'id,name,variantOf,brand,revision,soc,core,tee,secureElement,fuses,debug,markets,radios,uses,updateProtocol,bootChain,craClass,craClassReason',
  'plug,Hearth Plug,,,A,ESP32-C6,RISC-V,none,none,unknown,locked,EU from 2027-02-01,Wi-Fi,consumer,pawl,application by boot ROM: signature,default,Switches.',
].join('\n');
const PDF = Buffer.from('%PDF-1.7\n%%EOF\n');
let place: Place;
let approver: Place;
let server: RunningServer;

before(async () => {
  [place, approver] = [await Place.make(), await Place.make()];
  for (const one of [place, approver]) one.now = NOW;
  const common = { host: '127.0.0.1', port: 0, pollIntervalS: 300, logLevel: 'silent' } as const;
  server = await startServer({ dataDir: place.path('server'), now: () => NOW, ...common });
  const identity = ['--line', LINE, '--vendor-domain', 'kettles.example', '--class-info', 'kettle 1'];
  const made = await place.pawl('init', ...identity, '--server', `${server.url}/#claim=${server.claim}`);
  assert.equal(made.status, 0, made.err.join());
  const invited = await place.pawl('people', 'invite', 'Ada', 'approver', '--json');
  const login = await approver.pawl('login', String(invited.json['link']), '--without-trust');
  assert.equal(login.status, 0, login.err.join());
  await cp(`${ROOT}examples/products/hearth.yaml`, place.path('hearth.yaml'));
  await writeFile(place.path('more.csv'), CSV);
  await writeFile(place.path('report.pdf'), PDF);
  await writeFile(place.path('report2.pdf'), Buffer.concat([PDF, Buffer.from('%')]));
});
after(async () => {
  await server.close();
  for (const one of [place, approver]) await one[Symbol.asyncDispose]();
});

/** The command lines of a page up to its part on witnesses, who are other machines, with quotes, comments and continued lines as a shell reads them. */
async function examples(page: string): Promise<string[][]> {
  const [text = ''] = (await readFile(`${ROOT}docs/operate/${page}`, 'utf8')).split(/^## .*itness/m);
  const blocks = [...text.matchAll(/^```\n([\s\S]*?)^```/gm)].map(([, block = '']) => block.replace(/\\\n\s*/g, ''));
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('pawl '))
    .map((line) => line.slice(5).replace(/\s+#.*$/, ''))
    .map((line) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([word, quoted]) => quoted ?? word));
}

async function ok(at: Place, ...words: string[]): Promise<readonly string[]> {
  const ran = await at.pawl(...words);
  assert.ok(
    ran.status <= 1 && !ran.err.some((line) => line.startsWith('error:')),
    `${words.join(' ')}: ${ran.err.join()}`,
  );
  return ran.out;
}

test('the examples of the page run as they stand', async () => {
  const said = new Map<string, string>();
  for (const words of await examples('evidence.md')) {
    const line = words.join(' ');
    // A rollout of its own is in server/test/products.test.ts.
    if (words[0] === 'rollout' || line.startsWith('product pass')) continue;
    // Somebody else's machine: cli/test/ledger-monitor.test.ts and ledger-witness.test.ts.
    if (/^(?:ledger (?:monitor|witness)|serve) /.test(line)) continue;
    if (line.startsWith('ledger compare')) await ok(place, 'ledger', 'export', '--out', 'today.zip');
    const at = line.startsWith('product decide') ? approver : place;
    said.set(line, (await ok(at, ...words)).join('\n'));
  }
  assert.ok(said.size > 15);
  const of = (start: string): string => [...said].find(([line]) => line.startsWith(start))?.[1] ?? '';
  assert.match(of('evidence list'), /lab-report/);
  assert.deepEqual(await readFile(place.path('copy.pdf')), PDF);
  assert.match(of('gap gate'), /^held: \d+ duties of law/m);
  assert.match(of('ledger compare'), /goes on|consistent|same/);
  assert.match(of('verify hearth.zip'), /entries/);
});

test('documents of a product that the server knows are those of its export, waivers and evidence included', async () => {
  const source = await readFile(place.path('hearth.yaml'), 'utf8');
  const [gateway = ''] = source.replace('product: hearth', 'product: solo').split('  - id: sensor');
  await writeFile(place.path('solo.yaml'), gateway);
  const about = ['--model', 'gateway'] as const;
  await ok(place, 'product', 'put', 'solo.yaml');
  const waived = await place.pawl(
    'product',
    'waive',
    'solo',
    ...about,
    '--requirement',
    'EU-CRA I.2.m',
    '--reason',
    'it keeps <nothing>',
    '--json',
  );
  await ok(approver, 'product', 'decide', String(waived.json['id']), 'approve');
  await ok(
    place,
    'evidence',
    'add',
    'report.pdf',
    '--product',
    'solo',
    ...about,
    '--kind',
    'lab-report',
    '--issuer',
    'Test House',
    '--edition',
    'EN 303 645 V3.1.3',
    '--issued',
    '2026-11-02',
    '--title',
    'report 7',
    '--shows',
    'default-config-test',
  );
  const on = ['--on', '2027-12-11'];
  await ok(place, 'docs', 'build', '--product', 'solo', ...on, '--out', 'online');
  await ok(place, 'ledger', 'export', '--out', 'own.zip');
  await ok(place, 'product', 'export', 'solo', '--out', 'record.json');
  const given = ['--product', 'record.json', '--bundle', 'own.zip', '--key', 'ledger.vkey', ...on];
  await ok(place, 'docs', 'build', ...given, '--out', 'offline');
  assert.equal(
    await readFile(place.path('online/manifest.json'), 'utf8'),
    await readFile(place.path('offline/manifest.json'), 'utf8'),
  );
  const assessment = await readFile(place.path('online/gateway/risk-assessment.html'), 'utf8');
  assert.match(assessment, /it keeps &lt;nothing&gt;; decided by person\/\d+/);
  const architecture = await readFile(place.path('online/gateway/security-architecture.html'), 'utf8');
  assert.match(architecture, /Report 7\. <span class="grade tested">tested<\/span>/);
  assert.match(architecture, /<li>Test House, 2026-11-02, /);
  const gap = await place.pawl('gap', 'show', '--product', 'solo', ...on, '--json');
  assert.deepEqual(gap.json['counts'], (await place.pawl('gap', 'show', ...given, '--json')).json['counts']);
});

test('a wrong word is said, and nothing of the server changes', async () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [
      [
        'evidence',
        'add',
        'report.pdf',
        '--product',
        'hearth',
        '--kind',
        'opinion',
        '--issuer',
        'x',
        '--issued',
        '2026-01-01',
      ],
      /CLI_USAGE/,
    ],
    [
      [
        'evidence',
        'add',
        'report.pdf',
        '--product',
        'hearth',
        '--kind',
        'policy',
        '--grade',
        'observed',
        '--issuer',
        'x',
        '--issued',
        '2026-01-01',
      ],
      /EVIDENCE_/,
    ],
    [['evidence', 'withdraw', '99', '--reason', 'x'], /EVIDENCE_UNKNOWN/],
    [['product', 'show', 'nobody'], /PRODUCT_UNKNOWN/],
    [['product', 'decide', '1', 'approve'], /error/],
    [['gap', 'show', '--product', 'nobody'], /PRODUCT_UNKNOWN/],
    [['docs', 'build', '--product', 'nobody', '--out', 'd'], /PRODUCT_UNKNOWN/],
  ];
  const list = async (): Promise<unknown> =>
    (await place.pawl('evidence', 'list', '--product', 'hearth', '--json')).json;
  const seen = await list();
  for (const [words, expected] of cases) {
    const ran = await place.pawl(...words);
    assert.notEqual(ran.status, 0, words.join(' '));
    assert.match(ran.err[0] ?? '', expected, words.join(' '));
  }
  assert.deepEqual(await list(), seen);
});

test('documents that were frozen stand in the ledger by the digest of their list, and count as the technical file', async () => {
  const given = ['--product', 'solo', '--on', '2027-12-11'];
  await ok(place, 'docs', 'freeze', ...given, '--release', '2.0.0', '--out', 'frozen', '--record');
  const sha256 = createHash('sha256')
    .update(await readFile(place.path('frozen/manifest.json')))
    .digest('hex');
  await ok(place, 'ledger', 'export', '--product', 'solo', '--out', 'solo.zip');
  const { entries } = verifyBundle(await readFile(place.path('solo.zip')), {
    vkey: (await readFile(place.path('ledger.vkey'), 'utf8')).trim(),
  });
  const { subject, predicate } =
    entries.findLast((one) => one.predicateType === 'urn:pawl:documents:1') ?? assert.fail();
  assert.deepEqual(subject, [{ name: 'documents/solo/2.0.0', digest: { sha256 } }]);
  assert.equal(predicate['release'], '2.0.0');
  const [shown] = (await ok(place, 'gap', 'show', ...given, '--requirement', 'EU-CRA AVII.1.a')).slice(-1);
  assert.match(shown ?? '', /technical-file: the documents were frozen for 2\.0\.0 as of 2027-12-11 \(configured, /);
});
