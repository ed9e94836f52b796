/**
 * Who may use the management API. The first operator comes in by a claim that the first run prints once, exchanged for an
 * admin's token; an admin makes and revokes the others. There is no other way in.
 */
import type { Role, Token } from '@pawl/contract/management';
import {
  deleteToken,
  dropOperatorClaims,
  ensureTenant,
  hasAdmin,
  insertClaim,
  insertToken,
  takeClaim,
  tokenView,
} from '../store/access.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';
import { secretSha256 } from './secret.ts';

/** Makes the claim of the first run; undefined while there is an admin. A claim that was never used is replaced. */
export function newOperatorClaim(ports: ServerPorts, tenant: string): Promise<string | undefined> {
  return ports.database.write(async (trx) => {
    const tenantId = await ensureTenant(trx, tenant);
    if (await hasAdmin(trx)) return undefined;
    await dropOperatorClaims(trx);
    const claim = ports.newSecret();
    await insertClaim(trx, {
      sha256: secretSha256(claim),
      tenant_id: tenantId,
      kind: 'operator',
      controller_id: null,
      model: null,
      line: null,
      tags: '[]',
      expires_ms: null,
    });
    return claim;
  });
}

/** @throws ServerError CLAIM_INVALID */
export function login(
  ports: ServerPorts,
  input: { readonly claim: string; readonly label: string },
): Promise<{ token: string; tenant: string }> {
  return ports.database.write(async (trx) => {
    const nowMs = ports.now().getTime();
    const claim = await takeClaim(trx, secretSha256(input.claim), 'operator', nowMs);
    if (claim === undefined) throw new ServerError('CLAIM_INVALID');
    const token = ports.newSecret();
    await insertToken(trx, {
      sha256: secretSha256(token),
      tenant_id: claim.tenant_id,
      label: input.label,
      role: 'admin',
      created_ms: nowMs,
    });
    const tenant = await trx
      .selectFrom('tenant')
      .select('name')
      .where('id', '=', claim.tenant_id)
      .executeTakeFirstOrThrow();
    return { token, tenant: tenant.name };
  });
}

/** Makes a token for another person or machine; it is shown once. */
export async function createToken(
  ports: ServerPorts,
  tenantId: number,
  input: { readonly label: string; readonly role: Role },
): Promise<Token & { token: string }> {
  const token = ports.newSecret();
  const sha256 = secretSha256(token);
  const row = { sha256, tenant_id: tenantId, ...input, created_ms: ports.now().getTime() };
  await ports.database.write((trx) => insertToken(trx, row));
  return { ...tokenView(row), token };
}

/** @throws ServerError TOKEN_UNKNOWN */
export async function revokeToken(ports: ServerPorts, tenantId: number, id: string): Promise<void> {
  await ports.database.write(async (trx) => {
    if (!(await deleteToken(trx, tenantId, id))) throw new ServerError('TOKEN_UNKNOWN', { id });
  });
}
