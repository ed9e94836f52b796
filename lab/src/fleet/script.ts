/**
 * The script of one simulated device. A turn is what a device does at once: poll and follow what it is offered, go on with
 * an install, or say how it ended – and say it again until the server has acknowledged it. Between turns a device is a few
 * bytes in typed arrays.
 */
import type { HttpAnswer } from '../http/answer-reader.ts';
import { BEHAVIOURS, type Behaviour, draw } from './behaviour.ts';
import { actionIdOf, type Feedback, feedbackBody, type PollAnswer, parseDeployment, parsePoll } from './ddi.ts';
import type { Roster } from './roster.ts';
import type { FinalWord, Tally } from './tally.ts';

const IDLE = 0;
const INSTALLING = 1;
const CLOSING = 2;

const SLOW_STEPS = 4;
const SLOW_FACTOR = 10;
const JITTER_STREAM = 1;
const VERSIONS_MAX = 65_535;

export type ScriptOptions = {
  readonly tenant: string;
  readonly seed: number;
  /** Instead of what the server asks for. */
  readonly pollMs?: number | undefined;
  readonly installMs: number;
  readonly retryMs: number;
  readonly isDownloading: boolean;
  /** Called when a device has heard that its final word is taken. */
  readonly onFinal?: ((controllerId: string, word: FinalWord) => void) | undefined;
};

/** One exchange of a device; rejects when there is no answer. */
export type Send = (device: number, request: DeviceRequest) => Promise<HttpAnswer>;
export type DeviceRequest = {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string;
  /** False for downloads: the bytes are counted and thrown away. */
  readonly keepsBody?: boolean;
};

