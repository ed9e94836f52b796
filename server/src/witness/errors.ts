import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const WITNESS_ERRORS = {
  WITNESS_FOLDER_EXISTS: {
    message: 'there is something in the folder of the new witness already',
    advice: 'A witness is made once: run it without --new, or name a folder that does not exist yet.',
    status: 409,
  },
  WITNESS_FOLDER_DAMAGED: {
    message: 'the folder of the witness is missing, incomplete or not readable',
    advice:
      'Make a witness once with --new. One that lost what it saw must not go on under its key: make another, and have its new key trusted.',
    status: 409,
  },
  WITNESS_FOLDER_BUSY: {
    message: 'another process runs this witness',
    advice: 'One process at a time may answer for a witness; end the other one.',
    status: 503,
  },
} as const satisfies ErrorTable;

export type WitnessErrorCode = keyof typeof WITNESS_ERRORS;

/** A witness that must not start. */
export class WitnessError extends CodedError<WitnessErrorCode> {
  constructor(code: WitnessErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(WITNESS_ERRORS, code), details, cause);
    this.name = 'WitnessError';
  }
}
