/**
 * A folder of documents: every file with its digest in manifest.json, and, when it is frozen for a release, a statement
 * (in-toto in DSSE, `urn:pawl:documents:1`) over the manifest in frozen.dsse.json. Who verifies believes nothing of the folder
 * but what the given key has signed: a file that is changed, missing or added is said by name.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Records } from '@pawl/compliance/document';
import type { FrozenDocuments } from '@pawl/contract/management';
import { keyIdOf } from '@pawl/core/cose';
import type { PublicKey, Signer } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, parseEnvelope, signStatement, verifyStatement } from '@pawl/core/evidence';
import { CliError } from '../frame/errors.ts';
import { readInput, writeOutput } from './files.ts';

const PREDICATE_TYPE = 'urn:pawl:documents:1';
const MANIFEST_FILE = 'manifest.json';
export const FROZEN_FILE = 'frozen.dsse.json';

type ManifestFile = { readonly name: string; readonly sha256: string };
type WrittenFile = ManifestFile & { readonly title: string; readonly gaps: number };

export type DocumentManifest = {
  readonly product: string;
  readonly on: string;
  readonly release?: string;
  readonly evidence: number;
  readonly files: readonly WrittenFile[];
};

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes all documents and the manifest. Equal records give equal files. @throws CliError CLI_FILE_UNWRITABLE */
export async function writeDocuments(records: Records, folder: string, release?: string): Promise<DocumentManifest> {
  const { renderFiles } = await import('@pawl/compliance/paper');
  const files: WrittenFile[] = [];
  for await (const { bytes, ...file } of renderFiles(records)) {
    await writeOutput(join(folder, file.name), bytes);
    files.push(file);
  }
  const { product, on, evidence } = records;
  const named = release === undefined ? {} : { release };
  const manifest = { product: product.product, on, ...named, evidence: evidence.length, files };
  await writeOutput(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** What the ledger is told of a folder. @throws CliError */
export async function frozenOf(folder: string, release: string): Promise<FrozenDocuments> {
  const bytes = await readInput(join(folder, MANIFEST_FILE));
  const { on, files } = parseManifest(bytes, folder);
  return { release, on, files: files.length, sha256: sha256(bytes) };
}

/** Signs the manifest of a folder. @throws CliError */
export async function signDocuments(folder: string, release: string, signer: Signer): Promise<void> {
  const bytes = await readInput(join(folder, MANIFEST_FILE));
  const { product, on, files } = parseManifest(bytes, folder);
  const statement = newStatement({
    predicateType: PREDICATE_TYPE,
    subject: [{ name: MANIFEST_FILE, digest: { sha256: sha256(bytes) } }],
    predicate: { product, release, on, files: String(files.length) },
  });
  await writeOutput(join(folder, FROZEN_FILE), encodeEnvelope(await signStatement(statement, signer)));
}

function isFile(value: unknown): value is ManifestFile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'sha256' in value &&
    typeof value.sha256 === 'string'
  );
}

type ReadManifest = { readonly product: string; readonly on: string; readonly files: readonly ManifestFile[] };

function parseManifest(bytes: Uint8Array, folder: string): ReadManifest {
  const malformed = new CliError('CLI_DOCUMENTS_CHANGED', { folder, file: MANIFEST_FILE, reason: 'not a manifest' });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw malformed;
  }
  if (typeof value !== 'object' || value === null) throw malformed;
  const { product, on, files } = value as Readonly<Record<string, unknown>>;
  if (typeof product !== 'string' || typeof on !== 'string' || !Array.isArray(files) || !files.every(isFile))
    throw malformed;
  return { product, on, files };
}

/** The names of files that differ from those of another folder, are new or are gone. @throws CliError */
export async function changedSince(folder: string, { files }: DocumentManifest): Promise<string[]> {
  const before = parseManifest(await readInput(join(folder, MANIFEST_FILE)), folder);
  const then = new Map(before.files.map(({ name, sha256: digest }) => [name, digest]));
  const now = new Map(files.map(({ name, sha256: digest }) => [name, digest]));
  return [...new Set([...then.keys(), ...now.keys()])].filter((name) => then.get(name) !== now.get(name));
}

async function assertFiles(folder: string, { files }: ReadManifest): Promise<void> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = new Set(
    found
      .filter((one) => !one.isDirectory())
      .map((one) =>
        join(one.parentPath, one.name)
          .slice(folder.length + 1)
          .replaceAll(sep, '/'),
      ),
  );
  const fail = (file: string, reason: string): never => {
    throw new CliError('CLI_DOCUMENTS_CHANGED', { folder, file, reason });
  };
  for (const { name, sha256: digest } of files) {
    if (!names.delete(name)) fail(name, 'is missing');
    if (sha256(await readInput(join(folder, name))) !== digest) fail(name, 'has other bytes');
  }
  const [extra] = [...names].filter((name) => name !== MANIFEST_FILE && name !== FROZEN_FILE);
  if (extra !== undefined) fail(extra, 'was not frozen');
}

export type FrozenFacts = {
  readonly product: string;
  readonly release: string;
  readonly on: string;
  readonly files: number;
  readonly keyId: string;
};

/**
 * Verifies a frozen folder under given keys.
 * @throws CliError CLI_DOCUMENTS_CHANGED, CLI_KEY_MISSING; EvidenceError
 */
export async function verifyDocuments(folder: string, keys: readonly PublicKey[]): Promise<FrozenFacts> {
  const envelope = await readInput(join(folder, FROZEN_FILE));
  const [{ keyid }] = parseEnvelope(envelope).signatures;
  const key = keys.find((one) => keyIdOf(one) === keyid);
  if (key === undefined) throw new CliError('CLI_KEY_MISSING', { key: keyid, expected: 'the key that signed' });
  const { statement } = verifyStatement(envelope, [key]);
  const [subject] = statement.subject;
  const bytes = await readInput(join(folder, MANIFEST_FILE));
  if (statement.predicateType !== PREDICATE_TYPE || subject?.name !== MANIFEST_FILE)
    throw new CliError('CLI_DOCUMENTS_CHANGED', { folder, file: FROZEN_FILE, reason: 'is about something else' });
  if (subject.digest.sha256 !== sha256(bytes))
    throw new CliError('CLI_DOCUMENTS_CHANGED', { folder, file: MANIFEST_FILE, reason: 'has other bytes' });
  const manifest = parseManifest(bytes, folder);
  await assertFiles(folder, manifest);
  const { product, on, files } = manifest;
  const { release } = statement.predicate;
  return { product, release: typeof release === 'string' ? release : '', on, files: files.length, keyId: keyid };
}
