/** The evidence vault over the API: what is taken in, at most as what, what is refused, and that nothing is lost. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Evidence } from '@pawl/compliance/evidence';
import { parseProductYaml } from '@pawl/compliance/product';
import type { EvidenceRecord, NewEvidence } from '@pawl/contract/management';
import { verifyBundle } from '@pawl/core/evidence';
import { RETENTION } from '../src/domain/retention.ts';
import { collectObjects } from '../src/jobs/objects.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { exchange } from './raw-http.ts';

const PDF = Buffer.from('%PDF-1.7\nwhat the test house found\n%%EOF\n');
const DAY_MS = 86_400_000;
const AT_MS = Date.parse('2026-11-21T10:00:00.000Z');
const PRODUCT = parseProductYaml(
  readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
let nowMs = AT_MS;
let server: FaultServer;

before(async () => {
  server = await startFaultServer(undefined, undefined, () => new Date(nowMs));
});
after(() => server.close());

const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function upload(bytes: Uint8Array): Promise<string> {
  const sha256 = shaOf(bytes);
  const sizeBytes = bytes.length;
  await server.operator.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body: bytes, sizeBytes });
  return sha256;
}

const file = (sha256: string): NewEvidence['file'] => ({ name: 'report.pdf', mediaType: 'application/pdf', sha256 });

function report(sha256: string): NewEvidence {
  return {
    product: 'hearth',
    models: ['gateway'],
    kind: 'lab-report',
    title: 'Test report 4711',
    issuer: 'Test House',
    edition: 'EN 303 645 V3.1.3',
    issuedOn: '2026-10-01',
    validUntil: '2027-10-01',
    file: file(sha256),
  };
}

const add = (body: NewEvidence): Promise<EvidenceRecord> => server.operator.call('addEvidence', { body });

async function shown(): Promise<Evidence[]> {
  const { vkey } = await server.operator.call('getCheckpoint', {});
  return Evidence.fromBundle(verifyBundle(await server.operator.call('exportBundle', {}), { vkey }), PRODUCT);
}

test('a lab report that is taken in is proven by the ledger, comes back byte for byte, and is replaced and withdrawn in words', async () => {
  const sha256 = await upload(PDF);
  const first = await add(report(sha256));
  assert.deepEqual(
    [first.grade, first.shows, first.state, first.file.sizeBytes],
    ['tested', ['test-report'], 'current', PDF.length],
  );
  assert.equal(first.keptUntil, '2037-10-02');
  assert.deepEqual(Buffer.from(await server.operator.call('getEvidenceFile', { params: { id: first.id } })), PDF);
  const [one] = await shown();
  assert.deepEqual(
    [one?.grade, one?.facts.title, one?.facts.models, one?.facts.validUntil],
    ['tested', 'Test report 4711', ['gateway'], '2027-10-01'],
  );
  const second = await add({ ...report(sha256), title: 'Test report 4712', supersedes: first.id });
  const replaced = await server.operator.call('getEvidence', { params: { id: first.id } });
  assert.deepEqual([replaced.state, replaced.supersededBy], ['superseded', second.id]);
  assert.deepEqual(
    (await shown()).map(({ facts }) => [facts.title, facts.validUntil]),
    [
      ['Test report 4711', '2026-11-21'],
      ['Test report 4712', '2027-10-01'],
    ],
  );
  await assert.rejects(add({ ...report(sha256), supersedes: first.id }), { code: 'EVIDENCE_ENDED' });
  const body = { reason: 'the lab recalled it' };
  const ended = await server.operator.call('withdrawEvidence', { params: { id: second.id }, body });
  assert.deepEqual([ended.state, ended.endedReason], ['withdrawn', 'the lab recalled it']);
  await assert.rejects(server.operator.call('withdrawEvidence', { params: { id: second.id }, body }), {
    code: 'EVIDENCE_ENDED',
  });
  assert.deepEqual(
    (await shown()).map(({ facts }) => facts.title),
    ['Test report 4711'],
  );
  const { items } = await server.operator.call('listEvidence', { query: { product: 'hearth', state: 'withdrawn' } });
  assert.deepEqual(
    items.map(({ id }) => id),
    [second.id],
  );
  await assert.rejects(server.operator.call('getEvidence', { params: { id: 9999 } }), { code: 'EVIDENCE_UNKNOWN' });
});

test('a document shows no more than its kind allows, whatever is said of it', async () => {
  const sha256 = await upload(PDF);
  const policy = { ...report(sha256), kind: 'policy' as const };
  assert.equal((await add(policy)).grade, 'claimed');
  assert.equal((await add({ ...report(sha256), grade: 'claimed' })).grade, 'claimed');
  for (const body of [
    { ...policy, grade: 'tested' as const },
    { ...report(sha256), grade: 'observed' as const },
  ]) {
    await assert.rejects(add(body), { code: 'EVIDENCE_GRADE_TOO_HIGH' });
  }
  const { edition: _edition, ...without } = report(sha256);
  await assert.rejects(add(without), { code: 'EVIDENCE_INCOMPLETE' });
  await assert.rejects(add({ ...policy, shows: ['magic'] }), { code: 'EVIDENCE_WORD_UNKNOWN' });
  await assert.rejects(add({ ...policy, requirements: ['EU-CRA I.9.z'] }), { code: 'EVIDENCE_WORD_UNKNOWN' });
});

test('a file that is not there, not what was announced or not of its type is no evidence', async () => {
  await assert.rejects(add(report(shaOf(Buffer.from('never uploaded')))), { code: 'EVIDENCE_FILE_MISSING' });
  const sha256 = shaOf(PDF);
  const other = Buffer.from('something else');
  await assert.rejects(
    server.operator.call('putEvidenceFile', {
      params: { sha256 },
      query: { sizeBytes: other.length },
      body: other,
      sizeBytes: other.length,
    }),
    { code: 'ARTIFACT_MISMATCH' },
  );
  const html = await upload(Buffer.from('<script>alert(1)</script>'));
  await assert.rejects(add(report(html)), { code: 'EVIDENCE_FILE_NOT_OF_TYPE' });
  const binary = await upload(Buffer.from([0x41, 0, 0x42]));
  const text = { ...report(binary), file: { ...file(binary), mediaType: 'text/plain' as const } };
  await assert.rejects(add(text), { code: 'EVIDENCE_FILE_NOT_OF_TYPE' });
});

test('names and titles that could pass for something else are refused', async () => {
  const sha256 = await upload(PDF);
  const names = [
    '',
    '.',
    '..',
    '../report.pdf',
    'a/b',
    'a\\b',
    'a\u0000b',
    'a\nb',
    'a\u202efdp.exe',
    '\ud800',
    'x'.repeat(256),
  ];
  for (const name of names) {
    const body = { ...report(sha256), file: { ...file(sha256), name } };
    await assert.rejects(add(body), { code: 'API_REQUEST_INVALID' }, JSON.stringify(name));
  }
  for (const change of [
    { title: 'a\u202eb' },
    { title: ' ' },
    { issuer: 'a\nb' },
    { issuedOn: '2026-02-30' },
    { validUntil: '2026-09-30' },
  ]) {
    await assert.rejects(
      add({ ...report(sha256), ...change }),
      { code: 'API_REQUEST_INVALID' },
      JSON.stringify(change),
    );
  }
  const body = {
    ...report(sha256),
    title: '<img src=x onerror=alert(1)>',
    file: { ...file(sha256), name: '"><b>.pdf' },
  };
  const { id } = await add(body);
  const { token } = await server.operator.call('createToken', { body: { label: 'raw', role: 'viewer' } });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await exchange(`${server.url}/api/v1/evidence/${id}/file`, { headers });
  assert.deepEqual(
    [answer.headers['content-type'], answer.headers['x-content-type-options']],
    ['application/octet-stream', 'nosniff'],
  );
});

test('files of evidence outlive ten years after the last day on which they count; what was never added goes', async () => {
  const kept = await upload(Buffer.from('%PDF-kept'));
  const dropped = await upload(Buffer.from('%PDF-dropped'));
  const { validUntil: _validUntil, ...body } = report(kept);
  await add({ ...body, validUntil: '2030-01-01' });
  const collect = async (day: string): Promise<string[]> => {
    nowMs = Date.parse(day);
    const gone = await collectObjects(server.ports, RETENTION);
    nowMs += (RETENTION.graceDays + 1) * DAY_MS;
    return [...gone, ...(await collectObjects(server.ports, RETENTION))];
  };
  assert.deepEqual((await collect('2027-01-05')).includes(dropped), true);
  await assert.rejects(add(report(dropped)), { code: 'EVIDENCE_FILE_MISSING' });
  // The other file counted until 2027-10-01, and no document named it after that.
  assert.deepEqual(await collect('2039-12-20'), [shaOf(PDF)]);
  assert.equal(await server.ports.blobs.has(kept), true);
  assert.equal((await collect('2040-02-01')).includes(kept), true);
});
