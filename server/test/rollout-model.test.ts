/**
 * Any sequence of what people, devices and time do to rollouts, against the real store: nothing breaks what must hold, and
 * in the end every device has a final state or waits for a rollout that people have not ended. Cut-off transactions
 * (a crash before the commit) are part of the sequences. `PAWL_MODEL_RUNS=500` looks longer.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewRollout, Rollout } from '@pawl/contract/management';
import fc from 'fast-check';
import { decommissionDevice } from '../src/acts/device.ts';
import { cancelAssignment } from '../src/acts/rollout.ts';
import { NOBODY } from '../src/domain/actor.ts';
import type { AssignmentEvent } from '../src/domain/assignment.ts';
import type { RolloutVerb } from '../src/domain/rollout.ts';
import { tickRollouts } from '../src/jobs/rollouts.ts';
import { Crash, crashing } from './rollout-crash.ts';
import { Invariants } from './rollout-invariants.ts';
import { RolloutLab } from './rollout-lab.ts';

const RUNS = Number(process.env['PAWL_MODEL_RUNS'] ?? 12);
const DEVICES = 14;

type World = {
  readonly lab: RolloutLab;
  readonly invariants: Invariants;
  devices: number;
  readonly rollouts: number[];
};
type Act = { readonly [fc.toStringMethod]: () => string; readonly run: (world: World) => Promise<number | undefined> };

const deviceName = (index: number): string => `d-${index}`;

/** A refusal is an answer; anything else is a fault. */
async function refusable(act: Promise<unknown>): Promise<void> {
  try {
    await act;
  } catch (error) {
    const { code = '' } = error as { code?: string };
    const known = ['ROLLOUT_STATE_UNSUITABLE', 'ROLLOUT_NOTHING_TO_RETRY', 'ROLLOUT_LAST_WAVE', 'ROLLOUT_EMPTY'];
    if (![...known, 'ASSIGNMENT_FINAL', 'DEVICE_UNKNOWN', 'ROLLOUT_SCHEDULE_INVALID'].includes(code)) throw error;
  }
}

const SAYINGS: readonly AssignmentEvent[] = [
  'ddi-download',
  'ddi-success',
  'ddi-success',
  'ddi-failure',
  'ddi-cancelled',
  'ddi-cancel-rejected',
  'report-trial',
  'report-confirmed',
  'report-reverted',
  'report-refused',
  'consent-given',
];
/** After these a rollout may offer at once. */
const MAKES_RUN: ReadonlySet<RolloutVerb> = new Set<RolloutVerb>(['start', 'resume', 'next']);
const VERBS: readonly RolloutVerb[] = ['start', 'pause', 'resume', 'stop', 'retry', 'next'];

const small = fc.integer({ min: 0, max: 30 });
const waves = fc.array(
  fc.record(
    {
      count: fc.integer({ min: 1, max: 5 }),
      successPercent: fc.constantFrom(0, 50, 90, 100),
      errorPercent: fc.constantFrom(0, 20, 100),
      soakS: fc.constantFrom(0, 60),
    },
    { requiredKeys: ['count'] },
  ),
  { maxLength: 3 },
);

const plan: fc.Arbitrary<Partial<NewRollout>> = fc
  .record(
    {
      waves: waves.map((some) => [...some, {}]),
      weight: fc.constantFrom(1, 500, 900),
      ratePerMinute: fc.constantFrom(1, 3, 12),
      isDynamic: fc.boolean(),
      needsConsent: fc.boolean(),
      timeOutS: fc.constantFrom({ answer: 60, install: 60 }, { answer: 600, install: 120 }),
      retry: fc.record({ attempts: fc.integer({ min: 1, max: 3 }) }),
      halt: fc.record({ minAnswers: fc.integer({ min: 1, max: 4 }) }),
      successKind: fc.constantFrom(
        'reported' as const,
        'version-seen' as const,
        'confirmed' as const,
        'attested' as const,
      ),
      filter: fc.constantFrom('', 'name:d-1*', 'tag:even'),
    },
    { requiredKeys: [] },
  )
  .map(({ filter = '', ...more }) => ({ ...more, filter }));

/** Shown by its name when a sequence fails. */
const act = (name: string, run: Act['run']): Act => ({ [fc.toStringMethod]: () => name, run });

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 1, arbitrary: small.map(() => act('add a device', addOne)) },
  { weight: 2, arbitrary: fc.tuple(plan, fc.boolean()).map(([input, isStarted]) => createAct(input, isStarted)) },
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 200 }).map((seconds) => tickAct(seconds)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }).map((n) => crashAct(n)) },
  { weight: 12, arbitrary: fc.tuple(small, fc.constantFrom(...SAYINGS)).map(([at, event]) => sayAct(at, event)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...SAYINGS).map((event) => act(`all ${event}`, (world) => sayAll(world, event))),
  },
  { weight: 5, arbitrary: fc.tuple(small, fc.constantFrom(...VERBS)).map(([at, verb]) => verbAct(at, verb)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(small, fc.constantFrom('affirming' as const, 'contraindicated' as const))
      .map(([at, tier]) => act(`device ${at} attests: ${tier}`, (world) => attestOf(world, at, tier))),
  },
  { weight: 1, arbitrary: small.map((at) => act(`cancel ${at}`, (world) => cancelOf(world, at))) },
  { weight: 1, arbitrary: small.map((at) => act(`decommission ${at}`, (world) => decommissionOf(world, at))) },
);

