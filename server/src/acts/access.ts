/** The first operator: a claim that the first run prints once, exchanged for an API token. There is no other way in. */
import { dropOperatorClaims, ensureTenant, hasAnyToken, insertClaim, insertToken, takeClaim } from '../store/access.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';
import { secretSha256 } from './secret.ts';

/** Makes the claim of the first run; undefined when an operator exists. A claim that was never used is replaced. */
export function newOperatorClaim(ports: ServerPorts, tenant: string): Promise<string | undefined> {
  return ports.database.write(async (trx) => {
    const tenantId = await ensureTenant(trx, tenant);
    if (await hasAnyToken(trx)) return undefined;
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
