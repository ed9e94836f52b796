import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { TestLedger } from '../../test/ledger.ts';
import { componentDefinition } from '../../test/oscal-rules.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { type Records, recordsOf } from '../document/index.ts';
import { Evidence } from '../evidence/index.ts';
import { type Product, parseProductYaml } from '../product/index.ts';
import { renderAttestation } from './cyclonedx.ts';
import { uuidOf } from './machine.ts';
import { renderOscal } from './oscal.ts';

const AT = '2026-11-21T10:00:00.000Z';
const HEARTH = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
const HOSTILE = `"><script>\u202E\u0000\n[x](javascript:y) {{a}}`;
const [GATEWAY, ...REST] = HEARTH.models;
assert.ok(GATEWAY !== undefined);
const PRODUCTS: readonly Product[] = [
  HEARTH,
  {
    ...HEARTH,
    name: HOSTILE,
    purpose: ' ',
    manufacturer: { ...HEARTH.manufacturer, name: HOSTILE },
    models: [{ ...GATEWAY, name: HOSTILE, brand: HOSTILE }, ...REST],
  },
];

describe('what machines read', () => {
  let all: Records[];
  before(async () => {
    const ledger = new TestLedger();
    await ledger.enrol('gw-1', 'gateway', 'hearth', AT);
    await ledger.record('urn:pawl:release:1', 'release/hearth/2.0.0', { line: 'hearth', version: '2.0.0', at: AT });
    await ledger.report('gw-1', { version: HOSTILE, state: 'confirmed', at: AT });
    await ledger.report('gw-1', { version: '2.1.0', state: 'reverted', code: 'AGENT_BOOT_FAILED', at: AT });
    const bundle = await ledger.bundle();
    const library = loadCatalogues();
    all = PRODUCTS.map((product) =>
      recordsOf({ library, product, evidence: Evidence.fromBundle(bundle, product), waivers: [], on: '2028-02-29' }),
    );
  });

  test('the OSCAL component definition keeps the rules of its model, every identifier once, every reference found', () => {
    for (const records of all) {
      const { 'component-definition': definition } = componentDefinition.parse(JSON.parse(renderOscal(records)));
      const implementations = definition.components.flatMap((one) => one['control-implementations'] ?? []);
      const resources = new Set(definition['back-matter'].resources.map(({ uuid }) => `#${uuid}`));
      assert.ok(implementations.length > 0 && implementations.every(({ source }) => resources.has(source)));
      const ids = [
        definition.uuid,
        ...definition.metadata.parties.map(({ uuid }) => uuid),
        ...definition['back-matter'].resources.map(({ uuid }) => uuid),
        ...definition.components.map(({ uuid }) => uuid),
        ...implementations.flatMap((one) => [one.uuid, ...one['implemented-requirements'].map(({ uuid }) => uuid)]),
      ];
      assert.equal(new Set(ids).size, ids.length);
    }
  });

  test('OSCAL says implemented of nothing that is open, not applicable or only reported, and leaves no requirement out', () => {
    for (const records of all) {
      const { 'component-definition': definition } = componentDefinition.parse(JSON.parse(renderOscal(records)));
      for (const [at, { props, ...component }] of definition.components.entries()) {
        const model = records.product.models[at];
        const value = (own: typeof props, name: string): string | undefined =>
          own.find((one) => one.name === name)?.value;
        const said = new Map<string, string>();
        for (const { 'implemented-requirements': requirements } of component['control-implementations'] ?? [])
          for (const one of requirements) {
            const state = value(one.props, 'state') ?? '';
            assert.ok(one.props.some(({ name }) => name === 'evidence'));
            said.set(value(one.props, 'reference') ?? '', state);
          }
        for (const { name, value: reference } of props)
          if (['open', 'not-applicable', 'watch'].includes(name)) said.set(reference, name === 'open' ? 'gap' : name);
        const cells = records.cells.filter((one) => one.model === model?.id);
        assert.deepEqual(said, new Map(cells.map(({ entry, state }) => [entry.reference, state])));
      }
    }
  });

  test('CycloneDX attestations pass the strict validator of CycloneDX, and every reference is found', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    for (const records of all) {
      const [model] = records.product.models;
      assert.ok(model !== undefined);
      const text = renderAttestation(records, model);
      assert.equal(await validator.validate(text), null);
      assert.notEqual(await validator.validate(text.replace('"reasoning"', '"reason"')), null);
      const refs: string[] = [];
      JSON.parse(text, (key, value: unknown) => {
        if (key === 'bom-ref' && typeof value === 'string') refs.push(value);
        return value;
      });
      const known = new Set(refs);
      assert.equal(known.size, refs.length);
      const { declarations } = JSON.parse(text) as {
        declarations: {
          attestations: { map: { requirement: string; claims: string[]; counterClaims: string[] }[] }[];
          claims: { 'bom-ref': string; evidence?: string[] }[];
          evidence: { description: string; data: { contents: { attachment: { content: string } } }[] }[];
        };
      };
      for (const { requirement, claims, counterClaims } of declarations.attestations.flatMap(({ map }) => map))
        for (const ref of [requirement, ...claims, ...counterClaims]) assert.ok(known.has(ref), ref);
      for (const one of declarations.claims) for (const ref of one.evidence ?? []) assert.ok(known.has(ref), ref);
      assert.ok(
        declarations.evidence.every(({ data }) =>
          /^test-ledger #\d+$/.test(data[0]?.contents.attachment.content ?? ''),
        ),
      );
      assert.ok(!text.includes('requirement:REPORTED'));
    }
  });

  test('equal records give equal bytes, and no hostile mark gets through', () => {
    for (const records of all) {
      assert.equal(renderOscal(records), renderOscal(records));
      const text = renderOscal(records);
      assert.doesNotMatch(text, /\u202E|\\u0000|\\n/);
      JSON.parse(text, (key, value: unknown) => {
        if (['title', 'description', 'remarks'].includes(key)) assert.doesNotMatch(String(value), /(?<!\\)[<[{]/);
        return value;
      });
    }
  });
});

test('names become version 5 UUIDs of the URL namespace (RFC 9562 §5.5)', () => {
  // The same by Python: uuid.uuid5(uuid.NAMESPACE_URL, 'urn:pawl:paper:hearth/gateway%2F1')
  assert.equal(uuidOf('hearth', 'gateway/1'), '4a672cb6-930d-51bd-b290-816705427eaf');
});
