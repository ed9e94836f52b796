/** Brings a PostgreSQL database to the newest schema: step by step, each in a transaction, one process at a time. */
import type { Pool, PoolClient } from 'pg';
import { StoreError } from './errors.ts';
import { MIGRATIONS, POSTGRES_WORDS } from './migrations/index.ts';
import type { Migration } from './migrations/migration.ts';

/**
 * Words of SQLite that our queries use, so that they are one text for both. `glob` is case-sensitive, and an index on the
 * text serves the start of a pattern; ours have no other special character than `*`.
 */
const WORDS = `
  CREATE OR REPLACE FUNCTION glob(pattern TEXT, value TEXT) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT value LIKE replace(replace(replace(replace(pattern, '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%') $$;
  CREATE OR REPLACE FUNCTION json_each(list TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT jsonb_array_elements_text(list::jsonb) $$;
  CREATE OR REPLACE FUNCTION json_extract(object TEXT, path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT jsonb_path_query_first(object::jsonb, path::jsonpath) #>> '{}' $$;
`;

/** Held while the version is read and a step is taken. Sent as one text: the lock and what follows are one round. */
const ENTER = `BEGIN; SELECT pg_advisory_xact_lock(${0x7061776c}, 0);
  CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);${WORDS}`;

/** `TEXT` sorts and compares by bytes, as in SQLite, whatever the locale of the database is. */
function withByteOrder(text: string): string {
  return text.replace(/(?<!\bAS )\bTEXT\b/g, 'TEXT COLLATE "C"');
}

async function takeStep(client: PoolClient, migrations: readonly Migration[]): Promise<boolean> {
  await client.query(ENTER);
  const { rows } = await client.query<{ version: number }>('SELECT version FROM schema_version');
  const version = rows[0]?.version ?? 0;
  if (version > migrations.length)
    throw new StoreError('STORE_NEWER', { expected: migrations.length, actual: version });
  const migration = migrations[version];
  if (migration !== undefined) {
    await client.query(withByteOrder(migration(POSTGRES_WORDS)));
    const change = version === 0 ? 'INSERT INTO schema_version VALUES ($1)' : 'UPDATE schema_version SET version = $1';
    await client.query(change, [version + 1]);
  }
  await client.query('COMMIT');
  return migration !== undefined;
}

/** @throws StoreError STORE_NEWER, and what `pg` throws */
export async function migratePostgres(pool: Pool, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const client = await pool.connect();
  try {
    while (await takeStep(client, migrations));
    client.release();
  } catch (error) {
    // What was begun ends with the connection.
    client.release(true);
    throw error;
  }
}
