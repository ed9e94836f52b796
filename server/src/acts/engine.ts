/**
 * The engine of rollouts: takes one step after the other (domain/engine.ts decides which) until nothing is to do now or a
 * batch is full. Every step is persisted in the transaction that claimed the rollout; a crash loses at most steps that
 * nobody has seen, and the next look takes them again.
 */
import type { HaltReason } from '@pawl/contract/management';
import { nextStep, type RolloutSnapshot, type Step } from '../domain/engine.ts';
import { waveNumbers } from '../domain/outcome.ts';
import { allowance, noteOffers, type RecentOffers, rateNow } from '../domain/pace.ts';
import { decideRollout, type RolloutEvent } from '../domain/rollout.ts';
import { decideWave, type WaveEvent, waveSizes } from '../domain/wave.ts';
import type { Trx } from '../store/database.ts';
import { tryLockRollout } from '../store/locking.ts';
import { LATE_POOL, POOL } from '../store/members.ts';
import { planOfRow, untoldAssignments, updateRollout } from '../store/rollouts.ts';
import type { RolloutTable, WaveTable } from '../store/schema/index.ts';
import { foldTallies, readTallies, type Tallies } from '../store/tallies.ts';
import { listWaves, updateWave } from '../store/waves.ts';
import { approvalLack } from './approval.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { OFFER_BATCH, type Offered, offerAgain, offerNext } from './rollout-offer.ts';
import { ENGINE, recordRollout, releaseOf, toldOf } from './rollout-record.ts';
import { applyEvent, rolloutsOf } from './transition.ts';
import { letOthersRead } from './turn.ts';

/** Devices that are told in one transaction that the rollout ends. */
const TELL_BATCH = 100;
const STEPS_MAX = 200;

/** A rollout in the hands of a transaction. */
type Held = { readonly trx: Trx; readonly ports: ServerPorts; row: RolloutTable; isRetryIdle: boolean };

export type Progress = {
  /** More can be done at once. */
  readonly isMore: boolean;
  /** Other rollouts that may go on now. */
  readonly touched: ReadonlySet<number>;
};

function recentOf(row: RolloutTable): RecentOffers {
  return JSON.parse(row.recent_offers) as RecentOffers;
}

function snapshotOf(held: Held, waves: readonly WaveTable[], tallies: Tallies): RolloutSnapshot {
  const { row, ports } = held;
  const plan = planOfRow(row);
  const nowMs = ports.now().getTime();
  const snapshots = waves.map((wave) => ({
    position: wave.position,
    state: wave.state,
    size: wave.size ?? undefined,
    successPercent: wave.success_bp / 100,
    errorPercent: wave.error_bp / 100,
    soakMs: wave.soak_s * 1000,
    soakingMs: wave.soaking_ms ?? undefined,
    excused: { answered: wave.excused_answered, errors: wave.excused_errors },
    counts: tallies.get(wave.position) ?? {},
  }));
  const succeeded = snapshots.reduce((sum, { counts }) => sum + (counts.succeeded ?? 0), 0);
  const pace = { ratePerMinute: plan.ratePerMinute ?? undefined, ramp: plan.ramp ?? undefined };
  return {
    state: row.state,
    nowMs,
    startMs: row.start_ms ?? undefined,
    endMs: row.end_ms ?? undefined,
    isDynamic: row.is_dynamic === 1,
    halt: plan.halt,
    waves: snapshots,
    pool: tallies.get(POOL) ?? {},
    latePool: tallies.get(LATE_POOL) ?? {},
    allowance: allowance(rateNow(pace, succeeded), recentOf(row), nowMs),
    isRetryIdle: held.isRetryIdle,
  };
}

async function change(held: Held, patch: Partial<RolloutTable>): Promise<void> {
  await updateRollout(held.trx, held.row.id, patch);
  held.row = { ...held.row, ...patch };
}

/** Moves the rollout by its table. The caller has asked the table, or knows that the event suits. */
async function move(held: Held, event: RolloutEvent, facts: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const state = decideRollout(held.row.state, event);
  if (state === undefined) throw new TypeError(`${event} does not suit ${held.row.state}`);
  await change(held, { state });
  await recordRollout(held.trx, held.ports, held.row, { act: event, by: ENGINE, facts });
}

/** Moves a wave by its table; an event that does not suit changes nothing. */
export async function moveWave(
  trx: Trx,
  wave: WaveTable,
  event: WaveEvent,
  patch: Partial<WaveTable> = {},
): Promise<boolean> {
  const state = decideWave(wave.state, event);
  if (state === undefined) return false;
  await updateWave(trx, wave, { ...patch, state });
  return true;
}

