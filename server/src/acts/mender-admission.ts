/**
 * How Mender clients come in. A client proves a key; the operator says whether that key is let in: before it asks
 * (preauthorised), when it asked (accepted), or by a one-time claim that the client sends as its tenant token. Nothing else
 * opens anything. A client that is in gets a token for a week, of which the server keeps the SHA-256.
 */

import type { MenderAcceptance, MenderPreauthorisation, MenderRequest } from '@pawl/contract/management';
import type { Signer } from '@pawl/core/crypto';
import type { Actor } from '../domain/actor.ts';
import { takeClaim } from '../store/access.ts';
import type { Db, Trx } from '../store/database.ts';
import { findDevice, getDeviceById, insertDevice } from '../store/devices.ts';
import { appendStatement } from '../store/ledger.ts';
import {
  dropOldestPending,
  findMenderAuthById,
  findMenderAuths,
  findTenantId,
  insertMenderAuth,
  type MenderKey,
  menderRequestView,
  queryMenderAuths,
  rejectMenderAuthsOf,
  updateMenderAuth,
} from '../store/mender.ts';
import type { MenderAuthTable } from '../store/schema/index.ts';
import { ServerError } from './errors.ts';
import { emitEvent } from './event.ts';
import { identityText, type MenderPublicKey, menderPublicKey } from './mender-identity.ts';
import type { ServerPorts } from './ports.ts';
import { recordAct } from './registry/record.ts';
import { secretSha256 } from './secret.ts';

/** A week, as Mender's own server gives it. */
const TOKEN_VALID_MS = 604_800_000;
/** Anybody can make keys: what nobody accepted is kept in this number only. */
const PENDING_MAX = 1000;
const HEARD_EVERY_MS = 60_000;

/** What a client proved: that it holds this key. What it says of itself is its word. */
export type MenderProof = {
  readonly identity: string;
  readonly key: MenderPublicKey;
  /** A one-time claim, the name of a tenant, or something that says nothing here. */
  readonly tenantToken: string | undefined;
};

type NewMenderDevice = Omit<MenderAcceptance, 'isKeyChange'>;

async function recordAdmission(
  trx: Trx,
  ledger: Signer,
  device: NewMenderDevice & { readonly tenantId: number },
  auth: { readonly public_key_pem: string; readonly key_id: string },
  { by, nowMs }: { readonly by: string; readonly nowMs: number },
): Promise<void> {
  const { controllerId, model, line } = device;
  await appendStatement(trx, ledger, {
    tenantId: device.tenantId,
    predicateType: 'urn:pawl:device-enrolled:1',
    subject: { name: `device/${controllerId}`, digest: { sha256: auth.key_id } },
    predicate: {
      controllerId,
      model,
      ...(line === undefined ? {} : { line }),
      client: 'mender',
      publicKey: auth.public_key_pem,
      by,
      at: new Date(nowMs).toISOString(),
    },
  });
  const told = { controllerId, model, line: line ?? null, kind: 'foreign' } as const;
  await emitEvent(trx, { tenantId: device.tenantId, nowMs }, 'pawl.device.enrolled', told);
}

/** @throws ServerError DEVICE_EXISTS */
async function addMenderDevice(trx: Trx, tenantId: number, device: NewMenderDevice, nowMs: number): Promise<number> {
  const { controllerId, model, line, tags = [] } = device;
  const row = { tenantId, controllerId, model, line, tags, kind: 'foreign' as const, tokenSha256: undefined, nowMs };
  const id = await insertDevice(trx, row);
  if (id === undefined) throw new ServerError('DEVICE_EXISTS', { controllerId });
  return id;
}

async function viewOf(db: Db, tenantId: number, id: number): Promise<MenderRequest> {
  const [row] = await queryMenderAuths(db, { tenantId, id, limit: 1 });
  if (row === undefined) throw new TypeError('the request was just written');
  return menderRequestView(row);
}

/** The device that gets a new key. @throws ServerError DEVICE_UNKNOWN */
async function findForKeyChange(trx: Trx, tenantId: number, controllerId: string): Promise<number> {
  const device = await findDevice(trx, tenantId, controllerId);
  const known =
    device === undefined || device.decommissioned_ms !== null
      ? undefined
      : await trx.selectFrom('mender_auth').select('id').where('device_id', '=', device.id).executeTakeFirst();
  if (device === undefined || known === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId });
  await rejectMenderAuthsOf(trx, device.id);
  return device.id;
}

/** @throws ServerError MENDER_REQUEST_UNKNOWN */
async function mustFind(trx: Trx, tenantId: number, id: number): Promise<MenderAuthTable> {
  const row = await findMenderAuthById(trx, tenantId, id);
  if (row === undefined) throw new ServerError('MENDER_REQUEST_UNKNOWN', { id });
  return row;
}

