/**
 * The evidence vault: a document is uploaded under its digest, then taken in with what is said of it; both the row and the
 * statement are written in one transaction. Nothing is deleted: a document ends by another that takes its place, or by being
 * withdrawn with a reason, and each is a statement too.
 *
 * What it shows at most follows from its kind (compliance, `DOCUMENT_RULES`).
 */
import type { Readable } from 'node:stream';
import type { CatalogueLibrary } from '@pawl/compliance/catalogue';
import { DOCUMENT_RULES, isEvidenceKind, refuseDocument } from '@pawl/compliance/evidence';
import type { EvidenceRecord, NewEvidence } from '@pawl/contract/management';
import type { Statement } from '@pawl/core/evidence';
import type { Actor } from '../../domain/actor.ts';
import { MAGIC_BYTES, mayBeOfType } from '../../domain/media-type.ts';
import { evidenceKeptUntil, RETENTION } from '../../domain/retention.ts';
import { tenantName } from '../../store/access.ts';
import type { Db, Trx } from '../../store/database.ts';
import {
  endEvidence,
  findEvidence,
  findEvidenceFile,
  insertEvidence,
  markEvidenceUploaded,
} from '../../store/evidence.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { EvidenceTable } from '../../store/schema/index.ts';
import type { ServerPorts } from '../ports.ts';
import { keepForEvidence } from '../retention.ts';
import { EvidenceVaultError } from './errors.ts';
import { catalogues } from './library.ts';

const DAY_MS = 86_400_000;

type Said = Pick<EvidenceRecord, 'requirements' | 'shows' | 'grade'> & NewEvidence;

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** A document as the management API shows it. */
export function evidenceView(row: EvidenceTable): EvidenceRecord {
  const { supersedes: _supersedes, file, ...said } = JSON.parse(row.record) as Said;
  return {
    id: row.id,
    ...said,
    file: { ...file, sizeBytes: row.size_bytes },
    state: row.state,
    supersededBy: row.superseded_by,
    endedReason: row.ended_reason,
    recordedBy: row.recorded_by,
    recordedAt: new Date(row.recorded_ms).toISOString(),
    keptUntil: dayOf(evidenceKeptUntil({ recordedMs: row.recorded_ms, validUntilMs: row.valid_until_ms }, RETENTION)),
  };
}

/** @throws EvidenceVaultError EVIDENCE_UNKNOWN */
export async function mustFindEvidence(db: Db, tenantId: number, id: number): Promise<EvidenceTable> {
  const row = await findEvidence(db, tenantId, id);
  if (row === undefined) throw new EvidenceVaultError('EVIDENCE_UNKNOWN', { id });
  return row;
}

/**
 * Takes the bytes of a document; a file that is there already is taken again.
 * @throws ServerError OBJECT_LEAVING; BlobError ARTIFACT_MISMATCH, STORAGE_FULL
 */
export async function putEvidenceFile(
  ports: ServerPorts,
  tenantId: number,
  expected: { readonly sha256: string; readonly sizeBytes: number },
  body: Readable,
): Promise<void> {
  const nowMs = (): number => ports.now().getTime();
  const keep = (trx: Trx) => keepForEvidence(trx, { tenantId, ...expected, nowMs: nowMs() });
  await ports.database.write(keep);
  await ports.blobs.write(body, expected);
  await ports.database.write(async (trx) => {
    await keep(trx);
    const file = { tenantId, sha256: expected.sha256 };
    await markEvidenceUploaded(trx, file, { sizeBytes: expected.sizeBytes, nowMs: nowMs() });
  });
}

function refuseUnknownWords(input: NewEvidence, library: CatalogueLibrary): void {
  const kind = input.shows?.find((word) => !isEvidenceKind(word));
  const reference = input.requirements?.find((one) => library.find(one) === undefined);
  const actual = kind ?? reference;
  if (actual !== undefined) throw new EvidenceVaultError('EVIDENCE_WORD_UNKNOWN', { actual });
}

/** What is recorded of a document: what was said, and what follows from its kind. */
function complete(input: NewEvidence): Said {
  const rule = DOCUMENT_RULES[input.kind];
  const grade = input.grade ?? rule.most;
  const fault = refuseDocument({ kind: input.kind, grade, edition: input.edition });
  if (fault === 'grade')
    throw new EvidenceVaultError('EVIDENCE_GRADE_TOO_HIGH', { kind: input.kind, grade, most: rule.most });
  if (fault === 'edition') throw new EvidenceVaultError('EVIDENCE_INCOMPLETE', { kind: input.kind, missing: fault });
  return { ...input, requirements: input.requirements ?? [], shows: input.shows ?? [rule.shows], grade };
}

