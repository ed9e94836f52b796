/** What signing and verifying share: the hashed prefixes, the digits of a digest, the chains (RFC 8554 §3, §4). */
import { concat } from '../../bytes/index.ts';
import { IDENTIFIER_SIZE_BYTES, lmsHash, type OtsParameters } from './parameters.ts';

/** Domain separators, RFC 8554 §3.1: they stand where an index would, above every index. */
export const D_PBLC = 0x8080;
export const D_MESG = 0x8181;
export const D_LEAF = 0x8282;
export const D_INTR = 0x8383;

/** Which tree and which place in it a hash belongs to: I || u32(q or r) || u16(separator or chain). */
export function prefixOf(identifier: Uint8Array, place: number, separator: number): Uint8Array {
  const prefix = new Uint8Array(IDENTIFIER_SIZE_BYTES + 6);
  prefix.set(identifier);
  const view = new DataView(prefix.buffer);
  view.setUint32(IDENTIFIER_SIZE_BYTES, place);
  view.setUint16(IDENTIFIER_SIZE_BYTES + 4, separator);
  return prefix;
}

function digit(bytes: Uint8Array, index: number, width: number): number {
  const perByte = 8 / width;
  const byte = bytes[Math.floor(index / perByte)] ?? 0;
  return (byte >> (width * (perByte - 1 - (index % perByte)))) & ((1 << width) - 1);
}

/** The digits that the chains sign: those of the digest, then those of its checksum (RFC 8554 §4.4). */
export function digitsOf(digest: Uint8Array, ots: OtsParameters): number[] {
  const max = (1 << ots.width) - 1;
  const count = (digest.length * 8) / ots.width;
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += max - digit(digest, index, ots.width);
  const checksum = (sum << ots.checksumShift) & 0xffff;
  const whole = concat(digest, Uint8Array.of(checksum >> 8, checksum & 0xff));
  return Array.from({ length: ots.chains }, (_, index) => digit(whole, index, ots.width));
}

export type ChainPlace = { readonly identifier: Uint8Array; readonly q: number; readonly index: number };

/** Walks one chain from step `from` up to, not including, step `to`. */
export function walkChain(
  ots: OtsParameters,
  { identifier, q, index }: ChainPlace,
  start: Uint8Array,
  steps: { readonly from: number; readonly to: number },
): Uint8Array {
  // One buffer for all steps: I || u32(q) || u16(i) || u8(j) || value.
  const prefix = prefixOf(identifier, q, index);
  const buffer = concat(prefix, Uint8Array.of(0), start);
  for (let step = steps.from; step < steps.to; step += 1) {
    buffer[prefix.length] = step;
    buffer.set(lmsHash(ots.hash, buffer), prefix.length + 1);
  }
  return buffer.slice(prefix.length + 1);
}
