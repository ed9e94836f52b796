/**
 * From argument words to an invocation: finds the command in the table, parses its options with node:util `parseArgs`
 * (strict), and checks required options and the number of positionals. Everything wrong here is CLI_USAGE (exit 2).
 */
import { parseArgs } from 'node:util';
import { type Command, type CommandGroup, isGroup, type OptionSpecs, type PositionalSpec } from './command.ts';
import { CliError } from './errors.ts';

/** Options that every command has. */
export const COMMON_OPTIONS = {
  json: { type: 'boolean', summary: 'print the result as JSON' },
  help: { type: 'boolean', summary: 'show this help', short: 'h' },
} as const satisfies OptionSpecs;

export type CommandTable = Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<Command | CommandGroup> }>
>;

/** What the words name: the program itself, a group of commands, or one command with the words that follow it. */
export type Found =
  | { readonly kind: 'program' }
  | { readonly kind: 'group'; readonly name: string; readonly group: CommandGroup }
  | { readonly kind: 'command'; readonly name: string; readonly command: Command; readonly rest: readonly string[] };

const isHelpWord = (word: string | undefined): boolean => word === '--help' || word === '-h' || word === 'help';

export async function findCommand(table: CommandTable, words: readonly string[]): Promise<Found> {
  const [first, second] = words;
  if (first === undefined || first === '--help' || first === '-h') return { kind: 'program' };
  if (first === 'help') return words.length === 1 ? { kind: 'program' } : findCommand(table, [...words.slice(1), '-h']);
  const row = Object.hasOwn(table, first) ? table[first] : undefined;
  if (row === undefined) throw new CliError('CLI_USAGE', { command: first });
  const entry = await row.load();
  if (!isGroup(entry)) return { kind: 'command', name: first, command: entry, rest: words.slice(1) };
  if (second === undefined || isHelpWord(second)) return { kind: 'group', name: first, group: entry };
  const command = Object.hasOwn(entry.commands, second) ? entry.commands[second] : undefined;
  if (command === undefined) throw new CliError('CLI_USAGE', { command: `${first} ${second}` });
  return { kind: 'command', name: `${first} ${second}`, command, rest: words.slice(2) };
}

type Parsed = {
  readonly values: Record<string, string | boolean | readonly string[] | undefined>;
  readonly positionals: readonly string[];
};

function parseWords(options: OptionSpecs, words: readonly string[]): Parsed {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
    ]),
  );
  try {
    const parsed = parseArgs({ args: [...words], options: config, strict: true, allowPositionals: true });
    return { values: { ...parsed.values } as Parsed['values'], positionals: parsed.positionals };
  } catch (cause) {
    // parseArgs names the option that it does not know; its values never stand in the message.
    const reason = cause instanceof Error ? (cause.message.split('.')[0] ?? '') : '';
    throw new CliError('CLI_USAGE', { reason }, cause);
  }
}

function checkPositionals(specs: readonly PositionalSpec[], given: readonly string[]): void {
  const missing = specs.find((spec, index) => spec.optional !== true && given[index] === undefined);
  if (missing !== undefined) throw new CliError('CLI_USAGE', { missing: missing.name });
  const isOpen = specs.some((spec) => spec.multiple === true);
  const surplus = isOpen ? undefined : given[specs.length];
  if (surplus !== undefined) throw new CliError('CLI_USAGE', { unexpected: surplus });
}

export function parseInvocation(command: Command, words: readonly string[]): Parsed {
  const options: OptionSpecs = { ...COMMON_OPTIONS, ...command.options };
  const { values, positionals } = parseWords(options, words);
  if (values['help'] === true) return { values, positionals };
  for (const [name, spec] of Object.entries(options)) {
    if (spec.type === 'boolean') values[name] ??= false;
    else if (spec.multiple === true) values[name] ??= [];
    else values[name] ??= spec.default;
    if (spec.required === true && values[name] === undefined) throw new CliError('CLI_USAGE', { missing: `--${name}` });
  }
  checkPositionals(command.positionals ?? [], positionals);
  return { values, positionals };
}
