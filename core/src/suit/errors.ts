import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

const AUTHOR = 'Ask the author of the release for a corrected one; nothing was installed.';

export const SUIT_ERRORS = {
  SUIT_ENVELOPE_MALFORMED: {
    message: 'the SUIT envelope is malformed',
    advice: 'Check that the envelope arrived whole and was made by a current tool.',
    status: 422,
  },
  SUIT_AUTHENTICATION_MISSING: {
    message: 'the envelope carries no signature',
    advice: 'Only signed releases are accepted. Sign it with an image key of this line.',
    status: 422,
  },
  SUIT_KEY_UNKNOWN: {
    message: 'no signature on the envelope is by a key that this line lists',
    advice: 'Sign with a listed image key, or list the new key in the keys target of the line.',
    status: 422,
  },
  SUIT_SIGNATURE_INVALID: {
    message: 'a signature on the envelope does not verify',
    advice: 'The envelope was changed after signing. Fetch it again; if it persists, treat the source as hostile.',
    status: 422,
  },
  SUIT_ALGORITHM_MISSING: {
    message: 'a signature algorithm that this line requires is missing from the envelope',
    advice: 'Add a signature by a listed key of each required algorithm.',
    status: 422,
  },
  SUIT_POLICY_EMPTY: {
    message: 'the policy requires no signature algorithm',
    advice: 'List at least one required algorithm; an empty policy never means that unsigned releases are accepted.',
  },
  SUIT_DIGEST_MISMATCH: {
    message: 'the content does not have the digest that was signed',
    advice: 'The envelope was changed after signing. Fetch it again; if it persists, treat the source as hostile.',
    status: 422,
  },
  SUIT_DIGEST_UNSUPPORTED: {
    message: 'the digest algorithm is not supported',
    advice: 'Use SHA-256, SHA-384 or SHA-512.',
    status: 422,
  },
  SUIT_MANIFEST_MALFORMED: { message: 'the SUIT manifest is malformed', advice: AUTHOR, status: 422 },
  SUIT_LIMIT_EXCEEDED: { message: 'the manifest is larger than is accepted', advice: AUTHOR, status: 422 },
  SUIT_ELEMENT_UNSUPPORTED: { message: 'an element of the manifest is not supported', advice: AUTHOR, status: 422 },
  SUIT_COMMAND_UNSUPPORTED: { message: 'a command of the manifest is not supported here', advice: AUTHOR, status: 422 },
  SUIT_PARAMETER_UNSUPPORTED: { message: 'a parameter of the manifest is not supported', advice: AUTHOR, status: 422 },
  SUIT_COMPONENT_UNSUPPORTED: {
    message: 'the manifest names a component that this device does not have',
    advice: 'Check that the release is meant for this model.',
    status: 422,
  },
  SUIT_COMPONENT_UNAUTHORIZED: {
    message: 'the signers of the manifest may not change one of its components',
    advice: 'Have it signed by a key that has rights over this component, or give the key those rights.',
    status: 422,
  },
  SUIT_DEPENDENCY_MISSING: {
    message: 'the envelope of a dependency is not there',
    advice: 'Fetch dependencies in dependency-resolution before they are used.',
    status: 422,
  },
  SUIT_INTEGRATED_UNSIGNED: {
    message: 'an integrated payload has none of the digests that the manifest names',
    advice: 'Nothing speaks for this payload: it was changed or added after signing, or it is encrypted.',
    status: 422,
  },
  SUIT_URI_UNSUPPORTED: {
    message: 'a payload is not named by a plain file name',
    advice: 'Name payloads by letters, digits, dot, dash and underscore only, without a leading dot.',
    status: 422,
  },
  SUIT_SEQUENCE_TOO_OLD: {
    message: 'the manifest is older than the one that is installed',
    advice: 'Offer a release with a sequence number that is not lower.',
    status: 422,
  },
  SUIT_SECURITY_COUNTER_TOO_LOW: {
    message: 'the security counter is below the floor of this device',
    advice: 'Going back beyond the floor is not possible. Offer a release with a higher security counter.',
    status: 422,
  },
  SUIT_CONDITION_FAILED: {
    message: 'a condition of the manifest does not hold on this device',
    advice: 'Check that the release is meant for this model and slot, and that its image is intact.',
    status: 422,
  },
  SUIT_PARAMETER_MISSING: { message: 'a directive lacks a parameter that it needs', advice: AUTHOR, status: 422 },
  SUIT_RULE_VIOLATED: { message: 'the manifest breaks a rule of the manifest processor', advice: AUTHOR, status: 422 },
  SUIT_SECTION_MISSING: {
    message: 'the manifest does not hold the section that was asked for',
    advice: 'A severed section must be delivered in the envelope together with the manifest.',
    status: 422,
  },
  SUIT_MANIFEST_AMBIGUOUS: {
    message: 'the manifest does not say one clear thing about what it installs',
    advice: 'State vendor, class, counter, version, digest and size exactly once, and check them unconditionally.',
    status: 422,
  },
  SUIT_REPORT_MALFORMED: {
    message: 'the SUIT report is malformed',
    advice: 'Check that the report arrived whole and was made by a current device.',
    status: 422,
  },
  SUIT_REPORT_MISMATCH: {
    message: 'the report does not belong to this manifest',
    advice: 'Find the manifest whose digest the report names; if it is this one, the report is not believable.',
    status: 422,
  },
  SUIT_VERSION_INVALID: {
    message: 'the version cannot be written in a manifest',
    advice: 'Use MAJOR.MINOR.PATCH, optionally followed by -alpha, -beta or -rc and dotted numbers.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type SuitErrorCode = keyof typeof SUIT_ERRORS;

/** A SUIT envelope or manifest that is refused, or a section of it that could not be carried out. */
export class SuitError extends CodedError<SuitErrorCode> {
  constructor(code: SuitErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(SUIT_ERRORS, code), details, cause);
    this.name = 'SuitError';
  }
}
