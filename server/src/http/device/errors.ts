/**
 * What the device API refuses with. `hawkbit` and `exceptionClass` are the names that hawkBit's clients may look at;
 * `code` and the sentences are ours.
 */
import { CodedError, type ErrorDetails, type ErrorRow, errorRow } from '@pawl/core/bytes';

type DeviceErrorRow = ErrorRow & {
  readonly status: number;
  readonly hawkbit: string;
  readonly exceptionClass: string;
};

const EXCEPTIONS = 'org.eclipse.hawkbit.repository.exception';
const REST_EXCEPTIONS = 'org.eclipse.hawkbit.rest.exception';
const ERROR = 'hawkbit.server.error';

const NOT_READABLE = {
  hawkbit: `${ERROR}.rest.body.notReadable`,
  exceptionClass: `${REST_EXCEPTIONS}.MessageNotReadableException`,
} as const;
const NOT_PERMITTED = {
  hawkbit: `${ERROR}.insufficientpermission`,
  exceptionClass: `${EXCEPTIONS}.InsufficientPermissionException`,
} as const;
// The misspelt name is hawkBit's.
const NOT_FOUND = {
  hawkbit: `${ERROR}.repo.entitiyNotFound`,
  exceptionClass: `${EXCEPTIONS}.EntityNotFoundException`,
} as const;
const RANGE = {
  hawkbit: `${ERROR}.artifact.range`,
  exceptionClass: `${REST_EXCEPTIONS}.FileStreamingFailedException`,
} as const;

