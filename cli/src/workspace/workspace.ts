/**
 * The operator's workspace: a folder with `pawl.json`, `keys/` (sealed private keys), `trust/` (TUF metadata as last
 * published) and `releases/<line>/<version>/`. Only public facts stand in `pawl.json`; the API token has its own file with
 * mode 0600.
 */
import { dirname, join } from 'node:path';
import { isCodedError } from '@pawl/core/bytes';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, isPresent, readText, writeOutput } from './files.ts';

const CONFIG_FILE = 'pawl.json';
const FORMAT = 1;

export type LineConfig = {
  readonly vendorDomain: string;
  readonly classInfo: string;
};
/** `development` admits published test keys, with a warning; nothing else turns that on. */
type Profile = 'production' | 'development';

type WorkspaceConfig = {
  readonly pawl: typeof FORMAT;
  /** Who works here, as the signing log names them; else the user of the operating system. */
  readonly operator?: string;
  /** Absent: production. */
  readonly profile?: Profile;
  readonly server?: string;
  readonly tokenFile: string;
  readonly lines: Readonly<Record<string, LineConfig>>;
};
/** What a workspace takes from the process that works on it. */
type Host = Pick<Io, 'env' | 'now' | 'note'>;
export type Workspace = { readonly dir: string; readonly config: WorkspaceConfig; readonly host: Host };

/** The option of every command that works on a workspace. */
export const WORKSPACE_OPTION = {
  workspace: {
    type: 'string',
    value: 'DIR',
    summary: 'the workspace (else PAWL_WORKSPACE, else this folder or one above)',
  },
} as const;

const OPERATOR_GRAMMAR = /^[^\p{Cc}]{1,128}$/u;
const LINE_GRAMMAR = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** Semantic versioning 2.0.0, without a leading "v". */
const VERSION_GRAMMAR =
  /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?$/;

/** @throws CliError CLI_USAGE */
export function parseLineName(text: string): string {
  if (!LINE_GRAMMAR.test(text)) throw new CliError('CLI_USAGE', { line: text, expected: LINE_GRAMMAR.source });
  return text;
}

/** @throws CliError CLI_USAGE */
export function parseVersion(text: string): string {
  if (!VERSION_GRAMMAR.test(text))
    throw new CliError('CLI_USAGE', { version: text, expected: 'a version such as 1.2.3' });
  return text;
}

/** @throws CliError CLI_USAGE */
export function parseNumber(text: string, option: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new CliError('CLI_USAGE', { option, value: text, expected: 'a whole number' });
  return BigInt(text);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseConfig(text: string, path: string): WorkspaceConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CliError('CLI_WORKSPACE_MALFORMED', { path, reason: 'not JSON' }, cause);
  }
  const malformed = (member: string): CliError => new CliError('CLI_WORKSPACE_MALFORMED', { path, member });
  if (!isRecord(value) || value['pawl'] !== FORMAT) throw malformed('pawl');
  const { server, tokenFile, lines, operator, profile } = value;
  if (operator !== undefined && !(typeof operator === 'string' && OPERATOR_GRAMMAR.test(operator)))
    throw malformed('operator');
  if (profile !== undefined && profile !== 'production' && profile !== 'development') throw malformed('profile');
  if (server !== undefined && !(typeof server === 'string' && URL.canParse(server))) throw malformed('server');
  if (typeof tokenFile !== 'string') throw malformed('tokenFile');
  if (!isRecord(lines)) throw malformed('lines');
  const parsed = Object.entries(lines).map(([name, line]): [string, LineConfig] => {
    if (!LINE_GRAMMAR.test(name) || !isRecord(line)) throw malformed('lines');
    const { vendorDomain, classInfo } = line;
    if (typeof vendorDomain !== 'string' || typeof classInfo !== 'string') throw malformed(`lines.${name}`);
    return [name, { vendorDomain, classInfo }];
  });
  return {
    pawl: FORMAT,
    ...(operator === undefined ? {} : { operator }),
    ...(profile === undefined ? {} : { profile }),
    ...(server === undefined ? {} : { server }),
    tokenFile,
    lines: Object.fromEntries(parsed),
  };
}

/** Writes the configuration of a workspace, and gives that workspace back. */
export async function saveConfig(workspace: Workspace): Promise<Workspace> {
  await writeOutput(join(workspace.dir, CONFIG_FILE), `${JSON.stringify(workspace.config, undefined, 2)}\n`);
  return workspace;
}

/** @throws CliError CLI_WORKSPACE_MISSING, CLI_WORKSPACE_MALFORMED */
export async function loadWorkspace(io: Io, named: string | undefined): Promise<Workspace> {
  const given = named ?? io.env['PAWL_WORKSPACE'];
  let dir = inFolder(io.cwd, given ?? '.');
  while (!(await isPresent(join(dir, CONFIG_FILE)))) {
    const above = dirname(dir);
    if (given !== undefined || above === dir)
      throw new CliError('CLI_WORKSPACE_MISSING', { dir: inFolder(io.cwd, given ?? '.') });
    dir = above;
  }
  const path = join(dir, CONFIG_FILE);
  return { dir, config: parseConfig(await readText(path), path), host: io };
}

/** The workspace, or an empty one in that folder, which is not written yet. @throws CliError CLI_WORKSPACE_MALFORMED */
export async function loadOrNew(io: Io, named: string | undefined): Promise<Workspace> {
  try {
    return await loadWorkspace(io, named);
  } catch (cause) {
    if (!isCodedError(cause) || cause.code !== 'CLI_WORKSPACE_MISSING') throw cause;
    const dir = inFolder(io.cwd, named ?? io.env['PAWL_WORKSPACE'] ?? '.');
    return { dir, config: { pawl: FORMAT, tokenFile: 'token', lines: {} }, host: io };
  }
}

/** @throws CliError CLI_LINE_UNKNOWN */
export function lineOf({ config }: Workspace, name: string): LineConfig {
  const line = Object.hasOwn(config.lines, name) ? config.lines[name] : undefined;
  if (line === undefined) throw new CliError('CLI_LINE_UNKNOWN', { line: name });
  return line;
}

/** The only line, when there is one and none was named. @throws CliError CLI_LINE_UNKNOWN, CLI_USAGE */
export function chooseLine(workspace: Workspace, named: string | undefined): string {
  const names = Object.keys(workspace.config.lines);
  const [only] = names;
  const name = named ?? (names.length === 1 ? only : undefined);
  if (name === undefined) throw new CliError('CLI_USAGE', { missing: '--line' });
  lineOf(workspace, name);
  return name;
}
