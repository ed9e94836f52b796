import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const CLIENT_ERRORS = {
  CLIENT_UNREACHABLE: {
    message: 'the server does not answer',
    advice: 'Check the address, and that `pawl serve` runs there.',
    status: 503,
  },
  CLIENT_ANSWER_UNEXPECTED: {
    message: 'the answer is not what this operation gives',
    advice: 'Check that the address is a Pawl server of the same version.',
    status: 502,
  },
} as const satisfies ErrorTable;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

/** A server that cannot be reached or does not speak this contract. */
export class ClientError extends CodedError<ClientErrorCode> {
  constructor(code: ClientErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(CLIENT_ERRORS, code), details, cause);
    this.name = 'ClientError';
  }
}

/** A refusal that the server sent as problem JSON (RFC 9457); the code and the advice are the server's. */
export class RemoteError extends CodedError {
  constructor(problem: {
    readonly code: string;
    readonly title: string;
    readonly advice: string;
    readonly status: number;
  }) {
    super(problem.code, { message: problem.title, advice: problem.advice, status: problem.status });
    this.name = 'RemoteError';
  }
}
