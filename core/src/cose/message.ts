/**
 * The outermost shape of every COSE message: a tag that says which of the six it is (RFC 9052 §2), around an array.
 * Map keys may stand in any order here, because COSE does not ask for deterministic encoding of messages; duplicates,
 * indefinite lengths and everything else that the CBOR profile bars stay barred.
 */
import { CborTag, type CborValue, decodeCbor, expectArray } from '../cbor/index.ts';
import { CoseError } from './errors.ts';

export type ParseOptions = {
  /**
   * Also take a message without a tag: only where the context says which of the six it must be (RFC 9052 §2). A message
   * with another tag is refused all the same.
   */
  readonly isUntagged?: boolean | undefined;
};

type Shape = ParseOptions & {
  readonly tag: number;
  readonly at: string;
  readonly length?: number;
  readonly sizeBytesMax?: number | undefined;
};

/** The elements of a message of this kind. */
export function openMessage(bytes: Uint8Array, shape: Shape): CborValue[] {
  const { tag, at, isUntagged = false, length = 4, sizeBytesMax } = shape;
  const item = decodeCbor(bytes, { order: 'any', ...(sizeBytesMax === undefined ? {} : { sizeBytesMax }) });
  if (item instanceof CborTag ? item.tag !== tag : !isUntagged) {
    throw new CoseError('COSE_TAG_UNEXPECTED', { expected: tag, actual: item instanceof CborTag ? item.tag : 'none' });
  }
  return expectArray(item instanceof CborTag ? item.value : item, at, length);
}
