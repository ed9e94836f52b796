/**
 * Who looks on while parts of a server fail: asks for its health, writes devices and reads them, several times a second, and
 * notes what is not plain. Plain is an answer that does what was asked, or 503 with Retry-After.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ManagementClient } from '@pawl/contract/client';

const EVERY_MS = 200;
const TIMEOUT_MS = 15_000;

type Asked = { readonly status: number; readonly retryAfter: string | null };

export class Witness {
  readonly #url: string;
  readonly #token: string;
  /** Devices whose making was acknowledged. */
  readonly #taken = new Set<string>();
  readonly faults: string[] = [];
  /** Since when everything is answered as it should be; undefined while it is not. */
  wellSinceMs: number | undefined;
  refusals = 0;
  /** The longest that an answer took since somebody set it back. */
  slowestMs = 0;
  #isEnding = false;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async #ask(path: string, body?: object): Promise<Asked> {
    const answer = await fetch(`${this.#url}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.arrayBuffer();
    return { status: answer.status, retryAfter: answer.headers.get('retry-after') };
  }

  async #look(turn: number): Promise<boolean> {
    const controllerId = `witness-${turn}`;
    const asks: readonly [string, () => Promise<Asked>][] = [
      ['health', () => this.#ask('/health')],
      ['read', () => this.#ask('/devices?limit=1')],
      ['write', () => this.#ask('/devices', { devices: [{ controllerId, model: 'witness' }] })],
    ];
    let isWell = true;
    for (const [what, ask] of asks) {
      const startMs = performance.now();
      const asked = await ask().catch((error: unknown) => String(error));
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
      if (typeof asked === 'string') {
        this.faults.push(`${what} was not answered: ${asked}`);
        return false;
      }
      if (asked.status === 200) {
        if (what === 'write') this.#taken.add(controllerId);
        continue;
      }
      isWell = false;
      this.refusals += 1;
      if (what === 'health' || asked.status !== 503 || asked.retryAfter === null)
        this.faults.push(`${what} was answered ${asked.status}, Retry-After ${asked.retryAfter}`);
    }
    return isWell;
  }

  /** Each fault once, with how often it was seen. */
  summary(): string[] {
    const counts = new Map<string, number>();
    for (const fault of this.faults) counts.set(fault, (counts.get(fault) ?? 0) + 1);
    return [...counts].map(([fault, count]) => (count === 1 ? fault : `${fault} (${count} times)`));
  }

  async watch(): Promise<void> {
    for (let turn = 0; !this.#isEnding; turn += 1) {
      const isWell = await this.#look(turn);
      if (!isWell) this.wellSinceMs = undefined;
      else this.wellSinceMs ??= performance.now();
      await sleep(EVERY_MS);
    }
  }

  end(): void {
    this.#isEnding = true;
  }

  /** Whether everything that was acknowledged is there, and once. */
  async compare(): Promise<void> {
    const client = new ManagementClient({ url: this.#url, token: this.#token });
    const found: string[] = [];
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const query = { filter: 'model:witness', limit: 500, ...(cursor === undefined ? {} : { cursor }) };
      const { items, next } = await client.call('listDevices', { query });
      found.push(...items.map(({ controllerId }) => controllerId));
      cursor = next ?? undefined;
    }
    const there = new Set(found);
    if (there.size !== found.length) this.faults.push('a device is there twice');
    for (const controllerId of this.#taken) {
      if (!there.has(controllerId)) this.faults.push(`${controllerId} was acknowledged, and is not there`);
    }
    console.log(
      `witness: ${this.#taken.size} writes acknowledged, ${this.refusals} refused for now, all accounted for`,
    );
  }
}
