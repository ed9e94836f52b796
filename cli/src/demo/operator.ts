/**
 * The demo's operator: types the same commands that a user would, through the same parser, and reads their JSON results.
 * The commands run in this process (four dozen Node starts would eat the minute); what a device or the server does runs
 * in processes of its own.
 */
import { Readable } from 'node:stream';
import type { Io } from '../frame/command.ts';
import { type CommandTable, findCommand, parseInvocation } from '../frame/parse.ts';
import { DemoError } from './errors.ts';

export type JsonResult = Readonly<Record<string, unknown>>;

export class Operator {
  readonly #table: CommandTable;
  readonly #io: Io;
  readonly #onCommand: (words: readonly string[]) => void;

  constructor(
    table: CommandTable,
    options: {
      readonly io: Io;
      readonly cwd: string;
      readonly env: Io['env'];
      readonly onCommand: (words: readonly string[]) => void;
    },
  ) {
    this.#table = table;
    this.#onCommand = options.onCommand;
    this.#io = {
      ...options.io,
      cwd: options.cwd,
      env: options.env,
      stdin: Readable.from([]),
      isTty: false,
      isJson: true,
      print: () => undefined,
      note: () => undefined,
      draw: () => undefined,
      printJson: () => undefined,
    };
  }

  /** Runs one command; its result as JSON. @throws what the command throws; DemoError DEMO_STEP_FAILED */
  async run(...words: readonly string[]): Promise<JsonResult> {
    this.#onCommand(words);
    return this.runQuietly(...words);
  }

  async runQuietly(...words: readonly string[]): Promise<JsonResult> {
    const found = await findCommand(this.#table, words);
    if (found.kind !== 'command') throw new TypeError(`the demo runs commands only, not ${words.join(' ')}`);
    const { values, positionals } = parseInvocation(found.command, found.rest);
    const invocation = { values, positionals, io: this.#io } as Parameters<typeof found.command.run>[0];
    const { json, exitCode = 0 } = await found.command.run(invocation);
    if (exitCode !== 0) throw new DemoError('DEMO_STEP_FAILED', { command: found.name, exitCode });
    // Through JSON and back: the demo sees what `--json` would print, and nothing else.
    const text = JSON.stringify(json ?? {}, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    return JSON.parse(text) as JsonResult;
  }
}
