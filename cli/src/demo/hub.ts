/**
 * One device of the demo: a state folder, and the agent process that is its life. Its status is read from disk alone, and
 * only if the hash chain of its journal holds.
 */
import type { Child, ChildEvent, Children } from './children.ts';
import type { Operator } from './operator.ts';

export type HubStatus = {
  readonly version: string;
  readonly journalRecords: number;
  /** State of the slot that does not run. */
  readonly otherSlot: string;
};

const READY_LIMIT_MS = 15_000;

export class Hub {
  readonly name: string;
  readonly stateDir: string;
  readonly #children: Children;
  readonly #operator: Operator;
  readonly #mainScript: string;
  #agent: Child | undefined;

  constructor(options: {
    readonly name: string;
    readonly stateDir: string;
    readonly children: Children;
    readonly operator: Operator;
    readonly mainScript: string;
  }) {
    this.name = options.name;
    this.stateDir = options.stateDir;
    this.#children = options.children;
    this.#operator = options.operator;
    this.#mainScript = options.mainScript;
  }

  get eventCount(): number {
    return this.#running.events.length;
  }

  get #running(): Child {
    if (this.#agent === undefined) throw new TypeError(`${this.name} was never started`);
    return this.#agent;
  }

  async start(): Promise<void> {
    this.#agent = this.#children.start(this.name, this.#mainScript, [
      'agent',
      'run',
      '--state',
      this.stateDir,
      '--json',
    ]);
    await this.#agent.waitFor('its start', () => true, READY_LIMIT_MS);
  }

  waitFor(what: string, accepts: (event: ChildEvent) => boolean, limitMs: number, since = 0): Promise<ChildEvent> {
    return this.#running.waitFor(what, accepts, limitMs, since);
  }

  /** SIGKILL: no warning, no clean-up. */
  async kill(): Promise<void> {
    await this.#running.end('SIGKILL');
  }

  async status(): Promise<HubStatus> {
    const status = await this.#operator.runQuietly('agent', 'status', '--state', this.stateDir);
    const slots = Object.entries(status['slots'] as Readonly<Record<string, string>>);
    const otherSlot = slots.find(([slot]) => slot !== status['bootSlot'])?.[1] ?? '';
    return { version: String(status['version']), journalRecords: Number(status['journalRecords']), otherSlot };
  }
}
