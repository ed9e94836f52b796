/**
 * What this platform cannot do refuses the manifest as a whole, before its first command runs (draft-ietf-suit-manifest-37
 * §6.1, §6.2): components, commands that the platform leaves out, names of payloads.
 */
import { toHex } from '../bytes/index.ts';
import type { ActionName, ConditionName } from './constants.ts';
import { SuitError } from './errors.ts';
import { type Command, indexedComponents, type Manifest, type Sequence } from './manifest.ts';
import type { SuitPlatform } from './platform.ts';
import { isIntegratedName, isPayloadName } from './uri.ts';

/** Visits every command, also those inside sequences and in branches that may never run. */
function visitCommands(sequence: Sequence, visit: (command: Command) => void): void {
  for (const command of sequence) {
    visit(command);
    if (command.kind === 'run-sequence') visitCommands(command.sequence, visit);
    if (command.kind === 'try-each') for (const branch of command.sequences) visitCommands(branch, visit);
  }
}

/** What each condition needs of the platform beyond the base. */
const CONDITION_PORTS: Readonly<Partial<Record<ConditionName, keyof SuitPlatform>>> = {
  'check-content': 'contentOf',
  'dependency-integrity': 'envelopeOf',
  'use-before': 'nowUnixS',
  'minimum-battery': 'batteryMilliwattHours',
  'update-authorized': 'isUpdateAuthorized',
  version: 'versionOf',
};

const ACTION_PORTS: Readonly<Record<ActionName, keyof SuitPlatform>> = {
  'process-dependency': 'envelopeOf',
  write: 'write',
  fetch: 'fetch',
  copy: 'copy',
  invoke: 'invoke',
  wait: 'waitFor',
  swap: 'swap',
  unlink: 'unlink',
};

function portOf(command: Command): keyof SuitPlatform | undefined {
  if (command.kind === 'action') return ACTION_PORTS[command.name];
  return command.kind === 'condition' ? CONDITION_PORTS[command.name] : undefined;
}

function urisOf(command: Command): (string | undefined)[] {
  if (command.kind === 'override-multiple') return command.entries.map(({ parameters }) => parameters.uri);
  const isSetting = command.kind === 'override-parameters' || command.kind === 'set-parameters';
  return isSetting ? [command.parameters.uri] : [];
}

function verifyCommand(command: Command, platform: SuitPlatform, hasIntegrated: (uri: string) => boolean): void {
  const port = portOf(command);
  if (port !== undefined && platform[port] === undefined) {
    throw new SuitError('SUIT_COMMAND_UNSUPPORTED', { command: 'name' in command ? command.name : command.kind });
  }
  for (const uri of urisOf(command)) {
    if (uri === undefined || (isIntegratedName(uri) && hasIntegrated(uri))) continue;
    const isSupported = platform.isUriSupported === undefined ? isPayloadName(uri) : platform.isUriSupported(uri);
    if (!isSupported) throw new SuitError('SUIT_URI_UNSUPPORTED', { uri });
  }
}

export function verifySupport(
  manifest: Manifest,
  platform: SuitPlatform,
  hasIntegrated: (uri: string) => boolean,
): void {
  // trust-domains §4.1: an interpreter without dependencies aborts on a manifest that has some.
  if (manifest.dependencies !== undefined && platform.envelopeOf === undefined) {
    throw new SuitError('SUIT_ELEMENT_UNSUPPORTED', { at: 'common', key: 'dependencies' });
  }
  const unknown = indexedComponents(manifest).find(({ id }) => !platform.isComponentSupported(id));
  if (unknown !== undefined) {
    throw new SuitError('SUIT_COMPONENT_UNSUPPORTED', { component: unknown.id.map(toHex).join('/') });
  }
  const sequences = [...manifest.sections.values()].flatMap((section) => (section.value ? [section.value] : []));
  for (const sequence of [manifest.sharedSequence ?? [], ...sequences]) {
    visitCommands(sequence, (command) => verifyCommand(command, platform, hasIntegrated));
  }
}
