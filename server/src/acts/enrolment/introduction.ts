/**
 * A device introduces itself with a key of its own and waits until an operator lets it in; or shows a certificate with it and
 * is in. It makes its token itself and shows the digest only: what it sends is no secret, and sent again by somebody else it
 * opens nothing. What waits is bounded in number and forgotten when it falls silent.
 */

import type { X509Certificate } from 'node:crypto';
import type { Introduction, IntroductionApproval } from '@pawl/contract/management';
import { isEqualBytes } from '@pawl/core/bytes';
import type { Actor } from '../../domain/actor.ts';
import type { Db, Trx } from '../../store/database.ts';
import { findDevice, getDeviceById, updateDevice } from '../../store/devices.ts';
import {
  countPending,
  dropOldRejections,
  dropSilent,
  findIntroduction,
  findIntroductionById,
  insertIntroduction,
  introductionView,
  updateIntroduction,
} from '../../store/introductions.ts';
import type { DeviceTable, IntroductionTable } from '../../store/schema/index.ts';
import { ServerError } from '../errors.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { RegistryError } from '../registry/errors.ts';
import { recordAct } from '../registry/record.ts';
import { admitByCertificate, type CertificateAdmission } from './certificate.ts';
import { enterDevice, giveKey, isAwaited, isKeyKnown, type NewKey } from './enter.ts';

const PENDING_MAX = 1000;
const REJECTED_MAX = 1000;
const SILENT_MS_MAX = 7 * 86_400_000;
const HEARD_EVERY_MS = 60_000;

/** What a device proved to hold the key for, and what it says of itself. */
export type ProvenIntroduction = {
  readonly tenantId: number;
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly name: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tokenSha256: Uint8Array;
  readonly certificate: X509Certificate | undefined;
};

export type IntroductionAnswer =
  | { readonly kind: 'enrolled'; readonly controllerId: string }
  | { readonly kind: 'pending' }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'full' }
  | Extract<CertificateAdmission, { kind: 'refused' }>;

/** A device that is in: its token is taken as long as nothing was heard of it, and its own word is confirmed. */
async function answerKnown(
  ports: ServerPorts,
  { tokenSha256 }: ProvenIntroduction,
  device: DeviceTable,
): Promise<IntroductionAnswer> {
  if (device.decommissioned_ms !== null) return { kind: 'rejected' };
  const enrolled = { kind: 'enrolled', controllerId: device.controller_id } as const;
  if (device.token_sha256 !== null && isEqualBytes(device.token_sha256, tokenSha256)) return enrolled;
  if (device.is_heard === 1) return { kind: 'rejected' };
  await ports.database.write((trx) => updateDevice(trx, device.id, { token_sha256: tokenSha256 }));
  return enrolled;
}

async function findByKey(db: Db, { tenantId, keyId }: ProvenIntroduction): Promise<DeviceTable | undefined> {
  return await db
    .selectFrom('device')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('key_id', '=', keyId)
    .executeTakeFirst();
}

async function wait(trx: Trx, asked: ProvenIntroduction, nowMs: number): Promise<IntroductionAnswer> {
  const { tenantId, keyId, publicKeyPem, name = null, tokenSha256 } = asked;
  const said = { name, attributes: JSON.stringify(asked.attributes), token_sha256: tokenSha256, heard_ms: nowMs };
  const known = await findIntroduction(trx, tenantId, keyId);
  if (known !== undefined) {
    // Its device is gone; or the operator has answered in between.
    if (known.state !== 'pending') return { kind: 'rejected' };
    await updateIntroduction(trx, known.id, said);
    return { kind: 'pending' };
  }
  await dropSilent(trx, tenantId, nowMs - SILENT_MS_MAX);
  if ((await countPending(trx, tenantId)) >= PENDING_MAX) return { kind: 'full' };
  const row = { tenant_id: tenantId, key_id: keyId, public_key_pem: publicKeyPem, created_ms: nowMs };
  const id = await insertIntroduction(trx, { ...row, ...said, state: 'pending', device_id: null });
  const told = { introductionId: `pawl-${id}`, client: 'pawl', keyId, name } as const;
  await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.waiting', told);
  return { kind: 'pending' };
}

function isNoted(row: IntroductionTable | undefined, asked: ProvenIntroduction, nowMs: number): boolean {
  if (row?.state !== 'pending' || row.heard_ms <= nowMs - HEARD_EVERY_MS) return false;
  const isSame = row.name === (asked.name ?? null) && row.attributes === JSON.stringify(asked.attributes);
  return isSame && isEqualBytes(row.token_sha256, asked.tokenSha256);
}

