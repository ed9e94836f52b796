/** Why a release is there, as `seal` and `publish` are told: an urgency, words for users, names of what is fixed, a reason. */
import { URGENCIES, type Urgency } from '@pawl/contract/management';
import { CliError } from '../frame/errors.ts';

export type ReleaseAdvice = {
  readonly urgency?: Urgency;
  readonly notice?: string;
  readonly references?: string[];
  readonly justification?: string;
};

export const ADVICE_OPTIONS = {
  urgency: { type: 'string', value: 'KIND', summary: `what it brings: ${URGENCIES.join(', ')}` },
  notice: { type: 'string', value: 'TEXT', summary: 'what the users of devices are told' },
  reference: { type: 'string', value: 'NAME', summary: 'what it fixes, such as CVE-2026-12345', multiple: true },
  justification: { type: 'string', value: 'TEXT', summary: 'why it is security fixes only; kept' },
} as const;

type AdviceValues = {
  readonly urgency: string | undefined;
  readonly notice: string | undefined;
  readonly reference: readonly string[];
  readonly justification: string | undefined;
};

/** @throws CliError CLI_USAGE */
export function parseAdvice({ urgency: text, notice, reference, justification }: AdviceValues): ReleaseAdvice {
  const urgency = URGENCIES.find((known) => known === text);
  if (text !== undefined && urgency === undefined) {
    throw new CliError('CLI_USAGE', { urgency: text, expected: URGENCIES.join(', ') });
  }
  if (urgency === 'security' && justification === undefined)
    throw new CliError('CLI_USAGE', { missing: '--justification' });
  return {
    ...(urgency === undefined ? {} : { urgency }),
    ...(notice === undefined ? {} : { notice }),
    ...(reference.length === 0 ? {} : { references: [...reference] }),
    ...(justification === undefined ? {} : { justification }),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** What `release.json` says of it; what is not of its form is left out, and the server asks for it. */
export function adviceOf(value: Readonly<Record<string, unknown>>): ReleaseAdvice {
  const { notice, references, justification } = value;
  const urgency = URGENCIES.find((known) => known === value['urgency']);
  return {
    ...(urgency === undefined ? {} : { urgency }),
    ...(isText(notice) ? { notice } : {}),
    ...(Array.isArray(references) ? { references: references.filter(isText) } : {}),
    ...(isText(justification) ? { justification } : {}),
  };
}
