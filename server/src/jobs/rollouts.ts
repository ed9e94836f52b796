/**
 * Moves rollouts on: time-outs, devices that joined, schedules, waves, offers. Several servers may run it at the same time:
 * each rollout is claimed by the transaction that works on it. Whatever is cut off is found again by the next run.
 */
import { setImmediate } from 'node:timers/promises';
import { admitLate, isOpenToLate } from '../acts/dynamic-members.ts';
import { advanceRollout, takeSteps } from '../acts/engine.ts';
import { heldDevices } from '../acts/evidence/market-gate.ts';
import type { ServerPorts } from '../acts/ports.ts';
import { timeOut } from '../acts/time-outs.ts';
import { engineStates } from '../domain/rollout.ts';
import { tryLockRollout } from '../store/locking.ts';
import { getRolloutById, rolloutsIn } from '../store/rollouts.ts';

/** Batches that one rollout may take before the others have their turn. */
const BATCHES_MAX = 16;

/** Looks once at every rollout that time or devices may have moved. */
export async function tickRollouts(ports: ServerPorts, isClosing: () => boolean = () => false): Promise<void> {
  await timeOut(ports);
  const ids = (await rolloutsIn(ports.database.read, engineStates())).map(({ id }) => id);
  const queue = new Map(ids.map((id) => [id, 0]));
  for (const [id, batches] of queue) {
    queue.delete(id);
    await setImmediate();
    if (isClosing()) return;
    const { isMore, touched } = batches === 0 ? await lookAt(ports, id) : await advanceRollout(ports, id);
    if (isMore && batches < BATCHES_MAX) queue.set(id, batches + 1);
    for (const other of touched) if (!queue.has(other)) queue.set(other, 1);
  }
}

async function lookAt(ports: ServerPorts, id: number): ReturnType<typeof advanceRollout> {
  const seen = await getRolloutById(ports.database.read, id);
  const held = isOpenToLate(seen) ? await heldDevices(ports, seen) : undefined;
  return await ports.database.write(async (trx) => {
    const row = await tryLockRollout(trx, id);
    if (row === undefined) return { isMore: false, touched: new Set<number>() };
    // One that was started since is looked at the next time, with what its gates hold.
    if (isOpenToLate(seen)) await admitLate(trx, row, ports.now().getTime(), held);
    return await takeSteps(trx, ports, row);
  });
}
