/** Announcing, uploading and publishing releases. Publishing verifies what devices will verify, and refuses the rest. */
import type { Readable } from 'node:stream';
import type { NewRelease, Release } from '@pawl/contract/management';
import { fromBase64, isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import type { PublicKey } from '@pawl/core/crypto';
import { type VerifiedStatement, verifyStatement } from '@pawl/core/evidence';
import { BlobError } from '../blobs/errors.ts';
import type { Db, Trx } from '../store/database.ts';
import { unmarkObjects } from '../store/doomed-objects.ts';
import { appendEnvelope, appendStatement, isStated } from '../store/ledger.ts';
import { saveReleaseImages } from '../store/release-images.ts';
import {
  findRelease,
  insertRelease,
  listArtifacts,
  markPublished,
  markUploaded,
  releaseView,
} from '../store/releases.ts';
import type { ArtifactTable, ReleaseTable } from '../store/schema/index.ts';
import { ServerError } from './errors.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { keepForUpload } from './retention.ts';
import { releaseSubject } from './transition.ts';
import { type VerifiedRelease, verifyRelease } from './verify-release.ts';

async function mustFind(db: Db, tenantId: number, id: number): Promise<ReleaseTable> {
  const row = await findRelease(db, tenantId, id);
  if (row === undefined) throw new ServerError('RELEASE_UNKNOWN', { id });
  return row;
}

async function viewOf(db: Db, row: ReleaseTable): Promise<Release> {
  return releaseView(row, await listArtifacts(db, row.id));
}

/** @throws ServerError RELEASE_EXISTS; BytesError */
export function createRelease(ports: ServerPorts, tenantId: number, input: NewRelease): Promise<Release> {
  return ports.database.write(async (trx) => {
    const id = await insertRelease(
      trx,
      {
        tenant_id: tenantId,
        line: input.line,
        version: input.version,
        kind: input.kind,
        sequence_number: input.sequenceNumber ?? null,
        security_counter: input.securityCounter ?? null,
        statement: input.statement === undefined ? null : fromBase64(input.statement),
        urgency: input.urgency ?? 'mixed',
        advice: JSON.stringify({
          notice: input.notice,
          references: input.references,
          justification: input.justification,
        }),
        created_ms: ports.now().getTime(),
      },
      input.artifacts,
    );
    if (id === undefined) throw new ServerError('RELEASE_EXISTS', { line: input.line, version: input.version });
    return await viewOf(trx, await mustFind(trx, tenantId, id));
  });
}

/**
 * Takes the bytes of an artifact. A published release takes only those that it had and that were not kept (retention.ts).
 * @throws ServerError RELEASE_UNKNOWN, ARTIFACT_UNKNOWN, RELEASE_IMMUTABLE, OBJECT_LEAVING; BlobError ARTIFACT_MISMATCH, STORAGE_FULL
 */
export async function putArtifact(
  ports: ServerPorts,
  tenantId: number,
  target: { readonly id: number; readonly name: string },
  body: Readable,
): Promise<void> {
  const { read } = ports.database;
  const release = await mustFind(read, tenantId, target.id);
  const artifact = (await listArtifacts(read, release.id)).find(({ name }) => name === target.name);
  const isGone = artifact?.uploaded_ms === null;
  if (release.state === 'published' && !isGone) throw new ServerError('RELEASE_IMMUTABLE', { id: release.id });
  if (artifact === undefined) throw new ServerError('ARTIFACT_UNKNOWN', { name: target.name });
  const { sha256, size_bytes: sizeBytes } = artifact;
  const keep = (trx: Trx) => keepForUpload(trx, { releaseId: release.id, sha256, nowMs: ports.now().getTime() });
  await ports.database.write(keep);
  const { sha1, md5 } = await ports.blobs.write(body, { sha256, sizeBytes });
  await ports.database.write(async (trx) => {
    await keep(trx);
    await markUploaded(trx, release.id, artifact.name, { sha1, md5, nowMs: ports.now().getTime() });
  });
}

type Of = { readonly tenantId: number; readonly line: string };

/** Introduces an image key to the ledger once, so that its statements can be proven from the ledger key alone. */
async function registerKey(trx: Trx, ports: ServerPorts, key: PublicKey, of: Of): Promise<void> {
  const keyId = keyIdOf(key);
  const subject = `key/${keyId}`;
  if (await isStated(trx, subject)) return;
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: of.tenantId,
    predicateType: 'urn:pawl:key-registered:1',
    subject: { name: subject, digest: { sha256: keyId } },
    predicate: { publicKey: key.toSpkiPem(), role: 'image', line: of.line, at: ports.now().toISOString() },
  });
}

