import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TestLedger } from '../../test/ledger.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { Evidence } from '../evidence/index.ts';
import { type Product, parseProductYaml } from '../product/index.ts';
import { type Block, buildDocuments, type Document, recordsOf, sentencesOf } from './index.ts';

const AT = '2026-11-21T10:00:00.000Z';
const ON = '2027-12-11';
const SOURCE = readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const HEARTH = parseProductYaml(SOURCE, 'hearth.yaml');
const LIBRARY = loadCatalogues();

async function evidenceOf(product: Product): Promise<Evidence[]> {
  const ledger = new TestLedger();
  await ledger.enrol('gw-1', 'gateway', 'hearth', AT);
  await ledger.record('urn:pawl:release:1', 'release/hearth/2.0.0', { line: 'hearth', version: '2.0.0', at: AT });
  await ledger.record('urn:pawl:sbom:1', 'sbom/hearth/2.0.0', {
    line: 'hearth',
    version: '2.0.0',
    format: 'CycloneDX',
    specVersion: '1.6',
    components: 12,
    at: AT,
  });
  await ledger.report('gw-1', { version: '2.0.0', state: 'confirmed', at: AT });
  await ledger.report('gw-1', { version: '2.1.0', state: 'refused', code: 'AGENT_PAYLOAD_DIGEST_MISMATCH', at: AT });
  return Evidence.fromBundle(await ledger.bundle(), product);
}

const EVIDENCE = await evidenceOf(HEARTH);
const documentsOf = (product: Product, evidence: readonly Evidence[] = EVIDENCE): Document[] =>
  buildDocuments(recordsOf({ library: LIBRARY, product, evidence, waivers: [], on: ON }));
const ALL = documentsOf(HEARTH);
function find(name: string, all: readonly Document[] = ALL): Document {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new assert.AssertionError({ message: name });
  return found;
}
const tablesOf = ({ sections }: Document): Extract<Block, { kind: 'table' }>[] =>
  sections.flatMap(({ blocks }) => blocks.filter((one) => one.kind === 'table'));
const rowsOf = (document: Document, caption: RegExp): readonly (readonly string[])[] =>
  tablesOf(document).find((one) => caption.test(one.caption))?.rows ?? [];
const gapsOf = (document: Document, no: string): readonly string[] =>
  (document.sections.find((one) => one.no === no)?.blocks ?? []).flatMap((one) =>
    one.kind === 'gap' ? [one.text, ...one.wanted] : [],
  );
/** Ids of the regulation's annex, as the catalogue has them. */
const pointsOf = (annex: string): string[] =>
  [...LIBRARY.entries()]
    .filter(({ catalogue, requirement }) => catalogue.catalogue === 'EU-CRA' && requirement.id.startsWith(`${annex}.`))
    .map(({ reference }) => reference);

test('user information and technical file have a section for every point of their annex', () => {
  for (const [name, annex] of [
    ['user-information', 'AII'],
    ['cra-technical-file', 'AVII'],
  ] as const) {
    const { sections } = find(`gateway/${name}`);
    const points = pointsOf(annex);
    assert.ok(points.length > 10);
    assert.deepEqual(
      sections.flatMap(({ answers }) => answers),
      points,
    );
    assert.ok(sections.every(({ blocks }) => blocks.length > 0));
  }
});

test('what the manufacturer answered stands in the user information as a claim, what nobody answered is a gap', () => {
  const gateway = find('gateway/user-information');
  const sensor = find('sensor/user-information');
  assert.ok([...sentencesOf(gateway)].some(({ text, grade }) => /Hold the button/.test(text) && grade === 'claimed'));
  assert.deepEqual(gapsOf(gateway, '8.d'), []);
  assert.equal(gapsOf(sensor, '8.d').length, 2);
  assert.ok(![...sentencesOf(sensor)].some(({ text }) => /Hold the button/.test(text)));
});

