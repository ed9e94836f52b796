import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

export const TRUST_ERRORS = {
  TRUST_METADATA_MALFORMED: {
    message: 'the metadata does not have the form that TUF 1.0 asks for',
    advice: 'Write the file anew with the tool that made it; see `at` for the place.',
    status: 422,
  },
  TRUST_SIGNATURES_TOO_FEW: {
    message: 'too few distinct trusted keys signed the metadata',
    advice: 'Have more holders of the keys of this role sign, and check that the role lists their keys.',
    status: 422,
  },
  TRUST_EXPIRED: {
    message: 'the metadata of the role has expired and nothing newer is to be had',
    advice: 'Sign a newer version of this role; devices heal by themselves when they see it. Check the clock too.',
    status: 409,
  },
  TRUST_VERSION_ROLLBACK: {
    message: 'the version is lower than one that was accepted before',
    advice: 'Sign the metadata again with a higher version; the repository may be serving an old copy.',
    status: 409,
  },
  TRUST_VERSION_UNEXPECTED: {
    message: 'the version is not the one that was asked for',
    advice: 'A root follows its predecessor by exactly one; every other file has the version that the snapshot names.',
    status: 409,
  },
  TRUST_DIGEST_MISMATCH: {
    message: 'the digest of the file is not the one that is listed',
    advice: 'The file was changed or mixed with another release; publish the files as they were signed.',
    status: 422,
  },
  TRUST_DIGEST_UNSUPPORTED: {
    message: 'the file is listed with a digest algorithm that is not supported',
    advice: 'List every file with SHA-256.',
    status: 422,
  },
  TRUST_LENGTH_EXCEEDED: {
    message: 'the file is longer than allowed',
    advice: 'Compare the file with the length that is listed for it.',
    status: 413,
  },
  TRUST_LENGTH_MISMATCH: {
    message: 'the file is shorter than the length that is listed',
    advice: 'Check that the file arrived whole.',
    status: 422,
  },
  TRUST_FILE_MISSING: {
    message: 'the repository does not have a file that it must have',
    advice: 'Publish the missing metadata file.',
    status: 404,
  },
  TRUST_ROLE_UNKNOWN: {
    message: 'nobody delegates to this role, or the snapshot does not list it',
    advice: 'Delegate to the role in the targets metadata and publish its file.',
    status: 404,
  },
  TRUST_ROLE_MISSING: {
    message: 'the new snapshot lacks a role that the accepted one lists',
    advice: 'A role that was published once stays listed; publish a snapshot that names it.',
    status: 409,
  },
  TRUST_ROLE_NOT_LOADED: {
    message: 'a role that must be asked first has not been loaded',
    advice: 'Name the role or the target path when the trust is refreshed.',
    status: 409,
  },
  TRUST_ORDER_INVALID: {
    message: 'this role can only be updated after the role that vouches for it',
    advice: 'Update in the order root, timestamp, snapshot, targets, delegated.',
    status: 409,
  },
  TRUST_DELEGATIONS_EXCEEDED: {
    message: 'more delegated roles than allowed stand between the targets role and this path',
    advice: 'Make the tree of delegations smaller.',
    status: 422,
  },
  TRUST_TARGET_NOT_LISTED: {
    message: 'no trusted role lists this target',
    advice: 'List the target in the role that is responsible for its path, and publish that role.',
    status: 404,
  },
  TRUST_TARGET_OUTSIDE_DELEGATION: {
    message: 'the role lists a target that it may not speak for',
    advice: 'List only targets that match the path patterns of the delegation.',
    status: 422,
  },
  TRUST_KEY_UNSUPPORTED: {
    message: 'the key cannot be used in TUF metadata',
    advice: 'Use an Ed25519, NIST curve, RSA (2048 bits or more) or ML-DSA signature key.',
    status: 422,
  },
  TRUST_THRESHOLD_INVALID: {
    message: 'the threshold cannot be met by the keys of the role',
    advice: 'Give the role at least as many distinct keys as its threshold, and a threshold of at least one.',
    status: 422,
  },
  TRUST_KEY_CHANGE_INVALID: {
    message: 'the change of keys does not fit the keys that the role lists',
    advice: 'Remove only keys that are listed, add only keys that are not; "pawl trust show" lists them.',
    status: 422,
  },
  TRUST_PARTS_DIFFER: {
    message: 'the copies of the ceremony are not about the same bytes',
    advice: 'Start from one exported file; compare the digests, and find out who changed a copy.',
    status: 409,
  },
  TRUST_SIGNER_UNKNOWN: {
    message: 'this key may not sign any such file',
    advice: 'Sign with a key that the role lists, or list the key first.',
    status: 422,
  },
  TRUST_SIGNER_REPEATED: {
    message: 'one key signed more than once',
    advice: 'Each holder signs once; leave out one of the copies.',
    status: 409,
  },
  TRUST_SIGNATURE_INVALID: {
    message: 'a signature in the ceremony is broken',
    advice: 'Have the holder of the key sign the exported file anew; the copy was damaged or changed.',
    status: 422,
  },
  TRUST_LINE_KEYS_INVALID: {
    message: 'the key list of the product line is not valid',
    advice: 'Write keys/<line>.cbor anew; it must hold a key for every algorithm that it requires.',
    status: 422,
  },
  TRUST_CUSTOM_INVALID: {
    message: 'the custom data of the envelope target is missing or not valid',
    advice: 'List the envelope with its version, sequence number and security counter.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type TrustErrorCode = keyof typeof TRUST_ERRORS;

/** Metadata of the repository that is not to be trusted, or not to be used. */
export class TrustError extends CodedError<TrustErrorCode> {
  constructor(code: TrustErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(TRUST_ERRORS, code), details, cause);
    this.name = 'TrustError';
  }
}
