/**
 * What a command is: data (words, options, positionals, an example) and a function. The values that the function gets
 * are typed from the options, so a command cannot read an option that it does not declare.
 *
 * A command returns its outcome as data and as text; which one is printed is the frame's matter (`--json`). Commands that
 * run for long print as they go, through `io`.
 */
import type { Readable } from 'node:stream';

export type OptionSpec = {
  readonly type: 'string' | 'boolean';
  readonly summary: string;
  /** What stands for the value in the help, as in `--line NAME`. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly default?: string;
};
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export type PositionalSpec = {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  readonly multiple?: boolean;
};

type ValueOf<S extends OptionSpec> = S extends { type: 'boolean' }
  ? boolean
  : S extends { multiple: true }
    ? readonly string[]
    : S extends { required: true } | { default: string }
      ? string
      : string | undefined;
type Values<O extends OptionSpecs> = { readonly [K in keyof O]: ValueOf<O[K]> };

/** Where a command reads and writes, and the ambient things that only `main.ts` may look at. */
export type Io = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { isTTY?: boolean; setRawMode?(mode: boolean): unknown };
  /** Is standard output a terminal? */
  readonly isTty: boolean;
  readonly isJson: boolean;
  /** One line of the result, on standard output. With --json nothing is written here but JSON. */
  print(line: string): void;
  /** One line beside the result (progress, notices), on standard error. */
  note(line: string): void;
  /** Raw text on standard error, for progress bars and prompts. */
  draw(text: string): void;
  /** One JSON value as one line, on standard output. */
  printJson(value: unknown): void;
  now(): Date;
  /** Aborted by SIGINT or SIGTERM: long-running commands end cleanly. */
  readonly signal: AbortSignal;
};

export type Outcome = {
  /** The result for --json. Undefined: the command has printed all it had to say. */
  readonly json?: unknown;
  /** The result for people: lines without line ends. */
  readonly text?: readonly string[];
  readonly exitCode?: 0 | 1;
};

type Invocation<O extends OptionSpecs = OptionSpecs> = {
  readonly values: Values<O>;
  readonly positionals: readonly string[];
  readonly io: Io;
};

export type Command<O extends OptionSpecs = OptionSpecs> = {
  readonly summary: string;
  /** More than the summary says, as lines; optional. */
  readonly about?: readonly string[];
  readonly positionals?: readonly PositionalSpec[];
  readonly options?: O;
  readonly example: string;
  run(invocation: Invocation<O>): Promise<Outcome>;
};

export type CommandGroup = { readonly summary: string; readonly commands: Readonly<Record<string, Command>> };

/** Fixes the option types of one command; what comes out is the common shape that the frame works with. */
export function defineCommand<const O extends OptionSpecs>(command: Command<O>): Command {
  return {
    ...command,
    // The frame has parsed the values by this very table of options, so they have its types.
    run: (invocation) => command.run(invocation as unknown as Invocation<O>),
  } as Command;
}

export function isGroup(entry: Command | CommandGroup): entry is CommandGroup {
  return 'commands' in entry;
}
