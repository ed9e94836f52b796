/**
 * Ids of assignments as devices see them: 32 bits, from 11, never a digit followed by zeros only. One client reads the id
 * from a link without its first digit, and would read such an id as zero (reference: DDI compatibility recipe).
 */

const FIRST = 11;
const DIGIT_AND_ZEROS = /^[1-9]0+$/;
const INT32_MAX = 2_147_483_647;

/** The id after `last` (undefined when there is none yet); undefined when 32 bits are used up. */
export function nextActionId(last: number | undefined): number | undefined {
  const next = Math.max(FIRST, (last ?? 0) + 1);
  const id = DIGIT_AND_ZEROS.test(String(next)) ? next + 1 : next;
  return id > INT32_MAX ? undefined : id;
}
