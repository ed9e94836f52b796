import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const EVIDENCE_VAULT_ERRORS = {
  EVIDENCE_UNKNOWN: {
    message: 'there is no such evidence',
    advice: 'List it with `pawl evidence list`.',
    status: 404,
  },
  EVIDENCE_ENDED: {
    message: 'the evidence was replaced or withdrawn already',
    advice: 'Look at it with `pawl evidence show`; add the document anew if it counts again.',
    status: 409,
  },
  EVIDENCE_FILE_MISSING: {
    message: 'the file was not uploaded',
    advice: 'Upload the file first, under its SHA-256; `pawl evidence add` does both.',
    status: 409,
  },
  EVIDENCE_FILE_NOT_OF_TYPE: {
    message: 'the file does not begin as files of this media type do',
    advice: 'Name the media type that the file has, or export the document anew.',
    status: 422,
  },
  EVIDENCE_GRADE_TOO_HIGH: {
    message: 'a document of this kind cannot show as much',
    advice: 'Leave the grade out: it follows from the kind of document. Only a device can show what was observed.',
    status: 422,
  },
  EVIDENCE_INCOMPLETE: {
    message: 'something is missing that a document of this kind has to say',
    advice: 'Name the edition of the standard or test specification that it was made by.',
    status: 422,
  },
  EVIDENCE_WORD_UNKNOWN: {
    message: 'no catalogue knows this requirement or this kind of evidence',
    advice: 'Look them up with `pawl catalogue show`; requirements are named as `EU-CRA I.2.f`.',
    status: 422,
  },
  PRODUCT_UNKNOWN: {
    message: 'there is no such product, or no such version of it',
    advice: 'List them with `pawl product list`; write one down with `pawl product put`.',
    status: 404,
  },
  PRODUCT_MODEL_UNKNOWN: {
    message: 'the product has no such model',
    advice: 'Look at its models with `pawl product show`.',
    status: 404,
  },
  PRODUCT_MISNAMED: {
    message: 'the file describes a product of another name',
    advice: 'The name in the address and `product` in the file are the same.',
    status: 422,
  },
  MARKET_GATE_HELD: {
    message: 'the records hold this model back from this market',
    advice:
      'Look at `pawl gap gate`; add the evidence, or let somebody else than the author pass it: `pawl product pass`.',
    status: 409,
  },
  WAIVER_UNKNOWN: {
    message: 'nobody asked for this',
    advice: 'List what was asked with `pawl product waivers`.',
    status: 404,
  },
  WAIVER_MISPLACED: {
    message: 'there is no such model or requirement, or the requirement counts for nothing anyway',
    advice: 'Name a model of the product and a requirement as `pawl gap show --json` does; watch items never count.',
    status: 422,
  },
  WAIVER_DECIDED: {
    message: 'this was decided already',
    advice: 'Ask anew if it is to be decided otherwise.',
    status: 409,
  },
  WAIVER_BY_AUTHOR: {
    message: 'nobody approves what they asked for themselves',
    advice: 'Let somebody else approve it.',
    status: 403,
  },
  WAIVER_BY_MACHINE: {
    message: 'only a person decides what does not apply',
    advice: 'Use the token or session of a person who may approve.',
    status: 403,
  },
} as const satisfies ErrorTable;

export type EvidenceVaultErrorCode = keyof typeof EVIDENCE_VAULT_ERRORS;

/** What the evidence vault refuses. */
export class EvidenceVaultError extends CodedError<EvidenceVaultErrorCode> {
  constructor(code: EvidenceVaultErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(EVIDENCE_VAULT_ERRORS, code), details, cause);
    this.name = 'EvidenceVaultError';
  }
}
