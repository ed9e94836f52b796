/**
 * A batch of offers: the next devices in their order get an assignment. A device that another rollout has is contested by
 * weight; one that is gone, or that would refuse the release, is left out. Small batches make an entry for each
 * assignment, large ones one entry that lists them all.
 */
import { reachOf } from '../domain/consent.ts';
import { WindowClock } from '../domain/maintenance-window.ts';
import { isUnbegun } from '../domain/outcome.ts';
import { contest } from '../domain/priority.ts';
import { DEFAULT_ZONE, parsePolicy } from '../domain/rollout-policy.ts';
import { isTimeZone } from '../domain/time-zone.ts';
import { insertAssignments, type NewAssignment } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { appendStatement } from '../store/ledger.ts';
import {
  type CandidateRow,
  LATE_POOL,
  POOL,
  retryMembers,
  setOffered,
  setOutcome,
  waitingMembers,
} from '../store/members.ts';
import { planOfRow } from '../store/rollouts.ts';
import type { ReleaseTable, RolloutTable } from '../store/schema/index.ts';
import { addTallies } from '../store/tallies.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { releaseOf, toldOf } from './rollout-record.ts';
import { applyEvent, releaseSubject, rolloutsOf } from './transition.ts';
import { letOthersRead } from './turn.ts';

/** More offers than this in a batch stand in one entry of the ledger. */
const ENTRIES_MAX = 32;
/** So many of the longest names fit a statement. */
const LISTED_MAX = 400;

/** Most devices that are looked at in one batch. */
export const OFFER_BATCH = 1000;

const windows = new WindowClock();

type Fate = 'offer' | 'block' | 'drop';
type Sorted = Readonly<Record<Fate, CandidateRow[]>>;

function wouldRefuse(candidate: CandidateRow, row: RolloutTable, release: ReleaseTable): boolean {
  if (candidate.floor === null || release.security_counter === null || planOfRow(row).despiteFloor) return false;
  return BigInt(release.security_counter) < BigInt(candidate.floor);
}

/** Whether the device is free for this rollout; takes it from another one where that is right. */
async function contestDevice(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  candidate: CandidateRow,
): Promise<{ readonly fate: Fate; readonly touched: readonly number[] }> {
  const { holder_id: id, holder_state: state, holder_weight: weight, holder_rollout_id: rolloutId } = candidate;
  if (id === null || state === null) return { fate: 'offer', touched: [] };
  // An assignment of no rollout is not contested.
  const holder = { rolloutId: rolloutId ?? 0, weight: weight ?? Number.POSITIVE_INFINITY, isBegun: !isUnbegun(state) };
  const verdict = contest({ rolloutId: row.id, weight: row.weight }, holder);
  if (verdict === 'wait') return { fate: 'block', touched: [] };
  if (verdict === 'give-up') return { fate: 'drop', touched: [] };
  const nowMs = ports.now().getTime();
  const code = verdict === 'outweigh' ? 'OUTWEIGHED' : 'SUPERSEDED';
  const facts = { nowMs, code, isYielded: verdict === 'outweigh' };
  const transition = await applyEvent(trx, ports.keys.ledger, id, 'supersede', facts);
  return { fate: 'offer', touched: rolloutsOf(transition) };
}

/** When the device may begin at the earliest: the time to answer begins then. */
function opensMs(row: RolloutTable, candidate: CandidateRow, nowMs: number): number {
  const { maintenance } = parsePolicy(row.policy);
  if (maintenance === null) return nowMs;
  const zone = candidate.time_zone ?? candidate.own_time_zone ?? maintenance.timeZone;
  const { isOpen, untilMs } = windows.at(
    row.policy,
    maintenance.windows,
    isTimeZone(zone) ? zone : DEFAULT_ZONE,
    nowMs,
  );
  return isOpen ? nowMs : untilMs;
}

function newAssignment(
  row: RolloutTable,
  release: ReleaseTable,
  candidate: CandidateRow,
  nowMs: number,
): NewAssignment {
  const isAsked = row.needs_consent === 1 && candidate.auto_confirm === null;
  const isWaiting = isAsked || reachOf(candidate.opt_out, release.urgency) === 'ask';
  return {
    tenantId: row.tenant_id,
    deviceId: candidate.device_id,
    releaseId: row.release_id,
    rolloutId: row.id,
    state: isWaiting ? 'awaiting-consent' : 'offered',
    isForced: row.is_forced === 1,
    nowMs,
    dueMs: opensMs(row, candidate, nowMs) + planOfRow(row).timeOutS.answer * 1000,
  };
}

type Made = { readonly id: number; readonly controllerId: string; readonly state: NewAssignment['state'] };

/** Every new assignment stands in the ledger: by itself, or in the list of its batch. */
async function recordOffers(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  batch: { readonly made: readonly Made[]; readonly release: ReleaseTable; readonly wave: number | undefined },
): Promise<void> {
  const { made, release, wave } = batch;
  const subject = await releaseSubject(trx, release);
  const { line, version } = release;
  const at = ports.now().toISOString();
  if (made.length <= ENTRIES_MAX) {
    for (const { id, controllerId, state } of made) {
      const predicate = { assignmentId: id, controllerId, line, version, to: state, event: 'assign', at };
      const predicateType = 'urn:pawl:assignment-transition:1';
      await appendStatement(trx, ports.keys.ledger, { tenantId: row.tenant_id, predicateType, subject, predicate });
    }
    return;
  }
  for (const state of ['offered', 'awaiting-consent'] as const) {
    const pairs = made.filter((one) => one.state === state).map(({ id, controllerId }) => [id, controllerId]);
    for (let from = 0; from < pairs.length; from += LISTED_MAX) {
      const assignments = pairs.slice(from, from + LISTED_MAX);
      const place = wave === undefined ? {} : { wave };
      await appendStatement(trx, ports.keys.ledger, {
        tenantId: row.tenant_id,
        predicateType: 'urn:pawl:assignments-offered:1',
        subject,
        predicate: { rolloutId: row.id, ...place, line, version, to: state, event: 'assign', assignments, at },
      });
    }
  }
}

