/** Identities at an OpenID provider, each of one person. */
import type { Db, Trx } from './database.ts';
import type { PersonTable } from './schema/index.ts';

export type Identity = { readonly tenantId: number; readonly issuer: string; readonly subject: string };

export async function findIdentity(db: Db, { tenantId, issuer, subject }: Identity): Promise<PersonTable | undefined> {
  return await db
    .selectFrom('oidc_identity')
    .innerJoin('person', 'person.id', 'oidc_identity.person_id')
    .selectAll('person')
    .where('oidc_identity.tenant_id', '=', tenantId)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
}

export async function insertIdentity(
  trx: Trx,
  { tenantId, issuer, subject }: Identity,
  of: { readonly personId: number; readonly nowMs: number },
): Promise<void> {
  const row = { tenant_id: tenantId, issuer, subject, person_id: of.personId, created_ms: of.nowMs };
  await trx.insertInto('oidc_identity').values(row).execute();
}

export async function hasIdentity(db: Db, personId: number): Promise<boolean> {
  const row = await db
    .selectFrom('oidc_identity')
    .select('subject')
    .where('person_id', '=', personId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
