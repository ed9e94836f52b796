/**
 * The passphrase of the workspace's keys: from `--passphrase-file`, from the file that PAWL_PASSPHRASE_FILE names, or asked
 * for on a terminal without echo. Never an argument (those stand in the process list) and never printed.
 */

import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readText } from './files.ts';

const CHARS_MIN = 12;

/** The option of every command that opens a private key. */
export const PASSPHRASE_OPTION = {
  'passphrase-file': {
    type: 'string',
    value: 'FILE',
    summary: 'file with the passphrase of the keys (else PAWL_PASSPHRASE_FILE, else asked for)',
  },
} as const;

const ENTER = /[\r\n]/;
const BACKSPACE = new Set(['\u007f', '\b']);

/** Reads one line from a terminal without showing it. */
function askHidden(io: Io, prompt: string): Promise<string> {
  const { stdin } = io;
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (settle: () => void): void => {
      stdin.off('data', onData);
      stdin.setRawMode?.(false);
      stdin.pause();
      io.draw('\n');
      settle();
    };
    const onData = (data: Buffer | string): void => {
      for (const char of data.toString()) {
        if (ENTER.test(char)) return end(() => resolve(typed));
        if (char === '\u0003') return end(() => reject(new CliError('CLI_PASSPHRASE_MISSING')));
        typed = BACKSPACE.has(char) ? typed.slice(0, -1) : typed + char;
      }
    };
    io.draw(prompt);
    stdin.setRawMode?.(true);
    stdin.on('data', onData);
    stdin.resume();
  });
}

/**
 * The passphrase, from where the rules above find it first. A new one is asked for twice and must be long enough.
 * @throws CliError CLI_PASSPHRASE_MISSING, CLI_PASSPHRASE_WEAK, CLI_FILE_UNREADABLE
 */
export async function obtainPassphrase(
  io: Io,
  file: string | undefined,
  { isNew = false }: { readonly isNew?: boolean } = {},
): Promise<string> {
  const named = file ?? io.env['PAWL_PASSPHRASE_FILE'];
  const passphrase =
    named === undefined ? await askTwice(io, isNew) : firstLine(await readText(inFolder(io.cwd, named)));
  if (passphrase === '') throw new CliError('CLI_PASSPHRASE_MISSING');
  if (isNew && passphrase.length < CHARS_MIN) throw new CliError('CLI_PASSPHRASE_WEAK', { charsMin: CHARS_MIN });
  return passphrase;
}

function firstLine(text: string): string {
  return text.split(ENTER, 1)[0] ?? '';
}

async function askTwice(io: Io, isNew: boolean): Promise<string> {
  if (io.stdin.isTTY !== true) throw new CliError('CLI_PASSPHRASE_MISSING');
  const first = await askHidden(io, isNew ? 'New passphrase for the keys: ' : 'Passphrase of the keys: ');
  if (!isNew) return first;
  const second = await askHidden(io, 'The same again: ');
  return first === second ? first : '';
}
