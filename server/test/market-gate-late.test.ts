/** A market gate and devices that join a dynamic rollout after its start. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setGate } from '../src/acts/evidence/market-gate.ts';
import { putProduct } from '../src/acts/evidence/product.ts';
import { RolloutLab } from './rollout-lab.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8').replace(
  'line: hearth',
  'line: hub',
);
let lab: RolloutLab;
before(async () => {
  lab = await RolloutLab.open();
  await putProduct(lab.ports, lab.actor, 'hearth', { source: SOURCE });
});
after(() => lab.close());

const gate = (filter: string | null) => setGate(lab.ports, lab.actor, { product: 'hearth', market: 'EU' }, filter);

test('who is held by a gate does not join a rollout that runs, others do; without the gate it joins', async () => {
  await lab.addDevice('d-0');
  const { id } = await lab.start({ isDynamic: true, filter: 'name:d-*' });
  assert.deepEqual(await lab.offeredOf(id), ['d-0']);
  await gate('name:d-eu-*');
  await lab.addDevice('d-eu-held', [], 'sensor');
  await lab.addDevice('d-eu-of-no-model');
  await lab.addDevice('d-us', [], 'sensor');
  for (let turn = 0; turn < 3; turn += 1) await lab.tick();
  assert.deepEqual((await lab.offeredOf(id)).toSorted(), ['d-0', 'd-eu-of-no-model', 'd-us']);
  assert.equal((await lab.show(id)).devices, 3);
  await gate(null);
  await lab.tick();
  assert.ok((await lab.offeredOf(id)).includes('d-eu-held'));
});

test('a release of security fixes reaches who joins later, whatever is held', async () => {
  await gate('name:f-*');
  const releaseId = await lab.publish('1.0.9');
  await lab.ports.database.write(async (trx) => {
    await trx.updateTable('release').set({ urgency: 'security' }).where('id', '=', releaseId).execute();
  });
  const { id } = await lab.start({ isDynamic: true, filter: 'name:f-*', releaseId });
  await lab.addDevice('f-late', [], 'sensor');
  await lab.tick();
  assert.deepEqual(await lab.offeredOf(id), ['f-late']);
});
