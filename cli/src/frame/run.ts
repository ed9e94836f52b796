/** Runs one command line: finds, parses, runs, prints; every error becomes an exit status here and nowhere else. */
import type { Io, Outcome } from './command.ts';
import { describeFailure } from './failure.ts';
import { helpCommand, helpGroup, helpProgram } from './help.ts';
import { type CommandTable, findCommand, parseInvocation } from './parse.ts';

type IoOf = (options: { readonly isJson: boolean }) => Io;

function printOutcome(io: Io, outcome: Outcome): void {
  if (!io.isJson) for (const line of outcome.text ?? []) io.print(line);
  else if (outcome.json !== undefined) io.printJson(outcome.json);
}

async function runWords(table: CommandTable, words: readonly string[], ioOf: IoOf): Promise<number> {
  const found = await findCommand(table, words);
  const plain = ioOf({ isJson: false });
  const show = (lines: readonly string[]): number => {
    for (const line of lines) plain.print(line);
    return 0;
  };
  if (found.kind === 'program') return show(helpProgram(table));
  if (found.kind === 'group') return show(helpGroup(found.name, found.group));
  const { values, positionals } = parseInvocation(found.command, found.rest);
  if (values['help'] === true) return show(helpCommand(found.name, found.command));
  const io = ioOf({ isJson: values['json'] === true });
  const outcome = await found.command.run({ values, positionals, io } as Parameters<typeof found.command.run>[0]);
  printOutcome(io, outcome);
  return outcome.exitCode ?? 0;
}

/** The exit status of one command line; never throws. */
export async function runCommandLine(table: CommandTable, words: readonly string[], ioOf: IoOf): Promise<number> {
  try {
    return await runWords(table, words, ioOf);
  } catch (error) {
    const { exitCode, code, error: message, hint } = describeFailure(error);
    const isJson = words.includes('--json');
    const io = ioOf({ isJson });
    if (isJson) io.printJson({ error: { code, message, hint } });
    io.note(`error: ${code}: ${message}`);
    if (hint !== '') io.note(`hint: ${hint}`);
    return exitCode;
  }
}
