/** What holds of rollouts after whatever happened, read from the tables themselves. */
import assert from 'node:assert/strict';
import type { AssignmentState, Outcome, RolloutState } from '@pawl/contract/management';
import { isFinal } from '../src/domain/assignment.ts';
import { type OutcomeCounts, waveNumbers } from '../src/domain/outcome.ts';
import { ATTEMPTS_MAX, type StoredPlan } from '../src/domain/rollout-plan.ts';
import type { Database } from '../src/store/database.ts';
import { readTallies } from '../src/store/tallies.ts';

type Seen = {
  readonly states: Map<number, RolloutState>;
  readonly finals: Map<number, AssignmentState>;
  readonly assignments: Set<number>;
};

const IN_HAND: ReadonlySet<Outcome> = new Set<Outcome>(['active', 'retrying']);
const MAY_OFFER: ReadonlySet<RolloutState> = new Set<RolloutState>(['running']);
/** From these a rollout may pass through running within one look. */
const MAY_RUN: ReadonlySet<RolloutState> = new Set<RolloutState>(['running', 'scheduled', 'starting']);
const MINUTE_MS = 60_000;

export class Invariants {
  readonly #database: Database;
  readonly #seen: Seen = { states: new Map(), finals: new Map(), assignments: new Set() };

  constructor(database: Database) {
    this.#database = database;
  }

  /** `asked`: the rollout of which people asked something that may make it run, or all of them. */
  async check(asked?: number | 'all'): Promise<void> {
    await this.#finalsStay();
    await this.#membersAgree();
    await this.#attestedWereAffirmed();
    await this.#countsAddUp();
    await this.#offersWereAllowed(asked);
    await this.#rateIsKept();
  }

