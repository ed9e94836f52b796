/**
 * What operators say of certificate authorities: one is registered with what it may name and what its devices are; a
 * certificate is barred; an authority is removed, and everything that came in by it is refused from then on.
 */
import { X509Certificate } from 'node:crypto';
import type { DeviceAuthority, NewAuthority } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { authorityFlaw } from '../../domain/device-certificate.ts';
import {
  authorityView,
  barSerial,
  findAuthority,
  insertAuthority,
  listOpenAuthorities,
  markAuthorityRemoved,
} from '../../store/authorities.ts';
import type { Trx } from '../../store/database.ts';
import type { AuthorityTable } from '../../store/schema/index.ts';
import { assertOwnCertificate } from '../certificate.ts';
import type { ServerPorts } from '../ports.ts';
import { RegistryError } from '../registry/errors.ts';
import { recordAct } from '../registry/record.ts';

const AUTHORITIES_MAX = 50;

/** @throws RegistryError AUTHORITY_UNSUITABLE; KeysError KEYS_TEST_KEY_BARRED */
function parseAuthority(pem: string, now: Date): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw new RegistryError('AUTHORITY_UNSUITABLE', { actual: 'no certificate in PEM' }, cause);
  }
  const flaw = authorityFlaw(certificate, now);
  if (flaw !== undefined) throw new RegistryError('AUTHORITY_UNSUITABLE', { actual: flaw });
  assertOwnCertificate(pem);
  return certificate;
}

async function record(
  trx: Trx,
  ports: ServerPorts,
  row: AuthorityTable,
  parts: { readonly act: string; readonly by: string; readonly serial?: string },
): Promise<void> {
  const { act, by, serial } = parts;
  await recordAct(trx, ports, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:device-authority:1',
    subject: `authority/${row.id}`,
    record: {
      name: row.name,
      certificate: row.fingerprint,
      namePattern: row.name_pattern,
      kind: row.kind,
      model: row.model,
      ...(row.line === null ? {} : { line: row.line }),
      ...(serial === undefined ? {} : { serial }),
    },
    act,
    by,
  });
}

/** @throws RegistryError AUTHORITY_UNSUITABLE, AUTHORITY_EXISTS, AUTHORITY_TOO_MANY; KeysError KEYS_TEST_KEY_BARRED */
export function addAuthority(ports: ServerPorts, actor: Actor, input: NewAuthority): Promise<DeviceAuthority> {
  const { tenantId } = actor;
  const now = ports.now();
  const certificate = parseAuthority(input.certificatePem, now);
  const row = {
    tenant_id: tenantId,
    name: input.name,
    certificate_pem: certificate.toString(),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    name_pattern: input.namePattern,
    kind: input.kind ?? 'pawl',
    model: input.model,
    line: input.line ?? null,
    tags: JSON.stringify([...new Set(input.tags ?? [])].sort()),
    created_ms: now.getTime(),
  };
  return ports.database.write(async (trx) => {
    if ((await listOpenAuthorities(trx, tenantId)).length >= AUTHORITIES_MAX) {
      throw new RegistryError('AUTHORITY_TOO_MANY');
    }
    const id = await insertAuthority(trx, row);
    if (id === undefined) throw new RegistryError('AUTHORITY_EXISTS', { fingerprint: row.fingerprint });
    const made = { ...row, id, removed_ms: null };
    await record(trx, ports, made, { act: 'register', by: actor.id });
    return await authorityView(trx, made);
  });
}

async function mustFind(trx: Trx, tenantId: number, id: number): Promise<AuthorityTable> {
  const row = await findAuthority(trx, tenantId, id);
  if (row === undefined) throw new RegistryError('AUTHORITY_UNKNOWN', { id });
  return row;
}

/** @throws RegistryError AUTHORITY_UNKNOWN */
export function barCertificate(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  serialText: string,
): Promise<DeviceAuthority> {
  const serial = serialText
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
  return ports.database.write(async (trx) => {
    const row = await mustFind(trx, actor.tenantId, id);
    await barSerial(trx, id, serial, ports.now().getTime());
    await record(trx, ports, row, { act: 'bar', by: actor.id, serial });
    return await authorityView(trx, row);
  });
}

/** @throws RegistryError AUTHORITY_UNKNOWN */
export async function removeAuthority(ports: ServerPorts, actor: Actor, id: number): Promise<void> {
  await ports.database.write(async (trx) => {
    const row = await mustFind(trx, actor.tenantId, id);
    await markAuthorityRemoved(trx, id, ports.now().getTime());
    await record(trx, ports, row, { act: 'remove', by: actor.id });
  });
}
