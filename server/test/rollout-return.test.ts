/** The way back of a fleet: to exactly the devices that took the bad release, and never backwards. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { returnRollout } from '../src/acts/rollout-return.ts';
import { RolloutLab } from './rollout-lab.ts';

let lab: RolloutLab;
let badId = 0;
beforeEach(async () => {
  lab = await RolloutLab.open();
  badId = await lab.publish('2.0.0', 5);
});
afterEach(() => lab.close());

const back = (id: number, releaseId: number) => returnRollout(lab.ports, lab.actor, id, { releaseId });

/** Five answered; two of them run it, and the rollout halted. */
async function halted(): Promise<{ id: number; took: string[]; open: string[] }> {
  await lab.addDevices('d', 8);
  const { id } = await lab.start({ releaseId: badId, waves: [{ count: 6, errorPercent: 10 }, {}] });
  const offered = await lab.offeredOf(id);
  await lab.sayAll(offered.slice(0, 2), 'ddi-success');
  await lab.sayAll(offered.slice(2, 5), 'ddi-failure');
  assert.equal((await lab.show(id)).state, 'halted');
  return { id, took: offered.slice(0, 2), open: offered.slice(5) };
}

test('exactly the devices that took the bad release are brought back, and the bad rollout stops', async () => {
  const { id, took } = await halted();
  const good = await lab.publish('2.0.1', 5);
  const made = await back(id, good);
  assert.deepEqual([made.devices, made.returnOf, made.state], [2, id, 'ready']);
  const bad = await lab.show(id);
  assert.deepEqual([bad.state, bad.returnedBy], ['stopped', made.id]);
  await lab.change(made.id, 'start');
  assert.deepEqual((await lab.offeredOf(made.id)).sort(), [...took].sort());
  await lab.sayAll(took, 'ddi-success');
  assert.deepEqual((await lab.show(made.id)).outcomes, { succeeded: 2 });
});

test('a device that took it although it was told to stop comes back too', async () => {
  const { id, open } = await halted();
  const made = await back(id, await lab.publish('2.0.1', 5));
  await lab.change(made.id, 'start');
  const [late = ''] = open;
  await lab.say(late, 'ddi-success');
  assert.ok((await lab.offeredOf(made.id)).includes(late));
  assert.equal((await lab.show(made.id)).devices, 3);
});

test('it is refused for a release that is not newer, not published or below a floor, and while the rollout runs', async () => {
  const older = lab.releaseId;
  const { id } = await halted();
  const codes: readonly [number, string][] = [
    [older, 'ROLLOUT_RETURN_NOT_NEWER'],
    [badId, 'ROLLOUT_RETURN_NOT_NEWER'],
    [999, 'RELEASE_UNKNOWN'],
  ];
  for (const [releaseId, code] of codes) await assert.rejects(back(id, releaseId), { code });
  const good = await lab.publish('2.0.1', 4);
  const set = (column: 'sequence_number' | 'state', value: string, releaseId: number) =>
    lab.ports.database.write((trx) =>
      trx
        .updateTable('release')
        .set({ [column]: value })
        .where('id', '=', releaseId)
        .execute(),
    );
  await set('sequence_number', '10', badId);
  await set('sequence_number', '9', good);
  await assert.rejects(back(id, good), { code: 'ROLLOUT_RETURN_NOT_NEWER' }, 'numbers, not text');
  await set('sequence_number', '11', good);
  await set('state', 'draft', good);
  await assert.rejects(back(id, good), { code: 'RELEASE_NOT_PUBLISHED' });
  await set('state', 'published', good);
  await lab.ports.database.write((trx) => trx.updateTable('device').set({ floor: '5' }).execute());
  await assert.rejects(back(id, good), { code: 'ROLLOUT_BELOW_FLOOR' });
  await assert.rejects(back(999, good), { code: 'ROLLOUT_UNKNOWN' });
  const running = await lab.start({ releaseId: await lab.publish('3.0.0', 9), filter: 'name:d-1' });
  await assert.rejects(back(running.id, good), { code: 'ROLLOUT_STATE_UNSUITABLE' });
});

test('nobody took it: there is nobody to bring back', async () => {
  await lab.addDevices('d', 1);
  const { id } = await lab.start({ releaseId: badId });
  await lab.change(id, 'stop');
  await assert.rejects(back(id, await lab.publish('2.0.1')), { code: 'ROLLOUT_EMPTY' });
});
