/**
 * Whether a newer bundle of a ledger goes on where an older one ended. Both are verified first, so that whatever differs was
 * signed twice by the key of the ledger: a checkpoint of n entries promises that their order and bytes never change
 * (RFC 6962 §2.1.2). One verification key stands for one origin. A newer bundle in part proves that only at the same size.
 */
import { toHex } from '../bytes/index.ts';
import { type BundleReport, verifyBundlePlaced } from './bundle-verify.ts';
import { leafHash, rootOfLeaves } from './merkle-tree.ts';

export type LedgerVerdict =
  /** The newer one holds all of the older one, and `added` entries more. */
  | { readonly verdict: 'grown'; readonly added: number }
  | { readonly verdict: 'same' }
  /** The newer one ends before the older one: entries are missing, or the two were given in the wrong order. */
  | { readonly verdict: 'truncated'; readonly missing: number }
  /** The same entries stand in another order from an index on. */
  | { readonly verdict: 'reordered'; readonly at: number }
  /** There are two histories; the first index at which they are known to differ. */
  | { readonly verdict: 'forked'; readonly at: number | undefined }
  /** Nothing differs, and the newer one holds too little to prove that it goes on from the older one. */
  | { readonly verdict: 'unproven' };

type Side = {
  readonly report: BundleReport;
  readonly leaves: ReadonlyMap<number, string>;
  readonly hashes: Uint8Array[];
};

function sideOf(bytes: Uint8Array, vkey: string): Side {
  const { report, placed } = verifyBundlePlaced(bytes, { vkey });
  const hashes = placed.map(({ envelope }) => leafHash(envelope));
  const leaves = new Map(placed.map(({ index }, at) => [index, toHex(hashes[at] ?? new Uint8Array())]));
  return { report, leaves, hashes };
}

function firstDifference(a: Side, b: Side): number | undefined {
  for (const [index, leaf] of a.leaves) if ((b.leaves.get(index) ?? leaf) !== leaf) return index;
  return undefined;
}

function isReordered(older: Side, newer: Side, size: number): boolean {
  if (!older.report.isComplete || !newer.report.isComplete) return false;
  const first = (side: Side) => [...side.leaves.values()].slice(0, size).toSorted();
  const [a, b] = [first(older), first(newer)];
  return a.every((leaf, at) => leaf === b[at]);
}

/** The root over the first entries of a side; undefined when it does not hold them. */
function rootAt({ report, hashes }: Side, size: number): string | undefined {
  if (size === report.checkpoint.size) return report.checkpoint.root;
  return report.isComplete && size < hashes.length ? toHex(rootOfLeaves(hashes.slice(0, size))) : undefined;
}

/**
 * Compares two bundles of one ledger under its verification key.
 * @throws EvidenceError BUNDLE_*, CHECKPOINT_*, VKEY_MALFORMED of either
 */
export function compareBundles(
  older: Uint8Array,
  newer: Uint8Array,
  vkey: string,
): { readonly older: BundleReport; readonly newer: BundleReport } & LedgerVerdict {
  const [a, b] = [sideOf(older, vkey), sideOf(newer, vkey)];
  const reports = { older: a.report, newer: b.report };
  const [oldSize, newSize] = [a.report.checkpoint.size, b.report.checkpoint.size];
  const shared = Math.min(oldSize, newSize);
  const [oldRoot, newRoot] = [rootAt(a, shared), rootAt(b, shared)];
  const at = firstDifference(a, b);
  const isFork = at !== undefined || (oldRoot !== undefined && newRoot !== undefined && oldRoot !== newRoot);
  if (isFork && at !== undefined && isReordered(a, b, shared)) return { ...reports, verdict: 'reordered', at };
  if (isFork) return { ...reports, verdict: 'forked', at };
  if (newSize < oldSize) return { ...reports, verdict: 'truncated', missing: oldSize - newSize };
  if (oldRoot === undefined || newRoot === undefined) return { ...reports, verdict: 'unproven' };
  if (newSize === oldSize) return { ...reports, verdict: 'same' };
  return { ...reports, verdict: 'grown', added: newSize - oldSize };
}
