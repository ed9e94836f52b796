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
import { type CertificateColumns, findDevice, updateDevice } from '../../store/devices.ts';
import type { AuthorityTable, DeviceTable } from '../../store/schema/index.ts';
import type { ServerPorts } from '../ports.ts';
import { recordAct } from '../registry/record.ts';
import { enterDevice, giveKey, isAwaited, isKeyKnown, type NewKey } from './enter.ts';

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

async function renew(trx: Trx, ports: ServerPorts, { authority, name, columns }: Candidate, device: DeviceTable) {
  const { certificate_serial: serial, certificate_until_ms: untilMs } = columns;
  if (device.authority_id === authority.id && device.certificate_serial === serial) return;
  await updateDevice(trx, device.id, columns);
  await recordAct(trx, ports, {
    tenantId: device.tenant_id,
    predicateType: 'urn:pawl:device:1',
    subject: `device/${name}`,
    record: { controllerId: name, serial: serial ?? '', until: new Date(untilMs ?? 0).toISOString() },
    act: 'renew-certificate',
    by: `authority/${authority.id}`,
  });
}

async function admitInto(trx: Trx, ports: ServerPorts, candidate: Candidate): Promise<CertificateAdmission> {
  const { authority, name: controllerId, keyId } = candidate;
  const device = await findDevice(trx, authority.tenant_id, controllerId);
  if (device !== undefined && device.decommissioned_ms !== null) return { kind: 'stranger' };
  if (device?.key_id === keyId) {
    await renew(trx, ports, candidate, device);
    return { kind: 'admitted', controllerId };
  }
  if (device !== undefined && !isAwaited(device)) {
    return refused('DEVICE_CERTIFICATE_KEY_DIFFERS', 'the device is known with other credentials');
  }
  if (await isKeyKnown(trx, authority.tenant_id, keyId)) {
    return refused('DEVICE_CERTIFICATE_KEY_DIFFERS', 'the key is known under another name');
  }
  const { tenant_id: tenantId, kind, model, line } = authority;
  const { publicKeyPem, columns, tokenSha256, nowMs } = candidate;
  const told = { by: `authority/${authority.id}`, serial: columns.certificate_serial ?? '' };
  const key: NewKey = {
    tenantId,
    controllerId,
    kind,
    keyId,
    publicKeyPem,
    tokenSha256,
    certificate: columns,
    told,
    nowMs,
  };
  if (device !== undefined) await giveKey(trx, ports, key, device);
  else await enterDevice(trx, ports, key, { model, line, tags: JSON.parse(authority.tags) as string[] });
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
