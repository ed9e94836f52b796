/**
 * Every write of the records behind the papers fails once: before it, undone, and with its answer lost. Whoever asked asks
 * again. No record is without its statement in the ledger and no statement without its record; what was undone is not there,
 * and only what was committed without anybody hearing of it may stand there twice.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ManagementClient } from '@pawl/contract/client';
import { isCodedError } from '@pawl/core/bytes';
import { sql } from 'kysely';
import { settleLedger } from '../src/store/ledger.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { FAULTS, type Fault } from './faulty-database.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const FILE = Buffer.from('%PDF-1.7 proof');
const SHA256 = createHash('sha256').update(FILE).digest('hex');
const AWARE = { track: 'severe-incident', title: 't', awareAt: '2026-02-01T00:00:00Z', isDrill: true } as const;
const SENT = {
  stage: 'early-warning',
  at: '2026-02-01T06:00:00Z',
  sentBy: 'x',
  reference: 'y',
  dossierSha256: SHA256,
} as const;
const QUESTION = { id: 'q', topic: 't', text: 'Is it?', kind: 'yes-no', attachment: false } as const;
const TEMPLATE = { template: 'parts', edition: '1', title: 'Parts', questions: [QUESTION] };
const HOUSE = { id: 'house', name: 'House', country: 'DE', capabilities: ['update-simulation'], editions: [] };
const PINNED = { catalogue: 'ETSI-EN-303-645', edition: 'V3.1.3 (2024-09)', laboratory: 'house' };

/** What was made on the way, by the name of what it is. */
type Made = Record<'waiver' | 'evidence' | 'vulnerability' | 'incident' | 'inquiry' | 'share' | 'plan', number>;
type Act = (client: ManagementClient, made: Made, product: string) => Promise<unknown>;

const ACTS: Readonly<Record<string, Act>> = {
  putProduct: (client, _made, product) => {
    const source = SOURCE.replace('product: hearth', `product: ${product}`).replace('line: hearth', `line: ${product}`);
    return client.call('putProduct', { params: { product }, body: { source } });
  },
  proposeWaiver: async (client, made, product) => {
    const body = { requirement: 'EU-CRA I.2.f', model: 'sensor', reason: `of ${product}` };
    made.waiver = (await client.call('proposeWaiver', { params: { product }, body })).id;
  },
  setMarketGate: (client, _made, product) =>
    client.call('setMarketGate', { params: { product, market: 'EU' }, body: { filter: `name:${product}-*` } }),
  putEvidenceFile: (client) =>
    client.call('putEvidenceFile', {
      params: { sha256: SHA256 },
      query: { sizeBytes: FILE.length },
      body: FILE,
      sizeBytes: FILE.length,
    }),
  addEvidence: async (client, made, product) => {
    const file = { name: 'a.pdf', mediaType: 'application/pdf', sha256: SHA256 } as const;
    const body = { product, kind: 'declaration', title: 't', issuer: 'i', issuedOn: '2026-01-01', file } as const;
    made.evidence = (await client.call('addEvidence', { body })).id;
  },
  withdrawEvidence: (client, made) =>
    client.call('withdrawEvidence', { params: { id: made.evidence }, body: { reason: 'of another product' } }),
  createVulnerability: async (client, made, product) => {
    made.vulnerability = (await client.call('createVulnerability', { body: { title: product, description: 'd' } })).id;
  },
  changeVulnerability: (client, made) =>
    client.call('changeVulnerability', { params: { id: made.vulnerability }, body: { title: 'other' } }),
  openIncident: async (client, made) => {
    made.incident = (await client.call('openIncident', { body: AWARE })).id;
  },
  recordSubmission: (client, made) => client.call('recordSubmission', { params: { id: made.incident }, body: SENT }),
  makeInquiry: async (client, made, product) => {
    const body = { supplier: 'Chip AG', product, parts: ['MCU'], dueOn: '2027-01-01', template: TEMPLATE };
    made.inquiry = (await client.call('makeInquiry', { body })).inquiry.id;
  },
  makeShare: async (client, made, product) => {
    const body = { product, audience: 'Import GmbH', role: 'importer' } as const;
    made.share = (await client.call('makeShare', { body })).share.id;
  },
  revokeShare: (client, made) => client.call('revokeShare', { params: { id: made.share }, body: { reason: 'over' } }),
  importLaboratories: (client) =>
    client.call('importLaboratories', {
      body: { laboratories: [{ ...HOUSE, leadTimeWeeks: 8, source: 'mail', verifiedOn: '2026-01-01' }] },
    }),
  makeTestPlan: async (client, made, product) => {
    const body = { product, models: ['gateway'], doneBy: '2027-09-01', ...PINNED };
    made.plan = (await client.call('makeTestPlan', { body })).id;
  },
};

