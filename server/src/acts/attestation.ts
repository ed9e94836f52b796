/**
 * Asking a device to attest what it runs, and judging what it answers. The nonce needs no row: it is a challenge for one
 * device and one assignment, for a few minutes, and it counts once. Evidence, verdict, what follows for the rollout and
 * that nothing more is asked are one transaction.
 *
 * Evidence that is not the device's or not fresh is refused and changes nothing: nobody speaks against a device but itself.
 */
import { appraise, type ReferenceValues, type Verdict, type VerifiedEvidence } from '@pawl/core/attest';
import { fromHex, toBase64, toBase64Url } from '@pawl/core/bytes';
import { findAssignment, insertLog, updateAssignment } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { updateDevice } from '../store/devices.ts';
import { appendStatement } from '../store/ledger.ts';
import { findRelease } from '../store/releases.ts';
import type { AssignmentTable, DeviceTable, ReleaseTable } from '../store/schema/index.ts';
import { emitEvent } from './event.ts';
import { noteProof } from './member.ts';
import { challengeFor, isFirstAnswer } from './people/challenge.ts';
import type { ServerPorts } from './ports.ts';
import { releaseSubject } from './transition.ts';

/** Stands in every verdict, so that nobody reads more into it. */
const BASIS = 'measured by the agent in software, signed by the device key; no root in hardware is claimed';

function purposeOf(deviceId: number, assignmentId: number): string {
  return `attest/${deviceId}/${assignmentId}`;
}

/** A nonce for what the device is asked now, base64url. */
export function attestationNonce(ports: ServerPorts, deviceId: number, assignmentId: number): string {
  return challengeFor(ports, purposeOf(deviceId, assignmentId));
}

type Asked = { readonly device: DeviceTable; readonly assignment: AssignmentTable; readonly release: ReleaseTable };

async function mustFindAsked(trx: Trx, device: DeviceTable, assignmentId: number): Promise<Asked> {
  const assignment = await findAssignment(trx, assignmentId);
  const release =
    assignment === undefined ? undefined : await findRelease(trx, assignment.tenant_id, assignment.release_id);
  if (assignment === undefined || release === undefined)
    throw new TypeError('a device is asked about what it installed');
  return { device, assignment, release };
}

/** What was verified when the release was published, of its signed manifest. */
function referenceOf(release: ReleaseTable): ReferenceValues {
  const { version, image_sha256: image, sequence_number: sequence, security_counter: counter } = release;
  if (image === null || sequence === null || counter === null) throw new TypeError('rollouts refuse such a release');
  return {
    version,
    imageDigest: fromHex(image),
    sequenceNumber: BigInt(sequence),
    securityCounter: BigInt(counter),
  };
}

async function recordVerdict(
  trx: Trx,
  ports: ServerPorts,
  { device, assignment, release }: Asked,
  facts: { readonly verdict: Verdict; readonly bytes: Uint8Array; readonly by: string | undefined },
): Promise<void> {
  const { verdict, bytes, by } = facts;
  const { name, digest } = await releaseSubject(trx, release);
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: assignment.tenant_id,
    predicateType: 'urn:pawl:attestation-verdict:1',
    subject: { name: `device/${device.controller_id}`, digest: { sha256: device.key_id ?? '' } },
    predicate: {
      assignmentId: assignment.id,
      line: release.line,
      version: release.version,
      release: {
        name,
        sha256: digest.sha256,
        imageSha256: release.image_sha256 ?? '',
        sequenceNumber: release.sequence_number ?? '',
        securityCounter: release.security_counter ?? '',
      },
      verdict: verdict.tier,
      reasons: [...verdict.reasons],
      scheme: 'eat',
      basis: BASIS,
      // As the device signed it: whoever has its key from the ledger judges for himself.
      evidence: toBase64(bytes),
      ...(by === undefined ? {} : { by }),
      at: ports.now().toISOString(),
    },
  });
}

export type Judged = { readonly verdict: Verdict; readonly rolloutIds: readonly number[] };

/**
 * Judges evidence of a device that is asked for it, writes the verdict down and does what follows from it.
 * @throws AttestError ATTEST_NONCE_UNKNOWN
 */
export async function judgeEvidence(
  trx: Trx,
  ports: ServerPorts,
  asked: { readonly device: DeviceTable; readonly assignmentId: number; readonly by: string | undefined },
  evidence: { readonly verified: VerifiedEvidence; readonly bytes: Uint8Array },
): Promise<Judged> {
  const { device, assignmentId, by } = asked;
  const { verified, bytes } = evidence;
  const found = await mustFindAsked(trx, device, assignmentId);
  const nonce = toBase64Url(verified.claims.nonce);
  const isFresh = await isFirstAnswer(trx, ports, purposeOf(device.id, assignmentId), nonce);
  const verdict = appraise(verified, referenceOf(found.release), () => isFresh);
  const nowMs = ports.now().getTime();
  const reasons = [...verdict.reasons];
  await recordVerdict(trx, ports, found, { verdict, bytes, by });
  await updateAssignment(trx, assignmentId, {
    verdict: verdict.tier,
    verdict_reasons: JSON.stringify(reasons),
    verdict_ms: nowMs,
  });
  await insertLog(trx, assignmentId, { atMs: nowMs, status: verdict.tier, messages: reasons });
  await updateDevice(trx, device.id, { attest_assignment_id: null });
  await emitEvent(trx, { tenantId: found.assignment.tenant_id, nowMs }, 'pawl.device.attested', {
    assignmentId,
    controllerId: device.controller_id,
    line: found.release.line,
    version: found.release.version,
    rolloutId: found.assignment.rollout_id,
    verdict: verdict.tier,
    reasons,
  });
  return { verdict, rolloutIds: await noteProof(trx, found.assignment, verdict.tier) };
}
