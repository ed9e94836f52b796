/**
 * Writes an evidence bundle (the files: `bundle-format.ts`). The writer trusts its input, which is the ledger itself; what
 * it writes is proven by `verifyBundle`. Equal input gives equal bytes.
 */
import { utf8 } from '../bytes/index.ts';
import {
  CHECKPOINT,
  CONTENTS,
  ENTRIES,
  type EntryProof,
  encodeContents,
  encodeLines,
  encodeProof,
  PROOFS,
  TRUST_ROOT,
  VKEY,
} from './bundle-format.ts';
import { writeZip } from './bundle-zip.ts';

type BundleFrame = {
  /** The signed note, as `signCheckpoint` gave it. */
  readonly checkpoint: string;
  /** The verification key of the ledger, as `encodeVkey` gave it. */
  readonly vkey: string;
  /** The newest TUF root; a trust-updated entry with its digest as subject must be among the entries. */
  readonly trustRoot?: Uint8Array;
};

/** Every entry of the ledger up to the checkpoint, in order, as envelope bytes. */
export type CompleteBundle = BundleFrame & { readonly kind: 'complete'; readonly entries: readonly Uint8Array[] };

/**
 * Some entries, in rising order, each with its inclusion proof at the size of the checkpoint. The entry that introduced the
 * key of each signer must be among them.
 */
export type PartialBundle = BundleFrame & {
  readonly kind: 'partial';
  readonly entries: readonly (EntryProof & { readonly envelope: Uint8Array })[];
};

/** Writes a bundle as a zip file. */
export function writeBundle(bundle: CompleteBundle | PartialBundle): Uint8Array {
  const members = new Map([
    [CHECKPOINT, utf8(bundle.checkpoint)],
    [VKEY, utf8(`${bundle.vkey}\n`)],
  ]);
  if (bundle.kind === 'complete') {
    members.set(ENTRIES, encodeLines(bundle.entries));
  } else {
    members.set(ENTRIES, encodeLines(bundle.entries.map(({ envelope }) => envelope)));
    members.set(PROOFS, encodeLines(bundle.entries.map(encodeProof)));
  }
  if (bundle.trustRoot !== undefined) members.set(TRUST_ROOT, bundle.trustRoot);
  return writeZip(new Map([[CONTENTS, encodeContents(bundle.kind, members)], ...members]));
}
