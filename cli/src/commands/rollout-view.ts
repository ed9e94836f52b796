/** A rollout as text: one line about it, why it halted, its waves, its devices. */
import type { Assignment, AssignmentState, HaltReason, Rollout, Wave, WaveState } from '@pawl/contract/management';
import { type Cell, renderTable, type Tone } from '../frame/table.ts';

const GOOD: ReadonlySet<AssignmentState> = new Set(['confirmed', 'reported']);
const BAD: ReadonlySet<AssignmentState> = new Set(['reverted', 'refused', 'failed', 'cancelled', 'timed-out']);

export function headline({ id, name, version, state, succeeded, devices }: Rollout): string {
  return `rollout ${id} ${name}: ${version}, ${state}, ${succeeded} of ${devices} succeeded`;
}

const percent = (fraction: number): string => `${Number((fraction * 100).toFixed(2))} %`;

function whyHalted(reason: HaltReason): string {
  const { kind, wave, answered, errors, succeeded, rate, bound, threshold, confidencePercent } = reason;
  if (kind === 'success-rate') {
    return `halted: wave ${wave} ended with ${succeeded} successes, ${percent(rate)} of it; ${percent(threshold)} were asked for`;
  }
  const sure = `with ${confidencePercent} % confidence more than ${percent(bound)} fail`;
  return `halted: ${errors} of ${answered} answers in wave ${wave} are errors; ${sure}, and the limit is ${percent(threshold)}`;
}

function shareOf({ percent: share, count }: Wave): string {
  if (share !== null) return `${share} %`;
  return count === null ? 'rest' : String(count);
}

const WAVE_TONES: Readonly<Record<WaveState, Tone>> = {
  waiting: 'quiet',
  running: 'strong',
  soaking: 'strong',
  done: 'good',
  failed: 'bad',
};

function waveRow(wave: Wave): Cell[] {
  const { outcomes } = wave;
  const of = (...names: (keyof typeof outcomes)[]): string =>
    String(names.reduce((sum, name) => sum + (outcomes[name] ?? 0), 0));
  return [
    String(wave.position),
    shareOf(wave),
    wave.size === null ? '' : String(wave.size),
    { text: wave.state, tone: WAVE_TONES[wave.state] },
    of('active', 'retrying', 'retry', 'proving'),
    of('succeeded'),
    of('failed', 'retry', 'retrying'),
    of('silent', 'cancelled', 'unproven'),
  ];
}

const WAVE_HEAD = ['wave', 'share', 'places', 'state', 'under way', 'succeeded', 'errors', 'other'] as const;

/** What there is to say of the rollout as a whole. */
export function describeRollout(isTty: boolean, rollout: Rollout): string[] {
  const { haltedBy, startAt, endAt, state, outcomes } = rollout;
  const pool = (outcomes.waiting ?? 0) + (outcomes.blocked ?? 0);
  return [
    headline(rollout),
    ...(state === 'halted' && haltedBy !== null ? [whyHalted(haltedBy)] : []),
    ...(state === 'scheduled' && startAt !== null ? [`starts at ${startAt}`] : []),
    ...(endAt === null || state === 'finished' || state === 'stopped' ? [] : [`ends at ${endAt}`]),
    ...(pool === 0 ? [] : [`${pool} devices wait, ${outcomes.blocked ?? 0} of them for another rollout`]),
    ...renderTable(isTty, WAVE_HEAD, rollout.waves.map(waveRow)),
  ];
}

export function describeDevices(isTty: boolean, assignments: readonly Assignment[]): string[] {
  const rows = assignments.map(({ controllerId, state, code, step }): Cell[] => [
    controllerId,
    { text: state, tone: GOOD.has(state) ? 'good' : BAD.has(state) ? 'bad' : 'quiet' },
    code ?? '',
    step === null ? '' : `step ${step}`,
  ]);
  return renderTable(isTty, ['device', 'state', 'code', ''], rows);
}
