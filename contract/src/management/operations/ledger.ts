/** The ledger. */
import { z } from 'zod';
import { checkpoint, ledgerEntry, ledgerPart, ledgerProof, ledgerWitness } from '../resources/ledger.ts';
import { cursor, inUrl, limit, type OperationTable, page } from './operation.ts';

export const LEDGER_OPERATIONS = {
  getCheckpoint: {
    method: 'GET',
    path: '/api/v1/ledger/checkpoint',
    summary: 'The signed checkpoint of the ledger as it stands',
    allow: 'ledger:read',
    response: checkpoint,
    errors: [],
  },
  listEntries: {
    method: 'GET',
    path: '/api/v1/ledger/entries',
    summary: 'Entries of the ledger, oldest first',
    allow: 'ledger:read',
    query: z.strictObject({ from: inUrl(z.number().int().nonnegative()).optional(), cursor, limit }),
    response: page(ledgerEntry),
    errors: [],
  },
  getProof: {
    method: 'GET',
    path: '/api/v1/ledger/proof/{index}',
    summary: 'Inclusion proof of one entry against the current checkpoint',
    allow: 'ledger:read',
    params: z.strictObject({ index: inUrl(z.number().int().nonnegative()) }),
    response: ledgerProof,
    errors: ['LEDGER_ENTRY_UNKNOWN'],
  },
  listWitnesses: {
    method: 'GET',
    path: '/api/v1/ledger/witnesses',
    summary: 'Who is asked to cosign the ledger, and what came of it',
    allow: 'ledger:read',
    response: z.strictObject({ items: z.array(ledgerWitness) }),
    errors: [],
  },
  exportBundle: {
    method: 'GET',
    path: '/api/v1/ledger/bundle',
    summary:
      'The whole ledger, or what concerns a product, a line, a release or some days, as a bundle that proves itself offline (zip)',
    allow: 'ledger:read',
    query: ledgerPart,
    response: 'bytes',
    errors: [],
  },
} as const satisfies OperationTable;