async function begin(held: Held, waves: readonly WaveTable[], tallies: Tallies): Promise<void> {
  const devices = tallies.get(POOL)?.waiting ?? 0;
  const shares = waves.map(({ share_bp: share, places }) => ({
    ...(share === null ? {} : { percent: share / 100 }),
    ...(places === null ? {} : { count: places }),
  }));
  const sizes = waveSizes(shares, devices);
  for (const [index, wave] of waves.entries()) await updateWave(held.trx, wave, { size: sizes[index] ?? null });
  await move(held, 'begin', { devices, waves: sizes.map((size) => size ?? 'rest') });
}

async function finish(held: Held, waves: readonly WaveTable[]): Promise<void> {
  const nowMs = held.ports.now().getTime();
  for (const wave of waves) await moveWave(held.trx, wave, 'end', { ended_ms: nowMs });
  await move(held, 'finish');
}

async function haltBy(held: Held, step: Extract<Step, { kind: 'halt' }>, waves: readonly WaveTable[]): Promise<void> {
  const nowMs = held.ports.now().getTime();
  const reason: HaltReason = { ...step.numbers, wave: step.position, at: new Date(nowMs).toISOString() };
  const wave = waves.find(({ position }) => position === step.position);
  if (wave !== undefined) await moveWave(held.trx, wave, 'fail');
  await change(held, { halted_by: JSON.stringify(reason) });
  // Numbers of the ledger are integers: the rates stand there in millionths.
  const { rate, bound, threshold, ...counts } = reason;
  const millionths = (value: number): number => Math.round(value * 1_000_000);
  const rates = { ratePpm: millionths(rate), boundPpm: millionths(bound), thresholdPpm: millionths(threshold) };
  const confidencePercent = String(counts.confidencePercent);
  await move(held, 'halt', { reason: { ...counts, confidencePercent, ...rates } });
  const { trx, row } = held;
  const told = { ...toldOf(row, await releaseOf(trx, row)), haltedBy: reason };
  await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.rollout.halted', told);
}

async function stepWave(held: Held, step: Extract<Step, { kind: 'wave' }>, waves: readonly WaveTable[]): Promise<void> {
  const wave = waves.find(({ position }) => position === step.position);
  if (wave === undefined) throw new TypeError('the step is about a wave of the rollout');
  const nowMs = held.ports.now().getTime();
  const times = { start: { started_ms: nowMs }, reach: { soaking_ms: nowMs }, soaked: { ended_ms: nowMs } };
  await moveWave(held.trx, wave, step.event, times[step.event]);
  await recordRollout(held.trx, held.ports, held.row, {
    act: `wave-${step.event}`,
    by: ENGINE,
    facts: { wave: step.position },
  });
}

async function offer(held: Held, step: Extract<Step, { kind: 'offer' | 'offer-again' }>): Promise<Offered> {
  const { trx, ports, row } = held;
  const offered =
    step.kind === 'offer' ? await offerNext(trx, ports, row, step) : await offerAgain(trx, ports, row, step.limit);
  if (step.kind === 'offer-again' && offered.offers === 0) held.isRetryIdle = true;
  const isPaced = planOfRow(row).ratePerMinute !== null || planOfRow(row).ramp !== null;
  if (isPaced && offered.offers > 0) {
    const recent = noteOffers(recentOf(row), ports.now().getTime(), offered.offers);
    await change(held, { recent_offers: JSON.stringify(recent) });
  }
  return offered;
}

/** Tells a batch of devices to stop; the rollout has stopped when all were told. Returns the rollouts that may go on. */
async function tell(held: Held): Promise<number[]> {
  const { trx, ports, row } = held;
  const ids = await untoldAssignments(trx, row.id, TELL_BATCH);
  const nowMs = ports.now().getTime();
  const touched: number[] = [];
  for (const [index, id] of ids.entries()) {
    await letOthersRead(index);
    const facts = { nowMs, code: 'ROLLOUT_STOPPED' };
    touched.push(...rolloutsOf(await applyEvent(trx, ports.keys.ledger, id, 'cancel', facts)));
  }
  if (ids.length < TELL_BATCH) await move(held, 'all-told');
  return touched;
}

/** What people approved must still hold when the time has come, and when the first wave begins: else nothing starts. */
async function lapsed(held: Held, event: RolloutEvent): Promise<boolean> {
  if (event !== 'due' && event !== 'begin') return false;
  const lack = await approvalLack(held.trx, held.row);
  if (lack === undefined) return false;
  await move(held, 'lapse', lack);
  return true;
}

