/** No sequence of drafts, uploads, publications, rollouts, time, collectors and crashes loses an object that is needed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCodedError } from '@pawl/core/bytes';
import fc from 'fast-check';
import { decommissionDevice } from '../src/acts/device.ts';
import { NOBODY } from '../src/domain/actor.ts';
import { DAY_S, ObjectLab, signedImage, YEAR_S } from './object-lab.ts';

const IMAGES = ['a', 'b', 'c'].map(signedImage);
const TEN_YEARS_MS = 3652 * DAY_S * 1000;
const DEVICES = 2;

type World = { readonly lab: ObjectLab; readonly releases: { readonly id: number; readonly bytes: Uint8Array }[] };
type Act = { readonly [fc.toStringMethod]: () => string; readonly run: (world: World) => Promise<unknown> };

/** A refusal with a code is an answer; anything else is a fault. */
async function refusable(doing: Promise<unknown>): Promise<void> {
  await doing.catch((error: unknown) => {
    if (!isCodedError(error)) throw error;
  });
}

const act = (name: string, run: Act['run']): Act => ({ [fc.toStringMethod]: () => name, run });
const pick = fc.nat({ max: 7 });

function onRelease(name: string, run: (world: World, release: World['releases'][number]) => Promise<unknown>) {
  return pick.map((at) =>
    act(`${name} ${at}`, async (world) => {
      const release = world.releases[at % Math.max(1, world.releases.length)];
      if (release !== undefined) await refusable(run(world, release));
    }),
  );
}

async function crash(lab: ObjectLab, when: 'before' | 'after'): Promise<void> {
  await lab.collect(0, lab.crashing(when)).catch((error: unknown) => {
    if (!(error instanceof Error && error.message === 'crash')) throw error;
  });
}

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 2 }).map((at) => act(`draft ${at}`, (world) => draft(world, at))) },
  { weight: 4, arbitrary: onRelease('upload', ({ lab }, { id, bytes }) => lab.upload(id, bytes)) },
  { weight: 4, arbitrary: onRelease('publish', ({ lab }, { id }) => lab.publish(id)) },
  { weight: 3, arbitrary: onRelease('roll out', ({ lab }, { id }) => lab.rollouts.start({ releaseId: id })) },
  {
    weight: 2,
    arbitrary: onRelease('upload beside a collector', ({ lab }, { id, bytes }) =>
      Promise.all([lab.collect(), lab.upload(id, bytes)]),
    ),
  },
  {
    weight: 2,
    arbitrary: onRelease('publish beside a collector', ({ lab }, { id }) =>
      Promise.all([lab.collect(), lab.publish(id)]),
    ),
  },
  {
    weight: 2,
    arbitrary: pick.map((at) => act(`d-${at % DEVICES} is done`, ({ lab }) => sayDone(lab, at))),
  },
  {
    weight: 1,
    arbitrary: pick.map((at) =>
      act(`d-${at % DEVICES} leaves`, ({ lab }) =>
        decommissionDevice(lab.ports, { ...NOBODY, tenantId: lab.rollouts.tenantId }, `d-${at % DEVICES}`),
      ),
    ),
  },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom(3600, 2 * DAY_S, 8 * DAY_S, 31 * DAY_S, 6 * YEAR_S, 11 * YEAR_S)
      .map((seconds) => act(`collect after ${seconds / DAY_S} days`, ({ lab }) => lab.collect(seconds))),
  },
  {
    weight: 2,
    arbitrary: fc.constant(act('two collectors', ({ lab }) => Promise.all([lab.collect(), lab.collect()]))),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('before' as const, 'after' as const)
      .map((when) => act(`crash ${when}`, ({ lab }) => crash(lab, when))),
  },
);

async function draft({ lab, releases }: World, at: number): Promise<void> {
  const bytes = IMAGES[at] ?? new Uint8Array();
  releases.push({ id: await lab.draft(bytes), bytes });
}

async function sayDone(lab: ObjectLab, at: number): Promise<void> {
  await lab.rollouts.say(`d-${at % DEVICES}`, 'ddi-success');
}

/** Whether a device may ask for it, read from the rows one by one, without the queries of the collector. */
async function isOwed(lab: ObjectLab, releaseId: number): Promise<boolean> {
  const { read } = lab.ports.database;
  const release = await read.selectFrom('release').selectAll().where('id', '=', releaseId).executeTakeFirstOrThrow();
  if (release.state !== 'published') return false;
  const all = await read.selectFrom('assignment').selectAll().execute();
  const assignments = all.filter(({ release_id }) => release_id === releaseId);
  const times = [release.published_ms ?? 0, ...assignments.map(({ created_ms }) => created_ms)];
  if (Math.max(...times) > lab.rollouts.nowMs - TEN_YEARS_MS) return true;
  if (assignments.some(({ active }) => active === 1)) return true;
  const devices = await read.selectFrom('device').selectAll().where('decommissioned_ms', 'is', null).execute();
  return devices.some((device) => assignments.some(({ id }) => id === device.installed_assignment_id));
}

async function check({ lab, releases }: World): Promise<void> {
  for (const { id, bytes } of releases) {
    const isThere = await lab.has(bytes);
    if (await lab.isUploaded(id)) assert.ok(isThere, `release ${id} says that it is uploaded`);
    if (await isOwed(lab, id)) assert.ok(isThere, `release ${id} is owed`);
  }
}

test('what is owed to a device, and what says that it is uploaded, is there after every step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 40 }), async (sequence) => {
      const lab = await ObjectLab.open();
      try {
        const world: World = { lab, releases: [] };
        await lab.rollouts.addDevices('d', DEVICES);
        for (const { run } of sequence) {
          await run(world);
          await check(world);
        }
      } finally {
        await lab.close();
      }
    }),
    { numRuns: 40 },
  );
});