async function refuseOtherType({ blobs }: ServerPorts, { file }: NewEvidence, sizeBytes: number): Promise<void> {
  const end = Math.min(MAGIC_BYTES, sizeBytes) - 1;
  const start: Buffer[] = [];
  for await (const chunk of blobs.open(file.sha256, { start: 0, end })) start.push(chunk as Buffer);
  if (mayBeOfType(Buffer.concat(start), file.mediaType)) return;
  throw new EvidenceVaultError('EVIDENCE_FILE_NOT_OF_TYPE', { mediaType: file.mediaType });
}

async function uploadedSize(db: Db, tenantId: number, sha256: string): Promise<number> {
  const file = await findEvidenceFile(db, { tenantId, sha256 });
  if (file === undefined || file.uploaded_ms === null)
    throw new EvidenceVaultError('EVIDENCE_FILE_MISSING', { sha256 });
  return file.size_bytes;
}

async function state(
  trx: Trx,
  ports: ServerPorts,
  row: EvidenceTable,
  said: { readonly predicate: Statement['predicate']; readonly by: string },
): Promise<void> {
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:evidence:1',
    subject: { name: `evidence/${row.id}`, digest: { sha256: row.sha256 } },
    predicate: {
      ...said.predicate,
      evidence: row.id,
      tenant: await tenantName(trx, row.tenant_id),
      product: row.product,
      by: said.by,
      at: ports.now().toISOString(),
    },
  });
}

type End =
  | { readonly act: 'supersede'; readonly supersededBy: number }
  | { readonly act: 'withdraw'; readonly reason: string };

async function end(trx: Trx, ports: ServerPorts, actor: Actor, id: number, by: End): Promise<EvidenceTable> {
  const row = await mustFindEvidence(trx, actor.tenantId, id);
  if (row.state !== 'current') throw new EvidenceVaultError('EVIDENCE_ENDED', { id, state: row.state });
  await state(trx, ports, row, { predicate: { ...by }, by: actor.id });
  return await endEvidence(trx, id, {
    state: by.act === 'supersede' ? 'superseded' : 'withdrawn',
    superseded_by: by.act === 'supersede' ? by.supersededBy : null,
    ended_reason: by.act === 'withdraw' ? by.reason : null,
  });
}

/**
 * Takes an uploaded document in.
 * @throws EvidenceVaultError EVIDENCE_WORD_UNKNOWN, EVIDENCE_GRADE_TOO_HIGH, EVIDENCE_INCOMPLETE, EVIDENCE_FILE_MISSING,
 *   EVIDENCE_FILE_NOT_OF_TYPE, EVIDENCE_UNKNOWN, EVIDENCE_ENDED; ServerError OBJECT_LEAVING
 */
export async function addEvidence(ports: ServerPorts, actor: Actor, input: NewEvidence): Promise<EvidenceRecord> {
  refuseUnknownWords(input, catalogues());
  const said = complete(input);
  const { tenantId } = actor;
  const { sha256 } = input.file;
  const sizeBytes = await uploadedSize(ports.database.read, tenantId, sha256);
  await refuseOtherType(ports, input, sizeBytes);
  return await ports.database.write(async (trx) => {
    const nowMs = ports.now().getTime();
    // What nobody needed until now may have been deleted since it was looked at.
    await uploadedSize(trx, tenantId, sha256);
    await keepForEvidence(trx, { tenantId, sha256, sizeBytes, nowMs });
    const validUntilMs = input.validUntil === undefined ? null : Date.parse(input.validUntil) + DAY_MS;
    const row = await insertEvidence(trx, {
      tenant_id: tenantId,
      product: input.product,
      sha256,
      size_bytes: sizeBytes,
      record: JSON.stringify(said),
      recorded_by: actor.id,
      recorded_ms: nowMs,
      valid_until_ms: validUntilMs,
    });
    const { file, supersedes, ...rest } = said;
    const { sha256: _sha256, ...named } = file;
    const predicate = JSON.parse(
      JSON.stringify({ ...rest, act: 'add', file: { ...named, sizeBytes } }),
    ) as Statement['predicate'];
    await state(trx, ports, row, { predicate, by: actor.id });
    if (supersedes !== undefined) await end(trx, ports, actor, supersedes, { act: 'supersede', supersededBy: row.id });
    return evidenceView(row);
  });
}

/**
 * A document counts no more; its file and all that was said of it stay.
 * @throws EvidenceVaultError EVIDENCE_UNKNOWN, EVIDENCE_ENDED
 */
export function withdrawEvidence(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  reason: string,
): Promise<EvidenceRecord> {
  return ports.database.write(async (trx) =>
    evidenceView(await end(trx, ports, actor, id, { act: 'withdraw', reason })),
  );
}