/** @throws ServerError MENDER_REQUEST_UNKNOWN, DEVICE_EXISTS, DEVICE_UNKNOWN */
export function acceptMenderRequest(
  ports: ServerPorts,
  { tenantId, id: by }: Actor,
  id: number,
  input: MenderAcceptance,
): Promise<MenderRequest> {
  const { isKeyChange = false, ...device } = input;
  const nowMs = ports.now().getTime();
  return ports.database.write(async (trx) => {
    const auth = await mustFind(trx, tenantId, id);
    const deviceId = isKeyChange
      ? await findForKeyChange(trx, tenantId, device.controllerId)
      : await addMenderDevice(trx, tenantId, device, nowMs);
    await updateMenderAuth(trx, id, { state: 'accepted', device_id: deviceId });
    await recordAdmission(trx, ports.keys.ledger, { ...device, tenantId }, auth, { by, nowMs });
    return await viewOf(trx, tenantId, id);
  });
}

/** @throws ServerError MENDER_REQUEST_UNKNOWN */
export function rejectMenderRequest(
  ports: ServerPorts,
  { tenantId, id: by }: Actor,
  id: number,
): Promise<MenderRequest> {
  return ports.database.write(async (trx) => {
    const auth = await mustFind(trx, tenantId, id);
    await recordAct(trx, ports, {
      tenantId,
      predicateType: 'urn:pawl:device:1',
      subject: `introduction/mender-${id}`,
      record: { keyId: auth.key_id },
      act: 'reject',
      by,
    });
    const closed = { token_sha256: null, token_expires_ms: null, ticket_sha256: null, ticket_assignment_id: null };
    await updateMenderAuth(trx, id, { state: 'rejected', ...closed });
    return await viewOf(trx, tenantId, id);
  });
}

/** @throws ServerError MENDER_KEY_UNSUITABLE, MENDER_REQUEST_EXISTS, DEVICE_EXISTS */
export function preauthoriseMender(
  ports: ServerPorts,
  { tenantId, id: by }: Actor,
  input: MenderPreauthorisation,
): Promise<MenderRequest> {
  const { identity: record, publicKey, ...device } = input;
  const key = menderPublicKey(publicKey);
  const identity = identityText(record);
  const nowMs = ports.now().getTime();
  return ports.database.write(async (trx) => {
    const what = { identitySha256: secretSha256(identity), keyId: key.keyId };
    const known = (await findMenderAuths(trx, what)).find((auth) => auth.tenant_id === tenantId);
    if (known !== undefined) throw new ServerError('MENDER_REQUEST_EXISTS', { id: known.id, actual: known.state });
    const deviceId = await addMenderDevice(trx, tenantId, device, nowMs);
    const row = { ...what, tenantId, identity, publicKeyPem: key.pem, state: 'accepted' as const, deviceId };
    const id = await insertMenderAuth(trx, { ...row, nowMs, heardMs: undefined });
    await recordAdmission(
      trx,
      ports.keys.ledger,
      { ...device, tenantId },
      { public_key_pem: key.pem, key_id: key.keyId },
      { by, nowMs },
    );
    return await viewOf(trx, tenantId, id);
  });
}

/** The device of a one-time claim; undefined when the claim does not hold, which says nothing about why. */
async function redeemClaim(
  trx: Trx,
  ports: ServerPorts,
  proof: MenderProof,
): Promise<{ tenantId: number; deviceId: number } | undefined> {
  const nowMs = ports.now().getTime();
  const claim = await takeClaim(trx, secretSha256(proof.tenantToken ?? ''), 'device', nowMs);
  if (claim === undefined || claim.controller_id === null || claim.model === null) return undefined;
  const tags = JSON.parse(claim.tags) as string[];
  const { controller_id: controllerId, model, tenant_id: tenantId } = claim;
  const device = { controllerId, model, tags, ...(claim.line === null ? {} : { line: claim.line }) };
  const deviceId = await addMenderDevice(trx, tenantId, device, nowMs);
  const auth = { public_key_pem: proof.key.pem, key_id: proof.key.keyId };
  await recordAdmission(trx, ports.keys.ledger, { ...device, tenantId }, auth, { by: 'claim', nowMs });
  return { tenantId, deviceId };
}

/** The request whose device lives. Of one that was decommissioned, the key has to be accepted anew. */
async function findAlive(db: Db, auths: readonly MenderAuthTable[]): Promise<MenderAuthTable | undefined> {
  for (const auth of auths) {
    if (auth.state !== 'accepted' || auth.device_id === null) continue;
    if ((await getDeviceById(db, auth.device_id)).decommissioned_ms === null) return auth;
  }
  return undefined;
}