test('the declaration has the points of Annex V, says what is open, and is never dated or signed', () => {
  const rows = rowsOf(find('gateway/declaration-draft'), /Annex V/);
  for (const no of ['1', '2', '3', '4', '5', '6', '7', '8'])
    assert.ok(
      rows.some(([point]) => point?.startsWith(`${no} `)),
      no,
    );
  assert.match(rows.at(-1)?.[1] ?? '', /day: open;.*signature: open$/);
  assert.ok(rows.some(([, content]) => /not cited: gives no presumption/.test(content ?? '')));
  const open = gapsOf(find('gateway/declaration-draft'), '2');
  // Important class I without harmonised standards applied in full: who may assess is not ours to say.
  assert.deepEqual(open, ['Not whole.', 'point 7: the procedure of conformity assessment for this class']);
  assert.match(gapsOf(find('gateway-lumen/declaration-draft'), '1').join(), /Articles 21 and 22/);
});

test('the ICS has a row for every provision and says Y only of what is met; every IXIT table is there', () => {
  const provisions = [...LIBRARY.entries()].filter(({ catalogue }) => catalogue.catalogue === 'ETSI-EN-303-645');
  const document = find('gateway/en-303-645-ics-ixit');
  const rows = rowsOf(document, /Table B\.1/);
  assert.deepEqual(
    rows.map(([id]) => id),
    provisions.map(({ requirement }) => requirement.id),
  );
  assert.ok(
    rows.every(([, , status, support]) => /^[MR]/.test(status ?? '') && ['Y', 'N', 'N/A'].includes(support ?? '')),
  );
  const { cells } = recordsOf({ library: LIBRARY, product: HEARTH, evidence: EVIDENCE, waivers: [], on: ON });
  for (const [id, , , support] of rows) {
    const cell = cells.find((one) => one.model === 'gateway' && one.entry.reference === `ETSI-EN-303-645 ${id ?? ''}`);
    assert.equal(support === 'Y', cell?.state === 'met', id);
  }
  const tables = document.sections.filter(({ title }) => title.startsWith('IXIT '));
  assert.equal(tables.length, 29);
  assert.ok(tables.every(({ blocks }) => blocks.length > 0));
});