async function makeOffers(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  offer: {
    readonly candidates: readonly CandidateRow[];
    readonly wave: number | undefined;
    readonly release: ReleaseTable;
  },
): Promise<void> {
  const { candidates, wave, release } = offer;
  const nowMs = ports.now().getTime();
  const news = candidates.map((candidate) => newAssignment(row, release, candidate, nowMs));
  const ids = await insertAssignments(trx, news);
  const [first, last] = [ids[0], ids.at(-1)];
  if (first === undefined || last === undefined) return;
  const change = wave === undefined ? { outcome: 'retrying' as const } : { outcome: 'active' as const, position: wave };
  await setOffered(trx, row.id, { first, last }, change);
  const made = candidates.map(({ controller_id: controllerId }, index) => ({
    id: ids[index] ?? 0,
    controllerId,
    state: news[index]?.state ?? 'offered',
  }));
  await recordOffers(trx, ports, row, { made, release, wave });
  const told = { ...toldOf(row, release), wave: wave ?? null, devices: made.length };
  await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.rollout.offered', told);
}

/** Counts of devices by the place they leave. */
function byPosition(rows: readonly CandidateRow[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { position } of rows) counts.set(position, (counts.get(position) ?? 0) + 1);
  return counts;
}

async function tallyFates(trx: Trx, rolloutId: number, sorted: Sorted, wave: number): Promise<void> {
  const outcomes = { offer: 'active', block: 'blocked', drop: 'cancelled' } as const;
  for (const fate of ['offer', 'block', 'drop'] as const) {
    for (const [position, count] of byPosition(sorted[fate])) {
      await addTallies(trx, rolloutId, [
        { position, outcome: 'waiting', change: -count },
        { position: fate === 'offer' ? wave : position, outcome: outcomes[fate], change: count },
      ]);
    }
  }
}

export type Offered = { readonly offers: number; readonly touched: readonly number[] };

async function sortCandidates(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  batch: { readonly candidates: readonly CandidateRow[]; readonly release: ReleaseTable },
): Promise<{ readonly sorted: Sorted; readonly touched: readonly number[] }> {
  const sorted: Sorted = { offer: [], block: [], drop: [] };
  const touched: number[] = [];
  for (const [index, candidate] of batch.candidates.entries()) {
    await letOthersRead(index);
    const isKept = reachOf(candidate.opt_out, batch.release.urgency) === 'withhold';
    if (candidate.decommissioned_ms !== null || isKept || wouldRefuse(candidate, row, batch.release)) {
      sorted.drop.push(candidate);
      continue;
    }
    const contested = await contestDevice(trx, ports, row, candidate);
    sorted[contested.fate].push(candidate);
    touched.push(...contested.touched);
  }
  return { sorted, touched };
}

/** Offers the release to the next devices of the pool, at most so many. */
export async function offerNext(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  step: { readonly position: number; readonly limit: number; readonly withLate: boolean },
): Promise<Offered> {
  const limit = Math.min(step.limit, OFFER_BATCH);
  const candidates = await waitingMembers(trx, row.id, POOL, limit);
  if (step.withLate && candidates.length < limit) {
    candidates.push(...(await waitingMembers(trx, row.id, LATE_POOL, limit - candidates.length)));
  }
  const release = await releaseOf(trx, row);
  const { sorted, touched } = await sortCandidates(trx, ports, row, { candidates, release });
  const idsOf = (fate: Fate): number[] => sorted[fate].map(({ device_id: id }) => id);
  await setOutcome(trx, row.id, idsOf('block'), 'blocked');
  await setOutcome(trx, row.id, idsOf('drop'), 'cancelled');
  await tallyFates(trx, row.id, sorted, step.position);
  await makeOffers(trx, ports, row, { candidates: sorted.offer, wave: step.position, release });
  return { offers: sorted.offer.length, touched };
}

/** Offers the release once more to devices that failed, at most so many. */
export async function offerAgain(trx: Trx, ports: ServerPorts, row: RolloutTable, limit: number): Promise<Offered> {
  const candidates = await retryMembers(trx, row.id, Math.min(limit, OFFER_BATCH));
  const release = await releaseOf(trx, row);
  const isLost = (one: CandidateRow): boolean =>
    one.decommissioned_ms !== null ||
    reachOf(one.opt_out, release.urgency) === 'withhold' ||
    wouldRefuse(one, row, release);
  const lost = candidates.filter(isLost);
  const again = candidates.filter((one) => !isLost(one));
  await setOutcome(
    trx,
    row.id,
    lost.map(({ device_id: id }) => id),
    'failed',
  );
  for (const [rows, outcome] of [
    [lost, 'failed'],
    [again, 'retrying'],
  ] as const) {
    for (const [position, count] of byPosition(rows)) {
      await addTallies(trx, row.id, [
        { position, outcome: 'retry', change: -count },
        { position, outcome, change: count },
      ]);
    }
  }
  await makeOffers(trx, ports, row, { candidates: again, wave: undefined, release });
  return { offers: again.length, touched: [] };
}
