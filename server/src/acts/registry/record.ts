/** What operators do to the registry, as ledger statements: the digest is that of the record as it stands after. */
import { createHash } from 'node:crypto';
import { canonicalJson, type PredicateType, type Statement } from '@pawl/core/evidence';
import type { Trx } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { ServerPorts } from '../ports.ts';

export async function recordAct(
  trx: Trx,
  ports: ServerPorts,
  parts: {
    readonly tenantId: number;
    readonly predicateType: PredicateType;
    readonly subject: string;
    readonly record: Statement['predicate'];
    readonly act: string;
    readonly by: string;
  },
): Promise<void> {
  const sha256 = createHash('sha256').update(canonicalJson(parts.record)).digest('hex');
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: parts.tenantId,
    predicateType: parts.predicateType,
    subject: { name: parts.subject, digest: { sha256 } },
    predicate: { ...parts.record, act: parts.act, by: parts.by, at: ports.now().toISOString() },
  });
}
