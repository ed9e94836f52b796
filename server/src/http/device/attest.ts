/**
 * Attestation: a device that confirmed a release in a rollout that wants it is given a nonce, and hands in evidence of what
 * it runs. The signature is verified before the store is asked; the verdict and all that follows are one transaction.
 */
import { AttestError, type VerifiedEvidence, verifyEvidence } from '@pawl/core/attest';
import { PublicKey } from '@pawl/core/crypto';
import { attestationNonce, judgeEvidence } from '../../acts/attestation.ts';
import { settleRollouts } from '../../acts/engine.ts';
import { getDeviceById } from '../../store/devices.ts';
import { DeviceApiError } from './errors.ts';
import type { Handler } from './request.ts';

export const getAttestationChallenge: Handler<'getAttestationChallenge'> = async ({ device }, ports) => {
  const { id, attestAssignmentId, publicKeyPem } = device;
  if (attestAssignmentId === undefined || publicKeyPem === undefined) throw new DeviceApiError('DEVICE_NOT_FOUND');
  return { kind: 'document', document: { nonce: attestationNonce(ports, id, attestAssignmentId) } };
};

/** Runs a part of the check; what it refuses is refused in the words of this API. */
function refusing(error: unknown): never {
  if (!(error instanceof AttestError)) throw error;
  throw new DeviceApiError('EVIDENCE_REFUSED', { reason: error.code }, error);
}

function verify(bytes: Uint8Array, publicKeyPem: string): VerifiedEvidence {
  try {
    return verifyEvidence(bytes, PublicKey.fromSpki(publicKeyPem));
  } catch (error) {
    return refusing(error);
  }
}

export const postEvidence: Handler<'postEvidence'> = async ({ device, body }, ports) => {
  if (device.publicKeyPem === undefined) throw new DeviceApiError('DEVICE_PROOF_REQUIRED');
  const verified = verify(body, device.publicKeyPem);
  const judging = ports.database.write(async (trx) => {
    const row = await getDeviceById(trx, device.id);
    const assignmentId = row.attest_assignment_id;
    // A key that was replaced meanwhile is no key of the device any more.
    if (assignmentId === null || row.public_key_pem !== device.publicKeyPem) {
      throw new DeviceApiError('DEVICE_NOT_FOUND');
    }
    const asked = { device: row, assignmentId, by: device.spokenForBy };
    return await judgeEvidence(trx, ports, asked, { verified, bytes: body });
  });
  const { verdict, rolloutIds } = await judging.catch(refusing);
  await settleRollouts(ports, rolloutIds);
  return { kind: 'document', document: { verdict: verdict.tier, reasons: verdict.reasons } };
};
