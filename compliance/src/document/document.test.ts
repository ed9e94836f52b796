import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { TestLedger } from '../../test/ledger.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { Evidence, isAtLeast, KIND_RULES } from '../evidence/index.ts';
import { type Product, parseProductYaml } from '../product/index.ts';
import { ARCHITECTURE_PLAN } from './architecture-sections.ts';
import { buildDocuments, countGaps, type Document, escapeHtml, recordsOf, renderHtml, sentencesOf } from './index.ts';

const AT = '2026-11-21T10:00:00.000Z';
const LIBRARY = loadCatalogues();
const HEARTH = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);

async function evidenceOf(product: Product): Promise<Evidence[]> {
  const ledger = new TestLedger();
  await ledger.enrol('gw-1', 'gateway', 'hearth', AT);
  await ledger.record('urn:pawl:release:1', 'release/hearth/2.0.0', { line: 'hearth', version: '2.0.0', at: AT });
  await ledger.report('gw-1', { version: '2.0.0', state: 'confirmed', at: AT });
  await ledger.report('gw-1', { version: '2.1.0', state: 'reverted', code: 'AGENT_BOOT_FAILED', at: AT });
  return Evidence.fromBundle(await ledger.bundle(), product);
}

const documentsOf = (product: Product, evidence: readonly Evidence[], on = '2027-12-11'): Document[] =>
  buildDocuments(recordsOf({ library: LIBRARY, product, evidence, waivers: [], on }));
const find = (all: readonly Document[], name: string): Document => {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new assert.AssertionError({ message: name });
  return found;
};

