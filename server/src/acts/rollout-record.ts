/** What a rollout does and what is done to it, as statements in the ledger and as events. */
import type { Db, Trx } from '../store/database.ts';
import { appendStatement } from '../store/ledger.ts';
import { findRelease } from '../store/releases.ts';
import type { ReleaseTable, RolloutTable } from '../store/schema/index.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { releaseSubject } from './transition.ts';

/** Who acts when nobody asked: the engine, by the plan. */
export const ENGINE = 'engine';

export async function releaseOf(trx: Db, row: RolloutTable): Promise<ReleaseTable> {
  const release = await findRelease(trx, row.tenant_id, row.release_id);
  if (release === undefined) throw new TypeError('a rollout has a release');
  return release;
}

/** What every event of a rollout says of it. */
export function toldOf(
  row: RolloutTable,
  { line, version }: ReleaseTable,
): { rolloutId: number; name: string; line: string; version: string } {
  return { rolloutId: row.id, name: row.name, line, version };
}

export type RolloutAct = {
  /** A verb of people, an event of the engine, or what a wave does. */
  readonly act: string;
  readonly by: string;
  /** What else belongs to it: the plan, the wave, the numbers. */
  readonly facts?: Readonly<Record<string, unknown>>;
};

/** States and tells an act; `row` is the rollout as it stands after. */
export async function recordRollout(trx: Trx, ports: ServerPorts, row: RolloutTable, act: RolloutAct): Promise<void> {
  const release = await releaseOf(trx, row);
  const nowMs = ports.now().getTime();
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:rollout:1',
    subject: await releaseSubject(trx, release),
    predicate: {
      rolloutId: row.id,
      name: row.name,
      act: act.act,
      filter: row.filter,
      successKind: row.success_kind,
      ...act.facts,
      by: act.by,
      at: new Date(nowMs).toISOString(),
    },
  });
  await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.rollout.changed', {
    ...toldOf(row, release),
    act: act.act,
    state: row.state,
    by: act.by,
  });
}
