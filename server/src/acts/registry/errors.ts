import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const REGISTRY_ERRORS = {
  DEVICE_ATTRIBUTES_TOO_MANY: {
    message: 'the device would have more than 100 attributes of operators',
    advice: 'Take some away first: give them as null.',
    status: 409,
  },
  DEVICE_TAGS_TOO_MANY: {
    message: 'a device would have more than 32 tags',
    advice: 'Remove some first: `pawl device tag --remove TAG`.',
    status: 409,
  },
  GROUP_UNKNOWN: {
    message: 'there is no such group',
    advice: 'List the groups with `pawl group list`.',
    status: 404,
  },
  GROUP_IN_USE: {
    message: 'a rollout or another group uses this group',
    advice: 'End the rollout, or change the other group, that is named.',
    status: 409,
  },
  GATEWAY_UNKNOWN: {
    message: 'there is no such gateway',
    advice: 'List the gateways with `pawl gateway list`.',
    status: 404,
  },
  GATEWAY_KEY_UNSUITABLE: {
    message: 'this key cannot be that of the gateway',
    advice: 'Give a public key (SPKI PEM) of its own, that no device and no other gateway has.',
    status: 409,
  },
  GATEWAY_DEVICES_TOO_MANY: {
    message: 'the gateway would act for more than 2000 devices',
    advice: 'Make another gateway for some of them.',
    status: 409,
  },
  AUTHORITY_UNKNOWN: {
    message: 'there is no such authority',
    advice: 'List the authorities with `pawl authority list`.',
    status: 404,
  },
  AUTHORITY_EXISTS: {
    message: 'this certificate is registered already',
    advice: 'Remove the authority first to register it otherwise; its devices come in again by themselves.',
    status: 409,
  },
  AUTHORITY_TOO_MANY: {
    message: 'there are 50 authorities already',
    advice: 'Remove those that issue nothing any more.',
    status: 409,
  },
  AUTHORITY_UNSUITABLE: {
    message: 'this certificate cannot vouch for devices',
    advice: 'Register the certificate of the authority that issues device certificates directly, in PEM.',
    status: 422,
  },
  INTRODUCTION_UNKNOWN: {
    message: 'nobody of this number introduced itself',
    advice: 'List them with `pawl device pending`; those that fall silent are forgotten after a week.',
    status: 404,
  },
  INTRODUCTION_ANSWERED: {
    message: 'the device was let in already',
    advice: 'End it with `pawl device remove`.',
    status: 409,
  },
  INTRODUCTION_KEY_DIFFERS: {
    message: 'the introduction is of another key than the one that was compared',
    advice: 'Compare the fingerprint on the device with `pawl device pending` again.',
    status: 409,
  },
  TRANSFER_UNKNOWN: {
    message: 'there is no such offer',
    advice: 'A code works once, for a short time, and in another tenant than the one that offers: ask for a new one.',
    status: 404,
  },
  TRANSFER_DEVICE_BUSY: {
    message: 'the device has an update in hand',
    advice: 'Wait until it has ended, or cancel it.',
    status: 409,
  },
  GROUP_TOO_MANY: {
    message: 'there are 200 groups already',
    advice: 'Delete groups that nobody uses; filters can be written without a name too.',
    status: 409,
  },
} as const satisfies ErrorTable;

export type RegistryErrorCode = keyof typeof REGISTRY_ERRORS;

/** What the registry of devices refuses. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  constructor(code: RegistryErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(REGISTRY_ERRORS, code), details, cause);
    this.name = 'RegistryError';
  }
}