export const DEVICE_API_ERRORS = {
  DEVICE_BODY_MALFORMED: {
    message: 'the body is not what this operation takes',
    advice: 'Send one JSON or deterministic CBOR document with the members of this operation.',
    status: 400,
    ...NOT_READABLE,
  },
  DEVICE_PARAMETER_INVALID: {
    message: 'a part of the path or query is not of its form',
    advice: 'Use the links of the poll answer as they stand.',
    status: 400,
    ...NOT_READABLE,
  },
  DEVICE_UNAUTHENTICATED: {
    message: 'the request does not prove which device sends it',
    advice: 'Send the token that was shown at enrolment, or a client certificate of this device.',
    status: 401,
    hawkbit: `${ERROR}.unauthorized`,
    exceptionClass: 'org.springframework.security.authentication.BadCredentialsException',
  },
  DEVICE_POSTPONEMENT_REFUSED: {
    message: 'the update cannot be put off so often or so long',
    advice: 'The rollout says how often and how long; give or deny consent, or put it off to an earlier time.',
    status: 409,
    hawkbit: `${ERROR}.repo.concurrentModification`,
    exceptionClass: `${EXCEPTIONS}.ConcurrentModificationException`,
  },
  DEVICE_ATTRIBUTES_INVALID: {
    message: 'the device would have more attributes than are kept',
    advice: 'Keep at most 100 attributes of at most 128 characters each; use mode replace or remove.',
    status: 403,
    hawkbit: `${ERROR}.quota.tooManyEntries`,
    exceptionClass: `${EXCEPTIONS}.AssignmentQuotaExceededException`,
  },
  DEVICE_CLAIM_INVALID: {
    message: 'the claim or the proof of the key does not hold',
    advice: 'A claim works once and for a short time: ask the operator for a new one.',
    status: 403,
    hawkbit: `${ERROR}.insufficientpermission`,
    exceptionClass: `${EXCEPTIONS}.InsufficientPermissionException`,
  },
  DEVICE_CERTIFICATE_UNSUITABLE: {
    message: 'the certificate is not one that names a device',
    advice: 'A device shows an end-entity certificate for client authentication, of an authority that issues directly.',
    status: 403,
    ...NOT_PERMITTED,
  },
  DEVICE_CERTIFICATE_EXPIRED: {
    message: 'the certificate of the device, or of its authority, is not valid now',
    advice: 'Renew the certificate over the same key; look at the clocks.',
    status: 403,
    ...NOT_PERMITTED,
  },
  DEVICE_CERTIFICATE_BARRED: {
    message: 'the certificate is barred',
    advice: 'The operator barred its serial number; only a new certificate lets the device in again.',
    status: 403,
    ...NOT_PERMITTED,
  },
  DEVICE_CERTIFICATE_NAME_REFUSED: {
    message: 'the certificate does not give a name that its authority may give, or another than the one asked for',
    advice: 'The only common name is the name of the device; the operator registers the pattern of names.',
    status: 403,
    ...NOT_PERMITTED,
  },
  DEVICE_CERTIFICATE_KEY_DIFFERS: {
    message: 'the device or the key is known already, and not together',
    advice: 'Ask the operator: a device that was heard with other credentials is not replaced by a certificate.',
    status: 403,
    ...NOT_PERMITTED,
  },
  DEVICE_INTRODUCTION_REFUSED: {
    message: 'the introduction is refused: by the operator, or because its proof does not hold',
    advice: 'Ask the operator. A device that is known with another token goes on with that one, or gets a new key.',
    status: 403,
    ...NOT_PERMITTED,
  },
  DEVICE_INTRODUCTIONS_TOO_MANY: {
    message: 'too many devices wait to be let in',
    advice: 'Ask again later; operators: `pawl device pending`.',
    status: 429,
    ...NOT_PERMITTED,
  },
  DEVICE_PROOF_REQUIRED: {
    message: 'this takes a signed report of a device with a key, and nothing else',
    advice: 'A device with a key says what it runs by a signed report; one without has no report to make.',
    status: 403,
    hawkbit: `${ERROR}.insufficientpermission`,
    exceptionClass: `${EXCEPTIONS}.InsufficientPermissionException`,
  },
  DEVICE_NOT_FOUND: {
    message: 'there is no such thing for this device',
    advice: 'Poll again and follow the links of the answer.',
    status: 404,
    ...NOT_FOUND,
  },
  DEVICE_CANCEL_NOT_ALLOWED: {
    message: 'the installation is not being cancelled',
    advice: 'Poll again; the deployment goes on.',
    status: 405,
    hawkbit: `${ERROR}.action.notcancelable`,
    exceptionClass: `${EXCEPTIONS}.CancelActionNotAllowedException`,
  },
  DEVICE_ACCEPT_UNSUPPORTED: {
    message: 'none of the accepted media types can be given',
    advice: 'Accept application/hal+json, application/json or application/cbor.',
    status: 406,
    hawkbit: `${ERROR}.rest.notAcceptable`,
    exceptionClass: 'org.springframework.web.HttpMediaTypeNotAcceptableException',
  },
  DEVICE_AUTO_CONFIRM_ACTIVE: {
    message: 'consent is already given in advance',
    advice: 'Nothing is left to do.',
    status: 409,
    hawkbit: `${ERROR}.confirmation.autoConfirm.alreadyActive`,
    exceptionClass: `${EXCEPTIONS}.AutoConfirmationAlreadyActiveException`,
  },
  REPORT_REPLAYED: {
    message: 'the counter of the report is not above the last one',
    advice: 'Each report of a device has a higher counter; continue above the one that is named.',
    status: 409,
    hawkbit: `${ERROR}.repo.concurrentModification`,
    exceptionClass: `${EXCEPTIONS}.ConcurrentModificationException`,
  },
  REPORT_OUT_OF_ORDER: {
    message: 'the state of the report does not follow the state of the assignment',
    advice: 'Poll again; the assignment has moved on.',
    status: 409,
    hawkbit: `${ERROR}.repo.concurrentModification`,
    exceptionClass: `${EXCEPTIONS}.ConcurrentModificationException`,
  },
  REPORT_DISAGREES: {
    message: 'the device confirms another version than the one that was assigned',
    advice: 'Confirm only what the assignment names; report what else runs as reverted or failed.',
    status: 409,
    hawkbit: `${ERROR}.repo.concurrentModification`,
    exceptionClass: `${EXCEPTIONS}.ConcurrentModificationException`,
  },
  DEVICE_ACTION_GONE: {
    message: 'the assignment has ended',
    advice: 'Poll again; there may be a newer one.',
    status: 410,
    hawkbit: `${ERROR}.repo.entitiyNotFound`,
    exceptionClass: `${EXCEPTIONS}.EntityNotFoundException`,
  },
  DEVICE_PRECONDITION_FAILED: {
    message: 'the file is not the one that If-Match names',
    advice: 'Start the download again from its first byte.',
    status: 412,
    ...RANGE,
  },
  DEVICE_BODY_TOO_LARGE: {
    message: 'the body is larger than this operation takes',
    advice: 'Send less: shorten the messages.',
    status: 413,
    ...NOT_READABLE,
  },
  DEVICE_CONTENT_TYPE_UNSUPPORTED: {
    message: 'the media type of the body is not taken here',
    advice: 'Send application/json or application/cbor; a report is application/vnd.dsse+json or application/json.',
    status: 415,
    hawkbit: `${ERROR}.rest.mediaType`,
    exceptionClass: 'org.springframework.web.HttpMediaTypeNotSupportedException',
  },
  DEVICE_RANGE_NOT_SATISFIABLE: {
    message: 'the range lies outside the file',
    advice: 'Ask for bytes below the length that Content-Range names.',
    status: 416,
    ...RANGE,
  },
  REPORT_SIGNATURE_INVALID: {
    message: 'the report is not signed by the key that this device enrolled',
    advice: 'Sign the statement with the device key; enrol again if the key was lost.',
    status: 422,
    hawkbit: `${ERROR}.insufficientpermission`,
    exceptionClass: `${EXCEPTIONS}.InsufficientPermissionException`,
  },
  EVIDENCE_REFUSED: {
    message: 'the evidence is not authentic, not fresh or not readable, and gets no verdict',
    advice: 'Ask for a new nonce, measure again and sign with the key that this device enrolled.',
    status: 422,
    hawkbit: `${ERROR}.insufficientpermission`,
    exceptionClass: `${EXCEPTIONS}.InsufficientPermissionException`,
  },
  DEVICE_STATUS_QUOTA_EXCEEDED: {
    message: 'the assignment has as many status entries as are kept',
    advice: 'Only a final report is still taken.',
    status: 429,
    hawkbit: `${ERROR}.quota.tooManyEntries`,
    exceptionClass: `${EXCEPTIONS}.AssignmentQuotaExceededException`,
  },
} as const satisfies Readonly<Record<string, DeviceErrorRow>>;

export type DeviceApiErrorCode = keyof typeof DEVICE_API_ERRORS;

/** A request of a device that is refused. */
export class DeviceApiError extends CodedError<DeviceApiErrorCode> {
  constructor(code: DeviceApiErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(DEVICE_API_ERRORS, code), details, cause);
    this.name = 'DeviceApiError';
  }
}