function isTaken({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

/** Refusals that no repetition changes. */
function isEnded({ status }: HttpAnswer): boolean {
  return status === 404 || status === 409 || status === 410;
}

export class DeviceScripts {
  readonly #options: ScriptOptions;
  readonly #roster: Roster;
  readonly #tally: Tally;
  readonly #send: Send;
  readonly #behaviours: Uint8Array;
  readonly #phase: Uint8Array;
  readonly #steps: Uint8Array;
  readonly #action: Int32Array;
  /** What the device runs, and what it was offered last, as indices into the versions. */
  readonly #version: Uint16Array;
  readonly #offered: Uint16Array;
  readonly #hasReported: Uint8Array;
  readonly #versions: string[] = [''];
  #draws = 0;
  #reported = 0;

  constructor(parts: {
    readonly options: ScriptOptions;
    readonly roster: Roster;
    readonly behaviours: Uint8Array;
    readonly tally: Tally;
    readonly send: Send;
  }) {
    this.#options = parts.options;
    this.#roster = parts.roster;
    this.#behaviours = parts.behaviours;
    this.#tally = parts.tally;
    this.#send = parts.send;
    const { size } = parts.roster;
    this.#phase = new Uint8Array(size);
    this.#steps = new Uint8Array(size);
    this.#action = new Int32Array(size);
    this.#version = new Uint16Array(size);
    this.#offered = new Uint16Array(size);
    this.#hasReported = new Uint8Array(size);
  }

  /** How many devices have given a final report. */
  get reported(): number {
    return this.#reported;
  }

  /** A time around the given one: half of it to one and a half. */
  jitter(ms: number): number {
    this.#draws += 1;
    return ms * (0.5 + draw(this.#options.seed, JITTER_STREAM, this.#draws));
  }

  /** Does what the device does now; gives after how long its next turn comes. */
  async turn(device: number): Promise<number> {
    const phase = this.#phase[device];
    if (phase === INSTALLING) return this.#install(device);
    return phase === CLOSING ? this.#close(device) : this.#poll(device);
  }

  #behaviour(device: number): Behaviour {
    return BEHAVIOURS[this.#behaviours[device] ?? 0] ?? 'success';
  }

  #base(device: number): string {
    return `/${this.#options.tenant}/controller/v1/${this.#roster.controllerId(device)}`;
  }

  #refused(answer: HttpAnswer): number {
    this.#tally.noteRefused(answer.status);
    return this.jitter(this.#options.retryMs);
  }

  async #poll(device: number): Promise<number> {
    const answer = await this.#send(device, { method: 'GET', path: this.#base(device) });
    if (!isTaken(answer)) return this.#refused(answer);
    this.#tally.counts.polls += 1;
    const poll = parsePoll(answer.body);
    if (poll.configData !== undefined) await this.#putAttributes(device, poll.configData);
    const untilNext = await this.#follow(device, poll);
    return untilNext ?? this.jitter(this.#options.pollMs ?? poll.sleepMs);
  }

  /** Takes up what is offered; undefined when there was nothing to do. */
  async #follow(device: number, poll: PollAnswer): Promise<number | undefined> {
    if (poll.cancel !== undefined) return this.#cancel(device, poll.cancel);
    if (poll.confirmation !== undefined) return this.#consent(device, poll.confirmation);
    if (poll.deployment !== undefined) return this.#begin(device, poll.deployment);
    return undefined;
  }

  async #putAttributes(device: number, path: string): Promise<void> {
    const version = this.#versions[this.#version[device] ?? 0] ?? '';
    const data = { fleet: 'simulated', ...(version === '' ? {} : { version }) };
    const answer = await this.#send(device, { method: 'PUT', path, body: JSON.stringify({ mode: 'merge', data }) });
    if (isTaken(answer)) this.#tally.counts.attributes += 1;
    else this.#tally.noteRefused(answer.status);
  }

  #feedback(device: number, kind: 'deploymentBase' | 'cancelAction', feedback: Feedback): Promise<HttpAnswer> {
    const actionId = this.#action[device] ?? 0;
    const path = `${this.#base(device)}/${kind}/${actionId}/feedback`;
    return this.#send(device, { method: 'POST', path, body: feedbackBody(actionId, feedback) });
  }

  async #cancel(device: number, path: string): Promise<number | undefined> {
    this.#action[device] = actionIdOf(path) ?? 0;
    const said: Feedback = { execution: 'closed', finished: 'success', details: ['stopped'] };
    const answer = await this.#feedback(device, 'cancelAction', said);
    if (!isTaken(answer)) return this.#refused(answer);
    this.#tally.counts.cancelled += 1;
    return undefined;
  }

  async #consent(device: number, path: string): Promise<number | undefined> {
    const feedbackPath = `${path.split('?')[0]}/feedback`;
    const body = JSON.stringify({ confirmation: 'confirmed', code: 0, details: [] });
    const answer = await this.#send(device, { method: 'POST', path: feedbackPath, body });
    if (!isTaken(answer)) return this.#refused(answer);
    this.#tally.counts.confirmations += 1;
    return this.jitter(this.#options.retryMs);
  }

  #internVersion(version: string): number {
    const known = this.#versions.indexOf(version);
    if (known >= 0) return known;
    return this.#versions.length > VERSIONS_MAX ? 0 : this.#versions.push(version) - 1;
  }

  async #begin(device: number, path: string): Promise<number> {
    const answer = await this.#send(device, { method: 'GET', path });
    if (!isTaken(answer)) return this.#refused(answer);
    this.#tally.counts.offers += 1;
    const { version, files } = parseDeployment(answer.body);
    this.#action[device] = actionIdOf(path) ?? 0;
    if (!(await this.#progress(device, 'download', 'downloading'))) return this.jitter(this.#options.retryMs);
    if (this.#options.isDownloading && !(await this.#download(device, files)))
      return this.jitter(this.#options.retryMs);
    if (!(await this.#progress(device, 'downloaded', 'installing'))) return this.jitter(this.#options.retryMs);
    this.#phase[device] = INSTALLING;
    this.#offered[device] = this.#internVersion(version);
    const isSlow = this.#behaviour(device) === 'slow';
    this.#steps[device] = isSlow ? SLOW_STEPS : this.#behaviour(device) === 'revert' ? 1 : 0;
    return this.jitter(this.#stepMs(device));
  }

  #stepMs(device: number): number {
    const { installMs } = this.#options;
    return this.#behaviour(device) === 'slow' ? (installMs * SLOW_FACTOR) / (SLOW_STEPS + 1) : installMs;
  }

  async #download(device: number, files: readonly string[]): Promise<boolean> {
    for (const path of files) {
      const answer = await this.#send(device, { method: 'GET', path, keepsBody: false });
      this.#tally.counts.downloadedBytes += answer.bodyBytes;
      if (!isTaken(answer)) {
        this.#tally.noteRefused(answer.status);
        return false;
      }
      this.#tally.counts.downloads += 1;
    }
    return true;
  }

  async #progress(device: number, execution: Feedback['execution'], detail: string): Promise<boolean> {
    const said: Feedback = { execution, finished: 'none', details: [detail] };
    const answer = await this.#feedback(device, 'deploymentBase', said);
    if (isTaken(answer)) this.#tally.counts.progress += 1;
    else this.#tally.noteRefused(answer.status);
    return isTaken(answer);
  }

  async #install(device: number): Promise<number> {
    const left = this.#steps[device] ?? 0;
    if (left === 0) {
      this.#phase[device] = CLOSING;
      return this.#close(device);
    }
    const detail = this.#behaviour(device) === 'revert' ? 'restarting into the new image' : 'still writing';
    // Whether it was taken or not: the next turn goes on, and at last the end is what counts.
    await this.#progress(device, 'proceeding', detail);
    this.#steps[device] = left - 1;
    return this.jitter(this.#stepMs(device));
  }

  #ending(device: number): { readonly count: FinalWord; readonly said: Feedback } {
    const closed = (finished: 'success' | 'failure', detail: string): Feedback => ({
      execution: 'closed',
      finished,
      details: [detail],
    });
    const behaviour = this.#behaviour(device);
    if (behaviour === 'failure') return { count: 'failure', said: closed('failure', 'the image could not be written') };
    if (behaviour !== 'revert') return { count: 'success', said: closed('success', 'installed') };
    return { count: 'reverted', said: closed('failure', 'the new image did not start; back on the old one') };
  }

  async #close(device: number): Promise<number> {
    const { count, said } = this.#ending(device);
    const answer = await this.#feedback(device, 'deploymentBase', said);
    if (isTaken(answer)) {
      this.#tally.counts[count] += 1;
      this.#options.onFinal?.(this.#roster.controllerId(device), count);
    } else if (isEnded(answer)) this.#tally.counts.gone += 1;
    else return this.#refused(answer);
    if (isTaken(answer) && count === 'success') this.#version[device] = this.#offered[device] ?? 0;
    this.#phase[device] = IDLE;
    if (this.#hasReported[device] === 0) {
      this.#hasReported[device] = 1;
      this.#reported += 1;
    }
    // Real clients poll soon after they have ended an install.
    return this.jitter(this.#options.retryMs);
  }
}
