/** The plan of a rollout in words of the command line: `--wave 5%,soak=2h`, times such as `90m`, `--ramp 10,2,100`. */
import type { ConfidencePercent, NewRollout, NewWave } from '@pawl/contract/management';
import { CONFIDENCE_PERCENTS } from '@pawl/contract/management';
import { CliError } from '../frame/errors.ts';
import { parseNumber } from '../workspace/workspace.ts';

export const PLAN_OPTIONS = {
  wave: {
    type: 'string',
    value: 'SHARE[,success=PERCENT][,errors=PERCENT][,soak=TIME]',
    summary: 'a wave: 5%, 200 (devices) or rest; the last one takes the rest',
    multiple: true,
  },
  'min-answers': { type: 'string', value: 'N', summary: 'errors halt after so many answers at least (5)' },
  confidence: { type: 'string', value: 'PERCENT', summary: `how sure to be: ${CONFIDENCE_PERCENTS.join(', ')} (95)` },
  weight: {
    type: 'string',
    value: 'N',
    summary: 'between rollouts to the same device the higher wins, 0 to 1000 (500)',
  },
  'start-at': { type: 'string', value: 'TIME', summary: 'not before this time, such as 2026-03-01T02:00:00Z' },
  'end-at': { type: 'string', value: 'TIME', summary: 'offers that are not begun by then are taken back' },
  rate: { type: 'string', value: 'N', summary: 'at most so many offers in a minute' },
  ramp: {
    type: 'string',
    value: 'BASE,FACTOR,EVERY',
    summary: 'begin with BASE a minute, times FACTOR with EVERY successes',
  },
  dynamic: { type: 'boolean', summary: 'devices that match the filter later come into the last wave' },
  'answer-within': {
    type: 'string',
    value: 'TIME',
    summary: 'a device that does not begin by then has had its turn (14d)',
  },
  'install-within': {
    type: 'string',
    value: 'TIME',
    summary: 'a device that began and does not end by then has failed (7d)',
  },
  attempts: { type: 'string', value: 'N', summary: 'how often a device is tried when it fails (1)' },
} as const;

type PlanValues = {
  readonly wave: readonly string[] | undefined;
  readonly dynamic: boolean;
} & { readonly [K in Exclude<keyof typeof PLAN_OPTIONS, 'wave' | 'dynamic'>]: string | undefined };

const SECONDS: ReadonlyMap<string, number> = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
]);

function parseDuration(text: string, option: string): number {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = SECONDS.get(unit);
  if (seconds === undefined)
    throw new CliError('CLI_USAGE', { option, value: text, expected: 'a time such as 90s, 10m, 2h, 3d' });
  return Number(count) * seconds;
}

function parsePercent(text: string, option: string): number {
  if (!/^\d{1,3}(\.\d{1,2})?$/.test(text))
    throw new CliError('CLI_USAGE', { option, value: text, expected: 'a percentage' });
  return Number(text);
}

function parseShare(text: string): NewWave {
  if (text === 'rest') return {};
  if (text.endsWith('%')) return { percent: parsePercent(text.slice(0, -1), '--wave') };
  return { count: Number(parseNumber(text, '--wave')) };
}

function parseWave(text: string): NewWave {
  const [share = '', ...words] = text.split(',');
  let wave = parseShare(share);
  for (const word of words) {
    const [name = '', value = ''] = word.split('=', 2);
    if (name === 'success') wave = { ...wave, successPercent: parsePercent(value, '--wave success') };
    else if (name === 'errors') wave = { ...wave, errorPercent: parsePercent(value, '--wave errors') };
    else if (name === 'soak') wave = { ...wave, soakS: parseDuration(value, '--wave soak') };
    else throw new CliError('CLI_USAGE', { option: '--wave', value: word, expected: 'success=, errors= or soak=' });
  }
  return wave;
}

const isRest = (wave: NewWave | undefined): boolean => wave?.percent === undefined && wave?.count === undefined;

function parseWaves(texts: readonly string[]): NewWave[] {
  const waves = texts.map(parseWave);
  if (waves.slice(0, -1).some(isRest))
    throw new CliError('CLI_USAGE', { option: '--wave', expected: 'rest as the last wave' });
  return isRest(waves.at(-1)) ? waves : [...waves, {}];
}

function parseConfidence(text: string): ConfidencePercent {
  const level = CONFIDENCE_PERCENTS.find((known) => String(known) === text);
  if (level !== undefined) return level;
  throw new CliError('CLI_USAGE', { option: '--confidence', value: text, expected: CONFIDENCE_PERCENTS.join(', ') });
}

function parseRamp(text: string): NonNullable<NewRollout['ramp']> {
  const [, base = '', factor = '', every = ''] = /^(\d{1,8}),(\d{1,3}(?:\.\d{1,3})?),(\d{1,9})$/.exec(text) ?? [];
  if (every === '') throw new CliError('CLI_USAGE', { option: '--ramp', value: text, expected: 'BASE,FACTOR,EVERY' });
  return { basePerMinute: Number(base), factor: Number(factor), everySucceeded: Number(every) };
}

const numberOf = (text: string, option: string): number => Number(parseNumber(text, option));

/** RFC 3339 in any zone, as the API takes it: in UTC. */
function parseTime(text: string, option: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new CliError('CLI_USAGE', { option, value: text, expected: 'a time such as 2026-03-01T02:00:00Z' });
  return new Date(ms).toISOString();
}

type Halt = NonNullable<NewRollout['halt']>;
type TimeOut = NonNullable<NewRollout['timeOutS']>;

function parseHalt(values: PlanValues): Halt {
  const { confidence, 'min-answers': minAnswers } = values;
  return {
    ...(confidence === undefined ? {} : { confidencePercent: parseConfidence(confidence) }),
    ...(minAnswers === undefined ? {} : { minAnswers: numberOf(minAnswers, '--min-answers') }),
  };
}

function parseTimeOuts(values: PlanValues): TimeOut {
  const { 'answer-within': answer, 'install-within': install } = values;
  return {
    ...(answer === undefined ? {} : { answer: parseDuration(answer, '--answer-within') }),
    ...(install === undefined ? {} : { install: parseDuration(install, '--install-within') }),
  };
}

/** What the options say of the plan; what they do not say is left to the server. */
export function parsePlan(values: PlanValues): Partial<NewRollout> {
  const { 'start-at': startAt, 'end-at': endAt, rate, ramp, weight, attempts, wave } = values;
  return {
    halt: parseHalt(values),
    timeOutS: parseTimeOuts(values),
    isDynamic: values.dynamic,
    ...(wave === undefined || wave.length === 0 ? {} : { waves: parseWaves(wave) }),
    ...(startAt === undefined ? {} : { startAt: parseTime(startAt, '--start-at') }),
    ...(endAt === undefined ? {} : { endAt: parseTime(endAt, '--end-at') }),
    ...(rate === undefined ? {} : { ratePerMinute: numberOf(rate, '--rate') }),
    ...(ramp === undefined ? {} : { ramp: parseRamp(ramp) }),
    ...(weight === undefined ? {} : { weight: numberOf(weight, '--weight') }),
    ...(attempts === undefined ? {} : { retry: { attempts: numberOf(attempts, '--attempts') } }),
  };
}
