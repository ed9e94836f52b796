import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

export const EVIDENCE_ERRORS = {
  STATEMENT_MALFORMED: {
    message: 'the statement is not an in-toto statement in a DSSE envelope, in canonical JSON',
    advice: 'Write it again with the tool that made it; see `expected` and `at` for the place.',
    status: 400,
  },
  STATEMENT_TOO_LARGE: {
    message: 'the statement is larger or more deeply nested than allowed',
    advice: 'Put the data elsewhere and name it in the statement by its digest.',
    status: 413,
  },
  STATEMENT_PREDICATE_UNKNOWN: {
    message: 'the predicate type of the statement is not known',
    advice: 'Use one of the predicate types of this version, or a newer version of Pawl to read it.',
    status: 422,
  },
  STATEMENT_SIGNER_UNKNOWN: {
    message: 'the statement is signed by a key that is not trusted here',
    advice: 'Register the key first, or sign with one that is registered.',
    status: 403,
  },
  STATEMENT_SIGNATURE_INVALID: {
    message: 'the signature of the statement is wrong',
    advice: 'The statement was changed after it was signed, or signed with another key; sign it again.',
    status: 403,
  },
  MERKLE_RANGE_INVALID: {
    message: 'the index or size is outside the ledger',
    advice: 'Ask for an entry below the size, and for a size that the ledger has reached.',
    status: 400,
  },
  MERKLE_NODE_MISSING: {
    message: 'a node of the ledger tree is missing or has the wrong size',
    advice: 'The store of the ledger is damaged; restore it from a backup and compare with an exported bundle.',
  },
  PROOF_MALFORMED: {
    message: 'the proof is not a C2SP tlog-proof',
    advice: 'Make it again with "pawl ledger proof INDEX --out FILE", and copy the file whole.',
    status: 400,
  },
  MERKLE_INCLUSION_INVALID: {
    message: 'the inclusion proof does not lead from the entry to the root',
    advice: 'Get the proof for this entry at the size of this checkpoint; otherwise the entry is not in the ledger.',
    status: 422,
  },
  MERKLE_CONSISTENCY_INVALID: {
    message: 'the consistency proof does not show that the later ledger extends the earlier one',
    advice: 'Get the proof for these two sizes; otherwise the ledger was rewritten. Keep both checkpoints as evidence.',
    status: 422,
  },
  VKEY_MALFORMED: {
    message: 'the verification key is not a C2SP verification key for Ed25519',
    advice: 'Give the line `name+hash+key` that the ledger shows for its key.',
    status: 400,
  },
  CHECKPOINT_MALFORMED: {
    message: 'the checkpoint is not a signed note with origin, size and root',
    advice: 'Get the checkpoint again, byte for byte.',
    status: 400,
  },
  CHECKPOINT_SIGNER_UNKNOWN: {
    message: 'the checkpoint carries no signature of the given verification key',
    advice: 'Compare the verification key with the one that the ledger was set up with.',
    status: 422,
  },
  CHECKPOINT_SIGNATURE_INVALID: {
    message: 'the signature of the checkpoint is wrong',
    advice: 'The checkpoint was changed after it was signed; get it again from the ledger.',
    status: 422,
  },
  CHECKPOINT_ORIGIN_UNEXPECTED: {
    message: 'the checkpoint belongs to another ledger',
    advice: 'Give the checkpoint and the verification key of the same ledger.',
    status: 422,
  },
  CHECKPOINT_COSIGNATURES_TOO_FEW: {
    message: 'fewer witnesses than needed cosigned the checkpoint',
    advice:
      'Wait until they have and export again. A witness cosigns no ledger that was rewritten or set back: ask the missing ones why.',
    status: 422,
  },
  WITNESS_POLICY_INVALID: {
    message: 'the witnesses and how many of them are needed make no policy',
    advice: 'Name each witness once, none with the key of the ledger, and need at least one and at most all.',
    status: 400,
  },
  WITNESS_REQUEST_MALFORMED: {
    message: 'the request is not an add-checkpoint of C2SP tlog-witness',
    advice: 'Send the old size, the hashes of the consistency proof, an empty line and the checkpoint.',
    status: 400,
  },
  TILE_MISSING: {
    message: 'a tile of the ledger cannot be had',
    advice: 'Check the address and the permission. Whoever serves the ledger must have every tile of a checkpoint.',
    status: 404,
  },
  TILE_MALFORMED: {
    message: 'a tile of the ledger has the wrong size',
    advice: 'Fetch it again; otherwise whoever serves the ledger does not serve what it signed.',
    status: 422,
  },
  TILE_UNPROVEN: {
    message: 'a tile or an entry is not the one that the signed checkpoint promises',
    advice:
      'Fetch it again; otherwise it was changed after it was signed. Keep the checkpoint and the tile as evidence.',
    status: 422,
  },
  BUNDLE_ZIP_MALFORMED: {
    message: 'the bundle is not a whole zip file of the expected kind',
    advice: 'Check that the file arrived whole, and export the bundle again.',
    status: 400,
  },
  BUNDLE_TOO_LARGE: {
    message: 'the bundle is larger than allowed',
    advice: 'Export fewer entries, or raise the limit if you trust where the bundle comes from.',
    status: 413,
  },
  BUNDLE_MEMBER_UNLISTED: {
    message: 'the bundle holds a file that does not belong in it, or one twice',
    advice: 'Remove the file; nothing in a bundle is unaccounted for.',
    status: 422,
  },
  BUNDLE_MEMBER_MISSING: {
    message: 'the bundle lacks a file that it must hold',
    advice: 'Export the bundle again.',
    status: 422,
  },
  BUNDLE_MEMBER_MISMATCH: {
    message: 'a file of the bundle is not the one that its table of contents lists',
    advice: 'The file was changed after the export; export the bundle again.',
    status: 422,
  },
  BUNDLE_MEMBER_MALFORMED: {
    message: 'a file of the bundle does not have its form',
    advice: 'Export the bundle again with the same version of Pawl; see `member` and `expected`.',
    status: 422,
  },
  BUNDLE_VKEY_UNEXPECTED: {
    message: 'the bundle was made for another ledger key than the one you trust',
    advice: 'Compare the verification keys; take yours from the ledger itself, never from the bundle.',
    status: 422,
  },
  BUNDLE_ENTRIES_INCOMPLETE: {
    message: 'the number of entries is not the size of the signed checkpoint',
    advice: 'Entries were dropped or added; export again. A part of the ledger needs inclusion proofs.',
    status: 422,
  },
  BUNDLE_ROOT_MISMATCH: {
    message: 'the entries do not hash to the root of the signed checkpoint',
    advice: 'An entry was changed, reordered or replaced, or the ledger forked. Keep this bundle as evidence.',
    status: 422,
  },
  BUNDLE_PROOF_INVALID: {
    message: 'the inclusion proof of an entry does not lead to the root of the signed checkpoint',
    advice: 'The entry was changed or is not in this ledger. Keep this bundle as evidence.',
    status: 422,
  },
  BUNDLE_ORDER_INVALID: {
    message: 'the entries of the bundle are not in strictly rising order',
    advice: 'Export the bundle again; each entry appears once, in the order of the ledger.',
    status: 422,
  },
  BUNDLE_ENTRY_INVALID: {
    message: 'an entry of the bundle is not a statement that verifies',
    advice: 'See the cause; the ledger took in something that it should have refused.',
    status: 422,
  },
  BUNDLE_SIGNER_UNKNOWN: {
    message: 'an entry is signed by a key that no earlier entry of the bundle introduces',
    advice: 'Include the enrolment or registration entry of each signer in a partial bundle.',
    status: 422,
  },
  BUNDLE_SIGNER_UNFIT: {
    message: 'an entry is signed by a key that may not make this kind of statement',
    advice: 'Only the ledger speaks for the server, only a device for itself; see the table of predicate types.',
    status: 422,
  },
  BUNDLE_TRUST_ROOT_UNPROVEN: {
    message: 'no entry of the bundle records the trust root that the bundle carries',
    advice: 'Include the trust-updated entry whose subject has the digest of this root, or leave the root out.',
    status: 422,
  },
  SIGNING_LOG_BROKEN: {
    message: 'the signing log is not the one that was written',
    advice:
      'Entries were changed, removed or put in. Sign nothing with these keys before it is clear why; restore the log.',
    status: 409,
  },
} as const satisfies ErrorTable;

export type EvidenceErrorCode = keyof typeof EVIDENCE_ERRORS;

/** A statement, proof, checkpoint or bundle that does not prove what it claims. */
export class EvidenceError extends CodedError<EvidenceErrorCode> {
  constructor(code: EvidenceErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(EVIDENCE_ERRORS, code), details, cause);
    this.name = 'EvidenceError';
  }
}
