/** STYLE of errors: every code that the server or the contract can give is asserted by a test, not only listed. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENT_ERRORS } from '@pawl/contract/client';
import { FILTER_ERRORS } from '@pawl/contract/filter';
import { EVIDENCE_VAULT_ERRORS } from '../src/acts/evidence/errors.ts';
import { PEOPLE_ERRORS } from '../src/acts/people/errors.ts';
import { REGISTRY_ERRORS } from '../src/acts/registry/errors.ts';
import { SUPPLY_ERRORS } from '../src/acts/supply/errors.ts';
import { TEST_PLAN_ERRORS } from '../src/acts/testing/errors.ts';
import { HANDLING_ERRORS } from '../src/acts/vulnerability/errors.ts';
import { BLOB_ERRORS } from '../src/blobs/errors.ts';
import { EGRESS_ERRORS } from '../src/egress/errors.ts';
import { API_ERRORS } from '../src/http/errors.ts';
import { MENDER_ERRORS } from '../src/http/mender/errors.ts';
import { SERVER_ERRORS } from '../src/main.ts';
import { STORE_ERRORS } from '../src/store/errors.ts';

const TABLES = {
  SERVER_ERRORS,
  EVIDENCE_VAULT_ERRORS,
  EGRESS_ERRORS,
  MENDER_ERRORS,
  PEOPLE_ERRORS,
  REGISTRY_ERRORS,
  HANDLING_ERRORS,
  SUPPLY_ERRORS,
  TEST_PLAN_ERRORS,
  API_ERRORS,
  STORE_ERRORS,
  BLOB_ERRORS,
  CLIENT_ERRORS,
  FILTER_ERRORS,
};
const ROOT = join(import.meta.dirname, '../..');

function testsUnder(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (name) => /\.test\.ts$|^management-examples\.ts$/.test(name) && join(ROOT, folder, name) !== import.meta.filename,
    )
    .map((name) => readFileSync(join(ROOT, folder, name), 'utf8'))
    .join('\n');
}

test('every code is asserted by a test of the server or the contract', () => {
  const text = ['server/src', 'server/test', 'contract/src'].map(testsUnder).join('\n');
  const codes = new Set([...text.matchAll(/['" ]([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)['" ]/g)].map(([, code]) => code));
  const missing = Object.entries(TABLES).flatMap(([table, rows]) =>
    Object.keys(rows).flatMap((code) => (codes.has(code) ? [] : [`${table}.${code}`])),
  );
  assert.deepEqual(missing, []);
});

test('a code stands in one table only, with a sentence, an advice and a status of its kind', () => {
  const seen = new Set<string>();
  for (const [table, rows] of Object.entries(TABLES)) {
    for (const [code, row] of Object.entries(rows)) {
      assert.ok(!seen.has(code), code);
      seen.add(code);
      assert.match(row.message, /^\S.*[^.]$/, code);
      assert.match(row.advice, /^[A-Z`].*[.]$/, code);
      assert.ok(row.status >= 400 && row.status < 600, `${table} ${code}`);
    }
  }
});
