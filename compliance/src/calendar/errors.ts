import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const CALENDAR_ERRORS = {
  CALENDAR_INVALID: {
    message: 'the calendar of deadlines is not of its form',
    advice: 'See `at` for the place. Every date needs its kind, its source and how that was verified.',
    status: 422,
  },
  CALENDAR_PLAN_INVALID: {
    message: 'the plan cannot be scheduled backwards',
    advice: 'Give steps in the order in which they are done, each with a length, and a day as the end.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type CalendarErrorCode = keyof typeof CALENDAR_ERRORS;

/** Deadlines or plans that cannot be taken. */
export class CalendarError extends CodedError<CalendarErrorCode> {
  constructor(code: CalendarErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(CALENDAR_ERRORS, code), details, cause);
    this.name = 'CalendarError';
  }
}
