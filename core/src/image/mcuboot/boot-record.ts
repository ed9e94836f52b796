/**
 * The boot record of an MCUboot image: what a measured boot says of it in a PSA attestation (PSA Attestation API 1.0,
 * software components). The bootloader fills the measurement in, which is why it comes last, against the order of CBOR.
 */
import { concat } from '../../bytes/index.ts';
import { encodeCbor } from '../../cbor/index.ts';
import type { McubootHash } from './layout.ts';

export function encodeBootRecord(options: {
  readonly softwareType: string;
  readonly version: string;
  readonly hash: McubootHash;
  readonly hashSizeBytes: number;
  /** The hash of the signing key; zeros for an unsigned image. */
  readonly signerId: Uint8Array;
}): Uint8Array {
  const entries = [
    [1, options.softwareType],
    [4, options.version],
    [5, options.signerId],
    [6, options.hash.toUpperCase()],
    [2, new Uint8Array(options.hashSizeBytes)],
  ] as const;
  const encoded = entries.flatMap(([key, value]) => [encodeCbor(key), encodeCbor(value)]);
  return concat(Uint8Array.of(0xa0 | entries.length), ...encoded);
}
