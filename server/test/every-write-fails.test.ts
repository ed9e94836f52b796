/**
 * Every write of a story fails once: before it, undone, and with its answer lost. Whoever asked asks again, and the story
 * ends as if nothing had happened: the same states, each transition once, the same words in a ledger that proves itself.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifyBundle } from '@pawl/core/evidence';
import type { Database } from '../src/store/database.ts';
import { settleLedger } from '../src/store/ledger.ts';
import { type FaultServer, type SignedImage, signImage, startFaultServer } from './fault-server.ts';
import { FaultStory } from './fault-story.ts';
import { FAULTS } from './faulty-database.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { Invariants } from './rollout-invariants.ts';

type Predicate = Readonly<Record<string, string | number | undefined>>;

function predicateOf(envelope: Uint8Array): Predicate {
  const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string };
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Predicate }).predicate;
}

/** What the ledger says of a story and of each device, in its order; of a rollout made twice, the one that was started. */
async function words({ name, rolloutId }: FaultStory, db: Database['read']): Promise<Record<string, string[]>> {
  const said: Record<string, string[]> = { story: [], '-f': [], '-p': [] };
  for (const row of await db
    .selectFrom('ledger_entry')
    .selectAll()
    .where('subject', 'like', `%/${name}%`)
    .orderBy('idx')
    .execute()) {
    if (!row.subject.includes(`/${name}/`) && !row.subject.endsWith(`/${name}-p`)) continue;
    const { controllerId, rolloutId: of = rolloutId, act, from, to, state } = predicateOf(row.envelope);
    if (of !== rolloutId) continue;
    // The device whose token was lost has another name.
    const device = row.subject.startsWith('device/')
      ? '-p'
      : String(controllerId ?? '').slice(name.length, name.length + 2);
    const word = [row.predicate_type, act, from, to, state].filter((part) => part !== undefined).join(' ');
    said[device === '' ? 'story' : device]?.push(word);
  }
  return said;
}

/** DDI numbers no message: progress that was kept and comes again is kept twice. What ends an assignment never is. */
function messages(log: readonly { readonly status: string }[]): string[] {
  return log.map(({ status }) => status).filter((status, at) => status !== 'RUNNING' || log[at - 1]?.status !== status);
}

/** What is in the tables of a story; secrets, times and numbers of rows aside. */
async function rows({ name, rolloutId }: FaultStory, db: Database['read']) {
  const devices = await db
    .selectFrom('device')
    .select(['id', 'kind', 'installed_version', 'floor', 'report_counter', 'wants_attributes'])
    .where('controller_id', 'like', `${name}-%`)
    .where('decommissioned_ms', 'is', null)
    .orderBy('controller_id')
    .execute();
  const ids = devices.map(({ id }) => id);
  const assignments = await db
    .selectFrom('assignment')
    .innerJoin('device', 'device.id', 'assignment.device_id')
    .select(['assignment.id', 'assignment.state', 'assignment.active', 'device.kind'])
    .where('device_id', 'in', ids)
    .orderBy('device.kind')
    .execute();
  const log = await db
    .selectFrom('assignment_log')
    .select(['assignment_id', 'status'])
    .where(
      'assignment_id',
      'in',
      assignments.map(({ id }) => id),
    )
    .orderBy('id')
    .execute();
  const release = await db.selectFrom('release').select(['state', 'kind']).where('line', '=', name).execute();
  const rollout = await db.selectFrom('rollout').select(['state', 'devices']).where('id', '=', rolloutId).execute();
  const members = await db
    .selectFrom('rollout_member')
    .select(['outcome', 'attempts'])
    .where('rollout_id', '=', rolloutId)
    .execute();
  const plain = <T extends object>(list: readonly T[]) => list.map((row) => ({ ...row, id: 0 }));
  return {
    devices: plain(devices),
    assignments: plain(assignments),
    log: assignments.map(({ id }) => messages(log.filter((row) => row.assignment_id === id))),
    release: plain(release),
    rollout: plain(rollout),
    members: plain(members),
  };
}

/** Which acts were recorded, and how often, since an entry. */
async function acts(after: number, db: Database['read']): Promise<Map<string, number>> {
  const entries = await db
    .selectFrom('audit')
    .select(['operation', (eb) => eb.fn.countAll<number>().as('count')])
    .where('id', '>', after)
    .where('result', '=', 'ok')
    .groupBy('operation')
    .execute();
  return new Map(entries.map(({ operation, count }) => [operation, count]));
}

async function proveLedger({ operator }: FaultServer): Promise<void> {
  const { vkey } = await operator.call('getCheckpoint', {});
  assert.equal(verifyBundle(await operator.call('exportBundle', {}), { vkey }).isComplete, true);
}

async function tell(server: FaultServer, story: FaultStory) {
  const db = server.database.read;
  const last = await db
    .selectFrom('audit')
    .select((eb) => eb.fn.max('id').as('id'))
    .executeTakeFirst();
  await story.run();
  await settleLedger(server.database);
  await new Invariants(server.database).check('all');
  return { end: { words: await words(story, db), rows: await rows(story, db) }, acts: await acts(last?.id ?? 0, db) };
}

/** Runs the story with the n-th write of each request failing; the requests that had so many. */
async function check(
  stage: {
    readonly server: FaultServer;
    readonly image: SignedImage;
    readonly plain: Awaited<ReturnType<typeof tell>>;
  },
  kind: (typeof FAULTS)[number],
  n: number,
) {
  const { server, image, plain } = stage;
  const story = new FaultStory(server, image, `${kind}-${n}`, { kind, n });
  const told = await tell(server, story);
  assert.deepEqual(told.end, plain.end);
  // No act without its entry; one whose answer was lost was done, and is recorded, twice.
  for (const [operation, count] of plain.acts) assert.ok((told.acts.get(operation) ?? 0) >= count, operation);
  return story.fired;
}

/** `most`: writes of one request that fail; over PostgreSQL the first one of each. */
const STORES = [
  { name: 'SQLite', start: () => Promise.resolve(undefined), skip: false as const, most: 100 },
  { name: 'PostgreSQL', start: () => PostgresCluster.start(), skip: skipWithoutPostgres(), most: 1 },
];

for (const { name, start, skip, most } of STORES) {
  describe(name, { skip }, () => {
    test('whichever write fails, before, undone or with its answer lost, the request again ends as without', async (t) => {
      const cluster = await start();
      if (cluster !== undefined) t.after(() => cluster.close());
      const server = await startFaultServer(cluster?.url('postgres'));
      t.after(() => server.close());
      const image = signImage(server);
      const plain = await tell(server, new FaultStory(server, image, 'no-fault'));
      assert.ok(plain.acts.size >= 10, `${[...plain.acts.keys()].join(' ')} are recorded`);
      for (const kind of FAULTS) {
        let failed = 0;
        for (let n = 0; n < most; n += 1) {
          const { length } = await check({ server, image, plain }, kind, n);
          if (length === 0) break;
          failed += length;
        }
        await proveLedger(server);
        assert.ok(failed >= 20, `${failed} writes failed ${kind}`);
      }
    });
  });
}
