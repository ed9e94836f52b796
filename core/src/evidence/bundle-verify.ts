/**
 * Verifies an evidence bundle offline, from nothing but the verification key of the ledger.
 *
 * In this order: the zip within its bounds; the files against the table of contents; the verification key; the signed
 * checkpoint; the entries against its root (all of them, or each by its inclusion proof); then each entry's signature,
 * signer and form, in ledger order. Anything that fails throws; there is no partly verified bundle.
 */
import { fromUtf8, isEqualBytes, toHex } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { JsonObject } from '../trust/index.ts';
import {
  BUNDLE_LIMITS,
  CHECKPOINT,
  checkContents,
  ENTRIES,
  MEMBER_NAMES,
  PROOFS,
  parseProof,
  readMember,
  requireMember,
  splitLines,
  TRUST_ROOT,
  VKEY,
} from './bundle-format.ts';
import { type EntrySigner, EntrySigners } from './bundle-signers.ts';
import { type Members, readZip } from './bundle-zip.ts';
import { type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint.ts';
import { type Cosignature, verifyCosignatures, type WitnessPolicy } from './cosignature.ts';
import { EvidenceError } from './errors.ts';
import { verifyInclusion } from './merkle-proof.ts';
import { leafHash, rootOfLeaves } from './merkle-tree.ts';
import type { PredicateType } from './predicates.ts';
import { decodeNote, parseVkey } from './signed-note.ts';
import type { Subject } from './statement.ts';

/** One entry that was verified: where it stands, what it says, about what, and who says so. */
export type BundleEntry = {
  readonly index: number;
  readonly predicateType: PredicateType;
  readonly subject: readonly Subject[];
  readonly predicate: JsonObject;
  readonly signer: EntrySigner;
};

/** What a verified bundle proves. */
export type BundleReport = {
  readonly origin: string;
  readonly checkpoint: { readonly size: number; readonly root: string };
  /** Whether the bundle holds every entry of the ledger up to the checkpoint. */
  readonly isComplete: boolean;
  readonly entries: readonly BundleEntry[];
  readonly counts: Readonly<Partial<Record<PredicateType, number>>>;
  /** The witnesses that cosigned the checkpoint, of those that were asked for. */
  readonly cosignatures?: readonly Cosignature[];
  /** Digest of the TUF root that the bundle carries, when it carries one. */
  readonly trustRootSha256?: string;
};

type Placed = { readonly index: number; readonly envelope: Uint8Array };

function verifyComplete(envelopes: readonly Uint8Array[], checkpoint: VerifiedCheckpoint): Placed[] {
  const { size, root } = checkpoint;
  if (envelopes.length !== size) {
    throw new EvidenceError('BUNDLE_ENTRIES_INCOMPLETE', { expected: size, actual: envelopes.length });
  }
  if (!isEqualBytes(rootOfLeaves(envelopes.map(leafHash)), root)) {
    throw new EvidenceError('BUNDLE_ROOT_MISMATCH', { size });
  }
  return envelopes.map((envelope, index) => ({ index, envelope }));
}

function verifyPlaced(placed: Placed, proof: readonly Uint8Array[], { size, root }: VerifiedCheckpoint): void {
  try {
    verifyInclusion({ index: placed.index, size, leafHash: leafHash(placed.envelope), proof, root });
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw new EvidenceError('BUNDLE_PROOF_INVALID', { index: placed.index, size }, cause);
  }
}

function verifyPartial(
  envelopes: readonly Uint8Array[],
  proofLines: readonly Uint8Array[],
  checkpoint: VerifiedCheckpoint,
): Placed[] {
  if (envelopes.length !== proofLines.length) {
    throw new EvidenceError('BUNDLE_ENTRIES_INCOMPLETE', { expected: proofLines.length, actual: envelopes.length });
  }
  let last = -1;
  return proofLines.map((line, at) => {
    const { index, hashes } = parseProof(line);
    if (index <= last) throw new EvidenceError('BUNDLE_ORDER_INVALID', { index, after: last });
    last = index;
    const placed = { index, envelope: envelopes[at] ?? new Uint8Array() };
    verifyPlaced(placed, hashes, checkpoint);
    return placed;
  });
}

function verifyEntries(placed: readonly Placed[], signers: EntrySigners): BundleEntry[] {
  return placed.map(({ index, envelope }) => {
    const { verified, signer } = signers.verifyNext(index, envelope);
    const { predicateType, subject, predicate } = verified.statement;
    return { index, predicateType, subject, predicate, signer };
  });
}

function countByType(entries: readonly BundleEntry[]): BundleReport['counts'] {
  const counts: Partial<Record<PredicateType, number>> = {};
  for (const { predicateType } of entries) counts[predicateType] = (counts[predicateType] ?? 0) + 1;
  return counts;
}

function verifyTrustRoot(root: Uint8Array, entries: readonly BundleEntry[]): string {
  const digest = toHex(sha256(root));
  const isRecorded = entries.some(
    ({ predicateType, subject }) =>
      predicateType === 'urn:pawl:trust-updated:1' && subject.some((each) => each.digest.sha256 === digest),
  );
  if (!isRecorded) throw new EvidenceError('BUNDLE_TRUST_ROOT_UNPROVEN', { sha256: digest });
  return digest;
}

type VerifiedBundle = { readonly report: BundleReport; readonly placed: readonly Placed[] };
type BundleTrust = {
  readonly vkey: string;
  /** Who must have cosigned the checkpoint; without it nobody need to. */
  readonly witnesses?: WitnessPolicy;
  readonly sizeBytesMax?: number;
};

function verifyMembers(members: Members, { vkey: vkeyText, witnesses }: BundleTrust): VerifiedBundle {
  const vkey = parseVkey(vkeyText);
  const kind = checkContents(members);
  // The key in the bundle tells a reader what to compare; it is never what the bundle is verified with.
  if (readMember(VKEY, () => fromUtf8(requireMember(members, VKEY))) !== `${vkeyText}\n`) {
    throw new EvidenceError('BUNDLE_VKEY_UNEXPECTED', { expected: vkey.name });
  }
  const note = decodeNote(requireMember(members, CHECKPOINT));
  const checkpoint = verifyCheckpoint(note, vkeyText);
  const cosignatures = witnesses === undefined ? undefined : verifyCosignatures(note, vkeyText, witnesses);
  const envelopes = splitLines(ENTRIES, requireMember(members, ENTRIES));
  const placed =
    kind === 'complete'
      ? verifyComplete(envelopes, checkpoint)
      : verifyPartial(envelopes, splitLines(PROOFS, requireMember(members, PROOFS)), checkpoint);
  const entries = verifyEntries(placed, new EntrySigners(vkey.publicKey));
  const trustRoot = members.get(TRUST_ROOT);
  const report = {
    origin: checkpoint.origin,
    checkpoint: { size: checkpoint.size, root: toHex(checkpoint.root) },
    isComplete: kind === 'complete',
    entries,
    counts: countByType(entries),
    ...(cosignatures === undefined ? {} : { cosignatures }),
    ...(trustRoot === undefined ? {} : { trustRootSha256: verifyTrustRoot(trustRoot, entries) }),
  };
  return { report, placed };
}

/**
 * Verifies a bundle under the verification key of its ledger, and those of witnesses if they are asked for; reports what it
 * proves.
 * @throws EvidenceError BUNDLE_*, CHECKPOINT_*, VKEY_MALFORMED, WITNESS_POLICY_INVALID
 */
export function verifyBundle(bytes: Uint8Array, trust: BundleTrust): BundleReport {
  return verifyBundlePlaced(bytes, trust).report;
}

/** The same, with the envelopes in their places. */
export function verifyBundlePlaced(bytes: Uint8Array, trust: BundleTrust): VerifiedBundle {
  return verifyMembers(readZip(bytes, MEMBER_NAMES, trust.sizeBytesMax ?? BUNDLE_LIMITS.sizeBytesMax), trust);
}
