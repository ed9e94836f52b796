/** Reads assignments and releases as DDI shows them. A device sees its own only; all else does not exist for it. */
import type { AssignmentState } from '@pawl/contract/management';
import { findAssignment, readLog } from '../../store/assignments.ts';
import type { Db } from '../../store/database.ts';
import { findRelease, listArtifacts, parseAdvice } from '../../store/releases.ts';
import type { AssignmentTable, ReleaseTable } from '../../store/schema/index.ts';
import type { History, ReleaseView } from './documents.ts';
import { DeviceApiError } from './errors.ts';
import type { KnownDevice } from './known-device.ts';

/** An assignment of the device that asks. @throws DeviceApiError DEVICE_NOT_FOUND */
export async function loadAction(db: Db, device: KnownDevice, actionId: number): Promise<AssignmentTable> {
  const row = await findAssignment(db, actionId);
  if (row === undefined || row.device_id !== device.id) {
    throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'actionId', actual: actionId });
  }
  return row;
}

/** What a device's user is told of the release. */
function adviceOf(row: ReleaseTable): { key: string; value: string }[] {
  const { notice, references = [] } = parseAdvice(row.advice);
  return [
    { key: 'urgency', value: row.urgency },
    ...(notice === undefined ? [] : [{ key: 'notice', value: notice }]),
    ...references.map((value) => ({ key: 'reference', value })),
  ];
}

/** Only Pawl's agent reads the advice: one other client has no room for it. */
export function adviceFor(device: KnownDevice, release: ReleaseView): ReleaseView {
  if (device.publicKeyPem !== undefined) return release;
  const { advice: _, ...rest } = release;
  return rest;
}

/** A published release with its files. @throws DeviceApiError DEVICE_NOT_FOUND */
export async function loadRelease(db: Db, tenantId: number, releaseId: number): Promise<ReleaseView> {
  const release = await findRelease(db, tenantId, releaseId);
  if (release?.state !== 'published') {
    throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'moduleId', actual: releaseId });
  }
  const artifacts = (await listArtifacts(db, releaseId)).flatMap(
    ({ name, size_bytes, sha256, sha1, md5, uploaded_ms }) =>
      sha1 === null || md5 === null || uploaded_ms === null
        ? []
        : [{ fileName: name, sizeBytes: size_bytes, sha256, sha1, md5, createdAt: new Date(uploaded_ms) }],
  );
  const { id, line, version, kind } = release;
  return { id, line, version, kind, artifacts, advice: adviceOf(release) };
}

/** States in which a device has nothing to fetch: not asked yet, or called off. */
const NOT_FETCHABLE: readonly AssignmentState[] = ['awaiting-consent', 'cancelled'];

/** A release that is or was assigned to the device. @throws DeviceApiError DEVICE_NOT_FOUND */
export async function loadReleaseOf(db: Db, device: KnownDevice, releaseId: number): Promise<ReleaseView> {
  const assigned = await db
    .selectFrom('assignment')
    .select('id')
    .where('device_id', '=', device.id)
    .where('release_id', '=', releaseId)
    .where('state', 'not in', NOT_FETCHABLE)
    .executeTakeFirst();
  if (assigned === undefined) throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'moduleId', actual: releaseId });
  return loadRelease(db, device.tenantId, releaseId);
}

/** The newest messages of the action, at most `count`; undefined when none were asked for. */
export async function loadHistory(db: Db, actionId: number, count: number): Promise<History | undefined> {
  if (count === 0) return undefined;
  const entries = await readLog(db, actionId, count);
  return {
    status: entries[0]?.status ?? 'RUNNING',
    messages: entries.flatMap((entry) => entry.messages).slice(0, count),
  };
}
