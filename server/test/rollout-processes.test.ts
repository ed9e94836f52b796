/**
 * Several server processes on one PostgreSQL move the same rollouts at the same time, while devices speak to any of them
 * and transactions are cut off: nothing is offered twice, no count is lost, every rollout comes to its end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settleRollouts } from '../src/acts/engine.ts';
import type { ServerPorts } from '../src/acts/ports.ts';
import { applyEvent, rolloutsOf } from '../src/acts/transition.ts';
import type { AssignmentEvent } from '../src/domain/assignment.ts';
import { tickRollouts } from '../src/jobs/rollouts.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { Crash, crashing } from './rollout-crash.ts';
import { Invariants } from './rollout-invariants.ts';
import { RolloutLab } from './rollout-lab.ts';

const DEVICES = 36;

async function tick(ports: ServerPorts): Promise<void> {
  try {
    await tickRollouts(ports);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

/** Every device that has something in hand says this, to one process or another, all at once. */
async function sayAtOnce(processes: readonly ServerPorts[], event: AssignmentEvent): Promise<number> {
  const [first] = processes;
  const rows = await first?.database.read.selectFrom('assignment').select('id').where('active', '=', 1).execute();
  const say = async (id: number, index: number): Promise<void> => {
    const ports = processes[index % processes.length];
    if (ports === undefined) return;
    const facts = { nowMs: ports.now().getTime() };
    const said = await ports.database.write((trx) => applyEvent(trx, ports.keys.ledger, id, event, facts));
    await settleRollouts(ports, rolloutsOf(said));
  };
  await Promise.all((rows ?? []).map((row, index) => say(row.id, index)));
  return rows?.length ?? 0;
}

test('three processes on one database', { skip: skipWithoutPostgres() }, async (t) => {
  const cluster = await PostgresCluster.start();
  t.after(() => cluster.close());
  const lab = await RolloutLab.open(cluster.url('postgres'));
  const others = [await lab.another(), await lab.another()];
  t.after(async () => {
    for (const ports of others) await ports.database.close();
    await lab.close();
  });
  const processes = [lab.ports, ...others];
  const invariants = new Invariants(lab.ports.database);
  await lab.addDevices('d', DEVICES);
  const waves = [{ count: 5 }, { percent: 50 }, {}];
  const light = await lab.create({ waves, weight: 100, retry: { attempts: 2 } });
  const heavy = await lab.create({ waves, weight: 900, filter: 'name:d-1*' });
  for (const { id } of [light, heavy]) await lab.change(id, 'start');
  for (let round = 0; round < 40; round += 1) {
    const isCut = round % 3 === 0;
    const ticking = processes.map((ports, index) =>
      tick(isCut && index === 1 ? { ...ports, database: crashing(ports.database, 2) } : ports),
    );
    await Promise.all([...ticking, sayAtOnce(processes, round % 4 === 0 ? 'ddi-download' : 'ddi-success')]);
    await invariants.check('all');
    const states = await Promise.all([light, heavy].map(async ({ id }) => (await lab.show(id)).state));
    if (states.every((state) => state === 'finished')) break;
  }
  const ended = await lab.show(light.id);
  assert.deepEqual([ended.state, ended.outcomes], ['finished', { succeeded: DEVICES }]);
  const { state, outcomes, devices } = await lab.show(heavy.id);
  assert.deepEqual([state, outcomes], ['finished', { succeeded: devices }]);
});