test('an IXIT entry joins what records have and what the manufacturer wrote, and lists the columns that nobody filled', () => {
  const { sections } = find('gateway/en-303-645-ics-ixit');
  const mechanism = sections.find(({ title }) => title.startsWith('IXIT 7-'));
  const [entry] = mechanism?.blocks ?? [];
  assert.ok(entry?.kind === 'table');
  assert.match(entry.caption, /^UpdMech-1 – claimed: signed-release \(observed, .*; manufacturer$/);
  assert.match(entry.rows.find(([column]) => column === 'User Notification')?.[1] ?? '', /message in the app/);
  const sensor = find('sensor/en-303-645-ics-ixit').sections.find(({ title }) => title.startsWith('IXIT 7-'));
  assert.ok(
    sensor?.blocks.some((one) => one.kind === 'gap' && one.wanted.includes('UpdMech-1: Cryptographic Details')),
  );
});

test('EN 18031 forms carry information, path, justification and outcome of each tree that was walked', () => {
  const document = find('gateway/en-18031-forms');
  assert.deepEqual(
    rowsOf(document, /^SUM-2 for/).map(([field]) => field),
    ['E.Info.SUM-2', 'E.Info.DT.SUM-2', 'E.Just.DT.SUM-2', 'Outcome of the tree'],
  );
  const update = document.sections.find(({ title }) => title.startsWith('SUM'));
  const wanted = update?.blocks.flatMap((one) => (one.kind === 'gap' ? one.wanted : [])) ?? [];
  assert.ok(wanted.some((one) => one.startsWith('SUM-1 ')) && !wanted.some((one) => one.startsWith('SUM-2 ')));
});

test('the IEC 62443-4-2 statement is for the kind of component and the level that is aimed at', () => {
  const [gateway] = HEARTH.models;
  if (gateway === undefined) throw new TypeError('the example has models');
  const industrial: Product = {
    ...HEARTH,
    models: [{ ...gateway, uses: ['industrial'], securityLevel: 2, componentType: 'embedded' }],
  };
  const rows = rowsOf(find('gateway/iec-62443-4-2-statement', documentsOf(industrial)), /up to SL 2/);
  const ids = rows.map(([id]) => id ?? '');
  assert.ok(ids.includes('EDR 3.14') && ids.includes('CR 1.1') && ids.includes('CCSC 1'));
  assert.ok(!ids.some((id) => /^(?:HDR|NDR|SAR) /.test(id)) && !ids.includes('CR 2.7'));
  assert.match(rows.find(([id]) => id === 'EDR 3.10')?.[2] ?? '', /^SL 1; RE1 from SL 2 \(asked for\)$/);
});

test('a refusal shows the mitigations that its check stands for, and no others', () => {
  const rows = rowsOf(find('gateway/threat-model'), /From mitigation/);
  const newest = (id: string): string =>
    rows.find(([one, , kind]) => one === id && /verify-reject/.test(kind ?? ''))?.[3] ?? '';
  assert.match(newest('REQ.SEC.IMG.COMPLETE_DIGEST'), /AGENT_PAYLOAD_DIGEST_MISMATCH.*test-ledger #4/);
  for (const id of ['REQ.SEC.COMPATIBLE', 'REQ.SEC.AUTH.PRECURSOR', 'REQ.SEC.EXP', 'REQ.SEC.AUTH.REMOTE_LOC'])
    assert.equal(newest(id), 'none', id);
  const standing = rowsOf(find('gateway/threat-model'), /Threats to updates/);
  assert.equal(standing.find(([id]) => id === 'THREAT.UPD.WRONG_PRECURSOR')?.[3], 'open');
});

test('every tested or observed word in a table names a statement that the ledger has', () => {
  const places = new Set(EVIDENCE.map(({ place }) => (place === undefined ? '' : `${place.origin} #${place.index}`)));
  let seen = 0;
  for (const document of ALL) {
    for (const { rows } of tablesOf(document)) {
      for (const [, place] of rows
        .flat()
        .join('\n')
        .matchAll(/\((?:tested|observed), [^,]+, ([^)]+)\)/g)) {
        seen += 1;
        assert.ok(places.has(place ?? ''), `${document.name}: ${place ?? ''}`);
      }
    }
  }
  assert.ok(seen > 20);
});

test('answers to points, threats and columns that are not there are refused, and a stray model by its line', () => {
  const swap = (from: string, to: string): string => SOURCE.replace(from, to);
  for (const [from, to, at] of [
    ['to: [EU-CRA AII.8.a]', 'to: [EU-CRA AII.8.x]', 'papers.answers.2.to'],
    ['to: [ARCHITECTURE 2]', 'to: [ARCHITECTURE 22]', 'papers.answers.8.to'],
    ['Brute Force Prevention:', 'Brute Force:', 'papers.ixit.0'],
    ['requirement: EN-18031 SUM-2', 'requirement: EN-18031 SUM-9', 'papers.trees.0.requirement'],
    ['THREAT.IMG.EXTRA,', 'THREAT.IMG.OTHER,', 'papers.risks.0.threats'],
  ] as const) {
    assert.ok(SOURCE.includes(from), from);
    const product = parseProductYaml(swap(from, to), 'hearth.yaml');
    assert.throws(
      () => documentsOf(product),
      (error: unknown) => (error as { details: { at: string } }).details.at === at,
      from,
    );
  }
  assert.throws(
    () => parseProductYaml(swap('    - models: [gateway]\n', '    - models: [toaster]\n'), 'hearth.yaml'),
    (error: unknown) => {
      const { details } = error as { details: { line: number; at: string } };
      const line = SOURCE.split('\n').findIndex((one) => one.startsWith('    - models: [gateway]')) + 1;
      return details.at === 'papers.declarations.0.models.0' && details.line === line;
    },
  );
});
