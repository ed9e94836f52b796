/** Laboratories, test plans and results. */
import { z } from 'zod';
import { productName } from '../resources/names.ts';
import { laboratories, laboratoryDirectory, newTestPlan, newTestResults, testPlan } from '../resources/testing.ts';
import { byId, cursor, limit, type OperationTable, page } from './operation.ts';

const BODY_BYTES_MAX = 2 * 2 ** 20;

export const TESTING_OPERATIONS = {
  importLaboratories: {
    method: 'POST',
    path: '/api/v1/laboratories',
    summary: 'Write the directory of laboratories down; it takes the place of the one before, which is kept',
    allow: 'evidence:write',
    body: z.strictObject({ laboratories }),
    bodyBytesMax: BODY_BYTES_MAX,
    response: laboratoryDirectory,
    errors: [],
  },
  listLaboratories: {
    method: 'GET',
    path: '/api/v1/laboratories',
    summary: 'The directory of laboratories',
    allow: 'evidence:read',
    response: laboratoryDirectory,
    errors: [],
  },
  makeTestPlan: {
    method: 'POST',
    path: '/api/v1/test-plans',
    summary: 'Plan the tests of models by one edition of one catalogue, at a laboratory of the directory',
    allow: 'evidence:write',
    body: newTestPlan,
    response: testPlan,
    errors: [
      'PRODUCT_UNKNOWN',
      'PRODUCT_MODEL_UNKNOWN',
      'EVIDENCE_WORD_UNKNOWN',
      'LABORATORY_UNKNOWN',
      'TEST_EDITION_OTHER',
    ],
  },
  listTestPlans: {
    method: 'GET',
    path: '/api/v1/test-plans',
    summary: 'Test plans, newest first',
    allow: 'evidence:read',
    query: z.strictObject({ product: productName.optional(), cursor, limit }),
    response: page(testPlan),
    errors: [],
  },
  getTestPlan: {
    method: 'GET',
    path: '/api/v1/test-plans/{id}',
    summary: 'One test plan with its results, what is open, and when to begin',
    allow: 'evidence:read',
    params: byId,
    response: testPlan,
    errors: ['TEST_PLAN_UNKNOWN'],
  },
  importTestResults: {
    method: 'POST',
    path: '/api/v1/test-plans/{id}/results',
    summary: 'Take results in; all of them, or none',
    allow: 'evidence:write',
    params: byId,
    body: newTestResults,
    bodyBytesMax: BODY_BYTES_MAX,
    response: testPlan,
    errors: [
      'TEST_PLAN_UNKNOWN',
      'TEST_EDITION_OTHER',
      'TEST_UNPLANNED',
      'EVIDENCE_FILE_MISSING',
      'EVIDENCE_FILE_NOT_OF_TYPE',
    ],
  },
} as const satisfies OperationTable;
