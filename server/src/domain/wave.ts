/**
 * The life of a wave as a table, and how many devices a wave takes. Pure.
 *
 * A wave takes its share of all devices, rounded up so that one percent of ten is one; the last wave takes the rest, and
 * with it every device that joins later.
 */
import type { NewWave, WaveState } from '@pawl/contract/management';

export const WAVE_EVENTS = [
  'start',
  /** Enough of its devices succeeded. */
  'reach',
  /** It was watched long enough. */
  'soaked',
  /** Too many errors, or success out of reach. */
  'fail',
  /** People go on after a failure. */
  'resume',
  /** People start the next wave now. */
  'promote',
  /** The last wave has no device left to wait for. */
  'end',
  /** Devices of a finished rollout are tried again. */
  'reopen',
] as const;
export type WaveEvent = (typeof WAVE_EVENTS)[number];

const TABLE: Readonly<Record<WaveState, Readonly<Partial<Record<WaveEvent, WaveState>>>>> = {
  waiting: { start: 'running' },
  running: { reach: 'soaking', fail: 'failed', promote: 'done', end: 'done' },
  soaking: { soaked: 'done', fail: 'failed', promote: 'done', end: 'done' },
  failed: { resume: 'running', promote: 'done', reopen: 'running' },
  done: { reopen: 'running' },
};

/** The next state, or undefined when the event does not suit the state. */
export function decideWave(state: WaveState, event: WaveEvent): WaveState | undefined {
  return TABLE[state][event];
}

/** Hundredths of a percent as a whole number: products of shares stay exact. */
export function basisPoints(percent: number): number {
  return Math.round(percent * 100);
}

const WHOLE = 10_000;

/** Places of each wave over so many devices; the last one is undefined: the rest, however many. */
export function waveSizes(
  waves: readonly Pick<NewWave, 'percent' | 'count'>[],
  devices: number,
): (number | undefined)[] {
  let left = devices;
  return waves.map(({ percent, count }, index) => {
    if (index === waves.length - 1) return undefined;
    const share = count ?? Math.ceil((devices * basisPoints(percent ?? 0)) / WHOLE);
    const size = Math.min(share, left);
    left -= size;
    return size;
  });
}