/** Answers an introduction; one that is repeated all the time costs reads only. `onNew` may refuse to remember another key. */
export async function introduce(
  ports: ServerPorts,
  asked: ProvenIntroduction,
  onNew: () => void,
): Promise<IntroductionAnswer> {
  const { read } = ports.database;
  const nowMs = ports.now().getTime();
  const { tenantId, name, tokenSha256, certificate } = asked;
  const device = await findByKey(read, asked);
  if (device !== undefined) return await answerKnown(ports, asked, device);
  if (certificate !== undefined) {
    const admission = await admitByCertificate(ports, tenantId, certificate, { name, tokenSha256 });
    if (admission.kind === 'admitted') return { kind: 'enrolled', controllerId: admission.controllerId };
    if (admission.kind === 'refused') return admission;
  }
  const known = await findIntroduction(read, tenantId, asked.keyId);
  if (known?.state === 'rejected') return { kind: 'rejected' };
  if (isNoted(known, asked, nowMs)) return { kind: 'pending' };
  if (known === undefined) onNew();
  return await ports.database.write((trx) => wait(trx, asked, nowMs));
}

type Row = NonNullable<Awaited<ReturnType<typeof findIntroductionById>>>;

/** @throws RegistryError INTRODUCTION_UNKNOWN */
async function mustFind(trx: Trx, tenantId: number, id: number): Promise<Row> {
  const row = await findIntroductionById(trx, tenantId, id);
  if (row === undefined) throw new RegistryError('INTRODUCTION_UNKNOWN', { id });
  return row;
}

/** @throws ServerError DEVICE_EXISTS, DEVICE_UNKNOWN */
async function letIn(trx: Trx, ports: ServerPorts, key: NewKey, input: IntroductionApproval): Promise<number> {
  const { controllerId, model, line = null, tags = [], isKeyChange = false } = input;
  const device = await findDevice(trx, key.tenantId, controllerId);
  if (await isKeyKnown(trx, key.tenantId, key.keyId)) throw new ServerError('DEVICE_EXISTS', { keyId: key.keyId });
  if (isKeyChange) {
    if (device === undefined || device.decommissioned_ms !== null) {
      throw new ServerError('DEVICE_UNKNOWN', { controllerId });
    }
    await giveKey(trx, ports, { ...key, told: { ...key.told, act: 'change-key' } }, device);
    return device.id;
  }
  if (device !== undefined && isAwaited(device)) {
    await giveKey(trx, ports, key, device);
    return device.id;
  }
  const id = await enterDevice(trx, ports, key, { model, line, tags });
  if (id === undefined) throw new ServerError('DEVICE_EXISTS', { controllerId });
  return id;
}

/** @throws RegistryError INTRODUCTION_UNKNOWN, INTRODUCTION_ANSWERED, INTRODUCTION_KEY_DIFFERS; ServerError DEVICE_EXISTS, DEVICE_UNKNOWN */
export function approveIntroduction(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  input: IntroductionApproval,
): Promise<Introduction> {
  const { tenantId } = actor;
  const nowMs = ports.now().getTime();
  return ports.database.write(async (trx) => {
    const row = await mustFind(trx, tenantId, id);
    if (row.state === 'accepted') throw new RegistryError('INTRODUCTION_ANSWERED', { actual: row.state });
    if (input.keyId !== undefined && input.keyId !== row.key_id) {
      throw new RegistryError('INTRODUCTION_KEY_DIFFERS', { expected: input.keyId, actual: row.key_id });
    }
    const key: NewKey = {
      tenantId,
      controllerId: input.controllerId,
      kind: 'pawl',
      keyId: row.key_id,
      publicKeyPem: row.public_key_pem,
      tokenSha256: row.token_sha256,
      told: { by: actor.id },
      nowMs,
    };
    const deviceId = await letIn(trx, ports, key, input);
    await updateIntroduction(trx, id, { state: 'accepted', device_id: deviceId });
    return introductionView(await mustFind(trx, tenantId, id));
  });
}

/** @throws RegistryError INTRODUCTION_UNKNOWN, INTRODUCTION_ANSWERED */
export function rejectIntroduction(ports: ServerPorts, actor: Actor, id: number): Promise<Introduction> {
  const { tenantId } = actor;
  return ports.database.write(async (trx) => {
    const row = await mustFind(trx, tenantId, id);
    if (row.state === 'accepted') {
      const device = await getDeviceById(trx, row.device_id ?? 0);
      throw new RegistryError('INTRODUCTION_ANSWERED', { actual: row.state, controllerId: device.controller_id });
    }
    await updateIntroduction(trx, id, { state: 'rejected', heard_ms: ports.now().getTime() });
    await dropOldRejections(trx, tenantId, REJECTED_MAX);
    await recordAct(trx, ports, {
      tenantId,
      predicateType: 'urn:pawl:device:1',
      subject: `introduction/pawl-${id}`,
      record: { keyId: row.key_id, ...(row.name === null ? {} : { name: row.name }) },
      act: 'reject',
      by: actor.id,
    });
    return introductionView(await mustFind(trx, tenantId, id));
  });
}
