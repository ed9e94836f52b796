/** Counts of answered requests and how long they took, by API and kind of answer. In memory; starts anew with the process. */
import type { Family } from './exposition.ts';

const BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30] as const;

export type TrafficApi = 'poll' | 'ddi' | 'mender' | 'management' | 'other';

/** Which API an address is of; a poll is the one request that every device makes again and again. */
export function apiOf(url: string): TrafficApi {
  const path = url.split('?', 1)[0] ?? '';
  if (/^\/[^/]+\/controller\/v1\/[^/]+$/.test(path)) return 'poll';
  if (/^\/[^/]+\/controller\//.test(path)) return 'ddi';
  if (path.startsWith('/api/devices/')) return 'mender';
  return path.startsWith('/api/') || path === '/metrics' ? 'management' : 'other';
}

type Bins = { count: number; sumS: number; readonly buckets: number[] };

export class Traffic {
  readonly #answers = new Map<string, number>();
  readonly #times = new Map<TrafficApi, Bins>();
  /** Requests that are being worked on. */
  open = 0;

  /** @param seconds from the head of the request to the end of the answer */
  note(api: TrafficApi, status: number, seconds: number): void {
    const key = `${api} ${Math.floor(status / 100)}xx`;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
    const bins = this.#times.get(api) ?? { count: 0, sumS: 0, buckets: BUCKETS_S.map(() => 0) };
    bins.count += 1;
    bins.sumS += seconds;
    for (const [index, bound] of BUCKETS_S.entries()) {
      if (seconds <= bound) bins.buckets[index] = (bins.buckets[index] ?? 0) + 1;
    }
    this.#times.set(api, bins);
  }

  families(): Family[] {
    const answers = [...this.#answers].map(([key, value]) => {
      const [api = '', status = ''] = key.split(' ');
      return { labels: { api, status }, value };
    });
    const times = [...this.#times].flatMap(([api, { count, sumS, buckets }]) => [
      ...BUCKETS_S.map((bound, index) => ({
        suffix: '_bucket',
        labels: { api, le: String(bound) },
        value: buckets[index] ?? 0,
      })),
      { suffix: '_bucket', labels: { api, le: '+Inf' }, value: count },
      { suffix: '_sum', labels: { api }, value: sumS },
      { suffix: '_count', labels: { api }, value: count },
    ]);
    return [
      { name: 'pawl_requests_total', help: 'Answered requests.', kind: 'counter', samples: answers },
      { name: 'pawl_request_seconds', help: 'How long answers took.', kind: 'histogram', samples: times },
      { name: 'pawl_requests_open', help: 'Requests under way.', kind: 'gauge', samples: [{ value: this.open }] },
    ];
  }
}
