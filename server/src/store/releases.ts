/** Releases and their artifacts. A published release never changes. */
import type { Line, NewRelease, Release } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { ArtifactTable, ReleaseTable } from './schema/index.ts';

export type Advice = Pick<NewRelease, 'notice' | 'references' | 'justification'>;

/** What is kept of why a release is there, beside its urgency. */
export function parseAdvice(text: string): Advice {
  return JSON.parse(text) as Advice;
}

export async function findRelease(db: Db, tenantId: number, id: number): Promise<ReleaseTable | undefined> {
  return await db
    .selectFrom('release')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function findReleaseOf(
  db: Db,
  tenantId: number,
  { line, version }: { readonly line: string; readonly version: string },
): Promise<ReleaseTable | undefined> {
  return await db
    .selectFrom('release')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('line', '=', line)
    .where('version', '=', version)
    .executeTakeFirst();
}

export async function listArtifacts(db: Db, releaseId: number): Promise<ArtifactTable[]> {
  return await db.selectFrom('artifact').selectAll().where('release_id', '=', releaseId).orderBy('name').execute();
}

type Marks = 'urgency' | 'advice' | 'changed_ms' | 'image_sha256';
export type NewReleaseRow = Omit<ReleaseTable, 'id' | 'state' | 'published_ms' | Marks> &
  Partial<Pick<ReleaseTable, Marks>>;

/** Inserts a draft; undefined when line and version are taken. */
export async function insertRelease(
  trx: Trx,
  row: NewReleaseRow,
  artifacts: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[],
): Promise<number | undefined> {
  const inserted = await trx
    .insertInto('release')
    .values({ changed_ms: row.created_ms, ...row, state: 'draft', published_ms: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted === undefined) return undefined;
  const values = artifacts.map(({ name, sizeBytes, sha256 }) => ({
    release_id: inserted.id,
    name,
    size_bytes: sizeBytes,
    sha256,
    sha1: null,
    md5: null,
    uploaded_ms: null,
  }));
  await trx.insertInto('artifact').values(values).execute();
  return inserted.id;
}

export async function markUploaded(
  trx: Trx,
  releaseId: number,
  name: string,
  facts: { readonly sha1: string; readonly md5: string; readonly nowMs: number },
): Promise<void> {
  await trx
    .updateTable('artifact')
    .set({ sha1: facts.sha1, md5: facts.md5, uploaded_ms: facts.nowMs })
    .where('release_id', '=', releaseId)
    .where('name', '=', name)
    .execute();
}

/** Somebody works on it: what it needs is kept. */
export async function touchRelease(trx: Trx, id: number, nowMs: number): Promise<void> {
  await trx.updateTable('release').set({ changed_ms: nowMs }).where('id', '=', id).execute();
}

export async function markPublished(trx: Trx, releaseId: number, change: Partial<ReleaseTable>): Promise<void> {
  await trx
    .updateTable('release')
    .set({ ...change, state: 'published' })
    .where('id', '=', releaseId)
    .execute();
}

export async function queryReleases(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly line?: string | undefined;
    readonly beforeId?: number | undefined;
    readonly limit: number;
  },
): Promise<ReleaseTable[]> {
  let select = db.selectFrom('release').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.line !== undefined) select = select.where('line', '=', query.line);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

/** A release as the management API shows it. */
export function releaseView(row: ReleaseTable, artifacts: readonly ArtifactTable[]): Release {
  return {
    id: row.id,
    line: row.line,
    version: row.version,
    kind: row.kind,
    state: row.state,
    sequenceNumber: row.sequence_number,
    securityCounter: row.security_counter,
    urgency: row.urgency,
    ...parseAdvice(row.advice),
    artifacts: artifacts.map(({ name, size_bytes, sha256, uploaded_ms }) => ({
      name,
      sizeBytes: size_bytes,
      sha256,
      isUploaded: uploaded_ms !== null,
    })),
    createdAt: new Date(row.created_ms).toISOString(),
    publishedAt: row.published_ms === null ? null : new Date(row.published_ms).toISOString(),
  };
}

export async function saveLine(trx: Trx, tenantId: number, { name, certificatesPem }: Line): Promise<void> {
  const certificates = JSON.stringify(certificatesPem);
  await trx
    .insertInto('line')
    .values({ tenant_id: tenantId, name, certificates })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doUpdateSet({ certificates }))
    .execute();
}

/** The certificates that may sign foreign images of a line. */
export async function readLineCertificates(db: Db, tenantId: number, line: string): Promise<string[]> {
  const row = await db
    .selectFrom('line')
    .select('certificates')
    .where('tenant_id', '=', tenantId)
    .where('name', '=', line)
    .executeTakeFirst();
  return row === undefined ? [] : (JSON.parse(row.certificates) as string[]);
}
