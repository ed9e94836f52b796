/** The verification key of a ledger (C2SP signed note), as it is named on the command line or kept by the workspace. */
import { join } from 'node:path';
import type { ManagementClient } from '@pawl/contract/client';
import type { Io } from '../frame/command.ts';
import { inFolder, isPresent, readText, writeOutput } from './files.ts';
import type { Workspace } from './workspace.ts';

const VKEY_GRAMMAR = /^\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/;

/** `name+hash+key` as text, or a file that holds it. */
export async function readLedgerKey(io: Io, given: string): Promise<string> {
  return VKEY_GRAMMAR.test(given) ? given : (await readText(inFolder(io.cwd, given))).trim();
}

/**
 * The key that was given, or else the one that this workspace saw first and keeps. A server that shows another key later
 * is refused by the signature check.
 */
export async function obtainLedgerKey(
  io: Io,
  { dir }: Workspace,
  options: { readonly client: ManagementClient; readonly given: string | undefined },
): Promise<string> {
  if (options.given !== undefined) return readLedgerKey(io, options.given);
  const path = join(dir, 'ledger.vkey');
  if (await isPresent(path)) return (await readText(path)).trim();
  const { vkey } = await options.client.call('getCheckpoint', {});
  await writeOutput(path, `${vkey}\n`);
  return vkey;
}
