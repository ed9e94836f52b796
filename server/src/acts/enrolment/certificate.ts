/**
 * A device comes in by its certificate: on its first contact, or with a renewed certificate over the same key. Its name is
 * that of the certificate; model, line and tags are those of the authority. Its key enters the ledger in the same transaction.
 * Whoever was heard with other credentials under this name is not replaced.
 */
import { X509Certificate } from 'node:crypto';
import { isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PublicKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import { type CertificateRefusal, isIssuedBy, judgeCertificate, serialOf } from '../../domain/device-certificate.ts';
import { isSerialBarred, listOpenAuthorities } from '../../store/authorities.ts';
import type { Db, Trx } from '../../store/database.ts';
import { type CertificateColumns, findDevice, insertDevice, updateDevice } from '../../store/devices.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { AuthorityTable, DeviceTable } from '../../store/schema/index.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { recordAct } from '../registry/record.ts';

export type CertificateAdmission =
  | { readonly kind: 'admitted'; readonly controllerId: string }
  /** No registered authority issued it. */
  | { readonly kind: 'stranger' }
  | {
      readonly kind: 'refused';
      readonly code: CertificateRefusal | 'DEVICE_CERTIFICATE_KEY_DIFFERS';
      readonly reason: string;
    };

type Candidate = {
  readonly authority: AuthorityTable;
  readonly name: string;
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly columns: CertificateColumns;
  /** Set by an introduction, which brings a token. */
  readonly tokenSha256: Uint8Array | undefined;
  readonly nowMs: number;
};

type Judged = { readonly authority: AuthorityTable; readonly verdict: ReturnType<typeof judgeCertificate> };

async function judge(db: Db, tenantId: number, certificate: X509Certificate, now: Date): Promise<Judged | undefined> {
  for (const authority of await listOpenAuthorities(db, tenantId)) {
    const x509 = new X509Certificate(authority.certificate_pem);
    if (!isIssuedBy(certificate, x509)) continue;
    const serial = serialOf(certificate);
    const isBarred = await isSerialBarred(db, authority.id, serial);
    const rules = { x509, namePattern: authority.name_pattern, isBarred: () => isBarred };
    return { authority, verdict: judgeCertificate(certificate, rules, now) };
  }
  return undefined;
}

/** The key as devices have them; undefined for one of another kind, or one whose private half is public. */
function deviceKeyOf(certificate: X509Certificate): PublicKey | undefined {
  try {
    const key = PublicKey.fromKeyObject(certificate.publicKey);
    assertNotTestKey(key);
    return key;
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return undefined;
  }
}

const refused = (
  code: Extract<CertificateAdmission, { kind: 'refused' }>['code'],
  reason: string,
): CertificateAdmission => ({ kind: 'refused', code, reason });

async function enter(trx: Trx, ports: ServerPorts, candidate: Candidate): Promise<CertificateAdmission> {
  const { authority, name: controllerId, keyId, publicKeyPem, columns, tokenSha256, nowMs } = candidate;
  const { tenant_id: tenantId, model, kind } = authority;
  const line = authority.line ?? undefined;
  const tags = JSON.parse(authority.tags) as string[];
  // Only who signs its reports has a key to verify them with.
  const key = { keyId, ...(kind === 'pawl' ? { publicKeyPem } : {}) };
  const row = { tenantId, controllerId, model, line, tags, kind, tokenSha256, nowMs, certificate: columns, ...key };
  if ((await insertDevice(trx, row)) === undefined) {
    return refused('DEVICE_CERTIFICATE_KEY_DIFFERS', 'the key is known under another name');
  }
  await tell(trx, ports, candidate, { model, line: authority.line, kind });
  return { kind: 'admitted', controllerId };
}

async function tell(
  trx: Trx,
  ports: ServerPorts,
  { authority, name: controllerId, keyId, publicKeyPem, columns, nowMs }: Candidate,
  { model, line, kind }: Pick<DeviceTable, 'model' | 'line' | 'kind'>,
): Promise<void> {
  await appendStatement(trx, ports.keys.ledger, {
    predicateType: 'urn:pawl:device-enrolled:1',
    subject: { name: `device/${controllerId}`, digest: { sha256: keyId } },
    predicate: {
      controllerId,
      model,
      ...(line === null ? {} : { line }),
      publicKey: publicKeyPem,
      by: `authority/${authority.id}`,
      serial: columns.certificate_serial ?? '',
      at: new Date(nowMs).toISOString(),
    },
  });
  await emitEvent(trx, { tenantId: authority.tenant_id, nowMs }, 'pawl.device.enrolled', {
    controllerId,
    model,
    line,
    kind,
  });
}

/** A device that an operator wrote down before it came: it keeps what stands there, and gets its key. */
async function fill(trx: Trx, ports: ServerPorts, candidate: Candidate, device: DeviceTable) {
  const { authority, keyId, publicKeyPem, columns, tokenSha256, nowMs } = candidate;
  const { kind } = authority;
  await updateDevice(trx, device.id, {
    ...columns,
    kind,
    key_id: keyId,
    public_key_pem: kind === 'pawl' ? publicKeyPem : null,
    token_sha256: tokenSha256 ?? null,
    enrolled_ms: nowMs,
  });
  await tell(trx, ports, candidate, { ...device, kind });
}

async function renew(trx: Trx, ports: ServerPorts, { authority, name, columns }: Candidate, device: DeviceTable) {
  const { certificate_serial: serial, certificate_until_ms: untilMs } = columns;
  if (device.authority_id === authority.id && device.certificate_serial === serial) return;
  await updateDevice(trx, device.id, columns);
  await recordAct(trx, ports, {
    predicateType: 'urn:pawl:device:1',
    subject: `device/${name}`,
    record: { controllerId: name, serial: serial ?? '', until: new Date(untilMs ?? 0).toISOString() },
    act: 'renew-certificate',
    by: `authority/${authority.id}`,
  });
}

async function admitInto(trx: Trx, ports: ServerPorts, candidate: Candidate): Promise<CertificateAdmission> {
  const { name: controllerId, keyId } = candidate;
  const device = await findDevice(trx, candidate.authority.tenant_id, controllerId);
  if (device === undefined) return await enter(trx, ports, candidate);
  if (device.decommissioned_ms !== null) return { kind: 'stranger' };
  const isNew = device.key_id === null && device.last_seen_ms === null;
  if (device.key_id !== keyId && !isNew) {
    return refused('DEVICE_CERTIFICATE_KEY_DIFFERS', 'the device is known with other credentials');
  }
  if (isNew) {
    const holder = await trx
      .selectFrom('device')
      .select('id')
      .where('tenant_id', '=', device.tenant_id)
      .where('key_id', '=', keyId)
      .executeTakeFirst();
    if (holder !== undefined) {
      return refused('DEVICE_CERTIFICATE_KEY_DIFFERS', 'the key is known under another name');
    }
    await fill(trx, ports, candidate, device);
  } else await renew(trx, ports, candidate, device);
  return { kind: 'admitted', controllerId };
}

/**
 * Lets a device in whose possession of the certified key is proven: by the handshake, or by its signature. `claimedName` is
 * the one that it asks under, if it says one.
 */
export async function admitByCertificate(
  ports: ServerPorts,
  tenantId: number,
  certificate: X509Certificate,
  claimed: { readonly name: string | undefined; readonly tokenSha256?: Uint8Array },
): Promise<CertificateAdmission> {
  const now = ports.now();
  const judged = await judge(ports.database.read, tenantId, certificate, now);
  if (judged === undefined) return { kind: 'stranger' };
  const { verdict } = judged;
  if (verdict.kind === 'refuse') return refused(verdict.code, verdict.reason);
  if (claimed.name !== undefined && claimed.name !== verdict.name) {
    return refused('DEVICE_CERTIFICATE_NAME_REFUSED', 'asked for under another name');
  }
  const key = deviceKeyOf(certificate);
  if (key === undefined) return refused('DEVICE_CERTIFICATE_UNSUITABLE', 'a key that no device has');
  return await ports.database.write(async (trx) => {
    // Removed or barred since it was judged: the transaction sees it.
    const again = await judge(trx, tenantId, certificate, now);
    if (again?.verdict.kind !== 'admit') return { kind: 'stranger' };
    return await admitInto(trx, ports, {
      authority: again.authority,
      name: verdict.name,
      keyId: keyIdOf(key),
      publicKeyPem: key.toSpkiPem(),
      columns: {
        authority_id: again.authority.id,
        certificate_serial: verdict.serial,
        certificate_until_ms: verdict.untilMs,
      },
      tokenSha256: claimed.tokenSha256,
      nowMs: now.getTime(),
    });
  });
}
