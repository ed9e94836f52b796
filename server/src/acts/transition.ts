/**
 * The one way in which an assignment changes: decide by the table, persist, append the ledger statement, update what is
 * known of the device and of its part in the rollout – all in the caller's transaction. What the rollout makes of it is
 * the engine's (engine.ts), afterwards, in a transaction of its own: nothing there can undo a device's word.
 */
import type { AssignmentState } from '@pawl/contract/management';
import type { Signer } from '@pawl/core/crypto';
import { type AssignmentEvent, decideAssignment, isFinal, isSuccess } from '../domain/assignment.ts';
import { isUnbegun } from '../domain/outcome.ts';
import { findAssignment, updateAssignment } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { getDeviceById, updateDevice } from '../store/devices.ts';
import { appendStatement } from '../store/ledger.ts';
import { findRelease, listArtifacts } from '../store/releases.ts';
import { getRolloutById, planOfRow } from '../store/rollouts.ts';
import type { AssignmentTable, ReleaseTable } from '../store/schema/index.ts';
import { emitEvent } from './event.ts';
import { noteEnd } from './member.ts';

export type TransitionFacts = {
  readonly nowMs: number;
  /** Coded reason, as the device or the operator gave it. */
  readonly code?: string | undefined;
  /** Who spoke for the device, when it was not the device itself: `gateway/<id>`. */
  readonly by?: string | undefined;
  /** Which of the agent's six steps refused. */
  readonly step?: number | undefined;
  /** SHA-256 of the device's final word. */
  readonly finalSha256?: Uint8Array | undefined;
  /** A rollout of a higher weight takes the device; this one gets its turn again. */
  readonly isYielded?: boolean | undefined;
};

export type Transition =
  | { readonly kind: 'refused'; readonly state: AssignmentState }
  | { readonly kind: 'stayed'; readonly state: AssignmentState }
  | {
      readonly kind: 'moved';
      readonly from: AssignmentState;
      readonly state: AssignmentState;
      /** Rollouts that may go on now. */
      readonly rolloutIds: readonly number[];
    };

/** Rollouts that may go on after a transition. */
export function rolloutsOf(transition: Transition): readonly number[] {
  return transition.kind === 'moved' ? transition.rolloutIds : [];
}

/** The digest that statements about a release name: its envelope, or its only artifact. */
export async function releaseSubject(
  trx: Trx,
  release: ReleaseTable,
): Promise<{ name: string; digest: { sha256: string } }> {
  const artifacts = await listArtifacts(trx, release.id);
  const main = artifacts.find(({ name }) => name === 'envelope.suit') ?? artifacts[0];
  if (main === undefined) throw new TypeError('a release has at least one artifact');
  return { name: `release/${release.line}/${release.version}`, digest: { sha256: main.sha256 } };
}

async function mustFindRelease(trx: Trx, row: AssignmentTable): Promise<ReleaseTable> {
  const release = await findRelease(trx, row.tenant_id, row.release_id);
  if (release === undefined) throw new TypeError('an assignment has a release');
  return release;
}

/** States that somebody moved: one ledger entry, one event. */
async function recordTransition(
  trx: Trx,
  signer: Signer,
  row: AssignmentTable,
  move: {
    readonly from: AssignmentState;
    readonly to: AssignmentState;
    readonly event: string;
    readonly facts: TransitionFacts;
  },
): Promise<void> {
  const release = await mustFindRelease(trx, row);
  const device = await getDeviceById(trx, row.device_id);
  const { code, step, by, nowMs } = move.facts;
  await appendStatement(trx, signer, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:assignment-transition:1',
    subject: await releaseSubject(trx, release),
    predicate: {
      assignmentId: row.id,
      controllerId: device.controller_id,
      line: release.line,
      version: release.version,
      from: move.from,
      to: move.to,
      event: move.event,
      ...(code === undefined ? {} : { code }),
      ...(step === undefined ? {} : { step }),
      ...(by === undefined ? {} : { by }),
      at: new Date(nowMs).toISOString(),
    },
  });
  await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.assignment.changed', {
    assignmentId: row.id,
    controllerId: device.controller_id,
    line: release.line,
    version: release.version,
    rolloutId: row.rollout_id,
    from: move.from,
    to: move.to,
    code: code ?? null,
  });
}

/** How long the device has from here: a new time begins when it takes the offer up, and when it is told to stop. */
async function dueAfter(
  trx: Trx,
  row: AssignmentTable,
  to: AssignmentState,
  nowMs: number,
): Promise<{ due_ms?: number | null }> {
  if (isFinal(to)) return { due_ms: null };
  const isBegun = isUnbegun(row.state) && !isUnbegun(to);
  if (row.rollout_id === null || (!isBegun && to !== 'cancelling')) return {};
  const { timeOutS } = planOfRow(await getRolloutById(trx, row.rollout_id));
  return { due_ms: nowMs + timeOutS.install * 1000 };
}

/** Whether the device is asked to attest what it confirmed. */
async function isAttested(trx: Trx, { rollout_id: rolloutId }: AssignmentTable, to: AssignmentState): Promise<boolean> {
  if (rolloutId === null || to !== 'confirmed') return false;
  return (await getRolloutById(trx, rolloutId)).success_kind === 'attested';
}

async function noteInstalled(trx: Trx, row: AssignmentTable, to: AssignmentState): Promise<void> {
  const release = await mustFindRelease(trx, row);
  await updateDevice(trx, row.device_id, {
    installed_assignment_id: row.id,
    installed_version: release.version,
    attest_assignment_id: (await isAttested(trx, row, to)) ? row.id : null,
    // DDI: after a finished action the server wants to see the attributes again.
    wants_attributes: 1,
  });
}

/** Applies an event to an assignment. The caller has checked who says it. */
export async function applyEvent(
  trx: Trx,
  signer: Signer,
  assignmentId: number,
  event: AssignmentEvent,
  facts: TransitionFacts,
): Promise<Transition> {
  const row = await findAssignment(trx, assignmentId);
  if (row === undefined) throw new TypeError('the caller looked the assignment up');
  const decision = decideAssignment(row.state, event);
  if (decision.kind === 'refuse') return { kind: 'refused', state: row.state };
  if (decision.kind === 'stay') return { kind: 'stayed', state: row.state };
  await updateAssignment(trx, row.id, {
    state: decision.to,
    updated_ms: facts.nowMs,
    ...(await dueAfter(trx, row, decision.to, facts.nowMs)),
    ...(facts.code === undefined ? {} : { code: facts.code }),
    ...(facts.step === undefined ? {} : { step: facts.step }),
    ...(facts.finalSha256 === undefined ? {} : { final_sha256: facts.finalSha256 }),
  });
  await recordTransition(trx, signer, row, { from: row.state, to: decision.to, event, facts });
  if (isSuccess(decision.to)) await noteInstalled(trx, row, decision.to);
  const { isYielded, nowMs } = facts;
  const end = { from: row.state, to: decision.to, isYielded, nowMs };
  const rolloutIds = isFinal(decision.to) ? await noteEnd(trx, row, end) : [];
  return { kind: 'moved', from: row.state, state: decision.to, rolloutIds };
}
