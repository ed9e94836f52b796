/** Who must have cosigned a ledger, as it is named on the command line: the keys of witnesses, and how many of them. */
import type { WitnessPolicy } from '@pawl/core/evidence';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { readLedgerKey } from './ledger-key.ts';
import { parseNumber } from './workspace.ts';

export const WITNESS_OPTIONS = {
  witness: {
    type: 'string',
    value: 'VKEY',
    summary: 'verification key of a witness that must have cosigned the ledger, as text or in a file',
    multiple: true,
  },
  witnesses: { type: 'string', value: 'N', summary: 'how many of them at least, each name counts once (else all)' },
} as const;

/**
 * The policy; undefined when no witness is named.
 * @throws CliError CLI_USAGE
 */
export async function readWitnessPolicy(
  io: Io,
  { witness, witnesses: needed }: { readonly witness: readonly string[]; readonly witnesses: string | undefined },
): Promise<WitnessPolicy | undefined> {
  if (witness.length === 0) {
    // Who asks for witnesses and names none would believe that there were some.
    if (needed !== undefined) throw new CliError('CLI_USAGE', { missing: '--witness' });
    return undefined;
  }
  const keys: string[] = [];
  for (const given of witness) keys.push(await readLedgerKey(io, given));
  const names = new Set(keys.map((key) => key.split('+', 1)[0]));
  return { witnesses: keys, needed: needed === undefined ? names.size : Number(parseNumber(needed, '--witnesses')) };
}

/** The lines that say who cosigned. */
export function cosignatureLines(
  cosignatures: readonly { readonly witness: string; readonly atMs: number }[] | undefined,
): string[] {
  return (cosignatures ?? []).map(({ witness, atMs }) => `cosigned by ${witness} at ${new Date(atMs).toISOString()}`);
}
