/**
 * Keys whose signatures are approvals of a person. A key comes in by the person, signed in, or by an admin who could be that
 * person anyway; either way the ledger says who did it, and a bundle can check what the key approved.
 */
import { createHash } from 'node:crypto';
import type { ApprovalKey } from '@pawl/contract/management';
import { isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PublicKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import { type Actor, holdsAll, permissionsOfRoles } from '../../domain/actor.ts';
import { approvalKeyView, endApprovalKey, insertApprovalKey } from '../../store/approval-keys.ts';
import type { Trx } from '../../store/database.ts';
import { appendStatement } from '../../store/ledger.ts';
import { findPerson, rolesOf } from '../../store/people.ts';
import type { ServerPorts } from '../ports.ts';
import { PeopleError } from './errors.ts';

type NewKey = { readonly label: string; readonly publicKeyPem: string };

function parseKey(pem: string): PublicKey {
  try {
    const key = PublicKey.fromSpki(pem);
    assertNotTestKey(key);
    return key;
  } catch (cause) {
    throw new PeopleError('APPROVAL_KEY_UNFIT', isCodedError(cause) ? { reason: cause.code } : {}, cause);
  }
}

async function record(
  trx: Trx,
  ports: ServerPorts,
  predicateType: 'urn:pawl:approver-registered:1' | 'urn:pawl:approver-revoked:1',
  facts: {
    readonly tenantId: number;
    readonly personId: number;
    readonly publicKeyPem: string;
    readonly keyId: string;
    readonly by: string;
  },
): Promise<void> {
  const { personId, keyId, by, publicKeyPem } = facts;
  const sha256 = createHash('sha256').update(PublicKey.fromSpki(publicKeyPem).toSpkiDer()).digest('hex');
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: facts.tenantId,
    predicateType,
    subject: { name: `person/${personId}/key/${keyId}`, digest: { sha256 } },
    predicate: { personId, keyId, publicKey: publicKeyPem, by, at: ports.now().toISOString() },
  });
}

async function register(ports: ServerPorts, actor: Actor, personId: number, input: NewKey): Promise<ApprovalKey> {
  const key = parseKey(input.publicKeyPem);
  const keyId = keyIdOf(key);
  return ports.database.write(async (trx) => {
    const person = await findPerson(trx, actor.tenantId, personId);
    if (person === undefined) throw new PeopleError('PERSON_UNKNOWN', { id: personId });
    if (person.state === 'disabled') throw new PeopleError('PERSON_DISABLED', { id: personId });
    // Who registers a key for somebody can approve as somebody.
    if (!holdsAll(actor.permissions, permissionsOfRoles(rolesOf(person))))
      throw new PeopleError('ROLE_EXCEEDS_GRANTER');
    const row = await insertApprovalKey(trx, {
      tenant_id: actor.tenantId,
      key_id: keyId,
      person_id: personId,
      label: input.label,
      public_key_pem: key.toSpkiPem(),
      algorithm: key.algorithm,
      created_ms: ports.now().getTime(),
    });
    if (row === undefined) throw new PeopleError('APPROVAL_KEY_EXISTS', { keyId });
    const facts = { tenantId: actor.tenantId, personId, publicKeyPem: row.public_key_pem, keyId, by: actor.id };
    await record(trx, ports, 'urn:pawl:approver-registered:1', facts);
    return approvalKeyView(row);
  });
}

/** @throws PeopleError SESSION_REQUIRED, APPROVAL_KEY_UNFIT, APPROVAL_KEY_EXISTS */
export async function registerApprovalKey(ports: ServerPorts, actor: Actor, input: NewKey): Promise<ApprovalKey> {
  return register(ports, actor, mustSession(actor), input);
}

/** @throws PeopleError PERSON_UNKNOWN, PERSON_DISABLED, ROLE_EXCEEDS_GRANTER, APPROVAL_KEY_UNFIT, APPROVAL_KEY_EXISTS */
export async function registerApprovalKeyFor(
  ports: ServerPorts,
  actor: Actor,
  personId: number,
  input: NewKey,
): Promise<ApprovalKey> {
  return register(ports, actor, personId, input);
}

/** @throws PeopleError PERSON_REQUIRED, APPROVAL_KEY_UNKNOWN */
export async function revokeApprovalKey(ports: ServerPorts, actor: Actor, keyId: string): Promise<void> {
  const { personId } = actor;
  if (personId === undefined) throw new PeopleError('PERSON_REQUIRED');
  await ports.database.write(async (trx) => {
    const row = await endApprovalKey(trx, personId, keyId, ports.now().getTime());
    if (row === undefined) throw new PeopleError('APPROVAL_KEY_UNKNOWN', { keyId });
    const facts = { tenantId: actor.tenantId, personId, publicKeyPem: row.public_key_pem, keyId, by: actor.id };
    await record(trx, ports, 'urn:pawl:approver-revoked:1', facts);
  });
}

/**
 * The person who is signed in: what is made here outlives any token, so a token does not make it.
 * @throws PeopleError SESSION_REQUIRED
 */
export function mustSession(actor: Actor): number {
  if (actor.personId !== undefined && actor.credential.startsWith('session/')) return actor.personId;
  throw new PeopleError('SESSION_REQUIRED');
}
