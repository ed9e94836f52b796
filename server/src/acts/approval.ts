/**
 * People approve a rollout before it may start. What they sign is the digest of the whole rollout as it is: release, devices,
 * waves, thresholds, windows, policy. Approvals, denials and withdrawals stand in the ledger; a statement that a person's
 * own key signed stands there as it came.
 */
import { createHash } from 'node:crypto';
import type { ApprovalSignature, RolloutApproval } from '@pawl/contract/management';
import { fromHex, fromUtf8 } from '@pawl/core/bytes';
import { canonicalJson, type Statement } from '@pawl/core/evidence';
import { type Actor, permissionsOfRoles } from '../domain/actor.ts';
import {
  type Approval,
  type ApprovalNeed,
  approvers,
  isApproved,
  type NotInForce,
  notInForce,
  refusalOf,
} from '../domain/approval.ts';
import { decideRollout, type RolloutEvent } from '../domain/rollout.ts';
import { parseList } from '../store/access.ts';
import type { Db, Trx } from '../store/database.ts';
import { appendEnvelope, appendStatement } from '../store/ledger.ts';
import { listArtifacts } from '../store/releases.ts';
import { findRollout, updateRollout } from '../store/rollouts.ts';
import type { RolloutTable } from '../store/schema/index.ts';
import { insertVerdict, listVerdicts, type VerdictRow, withdrawVerdicts } from '../store/verdicts.ts';
import { listWaves } from '../store/waves.ts';
import { ServerError } from './errors.ts';
import { verifyApprovalSignature } from './people/approval-signature.ts';
import { PeopleError } from './people/errors.ts';
import type { ServerPorts } from './ports.ts';
import { recordRollout, releaseOf } from './rollout-record.ts';

async function documentOf(db: Db, row: RolloutTable): Promise<string> {
  const release = await releaseOf(db, row);
  const waves = await listWaves(db, row.id);
  const artifacts = await listArtifacts(db, release.id);
  const facts: Statement['predicate'] = {
    rolloutId: row.id,
    name: row.name,
    authorPersonId: row.author_person_id,
    // Older rollouts were approved without it.
    ...(row.author === null ? {} : { author: row.author }),
    approvalsRequired: row.approvals_required,
    release: {
      id: release.id,
      line: release.line,
      version: release.version,
      sequenceNumber: release.sequence_number,
      securityCounter: release.security_counter,
      urgency: release.urgency,
      advice: release.advice,
      artifacts: artifacts.map(({ name, sha256 }) => ({ name, sha256 })),
    },
    filter: row.filter,
    successKind: row.success_kind,
    isForced: row.is_forced === 1,
    needsConsent: row.needs_consent === 1,
    isDynamic: row.is_dynamic === 1,
    devices: row.devices,
    returnOf: row.returns_rollout_id,
    weight: row.weight,
    startMs: row.start_ms,
    endMs: row.end_ms,
    // As they are kept: shares and thresholds of the plan need not be whole numbers.
    plan: row.plan,
    policy: row.policy,
    waves: waves.map(({ position, share_bp, places, success_bp, error_bp, soak_s }) => ({
      position,
      share_bp,
      places,
      success_bp,
      error_bp,
      soak_s,
    })),
  };
  return fromUtf8(canonicalJson(facts));
}

function approvalOf(row: VerdictRow): Approval {
  return {
    personId: row.person_id,
    digest: row.digest,
    isWithdrawn: row.withdrawn_ms !== null,
    isPersonActive: row.person_state === 'active',
    mayApprove: permissionsOfRoles(parseList(row.person_roles)).has('rollout:approve'),
  };
}

type Known = {
  readonly document: string;
  readonly need: ApprovalNeed;
  readonly verdicts: readonly VerdictRow[];
  readonly approvals: readonly Approval[];
};

