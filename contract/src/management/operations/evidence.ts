/** The evidence vault. */
import { z } from 'zod';
import { EVIDENCE_FILE_BYTES_MAX, evidence, newEvidence } from '../resources/evidence.ts';
import { productName, sentence, sha256Hex } from '../resources/names.ts';
import { byId, cursor, done, inUrl, limit, type OperationTable, page } from './operation.ts';

export const EVIDENCE_OPERATIONS = {
  putEvidenceFile: {
    method: 'PUT',
    path: '/api/v1/evidence-files/{sha256}',
    summary: 'Upload the file of a document; it is evidence when it is added',
    allow: 'evidence:write',
    params: z.strictObject({ sha256: sha256Hex }),
    query: z.strictObject({ sizeBytes: inUrl(z.number().int().min(1).max(EVIDENCE_FILE_BYTES_MAX)) }),
    body: 'bytes',
    bodyBytesMax: EVIDENCE_FILE_BYTES_MAX,
    response: done,
    errors: ['ARTIFACT_MISMATCH', 'OBJECT_LEAVING', 'STORAGE_FULL'],
  },
  addEvidence: {
    method: 'POST',
    path: '/api/v1/evidence',
    summary: 'Take an uploaded document in as evidence',
    allow: 'evidence:write',
    body: newEvidence,
    response: evidence,
    errors: [
      'EVIDENCE_FILE_MISSING',
      'EVIDENCE_FILE_NOT_OF_TYPE',
      'EVIDENCE_GRADE_TOO_HIGH',
      'EVIDENCE_INCOMPLETE',
      'EVIDENCE_WORD_UNKNOWN',
      'EVIDENCE_UNKNOWN',
      'EVIDENCE_ENDED',
    ],
  },
  listEvidence: {
    method: 'GET',
    path: '/api/v1/evidence',
    summary: 'Documents that were taken in, newest first',
    allow: 'evidence:read',
    query: z.strictObject({
      product: productName.optional(),
      state: z.enum(['current', 'superseded', 'withdrawn']).optional(),
      cursor,
      limit,
    }),
    response: page(evidence),
    errors: [],
  },
  getEvidence: {
    method: 'GET',
    path: '/api/v1/evidence/{id}',
    summary: 'One document that was taken in',
    allow: 'evidence:read',
    params: byId,
    response: evidence,
    errors: ['EVIDENCE_UNKNOWN'],
  },
  getEvidenceFile: {
    method: 'GET',
    path: '/api/v1/evidence/{id}/file',
    summary: 'The bytes of a document, as they were uploaded',
    allow: 'evidence:read',
    params: byId,
    response: 'bytes',
    responseType: 'application/octet-stream',
    errors: ['EVIDENCE_UNKNOWN', 'BLOB_DAMAGED'],
  },
  withdrawEvidence: {
    method: 'POST',
    path: '/api/v1/evidence/{id}/withdraw',
    summary: 'Say that a document counts no more; it is kept all the same',
    allow: 'evidence:write',
    params: byId,
    body: z.strictObject({ reason: sentence }),
    response: evidence,
    errors: ['EVIDENCE_UNKNOWN', 'EVIDENCE_ENDED'],
  },
} as const satisfies OperationTable;
