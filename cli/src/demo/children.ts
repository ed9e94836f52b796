/**
 * The demo's other processes: each a real `node` process that speaks JSON lines on standard output. Waits are for events,
 * never for time; every wait has a limit. All children end with the demo, however it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DemoError } from './errors.ts';

export type ChildEvent = Readonly<Record<string, unknown>>;
type Waiter = { readonly accepts: (event: ChildEvent) => boolean; readonly settle: (event: ChildEvent) => void };

export class Child {
  readonly name: string;
  readonly events: ChildEvent[] = [];
  readonly #process: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  readonly #ended: Promise<number | string>;
  readonly #stderr: string[] = [];
  #endedAs: number | string | undefined;

  constructor(name: string, process: ChildProcess, onEvent: (child: Child, event: ChildEvent) => void) {
    this.name = name;
    this.#process = process;
    const { stdout, stderr } = process;
    if (stdout === null || stderr === null) throw new TypeError('a child of the demo has its output in pipes');
    createInterface({ input: stdout }).on('line', (line) => {
      const event = parseEvent(line);
      if (event === undefined) return;
      this.events.push(event);
      onEvent(this, event);
      for (const waiter of this.#waiters) if (waiter.accepts(event)) waiter.settle(event);
    });
    createInterface({ input: stderr }).on('line', (line) => this.#stderr.push(line));
    this.#ended = new Promise((resolve) => {
      process.once('exit', (status, signal) => {
        this.#endedAs = status ?? signal ?? 'unknown';
        resolve(this.#endedAs);
      });
    });
  }

  /** The last lines that the process wrote on standard error. */
  get complaint(): string {
    return this.#stderr.slice(-3).join(' | ');
  }

  /** The next event that is accepted, or one of the past ones from index `since` on. */
  async waitFor(
    what: string,
    accepts: (event: ChildEvent) => boolean,
    limitMs: number,
    since = 0,
  ): Promise<ChildEvent> {
    const past = this.events.slice(since).find(accepts);
    if (past !== undefined) return past;
    let waiter: Waiter | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ChildEvent>((resolve, reject) => {
        const fail = (why: string): void =>
          reject(new DemoError('DEMO_EVENT_MISSING', { process: this.name, what, why, stderr: this.complaint }));
        waiter = { accepts, settle: resolve };
        this.#waiters.add(waiter);
        timer = setTimeout(() => fail(`not within ${limitMs} ms`), limitMs);
        void this.#ended.then((status) => fail(`the process ended (${status})`));
      });
    } finally {
      clearTimeout(timer);
      if (waiter !== undefined) this.#waiters.delete(waiter);
    }
  }

  send(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#endedAs === undefined) this.#process.kill(signal);
    await this.#ended;
  }

  /** For the last moment: no waiting. */
  killNow(): void {
    if (this.#endedAs === undefined) this.#process.kill('SIGKILL');
  }
}

function parseEvent(line: string): ChildEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as ChildEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** All processes of one demo. */
export class Children {
  readonly #children: Child[] = [];
  readonly #onEvent: (child: Child, event: ChildEvent) => void;
  readonly #env: NodeJS.ProcessEnv;
  readonly #cwd: string;

  constructor(options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly onEvent: (child: Child, event: ChildEvent) => void;
  }) {
    this.#cwd = options.cwd;
    this.#env = { ...options.env };
    this.#onEvent = options.onEvent;
    // Whatever ends this process, no child outlives it.
    process.once('exit', () => this.killNow());
  }

  start(name: string, script: string, words: readonly string[]): Child {
    const process_ = spawn(process.execPath, [script, ...words], {
      cwd: this.#cwd,
      env: this.#env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const child = new Child(name, process_, this.#onEvent);
    this.#children.push(child);
    return child;
  }

  killNow(): void {
    for (const child of this.#children) child.killNow();
  }

  async endAll(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.end('SIGTERM')));
  }
}
