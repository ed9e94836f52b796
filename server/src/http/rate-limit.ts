/**
 * Limits in this process's memory, which is bounded: buckets that fill by the time. What is counted for strangers are
 * failures, not tries: a fleet behind one address that enrols well is never slowed down, and whoever holds something valid
 * is let in beside somebody who guesses. Reports of devices pass no limit at all.
 */

export type Rate = { readonly burst: number; readonly perS: number };

type Bucket = { level: number; atMs: number };

const KEYS_MAX = 20_000;

export class RateLimit {
  readonly #rate: Rate;
  /** In the order of their last use: the oldest go first when there are too many. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #levelAt(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return this.#rate.burst;
    const sinceS = Math.max(0, nowMs - bucket.atMs) / 1000;
    return Math.min(this.#rate.burst, bucket.level + sinceS * this.#rate.perS);
  }

  /** Seconds until there is room for one; 0 when there is now. Counts nothing. */
  waitS(key: string, nowMs: number): number {
    const level = this.#levelAt(key, nowMs);
    return level >= 1 ? 0 : Math.max(1, Math.ceil((1 - level) / this.#rate.perS));
  }

  /** Counts one. */
  count(key: string, nowMs: number): void {
    const level = Math.max(0, this.#levelAt(key, nowMs) - 1);
    this.#buckets.delete(key);
    this.#buckets.set(key, { level, atMs: nowMs });
    if (this.#buckets.size <= KEYS_MAX) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** One source: an IPv4 address, or the /64 that one IPv6 host has whole. */
export function sourceKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