type Taken = { readonly weight: number; readonly touched: readonly number[] };

/** Takes one step. `weight` is its part of a batch. */
async function take(held: Held, step: Step, waves: readonly WaveTable[], tallies: Tallies): Promise<Taken> {
  const light = { weight: 0, touched: [] };
  switch (step.kind) {
    case 'move':
      if (await lapsed(held, step.event)) return light;
      if (step.event === 'begin') await begin(held, waves, tallies);
      else if (step.event === 'finish') await finish(held, waves);
      else await move(held, step.event);
      return light;
    case 'halt':
      await haltBy(held, step, waves);
      return light;
    case 'wave':
      await stepWave(held, step, waves);
      return light;
    case 'offer':
    case 'offer-again': {
      const { touched } = await offer(held, step);
      return { weight: Math.min(step.limit, OFFER_BATCH), touched };
    }
    case 'tell':
      return { weight: OFFER_BATCH, touched: await tell(held) };
    case 'rest':
      return light;
  }
}

/** Clocks of several servers differ by less. */
const SKEW_MS = 60_000;

/** A soak that began in the future was begun by a clock that went wrong since: it begins again, and is served whole. */
async function resoak(held: Held, waves: readonly WaveTable[]): Promise<boolean> {
  const nowMs = held.ports.now().getTime();
  const wave = waves.find(({ state, soaking_ms: atMs }) => state === 'soaking' && (atMs ?? 0) > nowMs + SKEW_MS);
  if (wave !== undefined) await updateWave(held.trx, wave, { soaking_ms: nowMs });
  return wave !== undefined;
}

/** Takes steps with a rollout that the transaction holds, up to one batch. */
export async function takeSteps(trx: Trx, ports: ServerPorts, row: RolloutTable): Promise<Progress> {
  const held: Held = { trx, ports, row, isRetryIdle: false };
  const touched = new Set<number>();
  await foldTallies(trx, row.id);
  let weight = 0;
  for (let count = 0; count < STEPS_MAX && weight < OFFER_BATCH; count += 1) {
    const [waves, tallies] = [await listWaves(trx, row.id), await readTallies(trx, row.id)];
    if (await resoak(held, waves)) continue;
    const step = nextStep(snapshotOf(held, waves, tallies));
    if (step.kind === 'rest') return { isMore: false, touched };
    const taken = await take(held, step, waves, tallies);
    weight += taken.weight;
    for (const id of taken.touched) if (id !== row.id) touched.add(id);
  }
  return { isMore: true, touched };
}

/** People go on after a halt: what is known by now is not held against the rollout again. */
export async function excuse(trx: Trx, rolloutId: number): Promise<void> {
  const tallies = await readTallies(trx, rolloutId);
  for (const wave of await listWaves(trx, rolloutId)) {
    const { answered, errors } = waveNumbers(tallies.get(wave.position) ?? {});
    await updateWave(trx, wave, { excused_answered: answered, excused_errors: errors });
    await moveWave(trx, wave, 'resume');
  }
  await updateRollout(trx, rolloutId, { halted_by: null });
}

/** One batch of steps of a rollout, in a transaction of its own. */
export function advanceRollout(ports: ServerPorts, id: number): Promise<Progress> {
  return ports.database.write(async (trx) => {
    const row = await tryLockRollout(trx, id);
    return row === undefined ? { isMore: false, touched: new Set<number>() } : await takeSteps(trx, ports, row);
  });
}

/** Larger rollouts are left to the job: a device's request does not wait for the engine. */
const PROMPT_MAX = 1000;
const ROUNDS_MAX = 16;

/**
 * After something that may change a decision: small rollouts go on at once. Never fails: what caused it is on the disk
 * already, and the job comes by whatever happens here.
 */
export async function settleRollouts(ports: ServerPorts, ids: Iterable<number>): Promise<void> {
  const queue = new Set(ids);
  let rounds = 0;
  for (const id of queue) {
    queue.delete(id);
    rounds += 1;
    if (rounds > ROUNDS_MAX) return;
    try {
      const row = await ports.database.read
        .selectFrom('rollout')
        .select('devices')
        .where('id', '=', id)
        .executeTakeFirst();
      if (row === undefined || row.devices > PROMPT_MAX) continue;
      const { touched } = await advanceRollout(ports, id);
      for (const other of touched) queue.add(other);
    } catch {
      return;
    }
  }
}
