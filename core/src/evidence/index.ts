/**
 * Evidence: in-toto statements in DSSE envelopes, the Merkle ledger that takes them in (RFC 6962 over complete subtrees,
 * read through a port), its signed checkpoints (C2SP), and the bundle that proves itself offline. A ledger entry is the
 * bytes of one envelope (`encodeEnvelope`); its leaf hash is `leafHash` of exactly these bytes. Pure: keys, nodes and
 * bytes are parameters.
 */
export { compareBundles, type LedgerVerdict } from './bundle-compare.ts';
export { BUNDLE_LIMITS } from './bundle-format.ts';
export type { EntrySigner } from './bundle-signers.ts';
export { type BundleEntry, type BundleReport, verifyBundle } from './bundle-verify.ts';
export { type CompleteBundle, type PartialBundle, writeBundle } from './bundle-write.ts';
export { canonicalJson, STATEMENT_LIMITS } from './canonical-json.ts';
export { type Checkpoint, signCheckpoint, type VerifiedCheckpoint, verifyCheckpoint } from './checkpoint.ts';
export {
  type Cosignature,
  cosign,
  cosignatureOf,
  verifyCosignatures,
  type WitnessPolicy,
  withSignatures,
} from './cosignature.ts';
export {
  type DsseEnvelope,
  encodeEnvelope,
  parseEnvelope,
  STATEMENT_PAYLOAD_TYPE,
  signedPartOf,
  signStatement,
  type VerifiedStatement,
  verifyStatement,
} from './dsse.ts';
export { EVIDENCE_ERRORS, EvidenceError, type EvidenceErrorCode } from './errors.ts';
export {
  type Consistency,
  consistencyProof,
  type Inclusion,
  inclusionProof,
  planConsistency,
  planInclusion,
  verifyConsistency,
  verifyInclusion,
} from './merkle-proof.ts';
export {
  type Appended,
  appendLeaf,
  emptyRoot,
  type GetNode,
  type GrowingTree,
  leafHash,
  type NodeId,
  type NodePlan,
  planAppend,
  planGrowth,
  planRoot,
  rootOf,
  runPlan,
  type TreeNode,
} from './merkle-tree.ts';
export { isPredicateType, PREDICATES, type PredicateType, type SignerKind } from './predicates.ts';
export { describeMessage, type MessageKind, mayRoleSign, PROOF_START, type SignedMessage } from './signed-message.ts';
export { encodeVkey, encodeWitnessVkey, parseVkey, parseWitnessVkey, type Vkey } from './signed-note.ts';
export {
  type Anomaly,
  type AuditedKey,
  type AuditInput,
  auditSignings,
  type FoundSignature,
  type SigningAudit,
} from './signing-audit.ts';
export {
  encodeSigningRecord,
  type LoadedSigningLog,
  loadSigningLog,
  type SigningAct,
  type SigningRecord,
  verifySigningLog,
} from './signing-log.ts';
export { newStatement, type Statement, type Subject } from './statement.ts';
export { parseTilePath, TILE_HEIGHT, TILE_WIDTH, type TileId, tilePath, tileWidth } from './tile-path.ts';
export { encodeEntryBundle, ProvenTiles, type ReadTile } from './tiles.ts';
export {
  encodeTlogProof,
  isTlogProof,
  parseTlogProof,
  type TlogProof,
  type VerifiedInclusion,
  verifyTlogProof,
} from './tlog-proof.ts';
export {
  ADD_CHECKPOINT_LIMITS,
  type AddCheckpoint,
  encodeAddCheckpoint,
  encodeSizeAnswer,
  judgeCheckpoint,
  parseAddCheckpoint,
  parseSizeAnswer,
  unseenLedger,
  type WitnessedLedger,
  type WitnessJudgement,
} from './witness.ts';
