/**
 * That a named person approved exactly one digest: by a passkey, whose challenge is the digest itself (so the authenticator
 * signs it, and no server in between can swap it), or by a registered key over an in-toto statement about it.
 */
import type { ApprovalSignature } from '@pawl/contract/management';
import { fromBase64, isCodedError, toHex } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import { verifyStatement } from '@pawl/core/evidence';
import { listApprovalKeys } from '../../store/approval-keys.ts';
import type { Trx } from '../../store/database.ts';
import { findPerson } from '../../store/people.ts';
import type { ServerPorts } from '../ports.ts';
import { PeopleError } from './errors.ts';
import { verifyAssertion } from './passkey.ts';

const DIGEST_BYTES = 32;
const APPROVAL = 'urn:pawl:approval:1';

export type VerifiedApproval = {
  /** What signed: `passkey/<credential id>` or `key/<key id>`. */
  readonly signedWith: string;
  /** The statement of a registered key, as it may stand in the ledger; a passkey gives none. */
  readonly envelope: Uint8Array | undefined;
};

type Approval = {
  readonly tenantId: number;
  readonly personId: number;
  /** SHA-256 of what is approved, with everything in it that makes it this and no other. */
  readonly digest: Uint8Array;
  readonly signature: ApprovalSignature;
};

async function verifyEnvelope(trx: Trx, approval: Approval, encoded: string): Promise<VerifiedApproval> {
  const keys = (await listApprovalKeys(trx, approval.personId)).filter(({ revoked_ms }) => revoked_ms === null);
  const envelope = fromBase64(encoded);
  const { statement, signerKeyId } = verifyStatement(
    envelope,
    keys.map(({ public_key_pem }) => PublicKey.fromSpki(public_key_pem)),
  );
  const [subject, ...others] = statement.subject;
  if (statement.predicateType !== APPROVAL || others.length > 0) {
    throw new PeopleError('APPROVAL_SIGNATURE_INVALID', { at: 'statement' });
  }
  if (subject?.digest.sha256 !== toHex(approval.digest)) {
    throw new PeopleError('APPROVAL_SIGNATURE_INVALID', { at: 'subject' });
  }
  return { signedWith: `key/${signerKeyId}`, envelope };
}

async function verifyPasskey(
  trx: Trx,
  ports: ServerPorts,
  approval: Approval,
  assertion: Extract<ApprovalSignature, { kind: 'passkey' }>['assertion'],
): Promise<VerifiedApproval> {
  const challenge = Buffer.from(approval.digest).toString('base64url');
  const passkey = await verifyAssertion(trx, ports, assertion, challenge);
  if (passkey.person_id !== approval.personId) throw new PeopleError('APPROVAL_SIGNATURE_INVALID', { at: 'person' });
  return { signedWith: `passkey/${passkey.credential_id}`, envelope: undefined };
}

/**
 * Verifies that this person, who is not shut out, approved exactly this digest. Whether the person may approve, and has not
 * done so before, is the caller's question; everything that makes an approval this one has to be in the digest.
 * @throws PeopleError APPROVAL_SIGNATURE_INVALID, SITE_UNNAMED
 */
export async function verifyApprovalSignature(
  trx: Trx,
  ports: ServerPorts,
  approval: Approval,
): Promise<VerifiedApproval> {
  if (approval.digest.length !== DIGEST_BYTES) throw new TypeError('what is approved is a SHA-256');
  const person = await findPerson(trx, approval.tenantId, approval.personId);
  if (person?.state !== 'active') throw new PeopleError('APPROVAL_SIGNATURE_INVALID', { at: 'person' });
  const { signature } = approval;
  try {
    if (signature.kind === 'passkey') return await verifyPasskey(trx, ports, approval, signature.assertion);
    return await verifyEnvelope(trx, approval, signature.envelope);
  } catch (cause) {
    if (!isCodedError(cause) || cause.code === 'SITE_UNNAMED') throw cause;
    if (cause.code === 'APPROVAL_SIGNATURE_INVALID') throw cause;
    throw new PeopleError('APPROVAL_SIGNATURE_INVALID', { reason: cause.code }, cause);
  }
}
