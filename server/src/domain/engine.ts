/**
 * The next step of a rollout, from its state, its waves, its counts and the time. Pure: the engine asks, does the one step
 * in a transaction, and asks again until the answer is to rest. So a crash at any point repeats safely.
 */
import type { RolloutState, WaveState } from '@pawl/contract/management';
import { type Excused, type HaltNumbers, type HaltRule, isReached, judgeErrors, stalledNumbers } from './judge.ts';
import { type OutcomeCounts, waveNumbers } from './outcome.ts';

type WaveSnapshot = {
  readonly position: number;
  readonly state: WaveState;
  /** Undefined for the last wave: the rest. */
  readonly size: number | undefined;
  readonly successPercent: number;
  readonly errorPercent: number;
  readonly soakMs: number;
  readonly soakingMs: number | undefined;
  readonly excused: Excused;
  readonly counts: OutcomeCounts;
};

export type RolloutSnapshot = {
  readonly state: RolloutState;
  readonly nowMs: number;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly isDynamic: boolean;
  readonly halt: Omit<HaltRule, 'errorPercent'>;
  readonly waves: readonly WaveSnapshot[];
  /** Devices without a place: those of the beginning, and those that joined later or come again. */
  readonly pool: OutcomeCounts;
  readonly latePool: OutcomeCounts;
  /** Offers that the rate allows now. */
  readonly allowance: number;
  /** Devices that wait for another attempt are all busy elsewhere. */
  readonly isRetryIdle: boolean;
};

export type Step =
  | { readonly kind: 'move'; readonly event: 'due' | 'begin' | 'time-up' | 'finish' }
  | { readonly kind: 'halt'; readonly position: number; readonly numbers: HaltNumbers }
  | { readonly kind: 'wave'; readonly position: number; readonly event: 'start' | 'reach' | 'soaked' }
  | { readonly kind: 'offer'; readonly position: number; readonly limit: number; readonly withLate: boolean }
  | { readonly kind: 'offer-again'; readonly limit: number }
  | { readonly kind: 'tell' }
  | { readonly kind: 'rest' };

const REST: Step = { kind: 'rest' };
const ENDABLE: ReadonlySet<RolloutState> = new Set<RolloutState>([
  'scheduled',
  'starting',
  'running',
  'paused',
  'halted',
]);

const of = (counts: OutcomeCounts, outcome: 'waiting' | 'blocked' | 'retry'): number => counts[outcome] ?? 0;

/** Whether no device is left of which anything may come. */
function isOver({ waves, pool, latePool, isDynamic }: RolloutSnapshot): boolean {
  if (isDynamic) return false;
  const pooled = [pool, latePool].some((counts) => of(counts, 'waiting') + of(counts, 'blocked') > 0);
  return !pooled && waves.every(({ counts }) => waveNumbers(counts).open === 0);
}

function haltStep({ waves, halt }: RolloutSnapshot): Step | undefined {
  for (const { position, state, counts, excused, errorPercent } of waves) {
    if (state === 'waiting') continue;
    const numbers = judgeErrors(waveNumbers(counts), excused, { ...halt, errorPercent });
    if (numbers !== undefined) return { kind: 'halt', position, numbers };
  }
  return undefined;
}

/** What the gate at the end of a wave says; the last wave has none. */
function gateStep(wave: WaveSnapshot, pool: OutcomeCounts): Step | undefined {
  if (wave.size === undefined) return undefined;
  const numbers = waveNumbers(wave.counts);
  const isFull = numbers.placed >= wave.size;
  const isFillable = !isFull && of(pool, 'waiting') + of(pool, 'blocked') > 0;
  const devices = isFillable ? wave.size : numbers.placed;
  if (isReached(numbers.succeeded, devices, wave.successPercent)) {
    return { kind: 'wave', position: wave.position, event: 'reach' };
  }
  if (isFillable || numbers.open > 0 || numbers.answered <= wave.excused.answered) return undefined;
  return { kind: 'halt', position: wave.position, numbers: stalledNumbers(numbers, devices, wave.successPercent) };
}

function waveStep(snapshot: RolloutSnapshot): Step | undefined {
  const { waves, pool, nowMs } = snapshot;
  const current = waves.find(({ state }) => state === 'running' || state === 'soaking' || state === 'failed');
  if (current === undefined) {
    const next = waves.find(({ state }) => state === 'waiting');
    return next === undefined ? undefined : { kind: 'wave', position: next.position, event: 'start' };
  }
  if (current.state === 'running') return gateStep(current, pool);
  const isSoaked = current.state === 'soaking' && nowMs >= (current.soakingMs ?? nowMs) + current.soakMs;
  return isSoaked ? { kind: 'wave', position: current.position, event: 'soaked' } : undefined;
}

function offerStep({ waves, pool, latePool, allowance, isRetryIdle }: RolloutSnapshot): Step {
  if (allowance <= 0) return REST;
  if (!isRetryIdle && waves.some(({ counts }) => of(counts, 'retry') > 0))
    return { kind: 'offer-again', limit: allowance };
  const wave = waves.find(({ state }) => state === 'running');
  if (wave === undefined) return REST;
  const withLate = wave.size === undefined;
  const waiting = of(pool, 'waiting') + (withLate ? of(latePool, 'waiting') : 0);
  const places = wave.size === undefined ? waiting : wave.size - waveNumbers(wave.counts).placed;
  const limit = Math.min(places, waiting, allowance);
  return limit > 0 ? { kind: 'offer', position: wave.position, limit, withLate } : REST;
}

/** Decides the next step. */
export function nextStep(snapshot: RolloutSnapshot): Step {
  const { state, nowMs, startMs, endMs } = snapshot;
  if (endMs !== undefined && nowMs >= endMs && ENDABLE.has(state)) return { kind: 'move', event: 'time-up' };
  switch (state) {
    case 'scheduled':
      return startMs === undefined || nowMs >= startMs ? { kind: 'move', event: 'due' } : REST;
    case 'starting':
      return { kind: 'move', event: 'begin' };
    case 'stopping':
      return { kind: 'tell' };
    case 'paused':
    case 'halted':
      return isOver(snapshot) ? { kind: 'move', event: 'finish' } : REST;
    case 'running':
      if (isOver(snapshot)) return { kind: 'move', event: 'finish' };
      return haltStep(snapshot) ?? waveStep(snapshot) ?? offerStep(snapshot);
    case 'waiting-approval':
    case 'ready':
    case 'stopped':
    case 'finished':
      return REST;
  }
}
