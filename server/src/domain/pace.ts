/**
 * How many offers may go out now. Pure; the offers of the last minute are kept with the rollout.
 *
 * In no minute more than the rate, wherever the minute begins; and spread over the minute, not all at its start.
 */
export type Pace = {
  readonly ratePerMinute: number | undefined;
  readonly ramp:
    | { readonly basePerMinute: number; readonly factor: number; readonly everySucceeded: number }
    | undefined;
};

/** Offers that were made: when, how many. Oldest first, nothing older than a minute. */
export type RecentOffers = readonly (readonly [atMs: number, offers: number])[];

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;

/** The rate that applies after so many successes; undefined: no limit. */
export function rateNow({ ratePerMinute, ramp }: Pace, succeeded: number): number | undefined {
  if (ramp === undefined) return ratePerMinute;
  const steps = Math.floor(succeeded / ramp.everySucceeded);
  // Far beyond what a rate may be, the power is infinite: no ramp limits any more.
  const ramped = Math.floor(ramp.basePerMinute * ramp.factor ** steps);
  if (ratePerMinute !== undefined) return Math.min(ratePerMinute, ramped);
  return Number.isFinite(ramped) ? ramped : undefined;
}

/** A second more than a minute, because entries of one second are kept as one, at the earliest of them. */
function withinMinute(recent: RecentOffers, nowMs: number): RecentOffers {
  return recent.filter(([atMs]) => atMs > nowMs - MINUTE_MS - SECOND_MS && atMs <= nowMs);
}

/** How many offers may go out at this time under this rate. */
export function allowance(rate: number | undefined, recent: RecentOffers, nowMs: number): number {
  if (rate === undefined) return Number.POSITIVE_INFINITY;
  const window = withinMinute(recent, nowMs);
  const left = rate - window.reduce((total, [, offers]) => total + offers, 0);
  const lastMs = window.at(-1)?.[0] ?? (recent.length === 0 ? nowMs - SECOND_MS : nowMs - MINUTE_MS);
  const spread = Math.floor((rate * (nowMs - lastMs)) / MINUTE_MS);
  // The first offer does not wait for a share of its own; later ones do, or a slow rate would go in bursts of one each look.
  return Math.max(0, Math.min(left, recent.length === 0 ? Math.max(1, spread) : spread));
}

/** The recent offers with new ones; what is older than a minute is forgotten. */
export function noteOffers(recent: RecentOffers, nowMs: number, offers: number): RecentOffers {
  const window = withinMinute(recent, nowMs);
  const last = window.at(-1);
  if (last === undefined || nowMs - last[0] >= SECOND_MS) return [...window, [nowMs, offers]];
  return [...window.slice(0, -1), [last[0], last[1] + offers]];
}
