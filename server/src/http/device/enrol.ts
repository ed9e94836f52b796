import type { EnrolResponse } from '@pawl/contract/device';
import { isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import type { PublicKey, Signer } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import { emitEvent } from '../../acts/event.ts';
import { secretSha256 } from '../../acts/secret.ts';
import { takeClaim } from '../../store/access.ts';
import type { Trx } from '../../store/database.ts';
import { insertDevice, updateDevice } from '../../store/devices.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { DeviceTable } from '../../store/schema/index.ts';
import { DeviceApiError } from './errors.ts';
import type { Handler } from './request.ts';
import { verifyEnrolProof } from './signed-report.ts';

/** @throws DeviceApiError DEVICE_CLAIM_INVALID */
export function assertOwnKey(key: PublicKey): void {
  try {
    assertNotTestKey(key);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new DeviceApiError('DEVICE_CLAIM_INVALID', { actual: cause.code }, cause);
  }
}

type Enrolment = {
  readonly tenant: string;
  readonly claim: string;
  readonly name: string | undefined;
  readonly publicKeyPem: string;
  readonly keyId: string;
  readonly tokenSha256: Uint8Array;
  readonly nowMs: number;
};

/**
 * The device whose answer was lost: it redeemed this very claim with this very key and was never heard of since. Power
 * may fail between the commit and the saving of the token, and a used claim would then lock the device out for good.
 */
async function findUnheard(trx: Trx, enrolment: Enrolment): Promise<DeviceTable | undefined> {
  const { tenant, claim, keyId, nowMs } = enrolment;
  return trx
    .selectFrom('claim')
    .innerJoin('tenant', 'tenant.id', 'claim.tenant_id')
    .innerJoin('device', (join) =>
      join
        .onRef('device.tenant_id', '=', 'claim.tenant_id')
        .onRef('device.controller_id', '=', 'claim.controller_id')
        .on('device.key_id', '=', keyId),
    )
    .selectAll('device')
    .where('claim.sha256', '=', secretSha256(claim))
    .where('claim.used_ms', 'is not', null)
    .where('claim.expires_ms', '>', nowMs)
    .where('tenant.name', '=', tenant)
    .where('device.is_heard', '=', 0)
    .where('device.decommissioned_ms', 'is', null)
    .executeTakeFirst();
}

/** @throws DeviceApiError DEVICE_CLAIM_INVALID; the claim stays as it was then */
async function redeem(trx: Trx, enrolment: Enrolment, ledger: Signer): Promise<string> {
  const { tenant, publicKeyPem, keyId, tokenSha256, nowMs } = enrolment;
  const unheard = await findUnheard(trx, enrolment);
  if (unheard !== undefined) {
    await updateDevice(trx, unheard.id, { token_sha256: tokenSha256 });
    return unheard.controller_id;
  }
  const claim = await takeClaim(trx, secretSha256(enrolment.claim), 'device', nowMs);
  const claimTenant = await trx.selectFrom('tenant').select('id').where('name', '=', tenant).executeTakeFirst();
  const controllerId = claim?.controller_id ?? enrolment.name;
  if (claim?.tenant_id !== claimTenant?.id || controllerId === undefined || typeof claim?.model !== 'string') {
    throw new DeviceApiError('DEVICE_CLAIM_INVALID');
  }
  const { tenant_id: tenantId, model } = claim;
  const line = claim.line ?? undefined;
  const tags = JSON.parse(claim.tags) as string[];
  const row = { tenantId, controllerId, model, line, tags, kind: 'pawl' as const };
  const id = await insertDevice(trx, { ...row, tokenSha256, publicKeyPem, keyId, nowMs });
  if (id === undefined) throw new DeviceApiError('DEVICE_CLAIM_INVALID', { actual: 'a name or key that is known' });
  await appendStatement(trx, ledger, {
    tenantId,
    predicateType: 'urn:pawl:device-enrolled:1',
    subject: { name: `device/${controllerId}`, digest: { sha256: keyId } },
    predicate: {
      controllerId,
      model,
      ...(line === undefined ? {} : { line }),
      publicKey: publicKeyPem,
      by: 'claim',
      at: new Date(nowMs).toISOString(),
    },
  });
  const told = { controllerId, model, line: line ?? null, kind: row.kind };
  await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.enrolled', told);
  return controllerId;
}

/**
 * Redeems a one-time claim: the device proves that it holds its key, gets its token once, and its key enters the ledger
 * in the same transaction. A proof that does not hold leaves the claim unused.
 */
export const enrol: Handler<'enrol'> = async ({ body, tenant }, ports) => {
  const key = verifyEnrolProof(body);
  assertOwnKey(key);
  const token = ports.newSecret();
  const enrolment: Enrolment = {
    tenant,
    claim: body.claim,
    name: body.name,
    publicKeyPem: key.toSpkiPem(),
    keyId: keyIdOf(key),
    tokenSha256: secretSha256(token),
    nowMs: ports.now().getTime(),
  };
  const controllerId = await ports.database.write((trx) => redeem(trx, enrolment, ports.keys.ledger));
  const document: EnrolResponse = { controllerId, token, pollIntervalS: ports.pollIntervalS };
  return { kind: 'document', document };
};
