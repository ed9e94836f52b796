/**
 * Evidence of the scheme `eat`: an Entity Attestation Token (RFC 9711) as a tagged CWT, 61(18(COSE_Sign1)), signed by the
 * device key. Reading is strict and bounded; the signature is verified before a claim is looked at, and `verifyEvidence` is
 * the only way to a `VerifiedEvidence`.
 *
 * What it proves is what the holder of the device key says that it measured. It is no stronger than the keeping of that key
 * and the program that measures: a device that was taken over whole can sign what it likes.
 */
import { concat, isCodedError } from '../bytes/index.ts';
import { coseKeyThumbprint, signSign1, verifySign1 } from '../cose/index.ts';
import type { PublicKey, Signer } from '../crypto/index.ts';
import { decodeClaims, type EatClaims, encodeClaims } from './eat-claims.ts';
import { AttestError } from './errors.ts';

export const EVIDENCE_MEDIA_TYPE = 'application/eat+cwt';

/** Tag 61 (RFC 8392 §6): a CWT. */
const CWT_TAG = Uint8Array.of(0xd8, 0x3d);
/** Room for the signatures of every algorithm that a device key may have. */
export const EVIDENCE_BYTES_MAX = 16 * 1024;

/** Made only by `verifyEvidence`: signed by the key of the device that it names. */
export class VerifiedEvidence {
  readonly #claims: EatClaims;

  private constructor(claims: EatClaims) {
    this.#claims = claims;
  }

  get claims(): EatClaims {
    return this.#claims;
  }

  /** See `verifyEvidence`. */
  static verify(bytes: Uint8Array, key: PublicKey): VerifiedEvidence {
    const payload = verifiedPayload(bytes, key);
    try {
      return new VerifiedEvidence(decodeClaims(payload, coseKeyThumbprint(key)));
    } catch (cause) {
      throw cause instanceof AttestError || !isCodedError(cause) ? cause : malformed(cause);
    }
  }
}

function malformed(cause?: { readonly code: string }): AttestError {
  return new AttestError('ATTEST_EVIDENCE_MALFORMED', { reason: cause?.code }, cause);
}

/** What says that the message is not the device's, rather than that it is no message. */
const NOT_AUTHENTIC: ReadonlySet<string> = new Set([
  'COSE_ALGORITHM_UNPROTECTED',
  'COSE_ALGORITHM_UNSUPPORTED',
  'COSE_KEY_UNKNOWN',
  'COSE_SIGNATURE_INVALID',
]);

function verifiedPayload(bytes: Uint8Array, key: PublicKey): Uint8Array {
  const isCwt = CWT_TAG.every((byte, index) => bytes[index] === byte);
  if (!isCwt || bytes.length > EVIDENCE_BYTES_MAX) throw malformed();
  try {
    return verifySign1(bytes.subarray(CWT_TAG.length), { keys: [key] }).payload;
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    if (!NOT_AUTHENTIC.has(cause.code)) throw malformed(cause);
    throw new AttestError('ATTEST_SIGNATURE_INVALID', { reason: cause.code }, cause);
  }
}

/**
 * Signs what was measured, for the one who gave the nonce.
 * @throws AttestError ATTEST_NONCE_INVALID
 */
export async function signEvidence(claims: EatClaims, device: Signer): Promise<Uint8Array> {
  const payload = encodeClaims(claims, coseKeyThumbprint(device.publicKey));
  return concat(CWT_TAG, await signSign1({ payload }, device));
}

/**
 * Reads evidence and verifies that this very device signed it. Whether it is fresh, and what it means, `appraise` says.
 * @throws AttestError ATTEST_EVIDENCE_MALFORMED, ATTEST_SIGNATURE_INVALID, ATTEST_PROFILE_UNKNOWN, ATTEST_NONCE_INVALID,
 *   ATTEST_DEVICE_DIFFERS
 */
export function verifyEvidence(bytes: Uint8Array, deviceKey: PublicKey): VerifiedEvidence {
  return VerifiedEvidence.verify(bytes, deviceKey);
}
