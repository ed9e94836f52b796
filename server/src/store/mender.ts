/** Who asked to be let in as a Mender client. Tokens and tickets are stored as SHA-256 only. */
import type { Introduction, MenderRequest, MenderRequestState } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { MenderAuthTable } from './schema/index.ts';

export type MenderKey = { readonly identitySha256: Uint8Array; readonly keyId: string };

export async function findTenantId(db: Db, name: string): Promise<number | undefined> {
  return (await db.selectFrom('tenant').select('id').where('name', '=', name).executeTakeFirst())?.id;
}

/** A key names a device wherever it was let in, so that a client need not know its tenant. */
export async function findMenderAuths(db: Db, key: MenderKey): Promise<MenderAuthTable[]> {
  return await db
    .selectFrom('mender_auth')
    .selectAll()
    .where('identity_sha256', '=', key.identitySha256)
    .where('key_id', '=', key.keyId)
    .orderBy('id')
    .execute();
}

export async function findMenderAuthById(db: Db, tenantId: number, id: number): Promise<MenderAuthTable | undefined> {
  return await db
    .selectFrom('mender_auth')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function insertMenderAuth(
  trx: Trx,
  row: MenderKey & {
    readonly tenantId: number;
    readonly identity: string;
    readonly publicKeyPem: string;
    readonly state: MenderRequestState;
    readonly deviceId: number | undefined;
    readonly nowMs: number;
    readonly heardMs: number | undefined;
  },
): Promise<number> {
  const { id } = await trx
    .insertInto('mender_auth')
    .values({
      tenant_id: row.tenantId,
      identity: row.identity,
      identity_sha256: row.identitySha256,
      public_key_pem: row.publicKeyPem,
      key_id: row.keyId,
      state: row.state,
      device_id: row.deviceId ?? null,
      token_sha256: null,
      token_expires_ms: null,
      ticket_sha256: null,
      ticket_assignment_id: null,
      created_ms: row.nowMs,
      heard_ms: row.heardMs ?? null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export async function updateMenderAuth(trx: Trx, id: number, change: Partial<MenderAuthTable>): Promise<void> {
  await trx.updateTable('mender_auth').set(change).where('id', '=', id).execute();
}

/** Forgets the pending requests that were not heard of for longest, so that `keep` are left. */
export async function dropOldestPending(trx: Trx, tenantId: number, keep: number): Promise<void> {
  const old = await trx
    .selectFrom('mender_auth')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'pending')
    .orderBy('heard_ms', 'desc')
    .orderBy('id', 'desc')
    .offset(keep)
    .limit(1000)
    .execute();
  if (old.length === 0) return;
  await trx
    .deleteFrom('mender_auth')
    .where(
      'id',
      'in',
      old.map(({ id }) => id),
    )
    .execute();
}

/** Every request that a device was accepted by, none of them opens anything any more. */
export async function rejectMenderAuthsOf(trx: Trx, deviceId: number): Promise<void> {
  await trx
    .updateTable('mender_auth')
    .set({ state: 'rejected', device_id: null, token_sha256: null, ticket_sha256: null })
    .where('device_id', '=', deviceId)
    .execute();
}

export type MenderSession = {
  readonly authId: number;
  readonly tenant: string;
  readonly controllerId: string;
  readonly ticketSha256: Uint8Array | null;
  readonly ticketAssignmentId: number | null;
};

type Probe = { readonly tokenSha256: Uint8Array } | { readonly deviceId: number };

/** The client with this token, or the one that a device was accepted by, while its token holds. */
export async function findMenderSession(db: Db, probe: Probe, nowMs: number): Promise<MenderSession | undefined> {
  const select = db
    .selectFrom('mender_auth as m')
    .innerJoin('tenant as t', 't.id', 'm.tenant_id')
    .innerJoin('device as d', 'd.id', 'm.device_id')
    .select(['m.id', 't.name as tenant', 'd.controller_id', 'm.ticket_sha256', 'm.ticket_assignment_id'])
    .where('m.state', '=', 'accepted')
    .where('m.token_expires_ms', '>', nowMs);
  const probed =
    'tokenSha256' in probe
      ? select.where('m.token_sha256', '=', probe.tokenSha256)
      : select.where('m.device_id', '=', probe.deviceId);
  const row = await probed.executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    authId: row.id,
    tenant: row.tenant,
    controllerId: row.controller_id,
    ticketSha256: row.ticket_sha256,
    ticketAssignmentId: row.ticket_assignment_id,
  };
}

type MenderRow = MenderAuthTable & { readonly controller_id: string | null };

export async function queryMenderAuths(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly id?: number;
    readonly state?: MenderRequestState | undefined;
    readonly afterId?: number | undefined;
    readonly limit: number;
  },
): Promise<MenderRow[]> {
  let select = db
    .selectFrom('mender_auth')
    .leftJoin('device', 'device.id', 'mender_auth.device_id')
    .selectAll('mender_auth')
    .select('device.controller_id')
    .where('mender_auth.tenant_id', '=', query.tenantId);
  if (query.id !== undefined) select = select.where('mender_auth.id', '=', query.id);
  if (query.state !== undefined) select = select.where('mender_auth.state', '=', query.state);
  if (query.afterId !== undefined) select = select.where('mender_auth.id', '>', query.afterId);
  return await select.orderBy('mender_auth.id').limit(query.limit).execute();
}

/** A request as the management API shows it. */
export function menderRequestView(row: MenderRow): MenderRequest {
  return {
    id: row.id,
    identity: row.identity,
    publicKey: row.public_key_pem,
    keyId: row.key_id,
    state: row.state,
    controllerId: row.controller_id,
    createdAt: new Date(row.created_ms).toISOString(),
    heardAt: row.heard_ms === null ? null : new Date(row.heard_ms).toISOString(),
  };
}

export async function menderKeyOf(db: Db, tenantId: number, id: number): Promise<string | undefined> {
  return (await findMenderAuthById(db, tenantId, id))?.key_id;
}

/** The same request in the list of all that introduced themselves. */
export function menderIntroductionView(row: MenderRow): Introduction {
  const { id, identity, ...view } = menderRequestView(row);
  const members = Object.entries(JSON.parse(identity) as Record<string, string | string[]>);
  const attributes = Object.fromEntries(members.map(([name, value]) => [name, [value].flat().join(', ')]));
  return { ...view, id: `mender-${id}`, client: 'mender', name: null, attributes };
}
