/** Records by people who wish harm, other time zones and leap days: the documents stay what they are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { TestLedger } from '../../test/ledger.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { Evidence } from '../evidence/index.ts';
import { type Product, parseProductYaml } from '../product/index.ts';
import { buildDocuments, type Document, recordsOf, renderHtml } from './index.ts';

const LIBRARY = loadCatalogues();
const ON = '2027-12-11';
const HEARTH = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
/** One model is enough: the others go the same way. */
const SOLO: Product = { ...HEARTH, models: HEARTH.models.slice(0, 1) };

/** Members whose text is free; all others are words of a grammar. */
const FREE = new Set(
  `name address contact securityContact purpose reasoning brand revision soc core tee secureElement stage verifier key
  algorithm onFailure craClassReason version supplier text about information path justification title asset measures approver
  number place signatory position procedure additional delay safeHarbour reference citation`.split(/\s+/),
);
const LISTS = new Set(['radios', 'languages', 'otherLaw']);

/** The record with every free text replaced. */
function withText(value: unknown, member: string, next: () => string): unknown {
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'string' && LISTS.has(member) ? next() : withText(one, member, next)));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        member === 'columns' && key !== 'ID' ? next() : withText(one, key, next),
      ]),
    );
  }
  return typeof value === 'string' && FREE.has(member) ? next() : value;
}

async function hostileEvidence(product: Product, text: string): Promise<Evidence[]> {
  const ledger = new TestLedger();
  await ledger.enrol('gw-1', 'gateway', 'hearth', '2026-11-21T10:00:00.000Z');
  await ledger.report('gw-1', { version: text, state: 'reverted', code: text, at: '2026-11-21T10:00:00.000Z' });
  await ledger.record('urn:pawl:release:1', 'release/hearth/2.0.0', { line: 'hearth', version: text, at: text });
  await ledger.record('urn:pawl:sbom:1', text, {
    line: 'hearth',
    version: text,
    format: text,
    specVersion: text,
    at: text,
  });
  const claimed = Evidence.claimed({
    id: text,
    kind: 'architecture-document',
    title: text,
    issuer: text,
    issuedOn: '2026-01-01',
    edition: text,
  });
  return [...Evidence.fromBundle(await ledger.bundle(), product), claimed];
}

/** What a page of ours is made of. Whatever else begins with `<` came from a record. */
const OURS =
  /<(?:!doctype html|\/?(?:html|head|title|style|body|header|h1|h2|dl|div|dt|dd|p|nav|ol|ul|li|a|main|section|span|strong|table|caption|thead|tbody|tr|th|td|time|footer|wbr))(?: (?:lang|class|id|aria-labelledby|aria-label|role|scope|href|datetime)="[^"<>]*")*>|<meta (?:charset|name|http-equiv)="[^"<>]*"(?: content="[^"<>]*")?>/g;

function assertHarmless(document: Document): void {
  const html = renderHtml(document);
  const rest = html.replace(/<style>[^<]*<\/style>/, '').replaceAll(OURS, '');
  assert.doesNotMatch(rest, /[<>]/, document.name);
  assert.doesNotMatch(html, /[\u202A-\u202E\u2066-\u2069]|[^\P{Cc}\n\t]/u, document.name);
  assert.ok(html.isWellFormed());
}

test('whatever every free text of product, evidence and waivers is, a page has our elements only', async () => {
  const piece = fc.constantFrom(
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</td></table>',
    '</style>',
    '\u202E',
    '&lt;',
    "'",
    '<!--',
    ']]>',
    '\0',
    '\uD800',
    '\u{F8FF}',
    'x'.repeat(80),
    '\r\n',
  );
  const text = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => `x${pieces.join('')}`);
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 3, maxLength: 3 }), async (texts) => {
      let at = 0;
      const next = (): string => texts[at++ % texts.length] ?? '';
      const product = withText(SOLO, '', next) as Product;
      // The ledger takes no lone surrogates; what is claimed beside it may have them.
      const evidence = await hostileEvidence(product, next().toWellFormed());
      const waivers = [
        { reference: 'EU-CRA I.2.f', model: 'gateway', reason: next(), approver: next(), decidedOn: '2026-01-01' },
      ];
      for (const one of buildDocuments(recordsOf({ library: LIBRARY, product, evidence, waivers, on: ON })))
        assertHarmless(one);
    }),
    { numRuns: 8 },
  );
});

test('the free texts that are replaced are those that stand in the documents', () => {
  const product = withText(SOLO, '', () => 'ZQX') as Product;
  const documents = buildDocuments(recordsOf({ library: LIBRARY, product, evidence: [], waivers: [], on: ON }));
  for (const name of [
    'user-information',
    'declaration-draft',
    'risk-assessment',
    'en-18031-forms',
    'security-architecture',
  ])
    assert.match(JSON.stringify(documents.find((one) => one.name === `gateway/${name}`)), /ZQX/, name);
});

test('a document is the same in every time zone, also of evidence and days that are leap days', async () => {
  const before = process.env['TZ'];
  try {
    const ledger = new TestLedger();
    await ledger.enrol('gw-1', 'gateway', 'hearth', '2024-02-29T23:59:59.000Z');
    await ledger.report('gw-1', { version: '1.0.0', state: 'confirmed', at: '2024-02-29T23:59:59.000Z' });
    const seen = Evidence.fromBundle(await ledger.bundle(), SOLO);
    const aging = Evidence.claimed({
      id: 'p',
      kind: 'policy-document',
      title: 'policy',
      issuer: 'us',
      issuedOn: '2024-02-29',
    });
    const pages = (on: string): string => {
      const records = { library: LIBRARY, product: SOLO, evidence: [...seen, aging], waivers: [], on };
      return buildDocuments(recordsOf(records)).map(renderHtml).join('');
    };
    for (const on of ['2024-02-29', '2028-02-29', '2026-12-31']) {
      const [first, ...others] = ['UTC', 'Pacific/Kiritimati', 'America/Adak', 'Africa/Casablanca'].map((zone) => {
        process.env['TZ'] = zone;
        return pages(on);
      });
      assert.ok(
        others.every((one) => one === first),
        on,
      );
      assert.match(first ?? '', /2024-02-29, test-ledger #1/);
    }
    // 24 months after a leap day is the last of February.
    assert.match(pages('2026-02-28'), /counts<\/td><td>policy/);
    assert.match(pages('2026-03-01'), /ended<\/td><td>policy/);
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
});

test('every requirement that a section answers exists, every document that a sentence points to is built, every anchor is one', () => {
  const documents = buildDocuments(recordsOf({ library: LIBRARY, product: HEARTH, evidence: [], waivers: [], on: ON }));
  const names = new Set(documents.map(({ name }) => name.replace(/^.*\//, '')));
  const told =
    /\b(?:security-architecture|cra-technical-file|declaration-draft|user-information|en-303-645-ics-ixit|en-18031-forms|iec-62443-4-2-statement|threat-model|risk-assessment|update-test-report|key-management-audit|vulnerability-disclosure-policy)\b/g;
  for (const document of documents) {
    for (const { no, answers, blocks } of document.sections) {
      for (const one of answers) assert.ok(LIBRARY.find(one) !== undefined, `${document.name} ${no}: ${one}`);
      for (const block of blocks) {
        if (block.kind === 'table')
          assert.ok(
            block.rows.every((row) => row.length === block.head.length),
            `${document.name} ${no}`,
          );
        if (block.kind === 'note') for (const [name] of block.text.matchAll(told)) assert.ok(names.has(name), name);
      }
    }
    const ids = [...renderHtml(document).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length, document.name);
  }
});
