/**
 * The Merkle tree of the ledger: RFC 6962 §2.1 over SHA-256, stored as its complete subtrees only.
 *
 * A node (level, index) is the root of the complete subtree over the leaves index·2^level … (index+1)·2^level - 1. A
 * complete subtree never changes, so appending only ever adds nodes; everything else is computed from them. Each
 * operation is a plan: the coordinates of the nodes that it needs, and a pure function that combines their hashes. The
 * caller reads the nodes in its own way (one query, sync or async). Sizes may reach 2^53 - 1: no 32-bit operators here.
 */
import { concat } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import { EvidenceError } from './errors.ts';

export const HASH_SIZE_BYTES = 32;

/** Where a complete subtree stands: its height and its number from the left. */
export type NodeId = { readonly level: number; readonly index: number };
export type TreeNode = NodeId & { readonly hash: Uint8Array };

/** Nodes to read, and what to make of their hashes (given in the same order). */
export type NodePlan<T> = {
  readonly nodes: readonly NodeId[];
  /** @throws EvidenceError MERKLE_NODE_MISSING */
  readonly combine: (hashes: readonly (Uint8Array | undefined)[]) => T;
};

/** Reads one node; undefined when it is not stored. */
export type GetNode = (node: NodeId) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** RFC 6962 §2.1: the hash of a leaf is SHA-256(0x00 || data); a ledger entry's data are its envelope bytes. */
export function leafHash(data: Uint8Array): Uint8Array {
  return sha256(concat(LEAF_PREFIX, data));
}

/** RFC 6962 §2.1: the hash of a node is SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(NODE_PREFIX, left, right));
}

/** RFC 6962 §2.1: the hash of an empty list is the hash of an empty string. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array());
}

/** @throws EvidenceError MERKLE_RANGE_INVALID */
export function expectSize(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new EvidenceError('MERKLE_RANGE_INVALID', { [name]: value });
}

function checkHashes(nodes: readonly NodeId[], hashes: readonly (Uint8Array | undefined)[]): Uint8Array[] {
  return nodes.map(({ level, index }, at) => {
    const hash = hashes[at];
    if (hash?.length !== HASH_SIZE_BYTES) throw new EvidenceError('MERKLE_NODE_MISSING', { level, index });
    return hash;
  });
}

export function newPlan<T>(nodes: readonly NodeId[], combine: (hashes: readonly Uint8Array[]) => T): NodePlan<T> {
  return { nodes, combine: (hashes) => combine(checkHashes(nodes, hashes)) };
}

/** The largest power of two below n (n > 1). */
export function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/**
 * The complete subtrees, left to right, that make up the leaves start … end - 1, where start is a multiple of the largest
 * power of two that fits.
 */
export function rangeNodes(start: number, end: number): NodeId[] {
  const nodes: NodeId[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    let width = 1;
    while (width * 2 <= end - at) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** RFC 6962 §2.1: the tree hash of a range from the hashes of its complete subtrees. */
export function foldRange(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.length === 0 ? emptyRoot() : hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** The plan of the root of the first `size` leaves. */
export function planRoot(size: number): NodePlan<Uint8Array> {
  expectSize(size, 'size');
  return newPlan(rangeNodes(0, size), foldRange);
}

/** A list that grows, of which only the complete subtrees at its right edge are kept. */
export class GrowingTree {
  readonly #peaks: TreeNode[] = [];
  #size: number;

  /** From the complete subtrees of a list of `size` leaves, left to right; an empty one without them. */
  constructor(size = 0, peaks: readonly TreeNode[] = []) {
    this.#size = size;
    this.#peaks.push(...peaks);
  }

  get size(): number {
    return this.#size;
  }

  get root(): Uint8Array {
    return foldRange(this.#peaks.map(({ hash }) => hash));
  }

  /** Takes in a leaf; gives the nodes that became complete, the leaf first. */
  add(leaf: Uint8Array): TreeNode[] {
    let node: TreeNode = { level: 0, index: this.#size, hash: leaf };
    const made = [node];
    for (let left = this.#peaks.at(-1); left?.level === node.level; left = this.#peaks.at(-1)) {
      this.#peaks.pop();
      node = { level: node.level + 1, index: left.index / 2, hash: nodeHash(left.hash, node.hash) };
      made.push(node);
    }
    this.#peaks.push(node);
    this.#size += 1;
    return made;
  }
}

/** The plan of a list of `size` leaves that is to grow on: for many leaves at once, where `planAppend` is for one. */
export function planGrowth(size: number): NodePlan<GrowingTree> {
  expectSize(size, 'size');
  const nodes = rangeNodes(0, size);
  return newPlan(nodes, (hashes) => {
    const peaks = nodes.map((node, at) => ({ ...node, hash: hashes[at] ?? emptyRoot() }));
    return new GrowingTree(size, peaks);
  });
}

/** The root over leaf hashes that are all at hand, without storing nodes. */
export function rootOfLeaves(leaves: readonly Uint8Array[]): Uint8Array {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root;
}

/** What one new leaf adds: the nodes that became complete (the leaf first), and the new root. */
export type Appended = { readonly nodes: readonly TreeNode[]; readonly size: number; readonly root: Uint8Array };

/** The plan of appending a leaf to a tree of `size` leaves. */
export function planAppend(size: number, hash: Uint8Array): NodePlan<Appended> {
  expectSize(size + 1, 'size');
  return newPlan(rangeNodes(0, size), (hashes) => {
    let node: TreeNode = { level: 0, index: size, hash };
    const nodes = [node];
    const peaks = [...hashes];
    // While the new node is a right child, its left sibling is the last peak, and their parent is complete.
    while (node.index % 2 === 1) {
      const left = peaks.pop();
      if (left === undefined) throw new TypeError('a right child without a left sibling');
      node = { level: node.level + 1, index: (node.index - 1) / 2, hash: nodeHash(left, node.hash) };
      nodes.push(node);
    }
    return { nodes, size: size + 1, root: foldRange([...peaks, node.hash]) };
  });
}

/** Reads the nodes of a plan, one by one, and combines them. */
export async function runPlan<T>(plan: NodePlan<T>, getNode: GetNode): Promise<T> {
  const hashes: (Uint8Array | undefined)[] = [];
  for (const node of plan.nodes) hashes.push(await getNode(node));
  return plan.combine(hashes);
}

/**
 * Appends a leaf: exactly the nodes to store, and the new root.
 * @throws EvidenceError MERKLE_NODE_MISSING, MERKLE_RANGE_INVALID
 */
export function appendLeaf(size: number, hash: Uint8Array, getNode: GetNode): Promise<Appended> {
  return runPlan(planAppend(size, hash), getNode);
}

/**
 * The root of the first `size` leaves.
 * @throws EvidenceError MERKLE_NODE_MISSING, MERKLE_RANGE_INVALID
 */
export function rootOf(size: number, getNode: GetNode): Promise<Uint8Array> {
  return runPlan(planRoot(size), getNode);
}
