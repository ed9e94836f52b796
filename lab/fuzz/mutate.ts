/** Mutations of byte strings, driven by a seeded generator, so that a run can be repeated. */

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes at which lengths, signs and tags turn. */
const TURNING = [0, 1, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x7f, 0x80, 0x81, 0xa0, 0xbf, 0xf6, 0xfe, 0xff];
const STACKED_MAX = 6;
const BLOCK_MAX = 64;

type Random = () => number;
type Mutation = (bytes: number[], random: Random, other: Uint8Array) => void;

const below = (random: Random, limit: number): number => Math.floor(random() * limit);

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = below(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
  },
  (bytes, random) => {
    bytes[below(random, bytes.length)] = TURNING[below(random, TURNING.length)] ?? 0;
  },
  (bytes, random) => {
    bytes[below(random, bytes.length)] = below(random, 256);
  },
  (bytes, random) => {
    const at = below(random, bytes.length);
    bytes[at] = ((bytes[at] ?? 0) + (random() < 0.5 ? 1 : 255)) & 0xff;
  },
  (bytes, random) => {
    bytes.splice(below(random, bytes.length), 1 + below(random, BLOCK_MAX));
  },
  (bytes, random) => {
    const block = Array.from({ length: 1 + below(random, 8) }, () => below(random, 256));
    bytes.splice(below(random, bytes.length + 1), 0, ...block);
  },
  (bytes, random) => {
    const from = below(random, bytes.length);
    const block = bytes.slice(from, from + 1 + below(random, BLOCK_MAX));
    bytes.splice(below(random, bytes.length + 1), 0, ...block);
  },
  (bytes, random) => {
    bytes.length = below(random, bytes.length);
  },
  (bytes, random, other) => {
    const from = below(random, other.length + 1);
    const block = other.subarray(from, from + 1 + below(random, BLOCK_MAX * 4));
    bytes.splice(below(random, bytes.length + 1), below(random, BLOCK_MAX), ...block);
  },
  (bytes, random) => {
    // A length or offset field of two or four bytes, in either order.
    const width = random() < 0.5 ? 2 : 4;
    const value = random() < 0.5 ? below(random, 2 ** (8 * width)) : 2 ** (8 * width) - 1 - below(random, 4);
    const at = below(random, bytes.length);
    const isLittle = random() < 0.5;
    for (let index = 0; index < width && at + index < bytes.length; index += 1) {
      const shift = 8 * (isLittle ? index : width - 1 - index);
      bytes[at + index] = Math.floor(value / 2 ** shift) & 0xff;
    }
  },
];

/** A few mutations on top of each other; `other` is another input to take parts from. */
export function mutate(
  input: Uint8Array,
  options: { readonly random: Random; readonly other: Uint8Array; readonly sizeBytesMax: number },
): Uint8Array {
  const { random, other, sizeBytesMax } = options;
  const bytes = [...input];
  for (let left = 1 + below(random, STACKED_MAX); left > 0; left -= 1) {
    MUTATIONS[below(random, MUTATIONS.length)]?.(bytes, random, other);
    if (bytes.length === 0) bytes.push(below(random, 256));
  }
  return Uint8Array.from(bytes.slice(0, sizeBytesMax));
}
