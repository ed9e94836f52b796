import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const PRODUCT_ERRORS = {
  PRODUCT_INVALID: {
    message: 'the product file is not of its form',
    advice: 'See `line` and `at` for the place, and `expected` for what belongs there.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type ProductErrorCode = keyof typeof PRODUCT_ERRORS;

/** A product file that cannot be taken; nothing of it is used. */
export class ProductError extends CodedError<ProductErrorCode> {
  constructor(code: ProductErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(PRODUCT_ERRORS, code), details, cause);
    this.name = 'ProductError';
  }
}
