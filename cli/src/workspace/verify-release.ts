/**
 * Verifies an envelope or a release folder under image keys that were given by name: nothing that lies beside the file is
 * trusted. The statement in the folder binds the payload's digest to the same keys, since a manifest speaks of the
 * plaintext only.
 */

import { join } from 'node:path';
import { isCodedError, toHex } from '@pawl/core/bytes';
import { decodeCoseKey, keyIdOf } from '@pawl/core/cose';
import { PublicKey, type SignatureAlgorithm } from '@pawl/core/crypto';
import { verifyStatement } from '@pawl/core/evidence';
import { describeManifest, type VerifiedManifest, verifyEnvelope, verifyIntegratedPayloads } from '@pawl/core/suit';
import { parseLineKeys } from '@pawl/core/trust';
import { CliError } from '../frame/errors.ts';
import { readInput } from './files.ts';
import { ENVELOPE_FILE, loadReleaseFolder, STATEMENT_FILE } from './release-folder.ts';

const KEY_BYTES_MAX = 64 * 1024;
const PEM_FIRST_BYTE = 0x2d;
const CBOR_MAJOR = 0xe0;
const CBOR_TEXT = 0x60;
const ENVELOPE_BYTES_MAX = 64 * 1024 * 1024;

/** The image keys that count, and the algorithms that must all have signed. */
export type ImageKeys = {
  readonly keys: readonly PublicKey[];
  readonly requiredAlgorithms: readonly SignatureAlgorithm[];
};

/** A key list is a map with text keys, a COSE_Key one with integers. */
function isKeyList(bytes: Uint8Array): boolean {
  return ((bytes[1] ?? 0) & CBOR_MAJOR) === CBOR_TEXT;
}

/** PEM is text; a COSE_Key is a CBOR map, which no text begins with. */
function isText(bytes: Uint8Array): boolean {
  return bytes[0] === PEM_FIRST_BYTE;
}

/** A COSE_Key in binary. @throws CoseError, CborError; CliError CLI_KEY_UNSUITABLE when it is not for signatures */
function decodeSignatureKey(bytes: Uint8Array): PublicKey {
  const key = decodeCoseKey(bytes);
  if (key instanceof PublicKey) return key;
  throw new CliError('CLI_KEY_UNSUITABLE', { expected: 'a key for signatures', actual: key.algorithm });
}

async function readKeyFile(path: string): Promise<ImageKeys> {
  const bytes = await readInput(path, KEY_BYTES_MAX);
  const line = /([a-z0-9-]+)\.cbor$/.exec(path)?.[1];
  if (line !== undefined && isKeyList(bytes)) return parseLineKeys(bytes, line);
  const key = isText(bytes) ? PublicKey.fromSpki(new TextDecoder().decode(bytes)) : decodeSignatureKey(bytes);
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

/** What an authentic envelope says. The facts of a release are there when it is one that Pawl's devices would take. */
export type EnvelopeFacts = {
  readonly sequenceNumber: bigint;
  readonly manifestDigest: string;
  readonly signers: readonly { readonly keyId: string; readonly algorithm: SignatureAlgorithm }[];
  readonly release: ReleaseFacts | undefined;
  /** Why it is no release, as a code. */
  readonly notReleaseCode: string | undefined;
};

export type ReleaseFacts = {
  readonly version: string;
  readonly securityCounter: bigint;
  readonly imageSha256: string;
  readonly imageSizeBytes: number;
  readonly payloads: readonly string[];
};

/** @throws SuitError SUIT_MANIFEST_AMBIGUOUS and others of `describeManifest` */
function releaseFacts(verified: VerifiedManifest): ReleaseFacts {
  const { version, securityCounter, imageDigest, imageSizeBytes, payloads } = describeManifest(verified);
  const imageSha256 = toHex(imageDigest);
  return { version, securityCounter, imageSha256, imageSizeBytes, payloads: payloads.map(({ uri }) => uri) };
}

/** @throws SuitError when the envelope is not authentic under these keys, as a whole */
async function verifyEnvelopeBytes(path: string, keys: ImageKeys): Promise<VerifiedManifest> {
  const bytes = await readInput(path, ENVELOPE_BYTES_MAX);
  const verified = verifyEnvelope(bytes, { ...keys, integratedSizeBytesMax: ENVELOPE_BYTES_MAX });
  // Integrated payloads lie outside of what is signed; only the digests in the manifest speak for them.
  verifyIntegratedPayloads(verified);
  return verified;
}

/** @throws SuitError when the envelope is not authentic under these keys */
export async function verifyEnvelopeFile(path: string, keys: ImageKeys): Promise<EnvelopeFacts> {
  const verified = await verifyEnvelopeBytes(path, keys);
  let release: ReleaseFacts | undefined;
  let notReleaseCode: string | undefined;
  try {
    release = releaseFacts(verified);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    notReleaseCode = error.code;
  }
  return {
    sequenceNumber: verified.sequenceNumber,
    manifestDigest: toHex(verified.digest.bytes),
    signers: verified.signers.map((key) => ({ keyId: keyIdOf(key), algorithm: key.algorithm })),
    release,
    notReleaseCode,
  };
}

/** @throws SuitError, EvidenceError, CliError CLI_RELEASE_MISMATCH */
export async function verifyReleaseFolder(
  dir: string,
  keys: ImageKeys,
): Promise<ReleaseFacts & { readonly sequenceNumber: bigint }> {
  const { release } = await loadReleaseFolder(dir);
  const verified = await verifyEnvelopeBytes(join(dir, ENVELOPE_FILE), keys);
  const facts = { ...releaseFacts(verified), sequenceNumber: verified.sequenceNumber };
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
