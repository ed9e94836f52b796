/** Products and decisions about them. A version is never changed; a decision is made once and may be taken back once. */
import type { Db, Trx } from './database.ts';
import type { ProductTable, WaiverTable } from './schema/index.ts';

/** The versions of a product, newest first. */
export async function listProductVersions(db: Db, tenantId: number, product: string): Promise<ProductTable[]> {
  return await db
    .selectFrom('product_record')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('product', '=', product)
    .orderBy('version', 'desc')
    .execute();
}

/** One version, or the newest. */
export async function findProduct(
  db: Db,
  tenantId: number,
  product: string,
  version?: number,
): Promise<ProductTable | undefined> {
  let select = db
    .selectFrom('product_record')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('product', '=', product);
  if (version !== undefined) select = select.where('version', '=', version);
  return await select.orderBy('version', 'desc').limit(1).executeTakeFirst();
}

const newest = (db: Db, tenantId: number) =>
  db
    .selectFrom('product_record as record')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('product_record as later')
            .select('later.id')
            .whereRef('later.tenant_id', '=', 'record.tenant_id')
            .whereRef('later.product', '=', 'record.product')
            .whereRef('later.version', '>', 'record.version'),
        ),
      ),
    )
    .orderBy('product');

/** The newest version of every product. */
export async function listProducts(db: Db, tenantId: number): Promise<ProductTable[]> {
  return await newest(db, tenantId).execute();
}

export async function insertProduct(trx: Trx, row: Omit<ProductTable, 'id'>): Promise<ProductTable> {
  return await trx.insertInto('product_record').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function insertWaiver(
  trx: Trx,
  row: Omit<WaiverTable, 'id' | 'state' | 'decided_by' | 'decided_reason' | 'decided_ms'>,
): Promise<WaiverTable> {
  const values = { ...row, state: 'proposed' as const, decided_by: null, decided_reason: null, decided_ms: null };
  return await trx.insertInto('waiver').values(values).returningAll().executeTakeFirstOrThrow();
}

export async function findWaiver(db: Db, tenantId: number, id: number): Promise<WaiverTable | undefined> {
  return await db
    .selectFrom('waiver')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function listWaivers(db: Db, tenantId: number, product: string): Promise<WaiverTable[]> {
  return await db
    .selectFrom('waiver')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('product', '=', product)
    .orderBy('id')
    .execute();
}

export async function updateWaiver(trx: Trx, id: number, change: Partial<WaiverTable>): Promise<WaiverTable> {
  return await trx.updateTable('waiver').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}