async function knownOf(db: Db, row: RolloutTable): Promise<Known> {
  const document = await documentOf(db, row);
  const digest = createHash('sha256').update(document).digest('hex');
  const verdicts = await listVerdicts(db, row.id);
  const need = { required: row.approvals_required, authorPersonId: row.author_person_id ?? undefined, digest };
  return {
    document,
    need,
    verdicts,
    approvals: verdicts.filter(({ verdict }) => verdict === 'approved').map(approvalOf),
  };
}

async function viewOf(db: Db, row: RolloutTable): Promise<RolloutApproval> {
  const { document, need, verdicts, approvals } = await knownOf(db, row);
  const whyNot = (one: VerdictRow): NotInForce | null => {
    if (one.verdict === 'approved') return notInForce(need, approvalOf(one)) ?? null;
    return one.digest === need.digest ? null : 'changed';
  };
  return {
    rolloutId: row.id,
    required: need.required,
    isApproved: isApproved(need, approvals),
    document,
    digest: need.digest,
    verdicts: verdicts.map((one) => ({
      personId: one.person_id,
      verdict: one.verdict,
      isInForce: whyNot(one) === null,
      notInForce: whyNot(one),
      signedWith: one.signed_with,
      reason: one.reason,
      at: new Date(one.at_ms).toISOString(),
      withdrawnAt: one.withdrawn_ms === null ? null : new Date(one.withdrawn_ms).toISOString(),
    })),
  };
}

async function mustFind(db: Db, tenantId: number, id: number): Promise<RolloutTable> {
  const row = await findRollout(db, tenantId, id);
  if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id });
  return row;
}

function mustPerson({ personId }: Actor): number {
  if (personId === undefined) throw new PeopleError('PERSON_REQUIRED');
  return personId;
}

/** @throws ServerError ROLLOUT_UNKNOWN */
export async function showApproval(db: Db, tenantId: number, id: number): Promise<RolloutApproval> {
  return await viewOf(db, await mustFind(db, tenantId, id));
}

export type ApprovalLack = {
  readonly expected: number;
  readonly actual: number;
  /** Who approved once, and why that no longer counts. */
  readonly lapsed: readonly { readonly personId: number; readonly why: NotInForce }[];
};

/** What a rollout lacks of the approvals that it needs at this moment; undefined when nothing. */
export async function approvalLack(db: Db, row: RolloutTable): Promise<ApprovalLack | undefined> {
  if (row.approvals_required === 0) return undefined;
  const { need, approvals } = await knownOf(db, row);
  if (isApproved(need, approvals)) return undefined;
  const lapsed = approvals.flatMap((approval) => {
    const why = notInForce(need, approval);
    return why === undefined ? [] : [{ personId: approval.personId, why }];
  });
  return { expected: need.required, actual: approvers(need, approvals).size, lapsed };
}

/** What a rollout that needs approvals lacks at its start. @throws ServerError ROLLOUT_UNAPPROVED */
export async function refuseUnapproved(db: Db, row: RolloutTable): Promise<void> {
  const lack = await approvalLack(db, row);
  if (lack === undefined) return;
  throw new ServerError('ROLLOUT_UNAPPROVED', { id: row.id, expected: lack.expected, actual: lack.actual });
}

type Move = { readonly event: RolloutEvent; readonly by: string; readonly facts: Readonly<Record<string, unknown>> };

async function move(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  { event, by, facts }: Move,
): Promise<RolloutTable> {
  const state = decideRollout(row.state, event);
  if (state === undefined) throw new ServerError('ROLLOUT_STATE_UNSUITABLE', { state: row.state, verb: event });
  await updateRollout(trx, row.id, { state });
  const after = { ...row, state };
  await recordRollout(trx, ports, after, { act: event, by, facts });
  return after;
}

/**
 * Takes a person's signed approval; the last one that is needed makes the rollout ready.
 * @throws ServerError ROLLOUT_UNKNOWN, ROLLOUT_STATE_UNSUITABLE, APPROVAL_BY_AUTHOR, APPROVAL_TWICE;
 *   PeopleError PERSON_REQUIRED, APPROVAL_SIGNATURE_INVALID
 */