/** What a second try of something that was done is refused with. */
const DONE = /^(SHARE_ENDED|EVIDENCE_ENDED|REPORTING_ORDER|API_REPEAT_UNANSWERED)$/;
const codeOf = (error: unknown): string => (isCodedError(error) ? error.code : String(error));

/** Runs all acts with the n-th write of each failing; which of them failed. */
async function run(server: FaultServer, product: string, fault?: { kind: Fault; n: number }): Promise<string[]> {
  const { operator, database } = server;
  const made: Made = { waiver: 0, evidence: 0, vulnerability: 0, incident: 0, inquiry: 0, share: 0, plan: 0 };
  const failed: string[] = [];
  for (const [name, act] of Object.entries(ACTS)) {
    if (fault !== undefined) {
      database.arm(fault.kind, fault.n);
      const [end] = await Promise.allSettled([act(operator, made, product)]);
      const hasFired = database.disarm();
      if (end.status === 'fulfilled') continue;
      assert.ok(hasFired, `${name}: ${String(end.reason)}`);
      assert.match(codeOf(end.reason), /^(STORE_UNREACHABLE|API_REPEAT_UNANSWERED)$/, name);
      failed.push(name);
    }
    await act(operator, made, product).catch((error: unknown) => {
      assert.ok(fault?.kind === 'answer-lost' && DONE.test(codeOf(error)), `${name}: ${String(error)}`);
    });
  }
  return failed;
}

/** How often the ledger says each thing since an entry, and how many rows the records have. */
async function count({ database }: FaultServer, tables: readonly Table[]) {
  await settleLedger(database);
  const said: Record<string, number> = {};
  for (const { envelope, predicate_type } of await database.read.selectFrom('ledger_entry').selectAll().execute()) {
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: { act?: string } };
    const word = `${predicate_type} ${predicate.act ?? ''}`;
    said[word] = (said[word] ?? 0) + 1;
  }
  const rows: Record<string, number> = {};
  for (const table of tables) {
    const found = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(database.read);
    rows[table] = Number(found.rows[0]?.n);
  }
  return { said, rows };
}

const TABLES = [
  'product_record',
  'waiver',
  'evidence',
  'vulnerability',
  'incident',
  'inquiry',
  'share',
  'test_plan',
] as const;
type Table = (typeof TABLES)[number];
type Counts = Awaited<ReturnType<typeof count>>;

function grown(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  const all = Object.entries(after).map(([name, n]) => [name, n - (before[name] ?? 0)] as const);
  return Object.fromEntries(all.filter(([, n]) => n !== 0));
}

test('no record without its statement and no statement without its record, whichever write fails', async (t) => {
  const server = await startFaultServer(undefined);
  t.after(() => server.close());
  const step = async (product: string, fault?: { kind: Fault; n: number }) => {
    const before: Counts = await count(server, TABLES);
    const failed = await run(server, product, fault);
    const after = await count(server, TABLES);
    return { failed, said: grown(before.said, after.said), rows: grown(before.rows, after.rows) };
  };
  const plain = await step('p-plain');
  assert.deepEqual(Object.keys(plain.rows).toSorted(), [...TABLES].toSorted());
  for (const kind of FAULTS) {
    let isMore = true;
    for (let n = 0; isMore; n += 1) {
      const told = await step(`p-${kind}-${n}`, { kind, n });
      isMore = told.failed.length > 0;
      if (n === 0) assert.ok(told.failed.length >= Object.keys(ACTS).length - 2, told.failed.join(' '));
      if (kind !== 'answer-lost') {
        assert.deepEqual([told.said, told.rows], [plain.said, plain.rows], `${kind} ${n}`);
        continue;
      }
      for (const [word, n1] of Object.entries(plain.said)) {
        const times = told.said[word] ?? 0;
        assert.ok(times >= n1 && times <= 2 * n1, `${word}: ${times} times, ${n1} without a fault`);
      }
      assert.deepEqual(Object.keys(told.said).toSorted(), Object.keys(plain.said).toSorted());
    }
  }
});
