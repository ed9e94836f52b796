/**
 * The way back of a fleet: always forward, to a newer signed release (which may hold the content of the old version), and to
 * exactly the devices that took the bad one. No floor goes down, so a device would refuse anything else.
 */
import type { Rollout } from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { decideRollout } from '../domain/rollout.ts';
import type { Trx } from '../store/database.ts';
import { insertTakers, POOL } from '../store/members.ts';
import { findRelease } from '../store/releases.ts';
import { findRollout, rolloutView, updateRollout } from '../store/rollouts.ts';
import type { ReleaseTable, RolloutTable } from '../store/schema/index.ts';
import { addTallies } from '../store/tallies.ts';
import { settleRollouts } from './engine.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';
import { insertPlanned, refuseBelowFloor } from './rollout.ts';
import { recordRollout, releaseOf } from './rollout-record.ts';

const OVER: ReadonlySet<RolloutTable['state']> = new Set<RolloutTable['state']>([
  'halted',
  'stopping',
  'stopped',
  'finished',
]);
const WEIGHT_MAX = 1000;

/** By the number that devices compare; releases of foreign clients have none, and are told apart by their order here. */
function isNewer(release: ReleaseTable, bad: ReleaseTable): boolean {
  if (release.line !== bad.line || release.kind !== bad.kind) return false;
  if (release.sequence_number === null || bad.sequence_number === null) return release.id > bad.id;
  return BigInt(release.sequence_number) > BigInt(bad.sequence_number);
}

async function mustBeNewer(trx: Trx, tenantId: number, releaseId: number, bad: ReleaseTable): Promise<ReleaseTable> {
  const release = await findRelease(trx, tenantId, releaseId);
  if (release === undefined) throw new ServerError('RELEASE_UNKNOWN', { releaseId });
  if (release.state !== 'published') throw new ServerError('RELEASE_NOT_PUBLISHED', { releaseId });
  if (isNewer(release, bad)) return release;
  const [expected, actual] = [bad.sequence_number ?? bad.version, release.sequence_number ?? release.version];
  throw new ServerError('ROLLOUT_RETURN_NOT_NEWER', { releaseId, expected, actual });
}

async function stopBad(trx: Trx, ports: ServerPorts, bad: RolloutTable, by: string): Promise<void> {
  if (bad.state !== 'halted') return;
  const state = decideRollout(bad.state, 'stop');
  if (state === undefined) throw new TypeError('what halted can be stopped');
  await updateRollout(trx, bad.id, { state });
  await recordRollout(trx, ports, { ...bad, state }, { act: 'stop', by });
}

/**
 * Makes the rollout that brings the fleet back; it is started like any other, after the approvals that it needs.
 * @throws ServerError ROLLOUT_UNKNOWN, ROLLOUT_STATE_UNSUITABLE, RELEASE_UNKNOWN, RELEASE_NOT_PUBLISHED,
 *   ROLLOUT_RETURN_NOT_NEWER, ROLLOUT_BELOW_FLOOR, ROLLOUT_EMPTY
 */
export async function returnRollout(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  input: { readonly releaseId: number; readonly name?: string | undefined },
): Promise<Rollout> {
  const { tenantId } = actor;
  const view = await ports.database.write(async (trx) => {
    const bad = await findRollout(trx, tenantId, id);
    if (bad === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id });
    if (!OVER.has(bad.state)) throw new ServerError('ROLLOUT_STATE_UNSUITABLE', { state: bad.state, verb: 'return' });
    const release = await mustBeNewer(trx, tenantId, input.releaseId, await releaseOf(trx, bad));
    const planned = {
      name: input.name ?? `return of ${bad.name}`.slice(0, 128),
      releaseId: release.id,
      filter: bad.filter,
      successKind: bad.success_kind,
      weight: Math.min(WEIGHT_MAX, bad.weight + 1),
    };
    const row = await insertPlanned(trx, ports, actor, { input: planned, release, returnsRolloutId: id });
    const devices = await insertTakers(trx, row.id, id);
    if (devices === 0) throw new ServerError('ROLLOUT_EMPTY', { returnOf: id });
    await refuseBelowFloor(trx, row.id, release);
    await addTallies(trx, row.id, [{ position: POOL, outcome: 'waiting', change: devices }]);
    await updateRollout(trx, row.id, { devices });
    await stopBad(trx, ports, bad, actor.id);
    const facts = { devices, returnOf: id, plan: row.plan, policy: row.policy };
    await recordRollout(trx, ports, row, { act: 'create', by: actor.id, facts });
    return await rolloutView(trx, { ...row, devices });
  });
  await settleRollouts(ports, [id]);
  return view;
}
