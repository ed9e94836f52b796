/** The directory of laboratories as the user wrote it down, version by version; each version is a statement. Nothing in it is ours. */
import { createHash } from 'node:crypto';
import type { Laboratory, LaboratoryDirectory } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import type { Db } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import { findDirectory, insertDirectory } from '../../store/testing.ts';
import type { ServerPorts } from '../ports.ts';

/** The newest directory. */
export async function laboratoryDirectory(db: Db, tenantId: number): Promise<LaboratoryDirectory> {
  const row = await findDirectory(db, tenantId);
  if (row === undefined) return { version: 0, laboratories: [], recordedBy: null, recordedAt: null };
  return {
    version: row.version,
    laboratories: JSON.parse(row.record) as Laboratory[],
    recordedBy: row.recorded_by,
    recordedAt: new Date(row.recorded_ms).toISOString(),
  };
}

/** Writes a directory down in place of the one before. */
export function importLaboratories(
  ports: ServerPorts,
  actor: Actor,
  laboratories: readonly Laboratory[],
): Promise<LaboratoryDirectory> {
  const { tenantId } = actor;
  return ports.database.write(async (trx) => {
    const version = ((await findDirectory(trx, tenantId))?.version ?? 0) + 1;
    const record = JSON.stringify(laboratories);
    await insertDirectory(trx, {
      tenant_id: tenantId,
      version,
      record,
      recorded_by: actor.id,
      recorded_ms: ports.now().getTime(),
    });
    await appendStatement(trx, ports.keys.ledger, {
      tenantId,
      predicateType: 'urn:pawl:laboratories:1',
      subject: {
        name: `laboratories/${version}`,
        digest: { sha256: createHash('sha256').update(record).digest('hex') },
      },
      predicate: {
        version,
        laboratories: laboratories.length,
        tenant: await tenantName(trx, tenantId),
        by: actor.id,
        at: ports.now().toISOString(),
      },
    });
    return await laboratoryDirectory(trx, tenantId);
  });
}
