/** API tokens of people and machines. None holds more than its maker, or outlives the token that made it. */
import type { NewOwnToken, NewToken, Permission, Token } from '@pawl/contract/management';
import { type Actor, findExcess, permissionsOfRoles } from '../../domain/actor.ts';
import type { Trx } from '../../store/database.ts';
import { deleteToken, insertToken, tokenView } from '../../store/tokens.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { PeopleError } from './errors.ts';

/** Without a word about it a token is good for 90 days; that of a login for as long as a token may be. */
const VALID_S_DEFAULT = 90 * 86_400;
export const VALID_S_MAX = 365 * 86_400;

type NewRow = {
  readonly tenantId: number;
  readonly personId: number | null;
  readonly makerPersonId: number | null;
  readonly label: string;
  readonly permissions: ReadonlySet<Permission>;
  readonly lines: ReadonlySet<string> | undefined;
  readonly endsMs: number;
  /** Stable name of who makes it. */
  readonly by: string;
};

/** Stores a token that the caller has weighed, and gives its secret. */
export async function storeToken(
  trx: Trx,
  ports: ServerPorts,
  row: NewRow,
): Promise<{ readonly token: string; readonly view: Token }> {
  const token = ports.newSecret();
  const nowMs = ports.now().getTime();
  const stored = await insertToken(trx, {
    sha256: secretSha256(token),
    tenant_id: row.tenantId,
    person_id: row.personId,
    made_by_person_id: row.makerPersonId,
    label: row.label,
    permissions: JSON.stringify([...row.permissions].sort()),
    lines: row.lines === undefined ? null : JSON.stringify([...row.lines].sort()),
    created_ms: nowMs,
    expires_ms: row.endsMs,
  });
  const view = tokenView(stored);
  const told = { act: 'token-created', about: `token/${view.id}`, by: row.by };
  await emitEvent(trx, { tenantId: row.tenantId, nowMs }, 'pawl.access.changed', told);
  return { token, view };
}

async function makeToken(
  ports: ServerPorts,
  actor: Actor,
  personId: number | null,
  input: NewOwnToken,
  permissions: ReadonlySet<Permission>,
): Promise<Token & { token: string }> {
  const lines = input.lines === undefined ? actor.lines : new Set(input.lines);
  const nowMs = ports.now().getTime();
  // Without a word about it, the new token ends with the one that makes it.
  const asked = nowMs + (input.validForS ?? VALID_S_DEFAULT) * 1000;
  const endsMs = input.validForS === undefined ? Math.min(asked, actor.endsMs ?? asked) : asked;
  const excess = findExcess({ permissions, lines, endsMs }, actor);
  if (excess !== undefined) throw new PeopleError('TOKEN_EXCEEDS_MAKER', { at: excess });
  const { tenantId } = actor;
  const makerPersonId = actor.makerPersonId ?? null;
  const row = { tenantId, personId, makerPersonId, label: input.label, permissions, lines, endsMs, by: actor.id };
  const { token, view } = await ports.database.write((trx) => storeToken(trx, ports, row));
  return { ...view, token };
}

/**
 * Makes a token for a machine; it is shown once.
 * @throws PeopleError TOKEN_EXCEEDS_MAKER
 */
export function createToken(ports: ServerPorts, actor: Actor, input: NewToken): Promise<Token & { token: string }> {
  const { role, permissions = [], ...scope } = input;
  const wanted = role === undefined ? new Set(permissions) : permissionsOfRoles([role]);
  return makeToken(ports, actor, null, scope, wanted);
}

/**
 * Makes a token of the person who asks; it is shown once.
 * @throws PeopleError PERSON_REQUIRED, TOKEN_EXCEEDS_MAKER
 */
export function createOwnToken(
  ports: ServerPorts,
  actor: Actor,
  input: NewOwnToken,
): Promise<Token & { token: string }> {
  const { personId } = actor;
  if (personId === undefined) throw new PeopleError('PERSON_REQUIRED');
  const wanted = input.permissions === undefined ? actor.permissions : new Set(input.permissions);
  return makeToken(ports, actor, personId, input, wanted);
}

/**
 * Ends a token of the tenant, or of one person.
 * @throws PeopleError TOKEN_UNKNOWN
 */
export async function revokeToken(ports: ServerPorts, actor: Actor, id: string, personId?: number): Promise<void> {
  const { tenantId } = actor;
  await ports.database.write(async (trx) => {
    if (!(await deleteToken(trx, tenantId, id, personId))) throw new PeopleError('TOKEN_UNKNOWN', { id });
    const told = { act: 'token-revoked', about: `token/${id}`, by: actor.id };
    await emitEvent(trx, { tenantId, nowMs: ports.now().getTime() }, 'pawl.access.changed', told);
  });
}
