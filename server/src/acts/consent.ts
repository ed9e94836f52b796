/** The answers of devices' users: what they do to the assignment, and the statement of each. In the caller's transaction. */
import { type ConsentAnswer, decideConsent } from '../domain/consent.ts';
import { parsePolicy } from '../domain/rollout-policy.ts';
import { CONSENT_DENIED, updateAssignment } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { getDeviceById } from '../store/devices.ts';
import { appendStatement } from '../store/ledger.ts';
import { findRelease } from '../store/releases.ts';
import { getRolloutById } from '../store/rollouts.ts';
import type { AssignmentTable } from '../store/schema/index.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { applyEvent, releaseSubject } from './transition.ts';

type Taken = { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly reason: string };

async function record(trx: Trx, ports: ServerPorts, row: AssignmentTable, answer: ConsentAnswer): Promise<void> {
  const release = await findRelease(trx, row.tenant_id, row.release_id);
  if (release === undefined) throw new TypeError('an assignment has a release');
  const { controller_id: controllerId } = await getDeviceById(trx, row.device_id);
  const until = answer.kind === 'postponed' ? new Date(answer.untilMs).toISOString() : null;
  const nowMs = ports.now().getTime();
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:consent:1',
    subject: await releaseSubject(trx, release),
    predicate: {
      assignmentId: row.id,
      controllerId,
      answer: answer.kind,
      ...(until === null ? {} : { until }),
      at: new Date(nowMs).toISOString(),
    },
  });
  const { line, version } = release;
  const told = { assignmentId: row.id, controllerId, line, version, answer: answer.kind, until };
  await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.consent.answered', told);
}

async function rulesOf(trx: Trx, row: AssignmentTable): Promise<ReturnType<typeof parsePolicy>['consent']> {
  const policy = row.rollout_id === null ? '{}' : (await getRolloutById(trx, row.rollout_id)).policy;
  return parsePolicy(policy).consent;
}

/** Takes an answer to the question of an assignment that awaits consent. */
export async function takeAnswer(
  trx: Trx,
  ports: ServerPorts,
  row: AssignmentTable,
  answer: ConsentAnswer,
): Promise<Taken> {
  const nowMs = ports.now().getTime();
  const { postponements } = row;
  const decision = decideConsent(answer, await rulesOf(trx, row), { nowMs, postponements });
  if (decision.kind === 'refuse') return { kind: 'refused', reason: decision.reason };
  await record(trx, ports, row, answer);
  if (decision.kind === 'give') {
    await updateAssignment(trx, row.id, { ask_after_ms: null });
    await applyEvent(trx, ports.keys.ledger, row.id, 'consent-given', { nowMs });
    return { kind: 'taken' };
  }
  const code = answer.kind === 'denied' ? { code: CONSENT_DENIED } : {};
  await updateAssignment(trx, row.id, {
    ask_after_ms: decision.askAfterMs,
    postponements: decision.postponements,
    ...code,
  });
  await applyEvent(trx, ports.keys.ledger, row.id, 'consent-denied', { nowMs });
  return { kind: 'taken' };
}
