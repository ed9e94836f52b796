/** A rollout as text: one line about it, who approved it, when it goes where, why it halted, its waves, its devices. */
import type {
  Assignment,
  AssignmentState,
  HaltReason,
  Rollout,
  RolloutApproval,
  Wave,
  WaveState,
} from '@pawl/contract/management';
import { type Cell, renderTable, type Tone } from '../frame/table.ts';

const GOOD: ReadonlySet<AssignmentState> = new Set(['confirmed', 'reported']);
const BAD: ReadonlySet<AssignmentState> = new Set(['reverted', 'refused', 'failed', 'cancelled', 'timed-out']);

function headline({ id, name, version, state, succeeded, devices }: Rollout): string {
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

function spanText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return `${seconds} s`;
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
    `${wave.successPercent} %`,
    `${wave.errorPercent} %`,
    spanText(wave.soakS),
    of('active', 'retrying', 'retry', 'proving'),
    of('succeeded'),
    of('failed', 'retry', 'retrying'),
    of('silent', 'cancelled', 'unproven'),
  ];
}

const HEAD_TEXT = 'wave,share,places,state,needs,limit,soak,under way,succeeded,errors,other';
const WAVE_HEAD = HEAD_TEXT.split(',');

function windowsText({ maintenance }: Rollout): string {
  if (maintenance === null) return 'installs at any time';
  const windows = maintenance.windows.map(
    ({ days, start, durationMinutes }) =>
      `${days === undefined ? '' : `${days.join(',')}@`}${start}+${durationMinutes}`,
  );
  return `installs in ${windows.join(' and ')}, in the time of the device, else ${maintenance.timeZone}`;
}

const WHY_NOT = {
  withdrawn: 'taken back',
  changed: 'about what the rollout no longer is',
  author: 'the author of the rollout',
  'shut-out': 'the person is shut out',
  'no-role': 'the person may no longer approve',
} as const satisfies Record<NonNullable<RolloutApproval['verdicts'][number]['notInForce']>, string>;

/** Who said what about a rollout, and why what was said does not count. */
export function describeVerdicts({ required, isApproved, verdicts }: RolloutApproval): string[] {
  const inForce = verdicts.filter(({ verdict, isInForce }) => verdict === 'approved' && isInForce).length;
  return [
    `${isApproved ? 'approved' : 'not approved'}: ${inForce} of ${required} people`,
    ...verdicts.map(({ personId, verdict, notInForce, reason, at }) => {
      const left = notInForce === null ? '' : `, does not count: ${WHY_NOT[notInForce]}`;
      return `  ${at} person ${personId} ${verdict}${left}${reason === null ? '' : `: ${reason}`}`;
    }),
  ];
}

/** What there is to say of the rollout as a whole. */
export function describeRollout(isTty: boolean, rollout: Rollout): string[] {
  const { haltedBy, startAt, endAt, state, outcomes } = rollout;
  const pool = (outcomes.waiting ?? 0) + (outcomes.blocked ?? 0);
  return [
    headline(rollout),
    `made${rollout.author === null ? '' : ` by ${rollout.author}`} at ${rollout.createdAt}; ${windowsText(rollout)}`,
    ...(rollout.approvalsRequired === 0 || state !== 'waiting-approval'
      ? []
      : [`waits for the approval of ${rollout.approvalsRequired} people: pawl rollout approval ${rollout.id}`]),
    ...(state === 'halted' && haltedBy !== null ? [whyHalted(haltedBy)] : []),
    ...(state === 'scheduled' && startAt !== null ? [`starts at ${startAt}`] : []),
    ...(endAt === null || state === 'finished' || state === 'stopped' ? [] : [`ends at ${endAt}`]),
    ...(pool === 0 ? [] : [`${pool} devices wait, ${outcomes.blocked ?? 0} of them for another rollout`]),
    ...renderTable(isTty, WAVE_HEAD, rollout.waves.map(waveRow)),
  ];
}

/** What stands beside a rollout in a list: the wave that it is in, or what it waits for. */
function noteOf({ state, haltedBy, startAt, waves, approvalsRequired }: Rollout): string {
  if (state === 'halted' && haltedBy !== null) return whyHalted(haltedBy).replace(/^halted: /, '');
  if (state === 'scheduled' && startAt !== null) return `starts at ${startAt}`;
  if (state === 'waiting-approval') return `needs ${approvalsRequired} people`;
  const wave = waves.find((one) => one.state === 'running' || one.state === 'soaking' || one.state === 'failed');
  return wave === undefined ? '' : `wave ${wave.position} of ${waves.length}, ${wave.state}`;
}

/** Rollouts as a table, as they come. */
export function describeRollouts(isTty: boolean, rollouts: readonly Rollout[]): string[] {
  const rows = rollouts.map((rollout): Cell[] => {
    const { id, name, version, state, succeeded, devices } = rollout;
    const tone = state === 'halted' ? 'bad' : state === 'finished' ? 'good' : 'strong';
    return [String(id), name, version, { text: state, tone }, `${succeeded} of ${devices}`, noteOf(rollout)];
  });
  return renderTable(isTty, ['rollout', 'name', 'version', 'state', 'succeeded', ''], rows);
}

/** How the server judged what a device attested; empty when there is nothing to say. */
export function attestationText({ attestation }: Assignment): string {
  return attestation === null ? '' : [attestation.verdict, ...attestation.reasons].join(' ');
}

function deviceTone({ state, attestation }: Assignment): Tone {
  if (BAD.has(state) || attestation?.verdict === 'contraindicated') return 'bad';
  return GOOD.has(state) ? 'good' : 'quiet';
}

export function describeDevices(isTty: boolean, assignments: readonly Assignment[]): string[] {
  const rows = assignments.map((one): Cell[] => [
    one.controllerId,
    { text: one.state, tone: deviceTone(one) },
    one.code ?? '',
    one.step === null ? attestationText(one) : `step ${one.step}`,
  ]);
  return renderTable(isTty, ['device', 'state', 'code', ''], rows);
}
