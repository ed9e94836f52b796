import { BytesError } from './errors.ts';

/** Reads fixed-width fields from a byte string; every read is checked against the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length < 0 || start < 0 || start + length > this.#bytes.length) {
      throw new BytesError('BYTES_TRUNCATED', { offset: start, expected: length, actual: this.remaining });
    }
    this.#offset = start + length;
    return start;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }
  u16le(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }
  u16be(): number {
    return this.#view.getUint16(this.#advance(2), false);
  }
  u32le(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }
  u32be(): number {
    return this.#view.getUint32(this.#advance(4), false);
  }
  u64be(): bigint {
    return this.#view.getBigUint64(this.#advance(8), false);
  }
  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }
}
