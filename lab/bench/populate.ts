/**
 * A million registered devices in seconds, all heard of before: the row of one device that was added through the API is copied by the database
 * itself, with names and token digests of the copies' own. The server is down meanwhile.
 */
import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { psql } from '../src/stage/postgres.ts';

/** What is not copied: it is made by the database or differs in each. */
const OWN_COLUMNS = new Set(['id', 'controller_id', 'token_sha256']);

export function nameOf(index: number): string {
  return `bench-${index}`;
}

export function tokenOf(index: number): string {
  return `token-of-${nameOf(index)}`;
}

function insertOf(columns: readonly string[], source: string, digest: string, template: string): string {
  const copied = columns.filter((column) => !OWN_COLUMNS.has(column));
  const values = copied.map((column) => (column === 'is_heard' ? '1' : `d.${column}`));
  return `INSERT INTO device (controller_id, token_sha256, ${copied.join(', ')})
    SELECT 'bench-' || i, ${digest}, ${values.join(', ')}
    FROM ${source}, device d WHERE d.controller_id = '${template}';
    INSERT INTO device_seen (device_id, last_seen_ms) SELECT id, created_ms FROM device WHERE is_heard = 1`;
}

function populateSqlite(dataDir: string, template: string, count: number): void {
  const db = new DatabaseSync(`${dataDir}/pawl.db`);
  try {
    db.function('bench_digest', { deterministic: true }, (index) => hash('sha256', tokenOf(Number(index)), 'buffer'));
    const columns = db
      .prepare('PRAGMA table_info(device)')
      .all()
      .map((row) => String(row['name']));
    db.exec('PRAGMA synchronous=OFF; PRAGMA cache_size=-400000; BEGIN;');
    const source = `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) SELECT i FROM n)`;
    db.exec(insertOf(columns, source, 'bench_digest(i)', template));
    db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE);');
  } finally {
    db.close();
  }
}

function populatePostgres(url: string, template: string, count: number): void {
  const columns = psql(
    url,
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'device' AND table_schema = current_schema()",
  );
  const digest = "sha256(convert_to('token-of-bench-' || i, 'UTF8'))";
  psql(url, insertOf(columns.split('\n'), `generate_series(0, ${count - 1}) AS n(i)`, digest, template));
  psql(url, 'VACUUM ANALYZE device, device_seen');
}

/** Adds devices `bench-0` … with tokens of `tokenOf`, made after a device that is there. */
export function populate(
  place: { readonly dataDir: string; readonly url?: string | undefined },
  template: string,
  count: number,
): void {
  if (place.url === undefined) populateSqlite(place.dataDir, template, count);
  else populatePostgres(place.url, template, count);
}
