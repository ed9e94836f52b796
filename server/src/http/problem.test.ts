import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlobError } from '../blobs/errors.ts';
import { StoreError } from '../store/errors.ts';
import { ApiError } from './errors.ts';
import { problemOf } from './problem.ts';

test('a coded refusal is told with its code, advice and the request id', () => {
  const problem = problemOf(new ApiError('API_FORBIDDEN', { expected: 'admin' }), 'req-7');
  assert.deepEqual([problem.status, problem.code, problem.requestId], [403, 'API_FORBIDDEN', 'req-7']);
  assert.match(problem.title, /expected "admin"/);
});

test('what is not coded, and a coded fault of ours, is told as 500 with the request id alone', () => {
  const secrets = [
    new Error('secret path /x'),
    new TypeError('secret'),
    'secret',
    new BlobError('BLOB_DAMAGED', { at: 'secret' }),
  ];
  for (const error of secrets) {
    const problem = problemOf(error, 'req-8');
    assert.deepEqual([problem.status, problem.code, problem.requestId], [500, 'API_INTERNAL', 'req-8']);
    assert.doesNotMatch(JSON.stringify(problem), /secret/);
  }
});

test('what an operator can act on keeps its own 5xx', () => {
  assert.equal(problemOf(new BlobError('STORAGE_FULL'), 'r').status, 507);
  assert.equal(problemOf(new StoreError('STORE_FULL'), 'r').code, 'STORE_FULL');
});
