import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const SUPPLIER_ERRORS = {
  INQUIRY_TEMPLATE_INVALID: {
    message: 'the template of an inquiry is not of its form',
    advice:
      'See `line` and `at` for the place, and `expected` for what belongs there; `pawl inquiry template` prints one.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type SupplierErrorCode = keyof typeof SUPPLIER_ERRORS;

/** A template that cannot be taken. */
export class SupplierError extends CodedError<SupplierErrorCode> {
  constructor(code: SupplierErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(SUPPLIER_ERRORS, code), details, cause);
    this.name = 'SupplierError';
  }
}
