/** What a fleet did, as numbers: only what the server acknowledged counts as said. Latencies go into buckets of 5 %. */

const BUCKETS = 400;
const BASE = 1.05;
/** The first bucket ends here. */
const LEAST_MS = 0.01;

class Latencies {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;

  note(ms: number): void {
    const bucket = ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / Math.log(BASE));
    const index = Math.min(BUCKETS - 1, bucket);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
  }

  /** The upper bound of the bucket that holds this share of all. */
  percentileMs(share: number): number {
    let rest = Math.ceil(this.#count * share);
    for (const [index, count] of this.#buckets.entries()) {
      rest -= count;
      if (rest <= 0) return LEAST_MS * BASE ** index;
    }
    return LEAST_MS * BASE ** (BUCKETS - 1);
  }
}

/** What a device said at the end of an install. */
export type FinalWord = 'success' | 'failure' | 'reverted';

export type FleetCounts = {
  polls: number;
  attributes: number;
  /** Deployments that were read. */
  offers: number;
  confirmations: number;
  downloads: number;
  downloadedBytes: number;
  /** Reports of progress. */
  progress: number;
  /** Final reports, by what they said. */
  success: number;
  failure: number;
  reverted: number;
  cancelled: number;
  /** Assignments that ended before the device had said how it went. */
  gone: number;
  /** Exchanges without an answer; the device tried again. */
  unanswered: number;
  /** Answers by status, where it was not what the device hoped for. */
  refused: Record<string, number>;
};

export type FleetSummary = FleetCounts & {
  readonly devices: number;
  readonly offline: number;
  /** Devices that have given a final report. */
  readonly reported: number;
  readonly elapsedMs: number;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

export class Tally {
  readonly counts: FleetCounts = {
    polls: 0,
    attributes: 0,
    offers: 0,
    confirmations: 0,
    downloads: 0,
    downloadedBytes: 0,
    progress: 0,
    success: 0,
    failure: 0,
    reverted: 0,
    cancelled: 0,
    gone: 0,
    unanswered: 0,
    refused: {},
  };
  readonly #latencies = new Latencies();
  #requests = 0;

  noteAnswer(ms: number): void {
    this.#requests += 1;
    this.#latencies.note(ms);
  }

  noteRefused(status: number): void {
    this.counts.refused[status] = (this.counts.refused[status] ?? 0) + 1;
  }

  summary(fleet: Pick<FleetSummary, 'devices' | 'offline' | 'reported' | 'elapsedMs'>): FleetSummary {
    return {
      ...this.counts,
      refused: { ...this.counts.refused },
      ...fleet,
      requests: this.#requests,
      requestsPerSecond: this.#requests / Math.max(0.001, fleet.elapsedMs / 1000),
      p50Ms: this.#latencies.percentileMs(0.5),
      p99Ms: this.#latencies.percentileMs(0.99),
    };
  }
}