export async function approveRollout(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  signature: ApprovalSignature,
): Promise<RolloutApproval> {
  const personId = mustPerson(actor);
  return await ports.database.write(async (trx) => {
    const row = await mustFind(trx, actor.tenantId, id);
    if (row.state !== 'waiting-approval')
      throw new ServerError('ROLLOUT_STATE_UNSUITABLE', { state: row.state, verb: 'approve' });
    const { need, approvals } = await knownOf(trx, row);
    const refusal = refusalOf(need, approvals, personId);
    if (refusal !== undefined) throw new ServerError(refusal, { id });
    const { tenantId } = actor;
    const { digest } = need;
    const verified = await verifyApprovalSignature(trx, ports, {
      tenantId,
      personId,
      digest: fromHex(digest),
      signature,
    });
    const at_ms = ports.now().getTime();
    await insertVerdict(trx, {
      rollout_id: id,
      person_id: personId,
      verdict: 'approved',
      digest,
      signed_with: verified.signedWith,
      at_ms,
    });
    const subject = { name: `rollout/${id}`, digest: { sha256: digest } };
    const predicateType = 'urn:pawl:approval:1';
    if (verified.envelope !== undefined) {
      await appendEnvelope(trx, verified.envelope, { tenantId, predicateType, subject: subject.name });
    } else {
      // The assertion stands there whole, for whoever checks it later under the passkey's public key.
      const assertion = JSON.stringify(signature);
      const predicate = { rolloutId: id, personId, signedWith: verified.signedWith, assertion };
      await appendStatement(trx, ports.keys.ledger, { tenantId, predicateType, subject, predicate });
    }
    const facts = { digest, personId, signedWith: verified.signedWith };
    const approved = await move(trx, ports, row, { event: 'approve', by: actor.id, facts });
    const after = await knownOf(trx, approved);
    const isEnough = isApproved(after.need, after.approvals);
    return await viewOf(
      trx,
      isEnough ? await move(trx, ports, approved, { event: 'approved', by: actor.id, facts: { digest } }) : approved,
    );
  });
}

/** @throws ServerError ROLLOUT_UNKNOWN, ROLLOUT_STATE_UNSUITABLE, APPROVAL_NONE; PeopleError PERSON_REQUIRED */
export async function withdrawApproval(ports: ServerPorts, actor: Actor, id: number): Promise<RolloutApproval> {
  const personId = mustPerson(actor);
  return await ports.database.write(async (trx) => {
    const row = await mustFind(trx, actor.tenantId, id);
    if (decideRollout(row.state, 'withdraw') === undefined)
      throw new ServerError('ROLLOUT_STATE_UNSUITABLE', { state: row.state, verb: 'withdraw' });
    const isThere = await withdrawVerdicts(trx, id, personId, ports.now().getTime());
    if (!isThere) throw new ServerError('APPROVAL_NONE', { id });
    return await viewOf(trx, await move(trx, ports, row, { event: 'withdraw', by: actor.id, facts: { personId } }));
  });
}

/** @throws ServerError ROLLOUT_UNKNOWN, ROLLOUT_STATE_UNSUITABLE; PeopleError PERSON_REQUIRED */
export async function denyRollout(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  reason: string,
): Promise<RolloutApproval> {
  const personId = mustPerson(actor);
  return await ports.database.write(async (trx) => {
    const row = await mustFind(trx, actor.tenantId, id);
    const { need } = await knownOf(trx, row);
    const denied = await move(trx, ports, row, { event: 'deny', by: actor.id, facts: { personId, reason } });
    const verdict = { rollout_id: id, person_id: personId, verdict: 'denied' as const, digest: need.digest, reason };
    await insertVerdict(trx, { ...verdict, at_ms: ports.now().getTime() });
    return await viewOf(trx, denied);
  });
}
