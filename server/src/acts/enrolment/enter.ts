/** A key comes in: with a new device, or to one that an operator wrote down before. The ledger knows it in the same transaction. */
import type { Trx } from '../../store/database.ts';
import { type CertificateColumns, insertDevice, updateDevice } from '../../store/devices.ts';
import { appendStatement } from '../../store/ledger.ts';
import type { DeviceTable } from '../../store/schema/index.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';

export type NewKey = {
  readonly tenantId: number;
  readonly controllerId: string;
  readonly kind: 'pawl' | 'foreign';
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly tokenSha256: Uint8Array | undefined;
  readonly certificate?: CertificateColumns;
  /** Who or what let it in, and what else the ledger is told. */
  readonly told: { readonly by: string; readonly act?: string; readonly serial?: string };
  readonly nowMs: number;
};

type Facts = { readonly model: string; readonly line: string | null };

async function tell(trx: Trx, ports: ServerPorts, key: NewKey, { model, line }: Facts): Promise<void> {
  const { tenantId, controllerId, kind, keyId, publicKeyPem, told, nowMs } = key;
  await appendStatement(trx, ports.keys.ledger, {
    tenantId,
    predicateType: 'urn:pawl:device-enrolled:1',
    subject: { name: `device/${controllerId}`, digest: { sha256: keyId } },
    predicate: {
      controllerId,
      model,
      ...(line === null ? {} : { line }),
      publicKey: publicKeyPem,
      ...told,
      at: new Date(nowMs).toISOString(),
    },
  });
  await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.enrolled', { controllerId, model, line, kind });
}

/** Whether any device of the tenant has this key. */
export async function isKeyKnown(trx: Trx, tenantId: number, keyId: string): Promise<boolean> {
  const holder = await trx
    .selectFrom('device')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  return holder !== undefined;
}

/** Written down by an operator, and never heard of: whoever is let in under its name takes its place. */
export function isAwaited(device: DeviceTable): boolean {
  return device.key_id === null && device.is_heard === 0 && device.decommissioned_ms === null;
}

/** A new device; false when the name is taken. The key must not be known. */
export async function enterDevice(
  trx: Trx,
  ports: ServerPorts,
  key: NewKey,
  facts: Facts & { readonly tags: readonly string[] },
): Promise<number | undefined> {
  const { tenantId, controllerId, kind, keyId, tokenSha256, nowMs } = key;
  const id = await insertDevice(trx, {
    tenantId,
    controllerId,
    model: facts.model,
    line: facts.line ?? undefined,
    tags: facts.tags,
    kind,
    tokenSha256,
    keyId,
    nowMs,
    // Only who signs its reports has a key to verify them with.
    ...(kind === 'pawl' ? { publicKeyPem: key.publicKeyPem } : {}),
    ...(key.certificate === undefined ? {} : { certificate: key.certificate }),
  });
  if (id !== undefined) await tell(trx, ports, key, facts);
  return id;
}

const NO_CERTIFICATE: CertificateColumns = { authority_id: null, certificate_serial: null, certificate_until_ms: null };

/** A device that is there gets this key and loses every other credential. The key must not be known. */
export async function giveKey(trx: Trx, ports: ServerPorts, key: NewKey, device: DeviceTable): Promise<void> {
  const { kind, keyId, publicKeyPem, tokenSha256, nowMs } = key;
  await updateDevice(trx, device.id, {
    ...(key.certificate ?? NO_CERTIFICATE),
    kind,
    key_id: keyId,
    public_key_pem: kind === 'pawl' ? publicKeyPem : null,
    token_sha256: tokenSha256 ?? null,
    enrolled_ms: nowMs,
    // Counted by each key for itself.
    report_counter: 0,
    is_heard: 0,
  });
  await tell(trx, ports, key, device);
}
