/** What every command that brings a key into the workspace asks for, and how a key is shown. */
import { isKeyReference, KEY_ROLE_TABLE, KEY_ROLES, type KeyAlgorithm, type KeyRole } from '@pawl/core/keys';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { type KeyPlan, loadNamedKey, type NamedKey } from '../workspace/keyring.ts';
import type { Workspace } from '../workspace/workspace.ts';

export const KEY_NAME = { name: 'NAME', summary: 'the name of the key in this workspace' } as const;

export const PLAN_OPTIONS = {
  role: { type: 'string', value: 'ROLE', summary: `what it is for: ${KEY_ROLES.join(', ')}`, required: true },
  algorithm: {
    type: 'string',
    value: 'NAME',
    summary:
      'ESP256, ESP384, ESP512, Ed25519, PS256, PS384, PS512, ML-DSA-44, -65, -87, HSS-LMS (image); line: ECDH-P256',
  },
  purpose: { type: 'string', summary: 'a sentence for those who find the file', default: '' },
  expires: { type: 'string', value: 'DATE', summary: 'the day from which it signs nothing, as 2028-01-31' },
  replaces: { type: 'string', value: 'NAME', summary: 'the key of this workspace that it takes over from' },
} as const;

export const OFFLINE_OPTION = {
  offline: { type: 'boolean', summary: 'custody: the file is kept off every network' },
} as const;

type PlanValues = {
  readonly role: string;
  readonly purpose: string;
  readonly expires: string | undefined;
  readonly replaces: string | undefined;
};

export function parseRole(text: string): KeyRole {
  const role = KEY_ROLES.find((name) => name === text);
  if (role === undefined) throw new CliError('CLI_USAGE', { role: text, expected: KEY_ROLES.join(', ') });
  return role;
}

/** The algorithm by name, or the role's own. */
export function parseAlgorithm(role: KeyRole, text: string | undefined): KeyAlgorithm {
  const { algorithms } = KEY_ROLE_TABLE[role];
  const algorithm = algorithms.find((name) => text === undefined || name === text);
  if (algorithm === undefined) throw new CliError('CLI_USAGE', { algorithm: text, expected: algorithms.join(', ') });
  return algorithm;
}

function parseDay(text: string): Date {
  const date = new Date(text);
  const isDay = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{3})?Z)?$/.test(text) && !Number.isNaN(date.getTime());
  if (!isDay) throw new CliError('CLI_USAGE', { option: '--expires', value: text, expected: 'a day as 2028-01-31' });
  return date;
}

/** The plan of a new key from its options. */
export async function planKey(io: Io, workspace: Workspace, name: string, values: PlanValues): Promise<KeyPlan> {
  const role = parseRole(values.role);
  const { replaces } = values;
  return {
    name,
    role,
    purpose: values.purpose === '' ? `${role} key` : values.purpose,
    createdAt: io.now(),
    ...(values.expires === undefined ? {} : { expiresAt: parseDay(values.expires) }),
    ...(replaces === undefined ? {} : { replaces: (await loadNamedKey(workspace, replaces)).file.id }),
  };
}

/** What is known of a key, without its public half. */
export function keyFacts({ name, path, file }: NamedKey): Record<string, string | null> {
  const { id, role, algorithm, custody, purpose, createdAt, expiresAt, replaces } = file;
  const kind = isKeyReference(file) ? file.signer.kind : 'file';
  return { name, id, role, algorithm, kind, custody, purpose, createdAt, expiresAt, replaces, path };
}
