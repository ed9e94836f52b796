import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

const ASSIGN_ANEW = 'Nothing was installed. Correct the release or the offer, and assign it anew.';
const PROVISION_ANEW = 'Provision the device anew; its last confirmed image is untouched.';

export const AGENT_ERRORS = {
  AGENT_LOCKED: {
    message: 'another agent works on this state folder',
    advice: 'Stop the other agent first; the lock ends with its process.',
    status: 409,
  },
  AGENT_STATE_READ_ONLY: {
    message: 'the state folder cannot be written',
    advice: 'Mount it writable and check its owner; the device goes on running its image.',
  },
  AGENT_STATE_MISSING: {
    message: 'the state folder was not provisioned',
    advice: 'Provision the device first, or check the path of the state folder.',
    status: 404,
  },
  AGENT_STATE_EXISTS: {
    message: 'the state folder is provisioned already',
    advice: 'Use a new folder, or remove the old one when the device is really to start over.',
    status: 409,
  },
  AGENT_NONCE_REFUSED: {
    message: 'the server asked for an attestation with a nonce that is not signed',
    advice: 'Nothing was signed. A nonce has 8 to 64 bytes; look at what answers in the place of the server.',
    status: 422,
  },
  AGENT_SLOT_UNREADABLE: {
    message: 'the slot that boots cannot be read, and so not be attested',
    advice: 'Look at the disk of the device; the rollout counts it as failed when its time is over.',
  },
  AGENT_DISK_FULL: { message: 'the disk is full', advice: 'Free space on the device, and assign the release anew.' },
  AGENT_JOURNAL_CORRUPT: { message: 'the journal was changed or damaged', advice: PROVISION_ANEW },
  AGENT_CONFIG_INVALID: {
    message: 'the configuration of the agent is not valid',
    advice: 'Correct the member that is named in config.json.',
    status: 422,
  },
  AGENT_IDENTITY_INVALID: {
    message: 'a key file of the device is not valid',
    advice: 'Provision the device anew.',
  },
  AGENT_NOT_ENROLLED: {
    message: 'the device is not enrolled',
    advice: 'Make a claim on the server and enrol with it.',
    status: 409,
  },
  AGENT_INTRODUCTION_PENDING: {
    message: 'the device waits to be let in',
    advice: 'On the server: pawl device pending, and pawl device approve.',
    status: 409,
  },
  AGENT_ENROLMENT_REFUSED: {
    message: 'the server refused the enrolment',
    advice: 'A claim can be used once and for a limited time; make a new one.',
    status: 409,
  },
  AGENT_SERVER_UNREACHABLE: {
    message: 'the server cannot be reached',
    advice: 'The agent tries again by itself.',
    status: 503,
  },
  AGENT_SERVER_REFUSED: {
    message: 'the server answered with an error',
    advice: 'See the status; 401 means that the device was decommissioned or its token replaced.',
    status: 502,
  },
  AGENT_ANSWER_MALFORMED: {
    message: 'the answer of the server does not have the form that was agreed',
    advice: 'Check that the address is that of a Pawl server.',
    status: 502,
  },
  AGENT_LINK_FOREIGN: {
    message: 'the server sent a link to another place',
    advice: 'The agent talks to the configured server only; set its public URL to the address that devices use.',
    status: 502,
  },
  AGENT_OFFER_INCOMPLETE: { message: 'the offer lacks a file', advice: ASSIGN_ANEW, status: 422 },
  AGENT_LISTING_DISAGREES: {
    message: 'what is listed for the release is not what its manifest says',
    advice: 'List the release with the numbers of its manifest.',
    status: 422,
  },
  AGENT_MODEL_MISMATCH: {
    message: 'the release is meant for another model',
    advice: 'Assign releases of this line and model only.',
    status: 422,
  },
  AGENT_SEQUENCE_TOO_OLD: {
    message: 'the release is older than the one that is installed',
    advice: 'Offer a release with a sequence number that is not lower.',
    status: 422,
  },
  AGENT_SECURITY_COUNTER_TOO_LOW: {
    message: 'the security counter of the release is below the floor of this device',
    advice: 'Going back beyond the floor is not possible. Offer a release with a higher security counter.',
    status: 422,
  },
  AGENT_SPACE_INSUFFICIENT: {
    message: 'the image does not fit on the device',
    advice: 'Free space on the device, or make the image smaller; then assign the release anew.',
    status: 422,
  },
  AGENT_PAYLOAD_SIZE_MISMATCH: {
    message: 'the payload does not have the length that was signed',
    advice: ASSIGN_ANEW,
    status: 422,
  },
  AGENT_PAYLOAD_DIGEST_MISMATCH: {
    message: 'the payload is not the one that is listed',
    advice: 'The bytes were changed on the way. Assign the release anew; if it persists, treat the path as hostile.',
    status: 422,
  },
  AGENT_IMAGE_CHANGED: {
    message: 'the staged image is not the one that was verified',
    advice: 'The storage is damaged or was tampered with. Assign the release anew.',
    status: 422,
  },
  AGENT_BOOT_FAILED: {
    message: 'the new image did not start, or did not find itself healthy',
    advice: 'Look at the log of the image; the device runs the former one again.',
  },
  AGENT_BOOT_TIMED_OUT: {
    message: 'the new image did not say in time that it is healthy',
    advice: 'Look at the log of the image; the device runs the former one again.',
  },
  AGENT_ATTEMPTS_EXHAUSTED: {
    message: 'the device restarted in every trial of the new image',
    advice: 'Look for a crash at start, or for power that failed; the device runs the former image again.',
  },
} as const satisfies ErrorTable;

export type AgentErrorCode = keyof typeof AGENT_ERRORS;

/** What stops the agent, or an installation. */
export class AgentError extends CodedError<AgentErrorCode> {
  constructor(code: AgentErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(AGENT_ERRORS, code), details, cause);
    this.name = 'AgentError';
  }
}