describe('documents of the example line', () => {
  let observed: Evidence[];
  let all: Document[];
  before(async () => {
    observed = await evidenceOf(HEARTH);
    all = documentsOf(HEARTH, observed);
  });

  test('every model has its papers, the product its own, and no name twice', () => {
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    for (const { id } of HEARTH.models) assert.ok(all.some(({ name }) => name === `${id}/security-architecture`));
    assert.ok(find(all, 'recertification-plan').sections.length > 0);
  });

  test('the architecture document has all of its sections, and each requirement that it answers exists', () => {
    const { sections } = find(all, 'gateway/security-architecture');
    assert.deepEqual(
      sections.map(({ no }) => no),
      [...Array.from({ length: 22 }, (_, at) => String(at)), 'A'],
    );
    for (const { answers } of ARCHITECTURE_PLAN) {
      for (const reference of answers) assert.ok(LIBRARY.find(reference) !== undefined, reference);
    }
  });

  test('the same records give the same bytes', async () => {
    const digest = (documents: readonly Document[]): string =>
      createHash('sha256').update(documents.map(renderHtml).join('')).digest('hex');
    assert.equal(digest(documentsOf(HEARTH, observed)), digest(all));
    assert.notEqual(digest(documentsOf(HEARTH, [])), digest(all));
  });

  test('the matrix of the sensor shows the gap that its boot loader leaves, the gateway what its devices signed', () => {
    const revert = 'A device went back after 2.1.0 did not start (AGENT_BOOT_FAILED).';
    const texts = (name: string): string[] => [...sentencesOf(find(all, name))].map(({ text }) => text);
    assert.ok(texts('gateway/update-test-report').includes(revert));
    assert.ok(!texts('sensor/update-test-report').includes(revert));
    assert.ok(!texts('gateway-lumen/update-test-report').includes(revert));
    const html = renderHtml(find(all, 'sensor/security-architecture'));
    assert.ok(html.includes('the boot chain has a stage that no signature protects'));
    assert.ok(renderHtml(find(all, 'sensor/declaration-draft')).includes('Do not sign'));
  });

  test('no sentence is graded tested or observed without a statement behind it, and none above its weakest evidence', () => {
    const byId = new Map(observed.map((one) => [one.facts.id, one]));
    for (const document of all) {
      for (const { grade, backing, text } of sentencesOf(document)) {
        if (grade === 'claimed') continue;
        assert.ok(backing.length > 0, text);
        for (const { id, place } of backing) {
          assert.ok(place !== undefined, text);
          const evidence = byId.get(id);
          assert.ok(evidence !== undefined && isAtLeast(evidence.grade, grade), text);
        }
      }
    }
  });

  test('a document without records shows gaps and leaves nothing out', () => {
    const bare = documentsOf(HEARTH, []);
    for (const document of bare) {
      const filled = find(all, document.name);
      assert.deepEqual(
        document.sections.map(({ no }) => no),
        filled.sections.map(({ no }) => no),
      );
      assert.ok(countGaps(document) >= countGaps(filled));
    }
    assert.ok([...bare].flatMap((one) => [...sentencesOf(one)]).every(({ grade }) => grade === 'claimed'));
  });

  test('pages stand alone: no script, no address to load from, headings in order, a header in every table', () => {
    for (const document of all) {
      const html = renderHtml(document);
      assert.doesNotMatch(html, /<script|<img|<link|<iframe|\son[a-z]+=|javascript:|src=|@import|url\(/i);
      assert.deepEqual(
        html.match(/<h[1-6]/g)?.filter((one) => one === '<h1'),
        ['<h1'],
      );
      assert.doesNotMatch(html, /<h[3-6]/);
      const tables = html.match(/<table>/g)?.length ?? 0;
      assert.equal(html.match(/<caption>/g)?.length ?? 0, tables);
      assert.equal(html.match(/<thead>/g)?.length ?? 0, tables);
      for (const [, anchor] of html.matchAll(/href="#([^"]*)"/g))
        assert.ok(html.includes(`<section id="${anchor ?? ''}"`));
    }
  });
});

test('every character of hostile text comes back as text, and none as markup', () => {
  const markup = fc.stringMatching(/^[<>&"'/=a-z!\-[\]]{0,40}$/);
  fc.assert(
    fc.property(fc.oneof(markup, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
      const escaped = escapeHtml(text);
      assert.doesNotMatch(escaped, /[<>"']/);
      const back = escaped
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&');
      const expected = text.toWellFormed();
      for (const [at, char] of Array.from(expected).entries()) {
        const got = Array.from(back)[at];
        assert.ok(got === char || got === '\uFFFD', `${at}`);
      }
      assert.ok(escaped.isWellFormed());
    }),
  );
});

test('hostile names of a product stay text in every document', async () => {
  const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>\u202E'`;
  const [gateway, ...rest] = HEARTH.models;
  if (gateway === undefined) throw new TypeError('the example has models');
  const product: Product = {
    ...HEARTH,
    name: HOSTILE,
    purpose: HOSTILE,
    manufacturer: { ...HEARTH.manufacturer, name: HOSTILE, securityContact: HOSTILE },
    components: [{ name: HOSTILE, supplier: HOSTILE }],
    models: [{ ...gateway, name: HOSTILE, brand: HOSTILE, craClassReason: HOSTILE }, ...rest],
  };
  for (const document of documentsOf(product, await evidenceOf(product))) {
    assert.doesNotMatch(renderHtml(document), /<script|<img|\u202E/i, document.name);
  }
});

test('whatever is claimed beside the ledger, no sentence is tested or observed without a statement of the ledger', async () => {
  const observed = await evidenceOf(HEARTH);
  const places = new Set(observed.map(({ facts }) => facts.id));
  const kinds = Object.keys(KIND_RULES) as (keyof typeof KIND_RULES)[];
  const day = fc.constantFrom('2024-02-29', '2026-11-21', '2027-12-11', '2028-02-29');
  const claimed = fc.record({
    id: fc.constantFrom(...places, 'x/1', 'x/2'),
    kind: fc.constantFrom(...kinds),
    title: fc.constantFrom('observed', 'tested by a laboratory', 'a device went back'),
    issuer: fc.constant('somebody'),
    issuedOn: day,
  });
  const product = { ...HEARTH, models: HEARTH.models.slice(0, 1) };
  fc.assert(
    fc.property(fc.array(claimed, { maxLength: 12 }), day, (facts, on) => {
      const evidence = [...facts.map((one) => Evidence.claimed(one)), ...observed];
      for (const document of documentsOf(product, evidence, on)) {
        for (const { grade, backing, text } of sentencesOf(document)) {
          if (!isAtLeast(grade, 'tested')) continue;
          assert.ok(
            backing.length > 0 && backing.every(({ id, place }) => place !== undefined && places.has(id)),
            `${document.name}: ${text}`,
          );
        }
      }
    }),
    { numRuns: 12 },
  );
});
