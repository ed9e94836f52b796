/**
 * What the ledger keeps of a person: the number, the roles and the state. Names and addresses stay out of it, because
 * nothing can ever be taken out of it again.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '@pawl/core/evidence';
import type { Trx } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import { rolesOf } from '../../store/people.ts';
import type { PersonTable } from '../../store/schema/index.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';

export type PersonAct = 'created' | 'roles-set' | 'disabled' | 'enabled';

/** States in the ledger, and tells, what somebody did about a person; the digest is that of the record as it stands after. */
export async function recordPerson(
  trx: Trx,
  ports: ServerPorts,
  row: PersonTable,
  { act, by }: { readonly act: PersonAct; readonly by: string },
): Promise<void> {
  const record = { personId: row.id, roles: rolesOf(row), state: row.state };
  const sha256 = createHash('sha256').update(canonicalJson(record)).digest('hex');
  const nowMs = ports.now().getTime();
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:person:1',
    subject: { name: `person/${row.id}`, digest: { sha256 } },
    predicate: { ...record, act, by, at: new Date(nowMs).toISOString() },
  });
  const told = { act: `person-${act}`, about: `person/${row.id}`, by };
  await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.access.changed', told);
}
