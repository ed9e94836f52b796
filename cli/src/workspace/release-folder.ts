/**
 * The release folder (docs/formats/release-folder.md): `release.json` and the files that it lists by length and digest.
 * Reading one checks that every listed file is there, as listed, and that names stay inside the folder.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../frame/errors.ts';
import { readText, writeOutput } from './files.ts';
import { adviceOf, type ReleaseAdvice } from './release-advice.ts';

export type ReleaseArtifact = {
  readonly name: string;
  readonly role: 'envelope' | 'payload';
  readonly sizeBytes: number;
  readonly sha256: string;
};
export type ReleaseDescription = {
  readonly line: string;
  readonly version: string;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  readonly kind: 'pawl';
  readonly artifacts: readonly ReleaseArtifact[];
  readonly sealedAt: string;
  readonly statement: string;
} & ReleaseAdvice;
export type ReleaseFolder = { readonly dir: string; readonly release: ReleaseDescription };

const RELEASE_FILE = 'release.json';
export const ENVELOPE_FILE = 'envelope.suit';
export const STATEMENT_FILE = 'statement.json';

const NAME_GRAMMAR = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/;
const SHA256_GRAMMAR = /^[0-9a-f]{64}$/;

export function isArtifactName(name: string): boolean {
  return NAME_GRAMMAR.test(name);
}

export type FileFacts = { readonly sizeBytes: number; readonly sha256: string };

/** Length and digest of a file, read as a stream. */
export async function measureFile(path: string): Promise<FileFacts> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
  } catch (cause) {
    throw new CliError('CLI_FILE_UNREADABLE', { path }, cause);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

export async function saveReleaseDescription(dir: string, release: ReleaseDescription): Promise<void> {
  const json = {
    ...release,
    // Decimal numbers, as in the TUF custom data; the manifest is what counts.
    sequenceNumber: release.sequenceNumber.toString(),
    securityCounter: release.securityCounter.toString(),
  };
  await writeOutput(join(dir, RELEASE_FILE), `${JSON.stringify(json, undefined, 2)}\n`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseArtifact(value: unknown): ReleaseArtifact | undefined {
  if (!isRecord(value)) return undefined;
  const { name, role, sizeBytes, sha256 } = value;
  if (typeof name !== 'string' || !isArtifactName(name)) return undefined;
  if (role !== 'envelope' && role !== 'payload') return undefined;
  if (typeof sizeBytes !== 'number' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined;
  if (typeof sha256 !== 'string' || !SHA256_GRAMMAR.test(sha256)) return undefined;
  return { name, role, sizeBytes, sha256 };
}

function parseDescription(text: string, path: string): ReleaseDescription {
  const malformed = (member: string): CliError => new CliError('CLI_RELEASE_MISMATCH', { path, member });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('JSON');
  }
  if (!isRecord(value)) throw malformed('JSON');
  const { line, version, sequenceNumber, securityCounter, kind, artifacts, sealedAt, statement } = value;
  if (typeof line !== 'string' || typeof version !== 'string' || kind !== 'pawl')
    throw malformed('line, version, kind');
  if (typeof sequenceNumber !== 'string' || !/^\d{1,20}$/.test(sequenceNumber)) throw malformed('sequenceNumber');
  if (typeof securityCounter !== 'string' || !/^\d{1,20}$/.test(securityCounter)) throw malformed('securityCounter');
  if (typeof sealedAt !== 'string' || typeof statement !== 'string' || !isArtifactName(statement))
    throw malformed('statement');
  if (!Array.isArray(artifacts)) throw malformed('artifacts');
  const parsed = artifacts.map((item) => {
    const artifact = parseArtifact(item);
    if (artifact === undefined) throw malformed('artifacts');
    return artifact;
  });
  const counts = { sequenceNumber: BigInt(sequenceNumber), securityCounter: BigInt(securityCounter) };
  return { line, version, ...counts, kind, artifacts: parsed, sealedAt, statement, ...adviceOf(value) };
}

/** What `release.json` says, without a look at the files. @throws CliError CLI_FILE_UNREADABLE, CLI_RELEASE_MISMATCH */
export async function loadReleaseDescription(dir: string): Promise<ReleaseDescription> {
  const path = join(dir, RELEASE_FILE);
  return parseDescription(await readText(path), path);
}

/** @throws CliError CLI_FILE_UNREADABLE, CLI_RELEASE_MISMATCH */
export async function loadReleaseFolder(dir: string): Promise<ReleaseFolder> {
  const release = await loadReleaseDescription(dir);
  for (const artifact of release.artifacts) {
    const facts = await measureFile(join(dir, artifact.name));
    if (facts.sha256 !== artifact.sha256 || facts.sizeBytes !== artifact.sizeBytes) {
      throw new CliError('CLI_RELEASE_MISMATCH', {
        artifact: artifact.name,
        expected: artifact.sha256,
        actual: facts.sha256,
      });
    }
  }
  if (release.artifacts.filter(({ role }) => role === 'envelope').length !== 1) {
    throw new CliError('CLI_RELEASE_MISMATCH', { dir, member: 'artifacts', expected: 'one envelope' });
  }
  return { dir, release };
}
