import type { EnrolResponse } from '@pawl/contract/device';
import { isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import type { PublicKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import { secretSha256 } from '../../acts/secret.ts';
import { takeClaim } from '../../store/access.ts';
import { insertDevice } from '../../store/devices.ts';
import { appendStatement } from '../../store/ledger.ts';
import { DeviceApiError } from './errors.ts';
import type { Handler } from './request.ts';
import { verifyEnrolProof } from './signed-report.ts';

function assertOwnKey(key: PublicKey): void {
  try {
    assertNotTestKey(key);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new DeviceApiError('DEVICE_CLAIM_INVALID', { actual: cause.code }, cause);
  }
}

/**
 * Redeems a one-time claim: the device proves that it holds its key, gets its token once, and its key enters the ledger
 * in the same transaction. A proof that does not hold leaves the claim unused.
 */
export const enrol: Handler<'enrol'> = async ({ body, tenant }, ports) => {
  const key = verifyEnrolProof(body);
  assertOwnKey(key);
  const [token, keyId, publicKeyPem] = [ports.newSecret(), keyIdOf(key), key.toSpkiPem()];
  const nowMs = ports.now().getTime();
  const controllerId = await ports.database.write(async (trx) => {
    const claim = await takeClaim(trx, secretSha256(body.claim), 'device', nowMs);
    const claimTenant = await trx.selectFrom('tenant').select('id').where('name', '=', tenant).executeTakeFirst();
    const name = claim?.controller_id ?? body.name;
    if (claim === undefined || claim.tenant_id !== claimTenant?.id || name === undefined || claim.model === null) {
      throw new DeviceApiError('DEVICE_CLAIM_INVALID');
    }
    const id = await insertDevice(trx, {
      tenantId: claim.tenant_id,
      controllerId: name,
      model: claim.model,
      line: claim.line ?? undefined,
      kind: 'pawl',
      tags: JSON.parse(claim.tags) as string[],
      tokenSha256: secretSha256(token),
      publicKeyPem,
      keyId,
      nowMs,
    });
    // The name or the key is taken: the whole transaction is undone, the claim stays.
    if (id === undefined) throw new DeviceApiError('DEVICE_CLAIM_INVALID', { actual: 'a name or key that is known' });
    await appendStatement(trx, ports.keys.ledger, {
      predicateType: 'urn:pawl:device-enrolled:1',
      subject: { name: `device/${name}`, digest: { sha256: keyId } },
      predicate: {
        controllerId: name,
        model: claim.model,
        ...(claim.line === null ? {} : { line: claim.line }),
        publicKey: publicKeyPem,
        at: new Date(nowMs).toISOString(),
      },
    });
    return name;
  });
  const document: EnrolResponse = { controllerId, token, pollIntervalS: ports.pollIntervalS };
  return { kind: 'document', document };
};
