/**
 * The one base class of every error that Pawl reports.
 *
 * Each part has a table `code -> { message, advice, status? }` in its `errors.ts` and one subclass whose codes are the
 * keys of that table. A message says what was expected, what came and where; details hold only what is safe to log:
 * never key bytes, tokens or payloads. Text that came from a peer is quoted and cut to 64 characters.
 */

export type ErrorRow = { readonly message: string; readonly advice: string; readonly status?: number };
export type ErrorTable = Readonly<Record<string, ErrorRow>>;
export type ErrorDetails = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

const TEXT_CHARS_MAX = 64;

/** Quotes text that came from outside for use in a message: JSON escapes, at most 64 characters. */
export function quote(text: string): string {
  const cut = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text;
  return JSON.stringify(cut);
}

function describeDetail(value: string | number | bigint | boolean): string {
  return typeof value === 'string' ? quote(value) : String(value);
}

function describeDetails(details: ErrorDetails): string {
  const parts = Object.entries(details).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${describeDetail(value)}`],
  );
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** An error with a stable code, a sentence, advice on what to do, and details that are safe to log. */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly advice: string;
  /** HTTP status that suits this error when it reaches an API; 500 where the table names none. */
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(code: Code, row: ErrorRow, details: ErrorDetails = {}, cause?: unknown) {
    super(row.message + describeDetails(details), cause === undefined ? undefined : { cause });
    this.name = 'CodedError';
    this.code = code;
    this.advice = row.advice;
    this.status = row.status ?? 500;
    this.details = details;
  }
}

/** True for any coded error, from whichever part. */
export function isCodedError(error: unknown): error is CodedError {
  return error instanceof CodedError;
}

/** Looks a row up; a code that is missing from its table is a programmer error. */
export function errorRow<T extends ErrorTable>(table: T, code: keyof T & string): ErrorRow {
  const row = table[code];
  if (row === undefined) throw new TypeError(`error code ${code} is not in its table`);
  return row;
}
