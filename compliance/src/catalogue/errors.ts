import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const CATALOGUE_ERRORS = {
  CATALOGUE_INVALID: {
    message: 'the catalogue is not of its form',
    advice: 'See `at` for the place. Every entry needs a source with a status, and says how it was verified.',
    status: 422,
  },
  CATALOGUE_REFERENCE_UNKNOWN: {
    message: 'a catalogue names an entry that no catalogue has',
    advice: 'Correct the reference (`CATALOGUE id`), or load the catalogue that it means.',
    status: 422,
  },
  CATALOGUE_UNLIKE: {
    message: 'only editions of one catalogue can be compared',
    advice: 'Give two editions of the same catalogue.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type CatalogueErrorCode = keyof typeof CATALOGUE_ERRORS;

/** A catalogue that cannot be taken; nothing of it is used. */
export class CatalogueError extends CodedError<CatalogueErrorCode> {
  constructor(code: CatalogueErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(CATALOGUE_ERRORS, code), details, cause);
    this.name = 'CatalogueError';
  }
}
