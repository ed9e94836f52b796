/**
 * What this platform cannot do refuses the manifest as a whole, before its first command runs (draft-ietf-suit-manifest-37
 * §6.1, §6.2): components, commands that the platform leaves out, names of payloads.
 */
import { toHex } from '../bytes/index.ts';
import { SuitError } from './errors.ts';
import type { Command, Manifest, Sequence } from './manifest.ts';
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

function verifyCommand(command: Command, platform: SuitPlatform, hasIntegrated: (uri: string) => boolean): void {
  if (command.kind === 'action' && platform[command.name] === undefined) {
    throw new SuitError('SUIT_COMMAND_UNSUPPORTED', { command: command.name });
  }
  if (command.kind === 'condition' && command.name === 'check-content' && platform.contentOf === undefined) {
    throw new SuitError('SUIT_COMMAND_UNSUPPORTED', { command: command.name });
  }
  if (command.kind !== 'override-parameters' && command.kind !== 'set-parameters') return;
  const { uri } = command.parameters;
  if (uri === undefined || isPayloadName(uri) || (isIntegratedName(uri) && hasIntegrated(uri))) return;
  throw new SuitError('SUIT_URI_UNSUPPORTED', { uri });
}

export function verifySupport(
  manifest: Manifest,
  platform: SuitPlatform,
  hasIntegrated: (uri: string) => boolean,
): void {
  const unknown = manifest.components.find((id) => !platform.isComponentSupported(id));
  if (unknown !== undefined) {
    throw new SuitError('SUIT_COMPONENT_UNSUPPORTED', { component: unknown.map(toHex).join('/') });
  }
  const sequences = [...manifest.sections.values()].flatMap((section) => (section.value ? [section.value] : []));
  for (const sequence of [manifest.sharedSequence ?? [], ...sequences]) {
    visitCommands(sequence, (command) => verifyCommand(command, platform, hasIntegrated));
  }
}
