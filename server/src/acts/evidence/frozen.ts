/**
 * Frozen documents of a product: the digest of the list of their digests (`manifest.json`) goes into the ledger, so that
 * nobody can say later that others were handed out, or earlier. The documents themselves stay where they were made.
 */
import type { FrozenDocuments } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { ServerPorts } from '../ports.ts';
import { mustFindProduct } from './live.ts';

/** @throws EvidenceVaultError PRODUCT_UNKNOWN */
export async function recordFrozen(
  ports: ServerPorts,
  actor: Actor,
  product: string,
  { release, on, files, sha256 }: FrozenDocuments,
): Promise<void> {
  const { tenantId } = actor;
  await ports.database.write(async (trx) => {
    await mustFindProduct(trx, tenantId, product);
    await appendStatement(trx, ports.keys.ledger, {
      tenantId,
      predicateType: 'urn:pawl:documents:1',
      subject: { name: `documents/${product}/${release}`, digest: { sha256 } },
      predicate: {
        product,
        release,
        on,
        files,
        tenant: await tenantName(trx, tenantId),
        by: actor.id,
        at: ports.now().toISOString(),
      },
    });
  });
}