function verifyReleaseStatement(
  row: ReleaseTable,
  keys: readonly PublicKey[],
  sha256: string,
): VerifiedStatement | undefined {
  if (row.statement === null) return undefined;
  let verified: VerifiedStatement;
  try {
    verified = verifyStatement(row.statement, keys);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new ServerError('RELEASE_UNSIGNED', { at: 'statement', reason: cause.code }, cause);
  }
  const { predicateType, subject } = verified.statement;
  const isOfThis = predicateType === 'urn:pawl:release:1' && subject.some(({ digest }) => digest.sha256 === sha256);
  if (!isOfThis) throw new ServerError('RELEASE_DISAGREES', { at: 'statement' });
  // What the image key signed of the urgency is what the release says; older statements say nothing of it.
  const signed = verified.statement.predicate['urgency'];
  if (signed !== undefined && signed !== row.urgency) {
    throw new ServerError('RELEASE_DISAGREES', {
      at: 'urgency',
      expected: JSON.stringify(signed),
      actual: row.urgency,
    });
  }
  return verified;
}

async function recordRelease(
  trx: Trx,
  ports: ServerPorts,
  row: ReleaseTable,
  verified: VerifiedRelease,
): Promise<void> {
  const subject = await releaseSubject(trx, row);
  const statement = verifyReleaseStatement(row, verified.keys, subject.digest.sha256);
  if (statement !== undefined && row.statement !== null) {
    await registerKey(trx, ports, statement.signer, { tenantId: row.tenant_id, line: row.line });
    await appendEnvelope(trx, row.statement, {
      tenantId: row.tenant_id,
      predicateType: 'urn:pawl:release:1',
      subject: subject.name,
    });
  }
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:release:1',
    subject,
    predicate: {
      act: 'publish',
      line: row.line,
      version: row.version,
      kind: row.kind,
      signer: verified.signer,
      urgency: row.urgency,
      ...(JSON.parse(row.advice) as Readonly<Record<string, string | string[]>>),
      at: ports.now().toISOString(),
    },
  });
}

function requireUploaded(artifacts: readonly ArtifactTable[]): void {
  const missing = artifacts.find(({ uploaded_ms }) => uploaded_ms === null);
  if (missing !== undefined) throw new ServerError('RELEASE_INCOMPLETE', { name: missing.name });
}

async function requireStored({ blobs }: ServerPorts, artifacts: readonly ArtifactTable[]): Promise<void> {
  for (const { name, sha256 } of artifacts) {
    if (!(await blobs.has(sha256))) throw new BlobError('BLOB_MISSING', { name, sha256 });
  }
}

/**
 * Verifies a release as its devices will, and makes it available. Publishing again is no error.
 * @throws ServerError RELEASE_UNKNOWN, RELEASE_INCOMPLETE, RELEASE_UNLISTED, RELEASE_UNSIGNED, RELEASE_DISAGREES;
 *   BlobError BLOB_MISSING
 */
export async function publishRelease(ports: ServerPorts, tenantId: number, id: number): Promise<Release> {
  const draft = await mustFind(ports.database.read, tenantId, id);
  if (draft.state === 'published') return await viewOf(ports.database.read, draft);
  const artifacts = await listArtifacts(ports.database.read, id);
  requireUploaded(artifacts);
  await requireStored(ports, artifacts);
  const verified = await verifyRelease(ports, draft, artifacts);
  return await ports.database.write(async (trx) => {
    const row = await mustFind(trx, tenantId, id);
    if (row.state === 'published') return await viewOf(trx, row);
    // What nobody needed until now may have been deleted since it was looked at.
    requireUploaded(await listArtifacts(trx, id));
    await unmarkObjects(
      trx,
      artifacts.map(({ sha256 }) => sha256),
    );
    await recordRelease(trx, ports, row, verified);
    const nowMs = ports.now().getTime();
    const { line, version, kind } = row;
    await emitEvent(trx, { tenantId, nowMs }, 'pawl.release.published', { releaseId: id, line, version, kind });
    await saveReleaseImages(trx, id, verified.images ?? []);
    await markPublished(trx, id, {
      published_ms: nowMs,
      ...(verified.sequenceNumber === undefined ? {} : { sequence_number: String(verified.sequenceNumber) }),
      ...(verified.imageSha256 === undefined ? {} : { image_sha256: verified.imageSha256 }),
      ...(verified.securityCounter === undefined ? {} : { security_counter: String(verified.securityCounter) }),
    });
    return await viewOf(trx, await mustFind(trx, tenantId, id));
  });
}
