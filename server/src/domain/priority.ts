/**
 * Two rollouts that name the same device. Pure. A device has one active assignment; what it has begun is never taken from
 * it. Before that the higher weight wins and the other waits for its turn. Of the same weight the newer rollout replaces
 * the older one for good: it is the last word of the same people.
 */
export type Contender = { readonly rolloutId: number; readonly weight: number };
export type Holder = Contender & { readonly isBegun: boolean };

export type Contest =
  /** The device is taken; the other rollout gets its turn again afterwards. */
  | 'outweigh'
  /** The device is taken for good. */
  | 'supersede'
  /** The device is free later. */
  | 'wait'
  /** The other rollout has the last word. */
  | 'give-up';

export function contest(contender: Contender, holder: Holder): Contest {
  if (contender.rolloutId === holder.rolloutId) return 'wait';
  if (contender.weight === holder.weight) {
    if (contender.rolloutId < holder.rolloutId) return 'give-up';
    return holder.isBegun ? 'wait' : 'supersede';
  }
  return contender.weight > holder.weight && !holder.isBegun ? 'outweigh' : 'wait';
}
