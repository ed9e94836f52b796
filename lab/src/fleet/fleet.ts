/**
 * Drives a fleet of light DDI devices from one process: a timing wheel says who is due, a bounded number of keep-alive
 * connections serves them. Real devices hold a connection each; what this loads is the server's work, not its sockets.
 *
 * Memory is flat: about 100 bytes a device with its credentials, and what the connections hold.
 */
import type { HttpAnswer } from '../http/answer-reader.ts';
import { assignBehaviours, BEHAVIOURS, draw, type Mix } from './behaviour.ts';
import type { Roster } from './roster.ts';
import { type DeviceRequest, DeviceScripts, type ScriptOptions } from './script.ts';
import { type FleetSummary, Tally } from './tally.ts';
import { Wheel } from './wheel.ts';
import { Wire, WireError, type WireTarget } from './wire.ts';

export type FleetOptions = ScriptOptions &
  WireTarget & {
    readonly roster: Roster;
    readonly mix: Mix;
    readonly connections: number;
    /** First polls are spread over this time. */
    readonly spreadMs: number;
    /** End after this time. */
    readonly forMs?: number | undefined;
    /** End when every device that is on has given a final report. */
    readonly isUntilReported?: boolean | undefined;
    readonly onProgress?: ((summary: FleetSummary) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  };

const TICK_MS = 10;
const PROGRESS_MS = 1000;
const SPREAD_STREAM = 2;
const OFFLINE = BEHAVIOURS.indexOf('offline');

class Fleet {
  readonly #options: FleetOptions;
  readonly #tally = new Tally();
  readonly #wheel: Wheel;
  readonly #scripts: DeviceScripts;
  readonly #wires: Wire[];
  /** The wire that serves each device right now. */
  readonly #serving = new Map<number, Wire>();
  readonly #startedAt = performance.now();
  readonly #online: number;
  #sleepers: (() => void)[] = [];
  #nextProgressMs = PROGRESS_MS;
  #isEnding = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { roster, mix, seed, connections } = options;
    const behaviours = assignBehaviours(roster.size, mix, seed);
    this.#wheel = new Wheel(roster.size);
    let online = 0;
    for (let device = 0; device < roster.size; device += 1) {
      if (behaviours[device] === OFFLINE) continue;
      online += 1;
      this.#wheel.add(device, draw(seed, SPREAD_STREAM, device) * options.spreadMs);
    }
    this.#online = online;
    const send = (device: number, request: DeviceRequest): Promise<HttpAnswer> => this.#exchange(device, request);
    this.#scripts = new DeviceScripts({ options, roster, behaviours, tally: this.#tally, send });
    this.#wires = Array.from({ length: connections }, () => new Wire(options));
  }

  async #exchange(device: number, { method, path, body, keepsBody }: DeviceRequest): Promise<HttpAnswer> {
    const wire = this.#serving.get(device);
    if (wire === undefined) throw new TypeError('only a device that is served sends');
    const { roster, url } = this.#options;
    const payload =
      body === undefined ? '\r\n' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: TargetToken ${roster.token(device)}\r\nAccept: application/hal+json\r\n`;
    const sentAt = performance.now();
    const answer = await wire.exchange(head + payload, keepsBody);
    this.#tally.noteAnswer(performance.now() - sentAt);
    return answer;
  }

  async #serve(device: number, wire: Wire): Promise<number> {
    this.#serving.set(device, wire);
    try {
      return await this.#scripts.turn(device);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#tally.counts.unanswered += 1;
      return this.#scripts.jitter(this.#options.retryMs);
    } finally {
      this.#serving.delete(device);
    }
  }

  async #work(wire: Wire): Promise<void> {
    while (!this.#isEnding) {
      const device = this.#wheel.take();
      if (device === undefined) await new Promise<void>((resolve) => this.#sleepers.push(resolve));
      else this.#wheel.add(device, await this.#serve(device, wire));
    }
  }

  summary(): FleetSummary {
    return this.#tally.summary({
      devices: this.#options.roster.size,
      offline: this.#options.roster.size - this.#online,
      reported: this.#scripts.reported,
      elapsedMs: performance.now() - this.#startedAt,
    });
  }

  #isOver(elapsedMs: number): boolean {
    const { forMs, isUntilReported, signal } = this.#options;
    if (signal?.aborted === true || (forMs !== undefined && elapsedMs >= forMs)) return true;
    return isUntilReported === true && this.#scripts.reported >= this.#online;
  }

  #tick(): void {
    const elapsedMs = performance.now() - this.#startedAt;
    this.#wheel.advance(elapsedMs);
    this.#isEnding ||= this.#isOver(elapsedMs);
    const wakeCount = this.#isEnding ? this.#sleepers.length : this.#wheel.readyCount;
    for (const wake of this.#sleepers.splice(0, wakeCount)) wake();
    if (elapsedMs < this.#nextProgressMs) return;
    this.#nextProgressMs = elapsedMs + PROGRESS_MS;
    this.#options.onProgress?.(this.summary());
  }

  async run(): Promise<FleetSummary> {
    const timer = setInterval(() => this.#tick(), TICK_MS);
    try {
      await Promise.all(this.#wires.map((wire) => this.#work(wire)));
    } finally {
      this.#isEnding = true;
      clearInterval(timer);
      for (const wire of this.#wires) wire.close();
    }
    return this.summary();
  }
}

/** Runs a fleet until its end as the options say, or until the signal. Exchanges under way are finished first. */
export async function runFleet(options: FleetOptions): Promise<FleetSummary> {
  return await new Fleet(options).run();
}
