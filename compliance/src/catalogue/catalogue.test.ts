import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import {
  applicationOf,
  type Catalogue,
  CatalogueLibrary,
  compareEditions,
  EVIDENCE_KINDS,
  isApplicableOn,
  loadCatalogues,
  outOfScope,
  parseCatalogue,
  parseCrosswalk,
  SOURCE_STATUSES,
  VERIFICATIONS,
} from './index.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const textOf = (name: string): string => readFileSync(`${ROOT}catalogues/${name}`, 'utf8');
const mission = (name: string): unknown => JSON.parse(readFileSync(`${ROOT}data/${name}`, 'utf8')) as unknown;

test('every catalogue of the product loads, and names its edition, source and status', () => {
  const library = loadCatalogues();
  const files = readdirSync(`${ROOT}catalogues`).filter((name) => name.endsWith('.json'));
  assert.equal(library.catalogues.length, files.length);
  assert.deepEqual(
    files.toSorted(),
    library.catalogues.map(({ catalogue }) => `${catalogue.toLowerCase()}.json`).toSorted(),
  );
  for (const { catalogue, requirement } of library.entries()) {
    assert.ok(catalogue.edition.length > 0);
    assert.ok(requirement.source.ref.length > 0, requirement.id);
  }
});

test('the words of the schema are those of the vocabulary that people read', () => {
  const words = mission('vocabulary.json') as Record<string, Record<string, string>>;
  assert.deepEqual(new Set(EVIDENCE_KINDS), new Set(Object.keys(words['evidenceKinds'] ?? {})));
  assert.deepEqual(new Set(SOURCE_STATUSES), new Set(Object.keys(words['sourceStatus'] ?? {})));
  assert.deepEqual(new Set(VERIFICATIONS), new Set(Object.keys(words['verification'] ?? {})));
});

test('the law is law: Annex I of the CRA has its 13 + 1 product properties and 8 duties of handling', () => {
  const { catalogues } = loadCatalogues();
  const cra = catalogues.find(({ catalogue }) => catalogue === 'EU-CRA');
  const ids = cra?.requirements.map(({ id }) => id) ?? [];
  const points = (prefix: string, names: string): string[] => names.split('').map((name) => `${prefix}${name}`);
  for (const id of ['I.1', ...points('I.2.', 'abcdefghijklm'), ...points('II.', '12345678')]) {
    assert.ok(ids.includes(id), id);
  }
});

test('every item of the mission that names a feature names one that there is', () => {
  const { features } = mission('features.json') as { features: { id: string }[] };
  const { items } = mission('mission.json') as { items: { id: string; features: string[] }[] };
  const known = new Set(features.map(({ id }) => id));
  assert.equal(items.length, 186);
  for (const item of items)
    assert.ok(
      item.features.every((id) => known.has(id)),
      item.id,
    );
});

test('watch items name real counterparts that exist, and are told apart from what counts', () => {
  const library = loadCatalogues();
  const watched = [...library.entries()].filter(({ isWatchItem }) => isWatchItem);
  assert.ok(watched.length > 0);
  for (const { catalogue, requirement } of watched) {
    assert.equal(catalogue.catalogue, 'REPORTED');
    for (const reference of requirement.realCounterparts ?? []) {
      assert.equal(library.find(reference)?.isWatchItem, false, reference);
    }
  }
  const counted = [...library.entries()].filter(({ isWatchItem }) => !isWatchItem);
  assert.ok(counted.every(({ requirement }) => !requirement.source.status.startsWith('reported-')));
});

const small = (): Catalogue => ({
  catalogue: 'TEST',
  title: 'A catalogue',
  edition: '1',
  status: 'in a test',
  retrieved: '2026-11-21',
  scope: {},
  application: [{ from: null, source: 'none', verification: 'none' }],
  notes: [],
  changeLog: [{ date: '2026-11-21', change: 'made' }],
  requirements: [
    {
      id: 'A-1',
      title: 'Do it',
      obligation: 'mandatory',
      appliesTo: 'product',
      evidenceKinds: ['test-report'],
      source: { name: 'a text', ref: 'its place', status: 'guidance' },
      verification: 'primary',
      relevance: 'core',
    },
  ],
});

