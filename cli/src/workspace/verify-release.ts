/**
 * Verifies an envelope or a release folder under image keys that were given by name: nothing that lies beside the file is
 * trusted. The statement in the folder binds the payload's digest to the same keys, since a manifest speaks of the
 * plaintext only.
 */

import { join } from 'node:path';
import { toHex } from '@pawl/core/bytes';
import { PublicKey, type SignatureAlgorithm } from '@pawl/core/crypto';
import { verifyStatement } from '@pawl/core/evidence';
import { describeManifest, verifyEnvelope } from '@pawl/core/suit';
import { parseLineKeys } from '@pawl/core/trust';
import { CliError } from '../frame/errors.ts';
import { readInput } from './files.ts';
import { ENVELOPE_FILE, loadReleaseFolder, STATEMENT_FILE } from './release-folder.ts';

const KEY_BYTES_MAX = 64 * 1024;
const ENVELOPE_BYTES_MAX = 1024 * 1024;

/** The image keys that count, and the algorithms that must all have signed. */
export type ImageKeys = {
  readonly keys: readonly PublicKey[];
  readonly requiredAlgorithms: readonly SignatureAlgorithm[];
};

async function readKeyFile(path: string): Promise<ImageKeys> {
  const bytes = await readInput(path, KEY_BYTES_MAX);
  const line = /([a-z0-9-]+)\.cbor$/.exec(path)?.[1];
  if (line !== undefined) return parseLineKeys(bytes, line);
  const key = PublicKey.fromSpki(new TextDecoder().decode(bytes));
  return { keys: [key], requiredAlgorithms: [key.algorithm] };
}

/** Keys from files: public keys as PEM, of which every algorithm must have signed, or a key list `keys/<line>.cbor`. */
export async function readImageKeys(paths: readonly string[]): Promise<ImageKeys> {
  if (paths.length === 0) throw new CliError('CLI_USAGE', { missing: '--key' });
  const files = await Promise.all(paths.map(readKeyFile));
  return {
    keys: files.flatMap(({ keys }) => keys),
    requiredAlgorithms: [...new Set(files.flatMap(({ requiredAlgorithms }) => requiredAlgorithms))],
  };
}

export type EnvelopeFacts = {
  readonly version: string;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
  readonly imageSha256: string;
  readonly imageSizeBytes: number;
  readonly payloads: readonly string[];
};

/** @throws SuitError when the envelope is not authentic under these keys, or not a manifest that devices would take */
function verifyEnvelopeBytes(bytes: Uint8Array, keys: ImageKeys): EnvelopeFacts {
  const described = describeManifest(verifyEnvelope(bytes, keys));
  return {
    version: described.version,
    sequenceNumber: described.sequenceNumber,
    securityCounter: described.securityCounter,
    imageSha256: toHex(described.imageDigest),
    imageSizeBytes: described.imageSizeBytes,
    payloads: described.payloads.map(({ uri }) => uri),
  };
}

export async function verifyEnvelopeFile(path: string, keys: ImageKeys): Promise<EnvelopeFacts> {
  return verifyEnvelopeBytes(await readInput(path, ENVELOPE_BYTES_MAX), keys);
}

/** @throws SuitError, EvidenceError, CliError CLI_RELEASE_MISMATCH */
export async function verifyReleaseFolder(dir: string, keys: ImageKeys): Promise<EnvelopeFacts> {
  const { release } = await loadReleaseFolder(dir);
  const facts = await verifyEnvelopeFile(join(dir, ENVELOPE_FILE), keys);
  const mismatch = (member: string): CliError => new CliError('CLI_RELEASE_MISMATCH', { dir, member });
  if (facts.version !== release.version) throw mismatch('version');
  if (facts.sequenceNumber !== release.sequenceNumber) throw mismatch('sequenceNumber');
  if (facts.securityCounter !== release.securityCounter) throw mismatch('securityCounter');
  const listed = new Set(release.artifacts.map(({ name }) => name));
  if (!facts.payloads.every((name) => listed.has(name))) throw mismatch('payloads');
  const { statement } = verifyStatement(await readInput(join(dir, STATEMENT_FILE), ENVELOPE_BYTES_MAX), keys.keys);
  const said = new Map(statement.subject.map(({ name, digest }) => [name, digest.sha256]));
  if (!release.artifacts.every(({ name, sha256 }) => said.get(name) === sha256)) throw mismatch('statement');
  return facts;
}
