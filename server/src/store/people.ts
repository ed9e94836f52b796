/** People of a tenant: rows, pages, and whether somebody is left who can administer. */
import type { Person, Role } from '@pawl/contract/management';
import { parseList } from './access.ts';
import type { Db, Trx } from './database.ts';
import { hasIdentity } from './identities.ts';
import { listPasskeys } from './passkeys.ts';
import type { PersonTable } from './schema/index.ts';
import { hasAdminToken } from './tokens.ts';

export function rolesOf(row: PersonTable): string[] {
  return parseList(row.roles);
}

export function isAdmin(row: PersonTable): boolean {
  return rolesOf(row).includes('admin');
}

/** A person as the management API shows it. */
export function personView(row: PersonTable): Person {
  const { id, name, email, state } = row;
  return { id, name, email, roles: rolesOf(row) as Role[], state, createdAt: new Date(row.created_ms).toISOString() };
}

export async function insertPerson(trx: Trx, row: Omit<PersonTable, 'id' | 'state'>): Promise<PersonTable> {
  return await trx
    .insertInto('person')
    .values({ ...row, state: 'active' })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findPerson(db: Db, tenantId: number, id: number): Promise<PersonTable | undefined> {
  return await db
    .selectFrom('person')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function updatePerson(
  trx: Trx,
  id: number,
  change: Partial<Pick<PersonTable, 'roles' | 'state' | 'name' | 'email'>>,
): Promise<PersonTable> {
  return await trx.updateTable('person').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

/** People behind an id, at most `limit`. */
export async function queryPeople(
  db: Db,
  page: { readonly tenantId: number; readonly afterId?: number | undefined; readonly limit: number },
): Promise<PersonTable[]> {
  return await db
    .selectFrom('person')
    .selectAll()
    .where('tenant_id', '=', page.tenantId)
    .where('id', '>', page.afterId ?? 0)
    .orderBy('id')
    .limit(page.limit)
    .execute();
}

/** Whether there is an admin who is not shut out and has a way in; if not, somebody may become the first again. */
export async function hasAdmin(db: Db, tenantId: number, nowMs: number): Promise<boolean> {
  const people = await db
    .selectFrom('person')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'active')
    .where('roles', 'like', '%"admin"%')
    .execute();
  for (const { id } of people) {
    if ((await listPasskeys(db, id)).length > 0 || (await hasIdentity(db, id))) return true;
    if (await hasAdminToken(db, id, nowMs)) return true;
  }
  return false;
}