  async #finalsStay(): Promise<void> {
    const { finals } = this.#seen;
    const active = new Set<number>();
    for (const row of await this.#database.read.selectFrom('assignment').selectAll().execute()) {
      assert.equal(row.active === 1, !isFinal(row.state), `assignment ${row.id}`);
      if (row.active === 1) assert.ok(!active.has(row.device_id), `device ${row.device_id} has two`);
      if (row.active === 1) active.add(row.device_id);
      const before = finals.get(row.id);
      if (before !== undefined) assert.equal(row.state, before, `assignment ${row.id} was final`);
      if (isFinal(row.state)) finals.set(row.id, row.state);
    }
  }

  /** The outcome of a device and its assignment say the same. */
  async #membersAgree(): Promise<void> {
    const rows = await this.#database.read
      .selectFrom('rollout_member as m')
      .leftJoin('assignment as a', (join) => join.onRef('a.device_id', '=', 'm.device_id').on('a.active', '=', 1))
      .select(['m.rollout_id', 'm.device_id', 'm.outcome', 'm.assignment_id', 'm.attempts', 'm.position'])
      .select(['a.id as active_id', 'a.rollout_id as holder'])
      .execute();
    for (const row of rows) {
      const at = JSON.stringify(row);
      const isOwn = row.holder === row.rollout_id;
      assert.equal(isOwn, IN_HAND.has(row.outcome), at);
      if (isOwn) assert.equal(row.active_id, row.assignment_id, at);
      if (row.outcome === 'blocked') assert.ok(row.holder !== null && !isOwn, `${at} waits for nobody`);
      if (row.outcome === 'waiting' || row.outcome === 'blocked') assert.ok(row.position <= 0, at);
      assert.ok(row.attempts <= ATTEMPTS_MAX, at);
    }
  }

  /** Where attested devices count, none succeeds by its word, and who attested is not asked again. */
  async #attestedWereAffirmed(): Promise<void> {
    const rows = await this.#database.read
      .selectFrom('rollout_member as m')
      .innerJoin('rollout as r', 'r.id', 'm.rollout_id')
      .innerJoin('device as d', 'd.id', 'm.device_id')
      .innerJoin('assignment as a', 'a.id', 'm.assignment_id')
      .select(['m.outcome', 'a.id', 'a.state', 'a.verdict', 'd.attest_assignment_id'])
      .where('r.success_kind', '=', 'attested')
      .execute();
    for (const row of rows) {
      if (row.outcome === 'succeeded') assert.equal(row.verdict, 'affirming', JSON.stringify(row));
      if (row.verdict === 'contraindicated') assert.notEqual(row.outcome, 'proving', JSON.stringify(row));
      if (row.verdict !== null) assert.notEqual(row.attest_assignment_id, row.id);
      if (row.attest_assignment_id === row.id) assert.equal(row.state, 'confirmed');
    }
  }

  async #countsAddUp(): Promise<void> {
    for (const { id } of await this.#database.read.selectFrom('rollout').select('id').execute()) {
      const rows = await this.#database.read
        .selectFrom('rollout_member')
        .select(['position', 'outcome', (eb) => eb.fn.countAll<number>().as('count')])
        .where('rollout_id', '=', id)
        .groupBy(['position', 'outcome'])
        .execute();
      const counted = new Map(rows.map(({ position, outcome, count }) => [`${position} ${outcome}`, count]));
      const tallies = await readTallies(this.#database.read, id);
      for (const [position, counts] of tallies) {
        for (const [outcome, count] of Object.entries(counts)) {
          assert.equal(count, counted.get(`${position} ${outcome}`) ?? 0, `rollout ${id}: ${position} ${outcome}`);
          counted.delete(`${position} ${outcome}`);
        }
      }
      assert.deepEqual([...counted], [], `rollout ${id}: not counted`);
      await this.#wavesHold(id, tallies);
    }
  }

  async #wavesHold(id: number, tallies: ReadonlyMap<number, OutcomeCounts>): Promise<void> {
    const waves = await this.#database.read.selectFrom('wave').selectAll().where('rollout_id', '=', id).execute();
    for (const { position, size, state } of waves) {
      const { placed } = waveNumbers(tallies.get(position) ?? {});
      if (size !== null) assert.ok(placed <= size, `rollout ${id}: ${placed} in a wave of ${size}`);
      if (state === 'waiting') assert.equal(placed, 0, `rollout ${id}: wave ${position} has not started`);
    }
  }

  async #offersWereAllowed(asked: number | 'all' | undefined): Promise<void> {
    const { states, assignments } = this.#seen;
    const before = new Map(states);
    for (const { id, state } of await this.#database.read.selectFrom('rollout').select(['id', 'state']).execute()) {
      if (before.get(id) === 'stopped') assert.equal(state, 'stopped', `rollout ${id}`);
      states.set(id, state);
    }
    const rows = await this.#database.read.selectFrom('assignment').select(['id', 'rollout_id']).execute();
    for (const { id, rollout_id: rolloutId } of rows) {
      if (assignments.has(id)) continue;
      assignments.add(id);
      const was = before.get(rolloutId ?? 0);
      const is = states.get(rolloutId ?? 0);
      const isAllowed = was === undefined || MAY_RUN.has(was) || asked === 'all' || rolloutId === asked;
      assert.ok(isAllowed || (is !== undefined && MAY_OFFER.has(is) && was === 'running'), `an offer while ${was}`);
    }
  }

  async #rateIsKept(): Promise<void> {
    const rollouts = await this.#database.read.selectFrom('rollout').select(['id', 'plan']).execute();
    for (const { id, plan } of rollouts) {
      const { ratePerMinute } = JSON.parse(plan) as StoredPlan;
      if (ratePerMinute === null) continue;
      const rows = await this.#database.read
        .selectFrom('assignment')
        .select('created_ms')
        .where('rollout_id', '=', id)
        .orderBy('created_ms')
        .execute();
      const times = rows.map((row) => row.created_ms);
      for (const [index, time] of times.entries()) {
        const beyond = times[index + ratePerMinute];
        if (beyond !== undefined) assert.ok(beyond - time >= MINUTE_MS, `rollout ${id}: more than ${ratePerMinute}`);
      }
    }
  }
}