/** The catalogue with the member at a path set, or taken away when `value` is undefined. */
function changed(path: readonly (string | number)[], value: unknown): string {
  const root = small() as unknown as Record<string | number, unknown>;
  let place = root;
  for (const step of path.slice(0, -1)) place = place[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete place[last];
  else place[last] = value;
  return JSON.stringify(root);
}

test('an entry without its source, status, verification or evidence does not load', () => {
  assert.equal(parseCatalogue(JSON.stringify(small()), 'x.json').requirements.length, 1);
  const table: readonly (readonly [readonly (string | number)[], unknown, string])[] = [
    [['requirements', 0, 'source'], undefined, 'requirements.0.source'],
    [['requirements', 0, 'source', 'status'], undefined, 'requirements.0.source.status'],
    [['requirements', 0, 'source', 'status'], 'law', 'requirements.0.source.status'],
    [['requirements', 0, 'source', 'ref'], ' ', 'requirements.0.source.ref'],
    [['requirements', 0, 'verification'], undefined, 'requirements.0.verification'],
    [['requirements', 0, 'evidenceKinds'], [], 'requirements.0.evidenceKinds'],
    [['requirements', 0, 'evidenceKinds', 0], 'hearsay', 'requirements.0.evidenceKinds.0'],
    [['requirements', 0, 'more'], 1, 'requirements.0'],
    [['requirements', 0, 'source', 'status'], 'reported-unverified', 'requirements'],
    [['requirements', 0, 'icsStatus'], 'M F', 'requirements.0.icsStatus'],
    [['requirements'], [], 'requirements'],
    [['edition'], undefined, 'edition'],
    [['changeLog'], [], 'changeLog'],
    [['application', 0, 'from'], '2026-02-30', 'application.0.from'],
  ];
  for (const [path, value, at] of table) {
    assert.throws(
      () => parseCatalogue(changed(path, value), 'x.json'),
      (error: { code?: string; details?: { at?: string } }) =>
        error.code === 'CATALOGUE_INVALID' && error.details?.at === at,
      `${path.join('.')} = ${JSON.stringify(value)}`,
    );
  }
  assert.throws(() => parseCatalogue('{', 'x.json'), { code: 'CATALOGUE_INVALID' });
  const twice = small();
  twice.requirements.push(...small().requirements);
  assert.throws(() => parseCatalogue(JSON.stringify(twice), 'x.json'), { code: 'CATALOGUE_INVALID' });
  assert.throws(() => new CatalogueLibrary([small(), small()], []), { code: 'CATALOGUE_INVALID' });
});

test('a crosswalk or a watch item that points at nothing is refused', () => {
  const topic = { topic: 't', features: [], evidenceKinds: [], requirements: ['TEST A-2'], sourceItems: [] };
  assert.throws(() => new CatalogueLibrary([small()], [topic]), { code: 'CATALOGUE_REFERENCE_UNKNOWN' });
  assert.throws(() => parseCrosswalk(JSON.stringify({ topics: [{ ...topic, requirements: [] }] }), 'c.json'), {
    code: 'CATALOGUE_INVALID',
  });
  assert.throws(() => parseCrosswalk('[', 'c.json'), { code: 'CATALOGUE_INVALID' });
  const library = new CatalogueLibrary([small()], [{ ...topic, requirements: ['TEST A-1'] }]);
  assert.deepEqual(
    library.topicsOf('TEST A-1').map((one) => one.topic),
    ['t'],
  );
});

test('the reporting duty of the CRA applies since September 2026, the rest from December 2027', () => {
  const cra = parseCatalogue(textOf('eu-cra.json'), 'eu-cra.json');
  const applies = (id: string, day: string): boolean => isApplicableOn(applicationOf(cra, id), day);
  assert.equal(applies('14.1', '2026-09-10'), false);
  assert.equal(applies('14.1', '2026-09-11'), true);
  assert.equal(applies('I.2.f', '2027-12-10'), false);
  assert.equal(applies('I.2.f', '2027-12-11'), true);
  const red = parseCatalogue(textOf('en-18031.json'), 'en-18031.json');
  assert.equal(isApplicableOn(applicationOf(red, 'ACM-1'), '2027-12-10'), true);
  assert.equal(isApplicableOn(applicationOf(red, 'ACM-1'), '2027-12-11'), false);
});

test('a catalogue is about the products of its markets, radios and uses only', () => {
  const catalogue = { ...small(), scope: { markets: ['EU'], needsRadio: true, uses: ['consumer' as const] } };
  const product = { markets: ['EU', 'US'], hasRadio: true, uses: ['consumer' as const] };
  assert.equal(outOfScope(catalogue, product), undefined);
  assert.equal(outOfScope(catalogue, { ...product, markets: ['US'] }), 'not sold in EU');
  assert.equal(outOfScope(catalogue, { ...product, hasRadio: false }), 'has no radio');
  assert.equal(outOfScope(catalogue, { ...product, uses: [] }), 'not for consumer use');
});

test('comparing editions finds what was added, removed and changed, and nothing else', () => {
  const before = parseCatalogue(textOf('en-18031.json'), 'en-18031.json');
  assert.deepEqual(compareEditions(before, structuredClone(before)), []);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(before.requirements.length - 1), { maxLength: 10 }),
      fc.uniqueArray(fc.nat(before.requirements.length - 1), { maxLength: 10 }),
      fc.boolean(),
      (removed, edited, isStatus) => {
        const after = structuredClone(before);
        for (const at of edited) {
          const one = after.requirements[at];
          if (one === undefined) continue;
          if (isStatus) one.source.status = 'standard-draft';
          else one.title = `${one.title} (new)`;
        }
        after.requirements = after.requirements.filter((_, at) => !removed.includes(at));
        after.requirements.push({ ...small().requirements[0]!, id: 'NEW-1' });
        const changes = compareEditions(before, after);
        const idsOf = (kind: string): string[] =>
          changes
            .filter((one) => one.kind === kind)
            .map(({ id }) => id)
            .toSorted();
        const idAt = (at: number): string => before.requirements[at]?.id ?? '';
        assert.deepEqual(idsOf('added'), ['NEW-1']);
        assert.deepEqual(idsOf('removed'), removed.map(idAt).toSorted());
        assert.deepEqual(
          idsOf('changed'),
          edited
            .filter((at) => !removed.includes(at))
            .map(idAt)
            .toSorted(),
        );
        for (const change of changes.filter(({ kind }) => kind === 'changed')) {
          assert.deepEqual(change.fields, [isStatus ? 'source' : 'title']);
          assert.equal(change.isStatusChange, isStatus);
        }
      },
    ),
  );
  assert.throws(() => compareEditions(before, small()), { code: 'CATALOGUE_UNLIKE' });
});
