/**
 * A device and the assignment in hand, from the one indexed read that answers a poll; and the directory that finds it.
 * Finding a device writes nothing.
 */
import type { AssignmentState } from '@pawl/contract/management';
import { sql } from 'kysely';
import type { Db } from '../../store/database.ts';

type CurrentAssignment = {
  readonly id: number;
  readonly state: AssignmentState;
  readonly isForced: boolean;
  /** False while its rollout makes no offers (paused, halted, stopping) and it has not begun. */
  readonly isOffered: boolean;
  /** The user is not asked before this. */
  readonly askAfterMs: number;
  /** JSON of the policy of its rollout; undefined when there is nothing in it. */
  readonly policy: string | undefined;
};

export type KnownDevice = {
  readonly id: number;
  readonly tenantId: number;
  /** The name of its tenant: not that of the path, when the device went to another one. */
  readonly tenant: string;
  readonly controllerId: string;
  /** The gateway that speaks for it in this request: `gateway/<id>`. */
  readonly spokenForBy?: string;
  /** False once decommissioned, or when the certificate by which it is in counts no more: nothing authenticates it any more, not even a gateway. */
  readonly isActive: boolean;
  readonly tokenSha256: Uint8Array | undefined;
  /** Of the key that it enrolled, or that its certificate certifies. */
  readonly keyId: string | undefined;
  /** SPKI PEM of the key that the device enrolled to sign its reports with. */
  readonly publicKeyPem: string | undefined;
  /** Whether it ever polled. */
  readonly isHeard: boolean;
  readonly isAttributesWanted: boolean;
  readonly installedAssignmentId: number | undefined;
  /** Of this assignment it is asked to attest what it runs. */
  readonly attestAssignmentId: number | undefined;
  /** JSON of the consent given in advance. */
  readonly autoConfirm: string | undefined;
  /** Where it stands, as operators say or else it says itself. */
  readonly timeZone: string | undefined;
  readonly current: CurrentAssignment | undefined;
};

type GatewayProof = { readonly tokenSha256: Uint8Array } | { readonly keyId: string };

export type DeviceDirectory = {
  readonly findDevice: (tenant: string, controllerId: string) => Promise<KnownDevice | undefined>;
  readonly findByToken: (tenant: string, tokenSha256: Uint8Array) => Promise<KnownDevice | undefined>;
  readonly findByKey: (tenant: string, keyId: string) => Promise<KnownDevice | undefined>;
  /** The gateway with this token or key, if it may speak for the device. */
  readonly gatewayFor: (tenant: string, shown: GatewayProof, controllerId: string) => Promise<string | undefined>;
};

// The result type is what Kysely infers; naming the columns once more would only repeat them.
function selectDevices(db: Db) {
  return db
    .selectFrom('tenant as t')
    .innerJoin('device as d', 'd.tenant_id', 't.id')
    .leftJoin('assignment as a', (join) => join.onRef('a.device_id', '=', 'd.id').on('a.active', '=', sql.lit(1)))
    .leftJoin('rollout as r', 'r.id', 'a.rollout_id')
    .leftJoin('device_authority as c', 'c.id', 'd.authority_id')
    .leftJoin('barred_certificate as b', (join) =>
      join.onRef('b.authority_id', '=', 'd.authority_id').onRef('b.serial', '=', 'd.certificate_serial'),
    )
    .select(['d.key_id', 'd.authority_id', 'd.certificate_until_ms', 'c.removed_ms', 'b.barred_ms'])
    .select(['d.id', 'd.tenant_id', 'd.controller_id', 'd.public_key_pem', 'd.token_sha256', 'd.decommissioned_ms'])
    .select([
      'd.wants_attributes',
      'd.installed_assignment_id',
      'd.attest_assignment_id',
      'd.auto_confirm',
      'd.is_heard',
    ])
    .select(['a.id as assignment_id', 'a.state', 'a.is_forced', 'r.state as rollout_state'])
    .select(['d.time_zone', 'd.own_time_zone', 'a.ask_after_ms', 'r.policy', 'd.moved_to_id', 't.name as tenant']);
}

type Query = ReturnType<typeof selectDevices>;
type Row = Awaited<ReturnType<Query['execute']>>[number];

