/**
 * What the answer of a device's user does to an offer that waits for consent; and which offers wait for it. Pure.
 *
 * CRA Annex I, Part I (2)(c): automatic by default, with an opt-out that is easy, told of what there is, and able to put
 * it off. Who opted out is offered nothing without being asked, and is still told.
 */
import type { OptOut, Urgency } from '@pawl/contract/management';
import type { StoredPolicy } from './rollout-policy.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The end of what a time in text can say: not asked again until people ask for it. */
export const NEVER_MS: number = Date.UTC(9999, 11, 31);

export type ConsentAnswer =
  | { readonly kind: 'given' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'postponed'; readonly untilMs: number };

export type ConsentDecision =
  | { readonly kind: 'give' }
  /** The question rests until then. */
  | { readonly kind: 'rest'; readonly askAfterMs: number; readonly postponements: number }
  | { readonly kind: 'refuse'; readonly reason: 'too-often' | 'too-long' | 'past' };

/** Decides on an answer, by the rules of the rollout and how often the user has put it off. */
export function decideConsent(
  answer: ConsentAnswer,
  rules: StoredPolicy['consent'],
  state: { readonly nowMs: number; readonly postponements: number },
): ConsentDecision {
  const { nowMs, postponements } = state;
  if (answer.kind === 'given') return { kind: 'give' };
  if (answer.kind === 'denied') {
    const askAfterMs = rules.askAgainDays === null ? NEVER_MS : nowMs + rules.askAgainDays * DAY_MS;
    return { kind: 'rest', askAfterMs, postponements };
  }
  const { untilMs } = answer;
  // Also what is no time at all.
  if (!(untilMs > nowMs)) return { kind: 'refuse', reason: 'past' };
  if (postponements >= rules.postponements) return { kind: 'refuse', reason: 'too-often' };
  if (untilMs > nowMs + rules.postponeHours * HOUR_MS) return { kind: 'refuse', reason: 'too-long' };
  return { kind: 'rest', askAfterMs: untilMs, postponements: postponements + 1 };
}

/** `offer`: as the rollout says. `ask`: only with the user's consent. `withhold`: not at all. */
export type Reach = 'offer' | 'ask' | 'withhold';

const REACH: Readonly<Record<OptOut, Readonly<Record<Urgency, Reach>>>> = {
  none: { security: 'offer', mixed: 'offer', feature: 'offer' },
  // What fixes something is never kept from who wants fixes; what brings more besides is their choice.
  features: { security: 'offer', mixed: 'ask', feature: 'withhold' },
  all: { security: 'ask', mixed: 'ask', feature: 'ask' },
};

/** How far a release gets by itself on a device whose user opted out of this much. */
export function reachOf(optOut: OptOut, urgency: Urgency): Reach {
  return REACH[optOut][urgency];
}

const POSTPONED = /^postponed until (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?Z)$/;

/** A device of DDI says how long a no holds in a line of its details. */
export function postponedUntil(details: readonly string[]): number | undefined {
  const found = details.map((line) => POSTPONED.exec(line)?.[1]).find((time) => time !== undefined);
  return found === undefined ? undefined : Date.parse(found);
}
