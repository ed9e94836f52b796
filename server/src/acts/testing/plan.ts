/**
 * Test plans: pinned to one edition of one catalogue, at a laboratory of the directory; results come in all or none. A result
 * is *tested* when its report is attached and its issuer stands in the directory on the day it comes in. The report itself goes
 * into the vault as *claimed*: what it shows is what its results say, requirement by requirement.
 */
import { createHash } from 'node:crypto';
import { plannedRequirements, scheduleTests, TestingError, testedKinds } from '@pawl/compliance/testing';
import type { NewTestPlan, NewTestResults, RecordedResult, TestPlan, TestResult } from '@pawl/contract/management';
import { canonicalJson, type Statement } from '@pawl/core/evidence';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import type { Db, Trx } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { TestPlanTable } from '../../store/schema/index.ts';
import { findTestPlan, insertTestPlan, insertTestResult, listTestResults } from '../../store/testing.ts';
import { EvidenceVaultError } from '../evidence/errors.ts';
import { catalogues } from '../evidence/library.ts';
import { mustFindProduct } from '../evidence/live.ts';
import { productView } from '../evidence/product.ts';
import { addEvidence } from '../evidence/vault.ts';
import type { ServerPorts } from '../ports.ts';
import { TestPlanError } from './errors.ts';
import { laboratoryDirectory } from './laboratory.ts';

type Planned = Omit<TestPlan, 'id' | 'results' | 'open' | 'schedule' | 'madeBy' | 'madeAt'>;

const plannedOf = (row: TestPlanTable): Planned => JSON.parse(row.record) as Planned;

/** A plan as the management API shows it. */
export async function testPlanView(db: Db, row: TestPlanTable, now: Date): Promise<TestPlan> {
  const planned = plannedOf(row);
  const rows = await listTestResults(db, row.id);
  const results = rows.map(
    (one): RecordedResult => ({
      ...(JSON.parse(one.record) as TestResult),
      grade: one.grade,
      evidence: one.evidence_id,
      recordedBy: one.recorded_by,
      recordedAt: new Date(one.recorded_ms).toISOString(),
    }),
  );
  const { laboratories } = await laboratoryDirectory(db, row.tenant_id);
  const laboratory = laboratories.find(({ id }) => id === planned.laboratory);
  return {
    id: row.id,
    ...planned,
    results,
    open: planned.requirements.filter((one) => !results.some(({ requirement }) => requirement === one)),
    schedule: scheduleTests(laboratory, planned.doneBy, now.toISOString().slice(0, 10)),
    madeBy: row.made_by,
    madeAt: new Date(row.made_ms).toISOString(),
  };
}

/** @throws TestPlanError TEST_PLAN_UNKNOWN */
export async function mustFindTestPlan(db: Db, tenantId: number, id: number): Promise<TestPlanTable> {
  const row = await findTestPlan(db, tenantId, id);
  if (row === undefined) throw new TestPlanError('TEST_PLAN_UNKNOWN', { id });
  return row;
}

async function state(
  trx: Trx,
  ports: ServerPorts,
  row: TestPlanTable,
  said: { readonly by: string; readonly result?: Readonly<Record<string, unknown>> },
): Promise<void> {
  const { product, models, catalogue, edition, requirements, laboratory, doneBy } = plannedOf(row);
  const facts = said.result ?? { catalogue, edition, requirements, laboratory, doneBy };
  const predicate = JSON.parse(
    JSON.stringify({
      ...facts,
      plan: row.id,
      tenant: await tenantName(trx, row.tenant_id),
      product,
      models,
      by: said.by,
      at: ports.now().toISOString(),
    }),
  ) as Statement['predicate'];
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: said.result === undefined ? 'urn:pawl:test-plan:1' : 'urn:pawl:test-result:1',
    subject: {
      name: `test-plan/${row.id}`,
      digest: { sha256: createHash('sha256').update(canonicalJson(predicate)).digest('hex') },
    },
    predicate,
  });
}

/**
 * Plans tests.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN, PRODUCT_MODEL_UNKNOWN, EVIDENCE_WORD_UNKNOWN; TestPlanError LABORATORY_UNKNOWN;
 *   TestingError TEST_EDITION_OTHER
 */
