/**
 * A database as an earlier Pawl left it: the schema of a version, and rows that are valid there. One device has an update in
 * hand, one waits for a rollout that was never started, an admin's token is good, the ledger has an entry.
 */
import { DatabaseSync } from 'node:sqlite';
import type { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, leafHash, newStatement, signStatement } from '@pawl/core/evidence';
import pg from 'pg';
import { secretSha256 } from '../src/acts/secret.ts';
import { MIGRATIONS, SQLITE_WORDS } from '../src/store/migrations/index.ts';
import { LAST_SEEN } from '../src/store/migrations/last-seen.ts';
import { PEOPLE } from '../src/store/migrations/people.ts';
import { ROLLOUT_ENGINE } from '../src/store/migrations/rollout-engine.ts';
import { migratePostgres } from '../src/store/postgres-migrate.ts';
import { poolOptions } from '../src/store/postgres-options.ts';
import type { Place } from './fault-server.ts';

type Value = string | number | null | Uint8Array;
type Row = readonly [table: string, values: Readonly<Record<string, Value>>];

export const OLD_TOKEN = 'token-of-an-admin';
export const DEVICE_TOKEN = 'token-of';
export const ASSIGNMENT = 11;
export const AT = Date.UTC(2026, 0, 2);
const ADMIN =
  'device:read release:read rollout:read ledger:read device:write rollout:write release:write rollout:approve audit:read';

async function ledgerRows(key: PrivateKey): Promise<Row[]> {
  const subject = 'release/hub/1.0.0';
  const statement = newStatement({
    predicateType: 'urn:pawl:release:1',
    subject: [{ name: subject, digest: { sha256: 'ab'.repeat(32) } }],
    predicate: { act: 'publish', line: 'hub', version: '1.0.0', kind: 'foreign', at: new Date(AT).toISOString() },
  });
  const envelope = encodeEnvelope(await signStatement(statement, key));
  return [
    ['ledger_entry', { idx: 0, envelope, predicate_type: 'urn:pawl:release:1', subject }],
    ['ledger_node', { level: 0, idx: 0, hash: leafHash(envelope) }],
  ];
}

function device(controller_id: string): Row {
  const token = { token_sha256: secretSha256(`${DEVICE_TOKEN}-${controller_id}`) };
  const lists = { tags: '["old"]', attributes: '{"note":"kept"}', wants_attributes: 0, report_counter: 0 };
  const row = { tenant_id: 1, controller_id, model: 'hub', line: 'hub', kind: 'foreign', created_ms: AT };
  return ['device', { ...row, ...token, ...lists, installed_version: '0.9.0' }];
}

function rollout(name: string, state: string): Row {
  const what = { tenant_id: 1, name, release_id: 1, filter: '', success_kind: 'reported' };
  return ['rollout', { ...what, is_forced: 1, needs_consent: 0, state, created_ms: AT }];
}

const UNDER_WAY: Row[1] = {
  id: ASSIGNMENT,
  tenant_id: 1,
  device_id: 1,
  release_id: 1,
  rollout_id: 1,
  state: 'downloading',
  active: 1,
  is_forced: 1,
  created_ms: AT,
  updated_ms: AT,
};

/** Rows of the tables of the first version; ids are counted up from 1. */
const BASE_ROWS: readonly Row[] = [
  ['tenant', { name: 'default' }],
  device('busy'),
  device('idle'),
  [
    'release',
    {
      tenant_id: 1,
      line: 'hub',
      version: '1.0.0',
      kind: 'foreign',
      state: 'published',
      created_ms: AT,
      published_ms: AT,
    },
  ],
  ['artifact', { release_id: 1, name: 'a.swu', size_bytes: 3, sha256: 'ab'.repeat(32), uploaded_ms: AT }],
  rollout('under way', 'running'),
  rollout('not started', 'ready'),
  ['wave', { rollout_id: 1, position: 1, state: 'running', started_ms: AT }],
  ['wave', { rollout_id: 2, position: 1, state: 'waiting', started_ms: null }],
  ['assignment', UNDER_WAY],
  ['assignment_log', { assignment_id: ASSIGNMENT, at_ms: AT, status: 'RUNNING', messages: '["at half"]' }],
];

