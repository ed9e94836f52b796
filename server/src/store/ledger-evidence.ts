/** Entries of the ledger that show something about a product line of one tenant. */
import type { PredicateType } from '@pawl/core/evidence';
import type { Db } from './database.ts';
import { type LedgerRow, ledgerRow } from './ledger.ts';

export type LineDevice = { readonly controller_id: string; readonly key_id: string };

/** Devices of a line that have a key of their own, whether they are still there or not. */
export async function devicesOfLine(db: Db, tenantId: number, line: string): Promise<LineDevice[]> {
  const rows = await db
    .selectFrom('device')
    .select(['controller_id', 'key_id'])
    .where('tenant_id', '=', tenantId)
    .where('line', '=', line)
    .where('key_id', 'is not', null)
    .execute();
  return rows.flatMap(({ controller_id, key_id }) => (key_id === null ? [] : [{ controller_id, key_id }]));
}

/** Entries of some kinds from an index on, in their order: those of a tenant, and those of which is not known whose they are. */
export async function entriesOfTypes(
  db: Db,
  types: readonly PredicateType[],
  at: { readonly tenantId: number; readonly from: number; readonly limit: number },
): Promise<LedgerRow[]> {
  const rows = await db
    .selectFrom('ledger_entry')
    .selectAll()
    .where('predicate_type', 'in', types)
    .where('idx', '>=', at.from)
    .where((eb) => eb.or([eb('tenant_id', '=', at.tenantId), eb('tenant_id', 'is', null)]))
    .orderBy('idx')
    .limit(at.limit)
    .execute();
  return rows.map(ledgerRow);
}

/** `line/version` of the releases of a line. */
export async function releaseNamesOfLine(db: Db, tenantId: number, line: string): Promise<string[]> {
  const rows = await db
    .selectFrom('release')
    .select('version')
    .where('tenant_id', '=', tenantId)
    .where('line', '=', line)
    .execute();
  return rows.map(({ version }) => `release/${line}/${version}`);
}
