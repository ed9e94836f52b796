/** The policy of a rollout in words of the command line: `--window sat,sun@02:00+180`, `--postpone 3,24`. */
import { type NewRollout, WEEKDAYS } from '@pawl/contract/management';
import { CliError } from '../frame/errors.ts';

export const POLICY_OPTIONS = {
  window: {
    type: 'string',
    value: '[DAYS@]HH:MM+MINUTES',
    summary: 'install only then, in the time of the device, such as sat,sun@02:00+180',
    multiple: true,
  },
  'time-zone': { type: 'string', value: 'ZONE', summary: 'of devices of which none is known' },
  tell: { type: 'boolean', summary: 'show foreign clients the offer outside its window too; they have to wait' },
  'any-time': { type: 'boolean', summary: 'no windows, whatever the default of the tenant' },
  postpone: {
    type: 'string',
    value: 'TIMES,HOURS',
    summary: 'how often, and how long each time, a user may put it off',
  },
  'ask-again': { type: 'string', value: 'DAYS', summary: 'ask a user who said no again after so many days' },
  'security-only': { type: 'boolean', summary: 'take only a release that is marked as security fixes' },
} as const;

type PolicyValues = {
  readonly window: readonly string[];
  readonly 'time-zone': string | undefined;
  readonly tell: boolean;
  readonly 'any-time': boolean;
  readonly postpone: string | undefined;
  readonly 'ask-again': string | undefined;
  readonly 'security-only': boolean;
};
type Windows = NonNullable<NewRollout['maintenance']>['windows'];

function usage(option: string, text: string): CliError {
  return new CliError('CLI_USAGE', { option, value: text, expected: POLICY_OPTIONS.window.value });
}

/** @throws CliError CLI_USAGE */
export function parseWindow(text: string): Windows[number] {
  const [, days, start = '', minutes] = /^(?:([a-z,]+)@)?(\d\d:\d\d)\+(\d{1,5})$/.exec(text) ?? [];
  if (minutes === undefined) throw usage('--window', text);
  const durationMinutes = Number(minutes);
  if (days === undefined) return { start, durationMinutes };
  const named = days.split(',').map((name) => {
    const day = WEEKDAYS.find((known) => known === name);
    if (day === undefined) throw usage('--window', text);
    return day;
  });
  return { days: named, start, durationMinutes };
}

function parseConsent(values: PolicyValues): Pick<NewRollout, 'consent'> {
  const { postpone, 'ask-again': days } = values;
  if (postpone === undefined && days === undefined) return {};
  const [, times, hours] = /^(\d{1,3}),(\d{1,4})$/.exec(postpone ?? '') ?? [];
  if (postpone !== undefined && hours === undefined) throw usage('--postpone', postpone);
  if (days !== undefined && !/^\d{1,3}$/.test(days)) throw usage('--ask-again', days);
  return {
    consent: {
      ...(hours === undefined ? {} : { postponements: Number(times), postponeHours: Number(hours) }),
      ...(days === undefined ? {} : { askAgainDays: Number(days) }),
    },
  };
}

function parseMaintenance(values: PolicyValues): Pick<NewRollout, 'maintenance'> {
  const { window, 'time-zone': timeZone } = values;
  if (values['any-time']) return { maintenance: null };
  if (window.length === 0) return {};
  const zone = timeZone === undefined ? {} : { timeZone };
  return { maintenance: { windows: window.map(parseWindow), ...zone, ...(values.tell ? { outside: 'tell' } : {}) } };
}

/** @throws CliError CLI_USAGE */
export function parsePolicy(values: PolicyValues): Partial<NewRollout> {
  return { ...parseMaintenance(values), ...parseConsent(values), isSecurityOnly: values['security-only'] };
}
