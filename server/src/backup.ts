/**
 * A copy of a data folder while its server runs, and the way back. The database comes first, as one snapshot; the objects that
 * it names never change, so that they may be copied after it. The manifest comes last: a copy without one is none.
 *
 * The keys are in it, sealed, with the secret that opens them: keep a backup as you keep the folder itself.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { ServerError } from './acts/errors.ts';
import { FolderBlobs } from './blobs/folder-blobs.ts';

const FORMAT = 'urn:pawl:backup:1';
const MANIFEST = 'manifest.json';
/** What a backup may hold; a manifest that names anything else is not followed. */
const PATH = /^(?:pawl\.db|keys\/[a-z]+(?:\.json)?|blobs\/sha256\/[0-9a-f]{2}\/[0-9a-f]{64})$/;
const ManifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  createdAt: z.iso.datetime(),
  files: z.record(
    z.string().regex(PATH),
    z.strictObject({ sizeBytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

export type BackupSummary = { readonly files: number; readonly sizeBytes: number; readonly manifestSha256: string };

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function digestOf(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => `${entry.parentPath}/${entry.name}`);
  return paths.map((path) => path.slice(folder.length + 1)).sort((a, b) => (a < b ? -1 : 1));
}

type Artifact = { readonly sha256: string; readonly sizeBytes: number };

/** One snapshot of the database, whoever writes to it meanwhile. Returns the objects that it names. */
function copyDatabase(from: string, to: string): Artifact[] {
  const source = new DatabaseSync(from, { readOnly: true, timeout: 5000 });
  try {
    source.prepare('VACUUM INTO ?').run(to);
  } finally {
    source.close();
  }
  const copy = new DatabaseSync(to, { readOnly: true });
  try {
    const rows = copy.prepare('SELECT DISTINCT sha256, size_bytes FROM artifact WHERE uploaded_ms IS NOT NULL').all();
    return rows.map((row) => ({ sha256: String(row['sha256']), sizeBytes: Number(row['size_bytes']) }));
  } finally {
    copy.close();
  }
}

async function copyObjects(from: string, to: string, artifacts: readonly Artifact[]): Promise<void> {
  const source = new FolderBlobs(from);
  const target = new FolderBlobs(to);
  for (const { sha256, sizeBytes } of artifacts) {
    await target.write(source.open(sha256, { start: 0, end: Math.max(0, sizeBytes - 1) }), { sha256, sizeBytes });
  }
  await target.clearIncoming();
  await rm(`${to}/incoming`, { recursive: true, force: true });
}

async function writeManifest(out: string, createdAt: Date): Promise<BackupSummary> {
  const files: Record<string, { sizeBytes: number; sha256: string }> = {};
  for (const path of await filesUnder(out)) {
    files[path] = await digestOf(`${out}/${path}`);
    await sync(`${out}/${path}`);
  }
  const text = `${JSON.stringify({ format: FORMAT, createdAt: createdAt.toISOString(), files }, undefined, 1)}\n`;
  await writeFile(`${out}/${MANIFEST}.new`, text, { flush: true, mode: 0o600 });
  await rename(`${out}/${MANIFEST}.new`, `${out}/${MANIFEST}`);
  await sync(out);
  const manifestSha256 = createHash('sha256').update(text).digest('hex');
  const sizeBytes = Object.values(files).reduce((sum, file) => sum + file.sizeBytes, 0);
  return { files: Object.keys(files).length, sizeBytes, manifestSha256 };
}

async function requireEmpty(path: string): Promise<void> {
  const names = existsSync(path) ? await readdir(path) : [];
  if (names.length > 0) throw new ServerError('BACKUP_TARGET_NOT_EMPTY', { path });
}

/**
 * Copies a data folder, whose server may be running, into a new folder.
 * @throws ServerError BACKUP_TARGET_NOT_EMPTY, BACKUP_SOURCE_MISSING; BlobError
 */
export async function backupFolder(dataDir: string, out: string, createdAt: Date): Promise<BackupSummary> {
  if (!existsSync(`${dataDir}/pawl.db`)) throw new ServerError('BACKUP_SOURCE_MISSING', { path: `${dataDir}/pawl.db` });
  await requireEmpty(out);
  await mkdir(`${out}/keys`, { recursive: true, mode: 0o700 });
  const artifacts = copyDatabase(`${dataDir}/pawl.db`, `${out}/pawl.db`);
  for (const name of await readdir(`${dataDir}/keys`)) {
    if (PATH.test(`keys/${name}`)) await copyFile(`${dataDir}/keys/${name}`, `${out}/keys/${name}`);
  }
  await copyObjects(`${dataDir}/blobs`, `${out}/blobs`, artifacts);
  return await writeManifest(out, createdAt);
}

function parseManifest(text: string): z.infer<typeof ManifestSchema> {
  try {
    return ManifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ServerError('BACKUP_DAMAGED', { at: MANIFEST }, cause);
  }
}

async function readManifest(from: string, expected: string | undefined): Promise<z.infer<typeof ManifestSchema>> {
  const text = await readFile(`${from}/${MANIFEST}`, 'utf8').catch((cause: unknown) => {
    throw new ServerError('BACKUP_DAMAGED', { at: MANIFEST }, cause);
  });
  const actual = createHash('sha256').update(text).digest('hex');
  if (expected !== undefined && actual !== expected)
    throw new ServerError('BACKUP_DAMAGED', { at: MANIFEST, expected, actual });
  return parseManifest(text);
}

function verifyDatabase(path: string): void {
  const database = new DatabaseSync(path);
  try {
    const [row] = database.prepare('PRAGMA integrity_check').all();
    if (row?.['integrity_check'] !== 'ok') throw new ServerError('BACKUP_DAMAGED', { at: 'pawl.db' });
  } finally {
    database.close();
  }
}

/**
 * Makes a data folder from a backup. Every file is compared with the manifest where it lies in the end; until all of them are
 * right there is no data folder.
 * @throws ServerError BACKUP_DAMAGED, BACKUP_TARGET_NOT_EMPTY
 */
export async function restoreFolder(
  from: string,
  dataDir: string,
  manifestSha256?: string,
): Promise<{ readonly files: number }> {
  await requireEmpty(dataDir);
  const { files } = await readManifest(from, manifestSha256);
  const paths = Object.keys(files);
  const found = (await filesUnder(from)).filter((path) => path !== MANIFEST);
  const odd = [...found.filter((path) => files[path] === undefined), ...paths.filter((path) => !found.includes(path))];
  if (odd.length > 0) throw new ServerError('BACKUP_DAMAGED', { at: odd[0] });
  const temporary = `${dataDir}.restoring`;
  await rm(temporary, { recursive: true, force: true });
  try {
    for (const [path, { sizeBytes, sha256 }] of Object.entries(files)) {
      await mkdir(dirname(`${temporary}/${path}`), { recursive: true, mode: 0o700 });
      await copyFile(`${from}/${path}`, `${temporary}/${path}`);
      const actual = await digestOf(`${temporary}/${path}`);
      if (actual.sha256 !== sha256 || actual.sizeBytes !== sizeBytes)
        throw new ServerError('BACKUP_DAMAGED', { at: path });
      await sync(`${temporary}/${path}`);
    }
    verifyDatabase(`${temporary}/pawl.db`);
    await rm(dataDir, { recursive: true, force: true });
    await rename(temporary, dataDir);
    await sync(dirname(dataDir));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return { files: paths.length };
}
