import type { CborValue } from '../cbor/index.ts';

/** A map key or command number for an error message: integers and text as they are, of anything else only its kind. */
export function labelOf(key: CborValue): string {
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  return typeof key === 'string' ? key : `a ${typeof key}`;
}