function currentOf(row: Row): CurrentAssignment | undefined {
  if (row.assignment_id === null || row.state === null) return undefined;
  const isBegun = row.state !== 'offered' && row.state !== 'awaiting-consent';
  return {
    id: row.assignment_id,
    state: row.state,
    isForced: row.is_forced === 1,
    isOffered: isBegun || row.rollout_state === 'running' || row.rollout_state === null,
    askAfterMs: row.ask_after_ms ?? 0,
    policy: row.policy === null || row.policy === '{}' ? undefined : row.policy,
  };
}

function isActive(row: Row, nowMs: number): boolean {
  if (row.decommissioned_ms !== null) return false;
  if (row.authority_id === null) return true;
  return row.removed_ms === null && row.barred_ms === null && nowMs <= (row.certificate_until_ms ?? 0);
}

function deviceOf(row: Row, nowMs: number): KnownDevice {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    tenant: row.tenant,
    controllerId: row.controller_id,
    isActive: isActive(row, nowMs),
    tokenSha256: row.token_sha256 ?? undefined,
    keyId: row.key_id ?? undefined,
    publicKeyPem: row.public_key_pem ?? undefined,
    isHeard: row.is_heard === 1,
    isAttributesWanted: row.wants_attributes === 1,
    installedAssignmentId: row.installed_assignment_id ?? undefined,
    attestAssignmentId: row.attest_assignment_id ?? undefined,
    autoConfirm: row.auto_confirm ?? undefined,
    timeZone: row.time_zone ?? row.own_time_zone ?? undefined,
    current: currentOf(row),
  };
}

type Lookup = (tenant: string, value: string | Uint8Array) => Promise<KnownDevice | undefined>;

/** Stand for the two values in the compiled query. */
const TENANT_SLOT = '\u0000tenant';
const VALUE_SLOT = '\u0000value';

const MOVES_MAX = 8;

/** A device that went to another tenant is what it is there, under its old address too. */
async function follow(db: Db, found: Row | undefined): Promise<Row | undefined> {
  let row = found;
  for (let moves = 0; moves < MOVES_MAX && row !== undefined && row.moved_to_id !== null; moves += 1) {
    row = await selectDevices(db).where('d.id', '=', row.moved_to_id).executeTakeFirst();
  }
  return row;
}

/** Built and compiled once: a poll is this query and nothing else, and building it would cost as much as running it. */
function compileLookup(db: Db, column: 'd.controller_id' | 'd.token_sha256' | 'd.key_id', now: () => Date): Lookup {
  const compiled = selectDevices(db)
    .where('t.name', '=', TENANT_SLOT)
    .where(sql.ref(column), '=', VALUE_SLOT)
    .compile();
  return async (tenant, value) => {
    const values = new Map<unknown, unknown>([
      [TENANT_SLOT, tenant],
      [VALUE_SLOT, value],
    ]);
    const parameters = compiled.parameters.map((slot) => (values.has(slot) ? values.get(slot) : slot));
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    const row = await follow(db, rows[0]);
    return row === undefined ? undefined : deviceOf(row, now().getTime());
  };
}

async function gatewayFor(
  db: Db,
  find: {
    readonly tenant: string;
    readonly shown: GatewayProof;
    readonly controllerId: string;
    readonly nowMs: number;
  },
): Promise<string | undefined> {
  const { tenant, shown, controllerId, nowMs } = find;
  const [now, before, value] =
    'keyId' in shown
      ? (['g.key_id', 'g.previous_key_id', shown.keyId] as const)
      : (['g.token_sha256', 'g.previous_token_sha256', shown.tokenSha256] as const);
  const row = await db
    .selectFrom('gateway as g')
    .innerJoin('tenant as t', 't.id', 'g.tenant_id')
    .innerJoin('gateway_device as n', 'n.gateway_id', 'g.id')
    .select('g.id')
    .where('t.name', '=', tenant)
    .where('n.controller_id', '=', controllerId)
    .where((eb) =>
      eb.or([eb(now, '=', value), eb.and([eb(before, '=', value), eb('g.previous_until_ms', '>', nowMs)])]),
    )
    .executeTakeFirst();
  return row === undefined ? undefined : `gateway/${row.id}`;
}

/** The directory over the store: by name, by token and by key, each through a unique index. */
export function deviceDirectory(db: Db, now: () => Date): DeviceDirectory {
  return {
    findDevice: compileLookup(db, 'd.controller_id', now),
    findByToken: compileLookup(db, 'd.token_sha256', now),
    findByKey: compileLookup(db, 'd.key_id', now),
    gatewayFor: (tenant, shown, controllerId) =>
      gatewayFor(db, { tenant, shown, controllerId, nowMs: now().getTime() }),
  };
}
