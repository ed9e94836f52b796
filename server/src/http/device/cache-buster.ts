import { createHash } from 'node:crypto';

/**
 * The `c` of a deployment link: a 32-bit number that changes when what the link answers changes (soft became forced,
 * a maintenance window opened), so that caches and clients look again.
 */
export function cacheBuster(facts: readonly (string | number | boolean)[]): number {
  return createHash('sha256').update(JSON.stringify(facts)).digest().readInt32BE(0);
}