/** Who is of a rollout, before and since the engine of rollouts. */
function memberRows(version: number): Row[] {
  if (version <= MIGRATIONS.indexOf(ROLLOUT_ENGINE)) {
    return [1, 2].map((id) => ['wave_device', { rollout_id: id, position: 1, device_id: id }]);
  }
  const busy = { rollout_id: 1, position: 1, outcome: 'active' };
  const idle = { rollout_id: 2, position: 0, outcome: 'waiting' };
  return [
    ['rollout_member', { ...busy, device_id: 1, draw: 1, attempts: 1, assignment_id: ASSIGNMENT }],
    ['rollout_member', { ...idle, device_id: 2, draw: 2, attempts: 0, assignment_id: null }],
    ['rollout_tally', { ...busy, change: 1 }],
    ['rollout_tally', { ...idle, change: 1 }],
  ];
}

/** What of the rows above is kept elsewhere, and numbers of them that are kept beside them. */
function changes(version: number): string[] {
  const seen =
    version <= MIGRATIONS.indexOf(LAST_SEEN)
      ? `UPDATE device SET last_seen_ms = ${AT} WHERE controller_id = 'busy'`
      : `INSERT INTO device_seen SELECT id, ${AT} FROM device WHERE controller_id = 'busy'`;
  if (version <= MIGRATIONS.indexOf(ROLLOUT_ENGINE)) return [seen];
  return [seen, 'UPDATE rollout SET devices = 1', `UPDATE counter SET value = ${ASSIGNMENT} WHERE name = 'assignment'`];
}

function tokenRow(version: number): Row {
  const now = Date.now();
  const row = { sha256: secretSha256(OLD_TOKEN), tenant_id: 1, label: 'old', created_ms: now };
  if (version <= MIGRATIONS.indexOf(PEOPLE)) return ['api_token', { ...row, role: 'admin' }];
  return ['token', { ...row, permissions: JSON.stringify(ADMIN.split(' ')), expires_ms: now + 86_400_000 }];
}

/**
 * The versions that are tried: the first, the last, those on both sides of a step that changed where the rows here stand,
 * and every `step`-th of the others, which differ from them by tables that are empty.
 */
export function triedVersions(step: number): number[] {
  const turns = [PEOPLE, ROLLOUT_ENGINE, LAST_SEEN].map((migration) => MIGRATIONS.indexOf(migration));
  const tried = new Set([1, ...turns, ...turns.map((turn) => turn + 1), MIGRATIONS.length - 1]);
  for (let version = step; version < MIGRATIONS.length; version += step) tried.add(version);
  return [...tried].filter((version) => version < MIGRATIONS.length).sort((a, b) => a - b);
}

/** Makes the database of a version at a place; the place is empty. */
export async function makeOldDatabase(version: number, { folder, url, ledgerKey }: Place): Promise<void> {
  const rows = [...BASE_ROWS, ...memberRows(version), tokenRow(version), ...(await ledgerRows(ledgerKey))];
  const migrations = MIGRATIONS.slice(0, version);
  const insert = ([table, values]: Row, mark: (index: number) => string): string => {
    const names = Object.keys(values);
    return `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, index) => mark(index)).join(', ')})`;
  };
  if (url === undefined) {
    const db = new DatabaseSync(`${folder}/pawl.db`);
    for (const migration of migrations) db.exec(migration(SQLITE_WORDS));
    db.exec(`PRAGMA user_version = ${version}`);
    for (const row of rows) db.prepare(insert(row, () => '?')).run(...Object.values(row[1]));
    for (const change of changes(version)) db.exec(change);
    db.close();
    return;
  }
  const pool = new pg.Pool({ ...poolOptions(url), max: 1 });
  await migratePostgres(pool, migrations);
  for (const row of rows)
    await pool.query(
      insert(row, (index) => `$${index + 1}`),
      Object.values(row[1]),
    );
  for (const change of changes(version)) await pool.query(change);
  await pool.end();
}
