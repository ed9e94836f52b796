/**
 * Inclusion and consistency proofs of the ledger tree: making them (RFC 6962 §2.1.1, §2.1.2) from the stored complete
 * subtrees, and verifying them (RFC 9162 §2.1.3.2, §2.1.4.2). Verification throws. A consistency proof from size 0 proves
 * nothing and is refused.
 */
import { isEqualBytes } from '../bytes/index.ts';
import { EvidenceError } from './errors.ts';
import {
  expectSize,
  foldRange,
  type GetNode,
  HASH_SIZE_BYTES,
  type NodePlan,
  newPlan,
  nodeHash,
  rangeNodes,
  runPlan,
  splitOf,
} from './merkle-tree.ts';

type Range = readonly [start: number, end: number];

/** A plan whose result is the tree hash of each range, in order. */
function planRanges(ranges: readonly Range[]): NodePlan<Uint8Array[]> {
  const nodesOf = ranges.map(([start, end]) => rangeNodes(start, end));
  return newPlan(nodesOf.flat(), (hashes) => {
    let at = 0;
    return nodesOf.map((nodes) => {
      const hash = foldRange(hashes.slice(at, at + nodes.length));
      at += nodes.length;
      return hash;
    });
  });
}

/** The plan of the inclusion proof of entry `index` in the tree of `size` leaves. */
export function planInclusion(index: number, size: number): NodePlan<Uint8Array[]> {
  expectSize(size, 'size');
  expectSize(index, 'index');
  if (index >= size) throw new EvidenceError('MERKLE_RANGE_INVALID', { index, size });
  const path: Range[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    const isLeft = index < middle;
    path.push(isLeft ? [middle, end] : [start, middle]);
    [start, end] = isLeft ? [start, middle] : [middle, end];
  }
  return planRanges(path.toReversed());
}

/** The plan of the proof that the tree of `size` leaves extends the one of `oldSize`. */
export function planConsistency(oldSize: number, size: number): NodePlan<Uint8Array[]> {
  expectSize(size, 'size');
  expectSize(oldSize, 'oldSize');
  if (oldSize < 1 || oldSize > size) throw new EvidenceError('MERKLE_RANGE_INVALID', { oldSize, size });
  const path: Range[] = [];
  let [start, end] = [0, size];
  while (oldSize !== end) {
    const middle = start + splitOf(end - start);
    const isLeft = oldSize <= middle;
    path.push(isLeft ? [middle, end] : [start, middle]);
    [start, end] = isLeft ? [start, middle] : [middle, end];
  }
  // RFC 6962 §2.1.2: the old root itself is left out when it is a complete subtree that the verifier knows.
  if (start !== 0) path.push([start, end]);
  return planRanges(path.toReversed());
}

/**
 * The inclusion proof of entry `index` in the tree of `size` leaves.
 * @throws EvidenceError MERKLE_RANGE_INVALID, MERKLE_NODE_MISSING
 */
export function inclusionProof(index: number, size: number, getNode: GetNode): Promise<Uint8Array[]> {
  return runPlan(planInclusion(index, size), getNode);
}

/**
 * The proof that the tree of `size` leaves extends the one of `oldSize`.
 * @throws EvidenceError MERKLE_RANGE_INVALID, MERKLE_NODE_MISSING
 */
export function consistencyProof(oldSize: number, size: number, getNode: GetNode): Promise<Uint8Array[]> {
  return runPlan(planConsistency(oldSize, size), getNode);
}

const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;

/** What an inclusion proof speaks about. */
export type Inclusion = {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
};

function refuseInclusion(expected: string, of: Inclusion): never {
  throw new EvidenceError('MERKLE_INCLUSION_INVALID', { expected, index: of.index, size: of.size });
}

/**
 * Verifies that a leaf is in the tree (RFC 9162 §2.1.3.2).
 * @throws EvidenceError MERKLE_INCLUSION_INVALID
 */
export function verifyInclusion(inclusion: Inclusion): void {
  const { index, size, proof, root } = inclusion;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    refuseInclusion('an index below the size', inclusion);
  }
  if (inclusion.leafHash.length !== HASH_SIZE_BYTES) refuseInclusion('a hash of 32 bytes', inclusion);
  let [fn, sn] = [index, size - 1];
  let hash = inclusion.leafHash;
  for (const step of proof) {
    if (sn === 0 || step.length !== HASH_SIZE_BYTES) refuseInclusion('as many hashes as the path has', inclusion);
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(step, hash);
      // The node has no right sibling on these levels: its hash goes up unchanged.
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, step);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0) refuseInclusion('as many hashes as the path has', inclusion);
  if (!isEqualBytes(hash, root)) refuseInclusion('the root', inclusion);
}

/** What a consistency proof speaks about. */
export type Consistency = {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
};

function refuseConsistency(expected: string, of: Consistency): never {
  throw new EvidenceError('MERKLE_CONSISTENCY_INVALID', { expected, oldSize: of.oldSize, size: of.size });
}

/** RFC 9162 §2.1.4.2 steps 1 to 3: the hashes to walk, beginning with the node that both trees share. */
function consistencyPath(consistency: Consistency): readonly Uint8Array[] {
  const { oldSize, oldRoot, proof } = consistency;
  if (proof.length === 0) refuseConsistency('a proof', consistency);
  const isPowerOfTwo = splitOf(oldSize + 1) === oldSize;
  return isPowerOfTwo ? [oldRoot, ...proof] : proof;
}

/**
 * Verifies that the later tree extends the earlier one (RFC 9162 §2.1.4.2).
 * @throws EvidenceError MERKLE_CONSISTENCY_INVALID
 */
export function verifyConsistency(consistency: Consistency): void {
  const { oldSize, size, oldRoot, root, proof } = consistency;
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size) || oldSize < 1 || oldSize > size) {
    refuseConsistency('an old size from 1 to the size', consistency);
  }
  if (oldSize === size) {
    if (proof.length !== 0) refuseConsistency('no proof for equal sizes', consistency);
    if (!isEqualBytes(oldRoot, root)) refuseConsistency('equal roots', consistency);
    return;
  }
  const [first, ...steps] = consistencyPath(consistency);
  let [fn, sn] = [oldSize - 1, size - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  let [oldHash, hash] = [first ?? oldRoot, first ?? oldRoot];
  for (const step of steps) {
    if (sn === 0 || step.length !== HASH_SIZE_BYTES) refuseConsistency('as many hashes as the path has', consistency);
    if (isOdd(fn) || fn === sn) {
      oldHash = nodeHash(step, oldHash);
      hash = nodeHash(step, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, step);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  if (sn !== 0) refuseConsistency('as many hashes as the path has', consistency);
  if (!isEqualBytes(oldHash, oldRoot)) refuseConsistency('the old root', consistency);
  if (!isEqualBytes(hash, root)) refuseConsistency('the root', consistency);
}