function askedKey({ identity, key }: MenderProof): MenderKey {
  return { identitySha256: secretSha256(identity), keyId: key.keyId };
}

type Place = { readonly tenantId: number; readonly deviceId?: number };

/** Writes that a key asked, at a tenant. */
async function noteAsked(
  trx: Trx,
  proof: MenderProof,
  place: Place,
  auths: readonly MenderAuthTable[],
  nowMs: number,
): Promise<number> {
  const { tenantId, deviceId } = place;
  const state = deviceId === undefined ? ('pending' as const) : ('accepted' as const);
  const known = auths.find((auth) => auth.tenant_id === tenantId);
  if (known !== undefined) {
    await updateMenderAuth(trx, known.id, { state, device_id: deviceId ?? null, heard_ms: nowMs, token_sha256: null });
    return known.id;
  }
  if (deviceId === undefined) await dropOldestPending(trx, tenantId, PENDING_MAX - 1);
  const row = { ...askedKey(proof), tenantId, identity: proof.identity, publicKeyPem: proof.key.pem };
  const id = await insertMenderAuth(trx, { ...row, state, deviceId, nowMs, heardMs: nowMs });
  if (deviceId !== undefined) return id;
  const told = { introductionId: `mender-${id}`, client: 'mender', keyId: proof.key.keyId, name: null } as const;
  await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.waiting', told);
  return id;
}

async function findTenant(db: Db, proof: MenderProof, defaultTenant: string): Promise<number> {
  const named = proof.tenantToken === undefined ? undefined : await findTenantId(db, proof.tenantToken);
  const tenantId = named ?? (await findTenantId(db, defaultTenant));
  if (tenantId === undefined) throw new TypeError('the server made its tenant when it started');
  return tenantId;
}

async function admit(
  trx: Trx,
  ports: ServerPorts,
  proof: MenderProof,
  tenantId: number,
  token: string,
): Promise<string | undefined> {
  const nowMs = ports.now().getTime();
  const auths = await findMenderAuths(trx, askedKey(proof));
  const alive = await findAlive(trx, auths);
  const claimed = alive === undefined ? await redeemClaim(trx, ports, proof) : undefined;
  const place = claimed ?? { tenantId };
  if (alive === undefined && isShutOut(auths, place)) return undefined;
  const id = alive?.id ?? (await noteAsked(trx, proof, place, auths, nowMs));
  if (alive === undefined && claimed === undefined) return undefined;
  const token_expires_ms = nowMs + TOKEN_VALID_MS;
  await updateMenderAuth(trx, id, { heard_ms: nowMs, token_sha256: secretSha256(token), token_expires_ms });
  return token;
}

/** A key that the operator rejected stays out, unless a claim says otherwise. */
function isShutOut(auths: readonly MenderAuthTable[], { tenantId, deviceId }: Place): boolean {
  return deviceId === undefined && auths.some((auth) => auth.tenant_id === tenantId && auth.state === 'rejected');
}

/** What a client sends as tenant token is mostly no claim of this server. */
async function isOpenClaim(db: Db, { tenantToken }: MenderProof, nowMs: number): Promise<boolean> {
  if (tenantToken === undefined) return false;
  const row = await db
    .selectFrom('claim')
    .select('sha256')
    .where('sha256', '=', secretSha256(tenantToken))
    .where('kind', '=', 'device')
    .where('used_ms', 'is', null)
    .where('expires_ms', '>', nowMs)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * A token for a client that was let in; undefined for any other, which is remembered as asking: at the tenant of its claim,
 * at the one that it names, or at the first one of the server. A client that asks all the time costs reads only.
 */
export async function authenticateMender(
  ports: ServerPorts,
  defaultTenant: string,
  proof: MenderProof,
): Promise<string | undefined> {
  const db = ports.database.read;
  const nowMs = ports.now().getTime();
  const tenantId = await findTenant(db, proof, defaultTenant);
  const auths = await findMenderAuths(db, askedKey(proof));
  const isOpen = (await findAlive(db, auths)) !== undefined || (await isOpenClaim(db, proof, nowMs));
  const asked = auths.find((auth) => auth.tenant_id === tenantId);
  const isNoted = asked?.state === 'pending' && (asked.heard_ms ?? 0) > nowMs - HEARD_EVERY_MS;
  if (!isOpen && (isNoted || isShutOut(auths, { tenantId }))) return undefined;
  return await ports.database.write((trx) => admit(trx, ports, proof, tenantId, ports.newSecret()));
}
