/** Laboratories, test plans and results. Versions and results are added, never changed. */
import type { Db, Trx } from './database.ts';
import type { DirectoryTable, TestPlanTable, TestResultTable } from './schema/index.ts';

/** The newest directory. */
export async function findDirectory(db: Db, tenantId: number): Promise<DirectoryTable | undefined> {
  return await db
    .selectFrom('laboratory_directory')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function insertDirectory(trx: Trx, row: Omit<DirectoryTable, 'id'>): Promise<DirectoryTable> {
  return await trx.insertInto('laboratory_directory').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function insertTestPlan(trx: Trx, row: Omit<TestPlanTable, 'id'>): Promise<TestPlanTable> {
  return await trx.insertInto('test_plan').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function findTestPlan(db: Db, tenantId: number, id: number): Promise<TestPlanTable | undefined> {
  return await db
    .selectFrom('test_plan')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function queryTestPlans(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly product?: string | undefined;
    readonly beforeId?: number | undefined;
    readonly limit: number;
  },
): Promise<TestPlanTable[]> {
  let select = db.selectFrom('test_plan').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.product !== undefined) select = select.where('product', '=', query.product);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

export async function insertTestResult(trx: Trx, row: Omit<TestResultTable, 'id'>): Promise<void> {
  await trx.insertInto('test_result').values(row).execute();
}

/** In the order in which they came. */
export async function listTestResults(db: Db, planId: number): Promise<TestResultTable[]> {
  return await db.selectFrom('test_result').selectAll().where('test_plan_id', '=', planId).orderBy('id').execute();
}
