import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

const ASK_AGAIN = 'Ask for a new nonce, measure again and sign again.';

export const ATTEST_ERRORS = {
  ATTEST_NONCE_INVALID: {
    message: 'the nonce is not one that is signed',
    advice: 'A nonce has 8 to 64 bytes (RFC 9711 §4.1); anything else is no question that a verifier asks.',
    status: 422,
  },
  ATTEST_EVIDENCE_MALFORMED: {
    message: 'the attestation evidence cannot be read',
    advice: 'Send one EAT as a tagged CWT in COSE_Sign1, with the claims of the profile and no others.',
    status: 422,
  },
  ATTEST_PROFILE_UNKNOWN: {
    message: 'the attestation evidence follows a profile that is not read here',
    advice: 'Update whichever of device and server is the older one.',
    status: 422,
  },
  ATTEST_SIGNATURE_INVALID: {
    message: 'the attestation evidence is not signed by the key of this device',
    advice: 'Sign with the key that the device enrolled. If the key was lost, enrol again.',
    status: 422,
  },
  ATTEST_DEVICE_DIFFERS: {
    message: 'the attestation evidence names another device than the one whose key signed it',
    advice: 'The identity in the evidence is the thumbprint of the key that signs it.',
    status: 422,
  },
  ATTEST_NONCE_UNKNOWN: {
    message: 'the nonce in the attestation evidence is not one that was given to this device, or its time is over',
    advice: ASK_AGAIN,
    status: 422,
  },
} as const satisfies ErrorTable;

export type AttestErrorCode = keyof typeof ATTEST_ERRORS;

/** Evidence that is refused before anything that it says is looked at. */
export class AttestError extends CodedError<AttestErrorCode> {
  constructor(code: AttestErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(ATTEST_ERRORS, code), details, cause);
    this.name = 'AttestError';
  }
}
