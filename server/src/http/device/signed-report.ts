/**
 * Signed reports of Pawl's own agent, and the proof of possession at enrolment: what is verified before the store is
 * asked. Pure.
 *
 * A report is verified under the one key that its device enrolled, then parsed from the very bytes that were verified.
 */
import { type DeviceReport, deviceReport, type EnrolRequest, enrolProofText } from '@pawl/contract/device';
import { fromBase64, isCodedError, utf8 } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import { parseEnvelope, type VerifiedStatement, verifyStatement } from '@pawl/core/evidence';
import { DeviceApiError } from './errors.ts';

const REPORT_PREDICATE = 'urn:pawl:device-report:1';

/** Made only by `verifyReport`. */
export class VerifiedReport {
  readonly #report: DeviceReport;
  readonly #envelope: Uint8Array;
  readonly #subject: string;

  private constructor(report: DeviceReport, subject: string, envelope: Uint8Array) {
    this.#report = report;
    this.#subject = subject;
    this.#envelope = envelope;
  }

  get predicateType(): string {
    return REPORT_PREDICATE;
  }

  /** What the device names as the subject of its statement. */
  get subject(): string {
    return this.#subject;
  }

  get report(): DeviceReport {
    return this.#report;
  }

  get assignmentId(): number {
    return Number(this.#report.assignmentId);
  }

  /** The bytes as the device signed them: what the ledger takes in. */
  get envelope(): Uint8Array {
    return this.#envelope;
  }

  static verify(bytes: Uint8Array, publicKeyPem: string): VerifiedReport {
    const statement = verifiedStatement(bytes, PublicKey.fromSpki(publicKeyPem)).statement;
    if (statement.predicateType !== REPORT_PREDICATE) {
      throw new DeviceApiError('DEVICE_BODY_MALFORMED', { at: 'predicateType', actual: statement.predicateType });
    }
    const result = deviceReport.safeParse(statement.predicate);
    if (!result.success) {
      const at = result.error.issues[0]?.path.map(String).join('.');
      throw new DeviceApiError('DEVICE_BODY_MALFORMED', { at: `predicate.${at ?? ''}` });
    }
    return new VerifiedReport(result.data, statement.subject[0]?.name ?? '', bytes);
  }
}

function verifiedStatement(bytes: Uint8Array, key: PublicKey): VerifiedStatement {
  try {
    parseEnvelope(bytes);
    return verifyStatement(bytes, [key]);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    const isAuthenticity = cause.code.startsWith('STATEMENT_SIGN');
    const code = isAuthenticity ? 'REPORT_SIGNATURE_INVALID' : 'DEVICE_BODY_MALFORMED';
    throw new DeviceApiError(code, { actual: cause.code }, cause);
  }
}

/**
 * Verifies a report under the device's enrolled key.
 * @throws DeviceApiError DEVICE_BODY_MALFORMED, REPORT_SIGNATURE_INVALID
 */
export function verifyReport(bytes: Uint8Array, publicKeyPem: string): VerifiedReport {
  return VerifiedReport.verify(bytes, publicKeyPem);
}

/**
 * Verifies that who enrols holds the private key of the public key, for this very claim.
 * @throws DeviceApiError DEVICE_CLAIM_INVALID, DEVICE_BODY_MALFORMED
 */
export function verifyEnrolProof(request: EnrolRequest): PublicKey {
  let key: PublicKey;
  let proof: Uint8Array;
  try {
    key = PublicKey.fromSpki(request.publicKey);
    proof = fromBase64(request.proof);
  } catch (cause) {
    throw new DeviceApiError('DEVICE_BODY_MALFORMED', { at: 'publicKey or proof' }, cause);
  }
  try {
    key.verify(utf8(enrolProofText(request.claim, request.publicKey)), proof);
  } catch (cause) {
    throw new DeviceApiError('DEVICE_CLAIM_INVALID', { actual: 'a proof that does not verify' }, cause);
  }
  return key;
}