export function makeTestPlan(ports: ServerPorts, actor: Actor, input: NewTestPlan): Promise<TestPlan> {
  const { tenantId } = actor;
  return ports.database.write(async (trx) => {
    const { models } = productView(await mustFindProduct(trx, tenantId, input.product));
    const stray = input.models.find((one) => !models.includes(one));
    if (stray !== undefined) throw new EvidenceVaultError('PRODUCT_MODEL_UNKNOWN', { model: stray });
    const requirements = plannedRequirements(catalogues(), input);
    if (requirements === undefined || requirements.length === 0)
      throw new EvidenceVaultError('EVIDENCE_WORD_UNKNOWN', { actual: input.catalogue });
    const { laboratories } = await laboratoryDirectory(trx, tenantId);
    if (!laboratories.some(({ id }) => id === input.laboratory))
      throw new TestPlanError('LABORATORY_UNKNOWN', { actual: input.laboratory });
    const record = JSON.stringify({ ...input, requirements });
    const made = { made_by: actor.id, made_ms: ports.now().getTime() };
    const row = await insertTestPlan(trx, { tenant_id: tenantId, product: input.product, record, ...made });
    await state(trx, ports, row, { by: actor.id });
    return await testPlanView(trx, row, ports.now());
  });
}

function refuseOther({ edition, requirements }: Planned, { results }: NewTestResults): void {
  const known = new Set(requirements);
  for (const one of results) {
    if (one.edition !== edition)
      throw new TestingError('TEST_EDITION_OTHER', { expected: edition, actual: one.edition });
    if (!known.has(one.requirement)) throw new TestPlanError('TEST_UNPLANNED', { actual: one.requirement });
  }
}

/** The report goes into the vault first: a file that is not what it says leaves no result. */
async function keepReport(
  ports: ServerPorts,
  actor: Actor,
  planned: Planned,
  { report, results }: NewTestResults,
): Promise<number | null> {
  if (report === undefined) return null;
  const { product, models, edition, catalogue } = planned;
  const [first] = results;
  const { id } = await addEvidence(ports, actor, {
    product,
    models: [...models],
    kind: 'lab-report',
    title: `Report of tests by ${catalogue} ${edition}`.slice(0, 500),
    issuer: first?.issuer ?? '',
    edition: `${catalogue} ${edition}`.slice(0, 128),
    issuedOn:
      results
        .map(({ testedOn }) => testedOn)
        .toSorted()
        .at(-1) ?? '',
    file: report,
    grade: 'claimed',
  });
  return id;
}

/**
 * Takes results in, with their report or without.
 * @throws TestPlanError TEST_PLAN_UNKNOWN, TEST_UNPLANNED; TestingError TEST_EDITION_OTHER; EvidenceVaultError
 *   EVIDENCE_FILE_MISSING, EVIDENCE_FILE_NOT_OF_TYPE
 */
export async function importTestResults(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  input: NewTestResults,
): Promise<TestPlan> {
  const row = await mustFindTestPlan(ports.database.read, actor.tenantId, id);
  const planned = plannedOf(row);
  refuseOther(planned, input);
  const evidence = await keepReport(ports, actor, planned, input);
  return await ports.database.write(async (trx) => {
    const { laboratories } = await laboratoryDirectory(trx, actor.tenantId);
    for (const result of input.results) {
      const laboratory = laboratories.find((one) => one.id === result.issuer || one.name === result.issuer);
      const grade = laboratory !== undefined && input.report !== undefined ? 'tested' : 'claimed';
      const entry = catalogues().find(result.requirement);
      const shows = entry === undefined ? [] : testedKinds(entry);
      const report = input.report?.sha256;
      const stated = { ...result, issuer: laboratory?.name ?? result.issuer, laboratory: laboratory?.id, grade, shows };
      await state(trx, ports, row, { by: actor.id, result: { ...stated, report, evidence } });
      await insertTestResult(trx, {
        test_plan_id: row.id,
        record: JSON.stringify(result),
        grade,
        evidence_id: evidence,
        recorded_by: actor.id,
        recorded_ms: ports.now().getTime(),
      });
    }
    return await testPlanView(trx, row, ports.now());
  });
}
