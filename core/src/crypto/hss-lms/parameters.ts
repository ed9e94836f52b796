/**
 * Parameter sets of LM-OTS and LMS by their type codes (RFC 8554 §4.1, §5.1; SP 800-208 §4 for 192-bit and SHAKE256
 * hashes). A key whose two hashes differ is refused: SP 800-208 §4 wants one hash function throughout.
 */
import { createHash, hash } from 'node:crypto';

export const IDENTIFIER_SIZE_BYTES = 16;

type LmsHash = {
  readonly name: 'sha256' | 'shake256';
  /** n = m: the size of every hash value. */
  readonly sizeBytes: 24 | 32;
};

export type OtsParameters = {
  readonly typeCode: number;
  readonly hash: LmsHash;
  /** Bits of the digest that one chain signs. */
  readonly width: 1 | 2 | 4 | 8;
  /** p: the number of chains. */
  readonly chains: number;
  /** ls: how far the checksum is shifted left. */
  readonly checksumShift: number;
};

type LmsParameters = { readonly typeCode: number; readonly hash: LmsHash; readonly height: number };

const HASHES: readonly LmsHash[] = [
  { name: 'sha256', sizeBytes: 32 },
  { name: 'sha256', sizeBytes: 24 },
  { name: 'shake256', sizeBytes: 32 },
  { name: 'shake256', sizeBytes: 24 },
];
const WIDTHS = [1, 2, 4, 8] as const;
const CHAINS = { 32: [265, 133, 67, 34], 24: [200, 101, 51, 26] } as const;
const CHECKSUM_SHIFTS = { 32: [7, 6, 4, 0], 24: [8, 6, 4, 0] } as const;
const HEIGHTS = [5, 10, 15, 20, 25];
const OTS_TYPE_FIRST = 1;
const LMS_TYPE_FIRST = 5;

/** LMOTS type codes 1 to 16: four widths for each of the four hashes. */
const OTS_PARAMETERS: ReadonlyMap<number, OtsParameters> = new Map(
  HASHES.flatMap((hashRow, block) =>
    WIDTHS.map((width, at) => {
      const typeCode = OTS_TYPE_FIRST + block * WIDTHS.length + at;
      const chains = CHAINS[hashRow.sizeBytes][at] ?? 0;
      const checksumShift = CHECKSUM_SHIFTS[hashRow.sizeBytes][at] ?? 0;
      return [typeCode, { typeCode, hash: hashRow, width, chains, checksumShift }] as const;
    }),
  ),
);

/** LMS type codes 5 to 24: five heights for each of the four hashes. */
const LMS_PARAMETERS: ReadonlyMap<number, LmsParameters> = new Map(
  HASHES.flatMap((hashRow, block) =>
    HEIGHTS.map((height, at) => {
      const typeCode = LMS_TYPE_FIRST + block * HEIGHTS.length + at;
      return [typeCode, { typeCode, hash: hashRow, height }] as const;
    }),
  ),
);

export type TreeParameters = { readonly lms: LmsParameters; readonly ots: OtsParameters };

/** The parameters that two type codes stand for; undefined when one is not known or their hashes differ. */
export function treeParametersOf(lmsTypeCode: number, otsTypeCode: number): TreeParameters | undefined {
  const lms = LMS_PARAMETERS.get(lmsTypeCode);
  const ots = OTS_PARAMETERS.get(otsTypeCode);
  return lms === undefined || ots === undefined || lms.hash !== ots.hash ? undefined : { lms, ots };
}

export function publicKeySizeBytes({ lms }: TreeParameters): number {
  return 8 + IDENTIFIER_SIZE_BYTES + lms.hash.sizeBytes;
}

export function otsSignatureSizeBytes({ ots }: TreeParameters): number {
  return 4 + ots.hash.sizeBytes * (1 + ots.chains);
}

export function signatureSizeBytes(tree: TreeParameters): number {
  return 4 + otsSignatureSizeBytes(tree) + 4 + tree.lms.height * tree.lms.hash.sizeBytes;
}

/** The hash of a parameter set: SHA-256 cut to size, or SHAKE256 of that size. */
export function lmsHash({ name, sizeBytes }: LmsHash, data: Uint8Array): Uint8Array {
  if (name === 'shake256') return createHash(name, { outputLength: sizeBytes }).update(data).digest();
  return hash(name, data, 'buffer').subarray(0, sizeBytes);
}
