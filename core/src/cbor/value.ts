/**
 * The values of the CBOR profile: integers (number when exact, else bigint), text, byte strings, arrays, maps (always
 * `Map`), tags, booleans, null and undefined. There are no floats: no format of ours needs one.
 */

export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | CborValue[]
  | Map<CborValue, CborValue>
  | CborTag;

/** A tagged item. No tag is ever interpreted by the codec: bignums, dates and the like stay as they came. */
export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}
