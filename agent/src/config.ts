/**
 * `config.json` of the state folder, written at provisioning and completed by enrolment (`controllerId`, `token`).
 * Readable by its owner only, because of the token. Unknown members are refused, so that a typing error is seen.
 */
import { CONTROLLER_ID, LINE_NAME } from '@pawl/contract/device';
import { fromUtf8, isCodedError, utf8 } from '@pawl/core/bytes';
import { type Disk, saveFile } from './disk.ts';
import { AgentError } from './errors.ts';

export type ConsentPolicy = 'auto' | 'ask';
/** PEM files. Without `cert` and `key` the device shows a certificate that it signed with its own key. */
export type TlsFiles = { readonly ca?: string; readonly cert?: string; readonly key?: string };

export type Introduction = {
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly certificate?: string;
};

type Profile = 'production' | 'development';

export type AgentConfig = {
  /** Origin of the server, as in `https://updates.example`; a path is not part of it. */
  readonly server: string;
  readonly tenant: string;
  readonly line: string;
  readonly vendorDomain: string;
  readonly classInfo: string;
  /** Command that starts an image: gets the slot's folder as its last argument; status 0 says started and healthy. */
  readonly boot: readonly string[];
  readonly bootTimeoutS: number;
  readonly consent: ConsentPolicy;
  /** Command that tells the user of an update that waits for consent; gets the path of the notice as its last argument. */
  readonly notice?: readonly string[];
  /** IANA name of the place where the device stands, for maintenance windows. */
  readonly timeZone?: string;
  readonly pollIntervalS?: number;
  readonly controllerId?: string;
  readonly token?: string;
  readonly tls?: TlsFiles;
  /** The device introduces itself until it is let in; what it says of itself, and its certificate (PEM file). */
  readonly introduction?: Introduction;
  /** `development` admits published test keys. Absent: production. */
  readonly profile?: Profile;
};

type Fields = Readonly<Record<string, unknown>>;

const TENANT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const TEXT_CHARS_MAX = 256;
const BOOT_WORDS_MAX = 64;
const SECONDS_MAX = 86_400;
const MEMBERS: ReadonlySet<string> = new Set(
  'server tenant line vendorDomain classInfo boot bootTimeoutS consent pollIntervalS controllerId token tls profile notice timeZone introduction'.split(
    ' ',
  ),
);

function invalid(at: string, expected: string): AgentError {
  return new AgentError('AGENT_CONFIG_INVALID', { at, expected });
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expectText(fields: Fields, at: string, form?: RegExp): string {
  const value = fields[at];
  if (typeof value !== 'string' || value === '' || value.length > TEXT_CHARS_MAX) throw invalid(at, 'text');
  if (form !== undefined && !form.test(value)) throw invalid(at, 'a valid name');
  return value;
}

function expectSeconds(fields: Fields, at: string): number {
  const value = fields[at];
  if (typeof value !== 'number' || !(value > 0) || value > SECONDS_MAX) throw invalid(at, 'seconds');
  return value;
}

function parseServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw invalid('server', 'a URL');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw invalid('server', 'scheme, host and port only');
  }
  return url.origin;
}

function parseCommand(at: 'boot' | 'notice', value: unknown): string[] {
  const isWords = Array.isArray(value) && value.length > 0 && value.length <= BOOT_WORDS_MAX;
  if (!isWords || !value.every((word): word is string => typeof word === 'string')) throw invalid(at, 'a command');
  if (value[0] === '') throw invalid(at, 'a command');
  return value;
}

function parseTls(value: unknown): TlsFiles {
  if (!isFields(value)) throw invalid('tls', 'an object');
  const unknown = Object.keys(value).find((name) => !['ca', 'cert', 'key'].includes(name));
  if (unknown !== undefined) throw invalid('tls', 'no other member than ca, cert and key');
  if ((value['cert'] === undefined) !== (value['key'] === undefined)) throw invalid('tls', 'cert and key together');
  const path = (name: 'ca' | 'cert' | 'key'): TlsFiles =>
    value[name] === undefined ? {} : { [name]: expectText(value, name) };
  return { ...path('ca'), ...path('cert'), ...path('key') };
}

function parseIntroduction(value: unknown): Introduction {
  if (!isFields(value)) throw invalid('introduction', 'an object');
  const { name, attributes = {}, certificate } = value;
  const isTexts = isFields(attributes) && Object.values(attributes).every((text) => typeof text === 'string');
  if (!isTexts) throw invalid('introduction.attributes', 'names and texts');
  return {
    ...(name === undefined ? {} : { name: expectText(value, 'name', CONTROLLER_ID) }),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes: attributes as Record<string, string> }),
    ...(certificate === undefined ? {} : { certificate: expectText(value, 'certificate') }),
  };
}

/**
 * Checks a configuration.
 * @throws AgentError AGENT_CONFIG_INVALID
 */
export function parseConfig(value: unknown): AgentConfig {
  if (!isFields(value)) throw invalid('config', 'an object');
  const unknown = Object.keys(value).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined) throw new AgentError('AGENT_CONFIG_INVALID', { at: unknown, expected: 'no such member' });
  const consent = value['consent'] ?? 'auto';
  if (consent !== 'auto' && consent !== 'ask') throw invalid('consent', 'auto or ask');
  const { profile } = value;
  if (profile !== undefined && profile !== 'production' && profile !== 'development') {
    throw invalid('profile', 'production or development');
  }
  return {
    server: parseServer(expectText(value, 'server')),
    tenant: expectText({ tenant: 'default', ...value }, 'tenant', TENANT),
    line: expectText(value, 'line', LINE_NAME),
    vendorDomain: expectText(value, 'vendorDomain'),
    classInfo: expectText(value, 'classInfo'),
    boot: parseCommand('boot', value['boot']),
    bootTimeoutS: expectSeconds({ bootTimeoutS: 60, ...value }, 'bootTimeoutS'),
    consent,
    ...(value['pollIntervalS'] === undefined ? {} : { pollIntervalS: expectSeconds(value, 'pollIntervalS') }),
    ...(value['controllerId'] === undefined ? {} : { controllerId: expectText(value, 'controllerId', CONTROLLER_ID) }),
    ...(value['token'] === undefined ? {} : { token: expectText(value, 'token', /^[\x21-\x7e]+$/) }),
    ...(value['notice'] === undefined ? {} : { notice: parseCommand('notice', value['notice']) }),
    ...(value['timeZone'] === undefined ? {} : { timeZone: expectText(value, 'timeZone') }),
    ...(value['tls'] === undefined ? {} : { tls: parseTls(value['tls']) }),
    ...(value['introduction'] === undefined ? {} : { introduction: parseIntroduction(value['introduction']) }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** @throws AgentError AGENT_STATE_MISSING, AGENT_CONFIG_INVALID */
export async function loadConfig(disk: Disk, path: string): Promise<AgentConfig> {
  const bytes = await disk.read(path);
  if (bytes === undefined) throw new AgentError('AGENT_STATE_MISSING', { path });
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch (error) {
    if (!isCodedError(error) && !(error instanceof SyntaxError)) throw error;
    throw new AgentError('AGENT_CONFIG_INVALID', { path, expected: 'JSON' });
  }
  return parseConfig(value);
}

export async function saveConfig(disk: Disk, path: string, config: AgentConfig): Promise<void> {
  await saveFile(disk, path, utf8(`${JSON.stringify(config, null, 2)}\n`));
}
