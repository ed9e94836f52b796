import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEqualBytes, utf8 } from '../bytes/index.ts';
import { type CborValue, encodeCbor } from '../cbor/index.ts';
import { signSign1, verifySign1 } from '../cose/index.ts';
import { sha256 } from '../crypto/index.ts';
import {
  CLASS_ID,
  commands,
  IMAGE,
  type Item,
  imageDigest,
  KEY,
  MemoryPlatform,
  manifest,
  map,
  VENDOR_ID,
  verified,
} from './fixture.test.ts';
import { SuitRecorder } from './recorder.ts';
import { buildReport, encodeReport, parseReport, REPORT_MEDIA_TYPE, type SuitReport, verifyReport } from './report.ts';
import { runSection } from './run.ts';
import { type VerifiedManifest } from './verified-manifest.ts';

const INSTALL: Item[] = [20, map({ 3: imageDigest(IMAGE), 14: IMAGE.length, 18: IMAGE }), 18, 2, 3, 15];
const REFERENCE = 'https://example.com/manifest';

async function subject(...install: Item[]): Promise<VerifiedManifest> {
  return await verified(manifest({ elements: { 4: REFERENCE, 20: commands(...install) } }));
}

type Ran = { readonly report: SuitReport; readonly failure: unknown };

async function run(manifestToRun: VerifiedManifest, platform = new MemoryPlatform()): Promise<Ran> {
  const recorder = new SuitRecorder();
  let failure: unknown;
  try {
    await runSection(manifestToRun, 'install', platform, { recorder });
  } catch (error) {
    failure = error;
  }
  return { report: buildReport(manifestToRun, recorder, { failure, nonce: utf8('nonce') }), failure };
}

/** The byte at an offset of the install section: it must be the code of the command that the record speaks of. */
function codeAt(install: readonly Item[], offset: number): number | undefined {
  return commands(...install)[offset];
}

test('a run that went well reports what its policies ask for, at the commands that asked', async () => {
  const manifestToRun = await subject(...INSTALL);
  const { report } = await run(manifestToRun);
  assert.equal(report.result, true);
  assert.equal(report.manifestUri, REFERENCE);
  const records = report.records.filter((entry) => 'path' in entry);
  const claims = report.records.filter((entry) => 'componentId' in entry);
  // Vendor and class in common (policy 15), then the image (15); the write (2) asks for failures only.
  assert.deepEqual(
    records.map(({ section, componentIndex, path }) => [section, componentIndex, path]),
    [
      [3, 0, []],
      [3, 0, []],
      [20, 0, []],
    ],
  );
  assert.equal(codeAt(INSTALL, records[2]!.offset), 3);
  assert.ok(isEqualBytes(records[2]!.properties.imageDigest!.bytes, sha256(IMAGE)));
  assert.equal(records[2]!.properties.imageSizeBytes, IMAGE.length);
  assert.deepEqual(
    claims.map(({ properties }) => properties.vendorId ?? properties.classId),
    [VENDOR_ID, CLASS_ID, undefined],
  );
  verifyReport(report, manifestToRun);
});

test('a run that failed says where, why, and what was measured there', async () => {
  const wrong: Item[] = [20, map({ 3: imageDigest(utf8('other')), 18: IMAGE }), 18, 2, 3, 2, 14, 15];
  const manifestToRun = await subject(...wrong);
  const { report } = await run(manifestToRun);
  assert.ok(report.result !== true);
  assert.equal(report.result.reason, 'condition-failed');
  assert.equal(codeAt(wrong, report.result.record.offset), 3);
  assert.ok(isEqualBytes(report.result.record.properties.imageDigest!.bytes, sha256(IMAGE)));
  verifyReport(report, manifestToRun);
});

test('a directive that fails, and a manifest that never ran, have their reasons', async () => {
  const broken = await run(await subject(20, map({ 21: 'absent' }), 21, 2));
  assert.ok(broken.report.result !== true);
  assert.equal(broken.report.result.reason, 'operation-failed');
  assert.equal(broken.report.result.record.section, 20);
  const platform = new MemoryPlatform();
  platform.unsupported.add('a');
  const manifestToRun = await subject(...INSTALL);
  const never = await run(manifestToRun, platform);
  assert.ok(never.report.result !== true);
  assert.equal(never.report.result.reason, 'component-unsupported');
  assert.deepEqual(never.report.records, []);
  verifyReport(never.report, manifestToRun);
});

test('commands inside branches are found by their offset in the whole section', async () => {
  const branch = commands(20, map({ 5: 7 }), 5, 15);
  const nested: Item[] = [
    15,
    [branch, commands(20, map({ 5: 0 }), 5, 15)],
    32,
    commands(20, map({ 24: VENDOR_ID }), 24, 2),
  ];
  const manifestToRun = await subject(...nested);
  const { report } = await run(manifestToRun);
  const sections = report.records.filter((entry) => 'path' in entry && entry.section === 20);
  const codes = sections.map((entry) => ('path' in entry ? codeAt(nested, entry.offset) : undefined));
  assert.deepEqual(codes, [5, 5, 24]);
  verifyReport(report, manifestToRun);
});

