import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const EGRESS_ERRORS = {
  EGRESS_URL_REFUSED: {
    message: 'the server does not send to URLs of this form',
    advice: 'Use https without a user name in it; plain http has to be allowed in the configuration of the server.',
    status: 422,
  },
  EGRESS_PORT_REFUSED: {
    message: 'the server does not send to this port',
    advice: 'Use port 443, or let the configuration of the server allow the port.',
    status: 422,
  },
  EGRESS_ADDRESS_REFUSED: {
    message: 'the name stands for an address that is not public',
    advice: 'Use a public address, or let the configuration of the server allow the network.',
    status: 422,
  },
  EGRESS_NAME_UNRESOLVED: {
    message: 'the name stands for no address',
    advice: 'Check the host name in the URL.',
    status: 502,
  },
  EGRESS_TIMED_OUT: {
    message: 'the other side did not answer in time',
    advice: 'Take the message first and work on it afterwards.',
    status: 504,
  },
  EGRESS_UNREACHABLE: {
    message: 'the other side cannot be reached, or broke off',
    advice: 'Check that it listens, and that its certificate is valid for the name.',
    status: 502,
  },
} as const satisfies ErrorTable;

export type EgressErrorCode = keyof typeof EGRESS_ERRORS;

/** A request that the server does not make, or that did not get an answer. */
export class EgressError extends CodedError<EgressErrorCode> {
  constructor(code: EgressErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(EGRESS_ERRORS, code), details, cause);
    this.name = 'EgressError';
  }
}