async function addOne(world: World): Promise<undefined> {
  await world.lab.addDevice(deviceName(world.devices), world.devices % 2 === 0 ? ['even'] : []);
  world.devices += 1;
}

function createAct(input: Partial<NewRollout>, isStarted: boolean): Act {
  return act(`create ${JSON.stringify(input)}${isStarted ? ' and start' : ''}`, async ({ lab, rollouts }) => {
    let made: Rollout | undefined;
    await refusable(
      lab.create(input).then((rollout) => {
        made = rollout;
      }),
    );
    if (made === undefined) return undefined;
    rollouts.push(made.id);
    if (isStarted) await lab.change(made.id, 'start');
    return made.id;
  });
}

function tickAct(seconds: number): Act {
  return act(`${seconds} s pass`, async ({ lab }) => {
    await lab.tick(seconds);
    return undefined;
  });
}

function crashAct(n: number): Act {
  return act(`the job is cut off in transaction ${n}`, async ({ lab }) => {
    const ports = { ...lab.ports, database: crashing(lab.ports.database, n) };
    try {
      await tickRollouts(ports);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    return undefined;
  });
}

function sayAct(at: number, event: AssignmentEvent): Act {
  return act(`device ${at} says ${event}`, async ({ lab, devices }) => {
    await lab.say(deviceName(at % devices), event);
    return undefined;
  });
}

async function sayAll({ lab, devices }: World, event: AssignmentEvent): Promise<undefined> {
  for (let index = 0; index < devices; index += 1) await lab.say(deviceName(index), event);
}

function verbAct(at: number, verb: RolloutVerb): Act {
  return act(`${verb} ${at}`, async ({ lab, rollouts }) => {
    const id = rollouts[at % Math.max(1, rollouts.length)];
    if (id === undefined) return undefined;
    const { state } = await lab.show(id);
    await refusable(lab.change(id, verb));
    return MAKES_RUN.has(verb) || state === 'finished' ? id : undefined;
  });
}

async function cancelOf({ lab, devices }: World, at: number): Promise<undefined> {
  const active = await lab.activeOf(deviceName(at % devices));
  if (active !== undefined) await refusable(cancelAssignment(lab.ports, lab.tenantId, active.id));
}

async function attestOf(
  { lab, devices }: World,
  at: number,
  tier: 'affirming' | 'contraindicated',
): Promise<undefined> {
  await lab.attest(deviceName(at % devices), tier);
}

async function decommissionOf({ lab, devices }: World, at: number): Promise<undefined> {
  await refusable(decommissionDevice(lab.ports, { ...NOBODY, tenantId: lab.tenantId }, deviceName(at % devices)));
}

/** Everybody does what is left to do: people go on with everything, devices succeed. */
async function drain(world: World): Promise<void> {
  const { lab, rollouts, invariants } = world;
  for (let round = 0; round < 60; round += 1) {
    await sayAll(world, 'consent-given');
    await sayAll(world, 'ddi-success');
    // In the end, longer than any device has time to prove what it runs.
    await lab.tick(round < 30 ? 70 : 8 * 86_400);
    let isQuiet = true;
    for (const id of rollouts) {
      const { state, isDynamic, outcomes } = await lab.show(id);
      if (state === 'paused' || state === 'halted') await lab.change(id, 'resume');
      const isWaiting = (outcomes.waiting ?? 0) + (outcomes.blocked ?? 0) + (outcomes.active ?? 0) > 0;
      if (state === 'running' && outcomes.active === undefined) await refusable(lab.change(id, 'next'));
      isQuiet &&= ['ready', 'stopped', 'finished'].includes(state) || (isDynamic && !isWaiting);
    }
    if (isQuiet) return await invariants.check('all');
  }
  assert.fail('a rollout is stuck');
}

test('no sequence of acts, words, time and crashes breaks a rollout, and each comes to its end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 45 }), async (sequence) => {
      const lab = await RolloutLab.open();
      try {
        const world: World = { lab, invariants: new Invariants(lab.ports.database), devices: 0, rollouts: [] };
        for (let index = 0; index < DEVICES; index += 1) await addOne(world);
        for (const { run } of sequence) await world.invariants.check(await run(world));
        await drain(world);
      } finally {
        await lab.close();
      }
    }),
    { numRuns: RUNS },
  );
});
