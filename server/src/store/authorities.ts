/** Authorities whose certificates let devices in, and the certificates of them that do not. */
import type { DeviceAuthority } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { AuthorityTable } from './schema/index.ts';

export async function insertAuthority(
  trx: Trx,
  row: Omit<AuthorityTable, 'id' | 'removed_ms'>,
): Promise<number | undefined> {
  const inserted = await trx
    .insertInto('device_authority')
    .values({ ...row, removed_ms: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted?.id;
}

/** Those that let devices in; their number is bounded. */
export async function listOpenAuthorities(db: Db, tenantId: number): Promise<AuthorityTable[]> {
  return await db
    .selectFrom('device_authority')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('removed_ms', 'is', null)
    .orderBy('id')
    .execute();
}

export async function findAuthority(db: Db, tenantId: number, id: number): Promise<AuthorityTable | undefined> {
  return await db
    .selectFrom('device_authority')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('removed_ms', 'is', null)
    .executeTakeFirst();
}

export async function markAuthorityRemoved(trx: Trx, id: number, nowMs: number): Promise<void> {
  await trx.updateTable('device_authority').set({ removed_ms: nowMs }).where('id', '=', id).execute();
}

export async function barSerial(trx: Trx, authorityId: number, serial: string, nowMs: number): Promise<void> {
  await trx
    .insertInto('barred_certificate')
    .values({ authority_id: authorityId, serial, barred_ms: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function isSerialBarred(db: Db, authorityId: number, serial: string): Promise<boolean> {
  const row = await db
    .selectFrom('barred_certificate')
    .select('serial')
    .where('authority_id', '=', authorityId)
    .where('serial', '=', serial)
    .executeTakeFirst();
  return row !== undefined;
}

/** How many devices are in by certificates of an authority. */
async function countDevicesOf(db: Db, tenantId: number, authorityId: number): Promise<number> {
  const { count } = await db
    .selectFrom('device')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenantId)
    .where('authority_id', '=', authorityId)
    .executeTakeFirstOrThrow();
  return count;
}

/** An authority as the management API shows it. */
export async function authorityView(db: Db, row: AuthorityTable): Promise<DeviceAuthority> {
  const barred = await db
    .selectFrom('barred_certificate')
    .select('serial')
    .where('authority_id', '=', row.id)
    .orderBy('serial')
    .limit(1000)
    .execute();
  return {
    id: row.id,
    name: row.name,
    certificatePem: row.certificate_pem,
    fingerprint: row.fingerprint,
    namePattern: row.name_pattern,
    kind: row.kind,
    model: row.model,
    line: row.line,
    tags: JSON.parse(row.tags) as string[],
    devices: await countDevicesOf(db, row.tenant_id, row.id),
    barredSerials: barred.map(({ serial }) => serial),
    createdAt: new Date(row.created_ms).toISOString(),
  };
}
