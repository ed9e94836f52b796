/** The files of the TUF repository: every root, the current file of each role, and the line key lists. */
import type { Db, Trx } from './database.ts';

export type TrustFile = {
  readonly role: string;
  readonly version: number;
  readonly name: string;
  readonly bytes: Uint8Array;
};

/** The current file of a role, or of a line's keys under the role `keys/<line>`. */
export async function currentTrustFile(db: Db, tenantId: number, role: string): Promise<TrustFile | undefined> {
  return await db
    .selectFrom('trust_file')
    .select(['role', 'version', 'name', 'bytes'])
    .where('tenant_id', '=', tenantId)
    .where('role', '=', role)
    .where('is_current', '=', 1)
    .executeTakeFirst();
}

export async function currentTrustFiles(db: Db, tenantId: number): Promise<TrustFile[]> {
  return await db
    .selectFrom('trust_file')
    .select(['role', 'version', 'name', 'bytes'])
    .where('tenant_id', '=', tenantId)
    .where('is_current', '=', 1)
    .orderBy('role')
    .execute();
}

/** Every root that was ever published, oldest first. */
export async function listRoots(db: Db, tenantId: number): Promise<Uint8Array[]> {
  const rows = await db
    .selectFrom('trust_file')
    .select('bytes')
    .where('tenant_id', '=', tenantId)
    .where('role', '=', 'root')
    .orderBy('version')
    .execute();
  return rows.map(({ bytes }) => bytes);
}

/** Makes a file the current one of its role. Older files stay: a device walks root by root, and reads what it was told of. */
export async function saveTrustFile(trx: Trx, tenantId: number, file: TrustFile): Promise<void> {
  await trx
    .updateTable('trust_file')
    .set({ is_current: 0 })
    .where('tenant_id', '=', tenantId)
    .where('role', '=', file.role)
    .execute();
  await trx
    .insertInto('trust_file')
    .values({ ...file, tenant_id: tenantId, is_current: 1 })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'name']).doUpdateSet({ version: file.version, bytes: file.bytes, is_current: 1 }),
    )
    .execute();
}

/** The bytes under a file name, as a device asks for them. */
export async function readTrustFile(db: Db, tenant: string, name: string): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('trust_file')
    .innerJoin('tenant', 'tenant.id', 'trust_file.tenant_id')
    .select('trust_file.bytes')
    .where('tenant.name', '=', tenant)
    .where('trust_file.name', '=', name)
    .executeTakeFirst();
  return row?.bytes;
}
