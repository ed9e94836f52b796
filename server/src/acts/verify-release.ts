/**
 * What is verified before a release becomes available. Pawl releases: every artifact stands in the line's role with length
 * and digest, the envelope verifies under the image keys of the line, the manifest agrees with the list and with what was
 * announced, and names exactly the payloads that were uploaded. Foreign images: the signature of their own format.
 */
import { isCodedError, toHex } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import type { PublicKey } from '@pawl/core/crypto';
import { describeManifest, type ManifestDescription, type VerifiedManifest, verifyEnvelope } from '@pawl/core/suit';
import { parseLineKeys, parseReleaseCustom, type ReleaseCustom, type TrustedMetadata } from '@pawl/core/trust';
import { readLineCertificates } from '../store/releases.ts';
import type { ArtifactTable, ReleaseTable } from '../store/schema/index.ts';
import { currentTrustFile } from '../store/trust-files.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';
import { lineKeysRole, loadTrust } from './trust.ts';
import { type ReleaseImage, verifyForeignImages } from './verify-foreign.ts';

export type VerifiedRelease = {
  /** The keys that may sign for the line. */
  readonly keys: readonly PublicKey[];
  /** Key id or certificate subject of who signed. */
  readonly signer: string;
  readonly sequenceNumber?: bigint;
  readonly securityCounter?: bigint;
  /** SHA-256 of the image that the manifest installs, hex. */
  readonly imageSha256?: string;
  readonly images?: readonly ReleaseImage[];
};

const ENVELOPE = 'envelope.suit';

function verifyListed(
  trusted: TrustedMetadata,
  release: ReleaseTable,
  artifacts: readonly ArtifactTable[],
): ReleaseCustom {
  for (const { name, size_bytes, sha256 } of artifacts) {
    const path = `${release.line}/${release.version}/${name}`;
    const target = trusted.findTarget(path);
    const isSame = target?.sizeBytes === size_bytes && toHex(target.sha256) === sha256;
    if (!isSame) throw new ServerError('RELEASE_UNLISTED', { path, isListed: target !== undefined });
  }
  return parseReleaseCustom(trusted.requireTarget(`${release.line}/${release.version}/${ENVELOPE}`).custom);
}

function verifyAgreement(what: string, facts: Readonly<Record<string, readonly [unknown, unknown]>>): void {
  for (const [at, [expected, actual]] of Object.entries(facts)) {
    if (expected === actual) continue;
    throw new ServerError('RELEASE_DISAGREES', { with: what, at, expected: String(expected), actual: String(actual) });
  }
}

function orUndefined(text: string | null): bigint | undefined {
  return text === null ? undefined : BigInt(text);
}

function verifyManifestAgrees(
  manifest: VerifiedManifest,
  custom: ReleaseCustom,
  release: ReleaseTable,
  artifacts: readonly ArtifactTable[],
): ManifestDescription {
  const facts = describeManifest(manifest);
  verifyAgreement('the list', {
    version: [custom.version, facts.version],
    sequenceNumber: [custom.sequenceNumber, facts.sequenceNumber],
    securityCounter: [custom.securityCounter, facts.securityCounter],
  });
  verifyAgreement('the announcement', {
    version: [release.version, facts.version],
    sequenceNumber: [orUndefined(release.sequence_number) ?? facts.sequenceNumber, facts.sequenceNumber],
    securityCounter: [orUndefined(release.security_counter) ?? facts.securityCounter, facts.securityCounter],
    payloads: [
      artifacts
        .flatMap(({ name }) => (name === ENVELOPE ? [] : [name]))
        .sort()
        .join(' '),
      facts.payloads
        .map(({ uri }) => uri)
        .sort()
        .join(' '),
    ],
  });
  return facts;
}

async function verifyPawlRelease(
  ports: ServerPorts,
  release: ReleaseTable,
  artifacts: readonly ArtifactTable[],
): Promise<VerifiedRelease> {
  const db = ports.database.read;
  const trusted = await loadTrust(db, release.tenant_id, ports.now());
  const custom = verifyListed(trusted, release, artifacts);
  const list = await currentTrustFile(db, release.tenant_id, lineKeysRole(release.line));
  if (list === undefined) throw new ServerError('RELEASE_UNSIGNED', { reason: 'the line has no key list' });
  const { keys, requiredAlgorithms } = parseLineKeys(list.bytes, release.line);
  const envelope = artifacts.find(({ name }) => name === ENVELOPE);
  if (envelope === undefined) throw new ServerError('RELEASE_INCOMPLETE', { name: ENVELOPE });
  const bytes = await ports.blobs.readVerified(envelope.sha256);
  let manifest: VerifiedManifest;
  try {
    manifest = verifyEnvelope(bytes, { keys, requiredAlgorithms });
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new ServerError('RELEASE_UNSIGNED', { reason: cause.code }, cause);
  }
  const { imageDigest } = verifyManifestAgrees(manifest, custom, release, artifacts);
  return {
    keys,
    signer: manifest.signers.map(keyIdOf).join(' '),
    sequenceNumber: custom.sequenceNumber,
    securityCounter: custom.securityCounter,
    imageSha256: toHex(imageDigest),
  };
}

async function verifyForeignRelease(
  ports: ServerPorts,
  release: ReleaseTable,
  artifacts: readonly ArtifactTable[],
): Promise<VerifiedRelease> {
  const keysPem = await readLineCertificates(ports.database.read, release.tenant_id, release.line);
  return { keys: [], ...(await verifyForeignImages(ports, artifacts, keysPem)) };
}

/** @throws ServerError RELEASE_UNLISTED, RELEASE_UNSIGNED, RELEASE_DISAGREES, RELEASE_INCOMPLETE; TrustError; SuitError */
export function verifyRelease(
  ports: ServerPorts,
  release: ReleaseTable,
  artifacts: readonly ArtifactTable[],
): Promise<VerifiedRelease> {
  return release.kind === 'pawl'
    ? verifyPawlRelease(ports, release, artifacts)
    : verifyForeignRelease(ports, release, artifacts);
}
