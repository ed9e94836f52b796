/**
 * What the demo shows: headings, the operator's commands, what devices report as it happens, and the final table. On a
 * terminal with colour; in a pipe the same lines plain; with --json nothing but the result.
 */
import type { Io } from '../frame/command.ts';
import { paint, renderTable, type Tone } from '../frame/table.ts';

const TONES: Readonly<Record<string, Tone>> = {
  confirmed: 'good',
  refused: 'bad',
  reverted: 'bad',
  failed: 'bad',
};

export type ResultRow = {
  readonly device: string;
  readonly step: string;
  readonly result: string;
  /** Empty where there is nothing to explain. */
  readonly code: string;
  /** The assignment that this is about; undefined for the ledger itself. */
  readonly assignmentId: number | undefined;
  /** Is this what should have happened? */
  readonly isExpected: boolean;
};

export class DemoView {
  readonly #io: Io;
  readonly #startedMs: number;

  constructor(io: Io) {
    this.#io = io;
    this.#startedMs = io.now().getTime();
  }

  get elapsedS(): number {
    return (this.#io.now().getTime() - this.#startedMs) / 1000;
  }

  heading(text: string): void {
    this.#print('');
    this.#print(this.#paint('strong', text));
  }

  /** A command as the user could type it. */
  command(words: readonly string[]): void {
    const text = words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word}'`)).join(' ');
    this.#print(this.#paint('quiet', `  $ pawl ${text}`));
  }

  say(text: string): void {
    this.#print(`  ${text}`);
  }

  /** What a device says, with the time since the start. */
  device(name: string, state: string, detail: string): void {
    const time = this.#paint('quiet', `${this.elapsedS.toFixed(1).padStart(5)} s`);
    this.#print(`  ${time}  ${name.padEnd(6)} ${this.#paint(TONES[state], state.padEnd(12))} ${detail}`.trimEnd());
  }

  result(rows: readonly ResultRow[]): void {
    this.heading('Result');
    const cells = rows.map(({ device, step, result, code, isExpected }) => [
      device,
      step,
      { text: result, tone: TONES[result] ?? ('strong' as const) },
      code,
      { text: isExpected ? 'as expected' : 'NOT AS EXPECTED', tone: isExpected ? ('good' as const) : ('bad' as const) },
    ]);
    for (const line of renderTable(this.#io.isTty, ['device', 'step', 'result', 'code', ''], cells)) this.say(line);
  }

  #paint(tone: Tone | undefined, text: string): string {
    return tone === undefined ? text : paint(this.#io.isTty, tone, text);
  }

  #print(line: string): void {
    if (!this.#io.isJson) this.#io.print(line);
  }
}