test('a report is written and read again, and travels signed', async () => {
  for (const install of [INSTALL, [20, map({ 21: 'absent' }), 21, 2], [14, 15]] as Item[][]) {
    const { report } = await run(await subject(...install));
    const bytes = encodeReport(report);
    assert.deepEqual(parseReport(bytes), report);
    const signed = await signSign1({ payload: bytes, contentType: REPORT_MEDIA_TYPE }, KEY);
    const { payload, contentType } = verifySign1(signed, { keys: [KEY.publicKey] });
    assert.deepEqual([parseReport(payload).result, contentType], [report.result, REPORT_MEDIA_TYPE]);
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => parseReport(bytes.subarray(0, length)), { code: 'SUIT_REPORT_MALFORMED' });
    }
  }
});

test('a report that does not belong to the manifest is refused', async () => {
  const manifestToRun = await subject(...INSTALL);
  const { report } = await run(manifestToRun);
  const [record] = report.records;
  assert.ok(record !== undefined && 'path' in record);
  const cases: readonly SuitReport[] = [
    { ...report, manifestDigest: { algorithm: -16, bytes: new Uint8Array(32) } },
    { ...report, manifestUri: 'https://example.com/other' },
    { ...report, records: [{ ...record, section: 8 }] },
    // A byte in the middle of a command, and a directive without a reporting policy.
    { ...report, records: [{ ...record, section: 20, offset: 1 }] },
    { ...report, records: [{ ...record, section: 20, offset: 0 }] },
    { ...report, records: [{ ...record, componentIndex: 1 }] },
    { ...report, result: { code: 0, reason: 'condition-failed', record: { ...record, offset: 999 } } },
  ];
  for (const each of cases) assert.throws(() => verifyReport(each, manifestToRun), { code: 'SUIT_REPORT_MISMATCH' });
  // What a dependency did is judged with its own manifest.
  verifyReport({ ...report, records: [{ ...record, path: [0], section: 8 }] }, manifestToRun);
});

test('a directive that asks for no record has none, but may be where it ended', async () => {
  const silent: Item[] = [20, map({ 21: 'absent' }), 21, 0];
  const manifestToRun = await subject(...silent);
  const { report } = await run(manifestToRun);
  verifyReport(report, manifestToRun);
  assert.ok(report.result !== true);
  const { record } = report.result;
  assert.equal(codeAt(silent, record.offset), 21);
  const invented = { ...report, records: [record], result: true } as const;
  assert.throws(() => verifyReport(invented, manifestToRun), { code: 'SUIT_REPORT_MISMATCH' });
});

const DIGEST: CborValue = [-16, new Uint8Array(32)];
const reportOf = (change: Readonly<Record<number, Item>>): Uint8Array => {
  const elements = map({ 99: ['', DIGEST], 3: [], 4: true, ...change });
  for (const [key, value] of elements) if (value === undefined) elements.delete(key);
  return encodeCbor(elements);
};
const RECORD: Item = [[], 20, 0, 0, map({})];

const REFUSED: readonly (readonly [string, Readonly<Record<number, Item>>])[] = [
  ['without a reference', { 99: undefined }],
  ['with an element of no report', { 50: 1 }],
  ['with a result that is no result', { 4: false }],
  ['with an unknown reason', { 4: map({ 5: 0, 6: RECORD, 7: 99 }) }],
  ['with more in its result', { 4: map({ 5: 0, 6: RECORD, 7: 1, 8: 1 }) }],
  ['with a record that is cut', { 3: [[[], 20, 0, 0]] }],
  ['with a claim about nothing', { 3: [map({ 0: [utf8('a')] })] }],
  ['with a path deeper than any tree', { 3: [[[0, 0, 0, 0, 0], 20, 0, 0, map({})]] }],
  ['with a nonce that is too long', { 2: new Uint8Array(65) }],
  ['with an offset beyond every manifest', { 3: [[[], 20, 1e9, 0, map({})]] }],
  ['with too many records', { 3: Array.from({ length: 513 }, () => RECORD) }],
];

for (const [what, change] of REFUSED) {
  test(`refuses a report ${what}`, () => {
    assert.throws(() => parseReport(reportOf(change)), { code: 'SUIT_REPORT_MALFORMED' });
  });
}

test('refuses a report about parameters and digests that are not known', () => {
  const unknown = reportOf({ 3: [[[], 20, 0, 0, map({ 99: 1 })]] });
  assert.throws(() => parseReport(unknown), { code: 'SUIT_PARAMETER_UNSUPPORTED' });
  assert.throws(() => parseReport(reportOf({ 99: ['', [-17, new Uint8Array(32)]] })), {
    code: 'SUIT_DIGEST_UNSUPPORTED',
  });
});
