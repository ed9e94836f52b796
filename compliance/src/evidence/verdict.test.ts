/** Attestation as evidence: what the device signed is verified and judged anew; the server's word alone shows nothing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toHex } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import { TestLedger } from '../../test/ledger.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { gapMatrix } from '../gap/index.ts';
import { parseProductYaml } from '../product/index.ts';
import { Evidence } from './index.ts';

const PRODUCT = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
const AT = '2026-11-21T10:00:00.000Z';
const IMAGE = sha256(Uint8Array.of(1));
const CLAIMS = { version: '2.0.0', imageDigest: IMAGE, sequenceNumber: 7n, securityFloor: 3n };
const STATED = {
  version: '2.0.0',
  line: 'hearth',
  release: { imageSha256: toHex(IMAGE), sequenceNumber: '7', securityCounter: '3' },
  verdict: 'affirming',
  reasons: [],
  at: AT,
};

async function shown(
  claims: Partial<typeof CLAIMS>,
  stated: object = {},
  by?: PrivateKey,
  device = 'gw-1',
): Promise<Evidence[]> {
  const ledger = new TestLedger();
  await ledger.enrol('gw-1', 'gateway', 'hearth', AT);
  await ledger.enrol('alien-1', 'gateway', 'other-line', AT);
  await ledger.attest(device, { ...CLAIMS, ...claims }, { ...STATED, ...stated }, by);
  return Evidence.fromBundle(await ledger.bundle(), PRODUCT);
}

test('an affirmed attestation is an observed attestation report of the model, and says that software measured', async () => {
  const [one, ...more] = await shown({});
  assert.equal(more.length, 0);
  assert.deepEqual(
    [one?.facts.kind, one?.grade, one?.facts.models, one?.facts.issuer],
    ['attestation-report', 'observed', ['gateway'], 'device/gw-1'],
  );
  assert.equal(one?.facts.title, 'a device attested that it runs 2.0.0, as its software measured it');
});

test('one that speaks against the device is shown with its reasons', async () => {
  const [one] = await shown({ imageDigest: sha256(Uint8Array.of(2)) }, { verdict: 'contraindicated' });
  assert.match(one?.facts.title ?? '', /attested something else \(ATTEST_DIGEST_DIFFERS\)/);
});

test('a verdict that does not follow from what the device signed shows nothing', async () => {
  const TABLE: readonly (readonly [string, Promise<Evidence[]>])[] = [
    ['another image', shown({ imageDigest: sha256(Uint8Array.of(2)) })],
    ['an older release', shown({ version: '1.0.0', sequenceNumber: 6n })],
    ['a floor that is too low', shown({ securityFloor: 2n })],
    ['contraindicated without a reason', shown({}, { verdict: 'contraindicated' })],
    ['a key that is not the device’s', shown({}, {}, PrivateKey.generate('ESP256'))],
    ['no evidence', shown({}, { evidence: '' })],
    ['no base64', shown({}, { evidence: '*' })],
    ['no reference value', shown({}, { release: {} })],
    ['a number that is none', shown({}, { release: { ...STATED.release, sequenceNumber: 'x' } })],
    ['another verdict', shown({}, { verdict: 'warning' })],
    ['another line', shown({}, {}, undefined, 'alien-1')],
  ];
  for (const [name, evidence] of TABLE) assert.deepEqual(await evidence, [], name);
});

test('it counts where the catalogues want an attestation report, for its model only', async () => {
  const evidence = await shown({});
  const library = loadCatalogues();
  const cells = gapMatrix({ library, product: PRODUCT, evidence, waivers: [], on: '2027-12-11' });
  const proven = cells.filter(({ kinds }) =>
    kinds.some(({ kind, proof }) => kind === 'attestation-report' && proof !== undefined),
  );
  assert.ok(proven.some(({ entry }) => entry.reference.includes('REQ.SEC.REPORTING')));
  assert.deepEqual([...new Set(proven.map(({ model }) => model))], ['gateway']);
});
