/**
 * What the verdict on an attestation shows. The statement is the server's word; the evidence in it is the device's: it is
 * verified under the key that the device enrolled and judged anew here, and a verdict that does not follow from it shows
 * nothing. That the nonce was fresh remains the server's word. It is a measurement by software, and its title says so.
 */
import { appraise, type ReferenceValues, type VerifiedEvidence, verifyEvidence } from '@pawl/core/attest';
import { fromBase64, fromHex, isCodedError } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import type { BundleEntry } from '@pawl/core/evidence';
import { z } from 'zod';

const decimal = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,19})$/)
  .transform(BigInt);

const statedVerdict = z.object({
  version: z.string(),
  release: z.object({
    imageSha256: z.string().regex(/^[0-9a-f]{64}$/),
    sequenceNumber: decimal,
    securityCounter: decimal,
  }),
  verdict: z.enum(['affirming', 'contraindicated']),
  evidence: z.string(),
});

function evidenceOf(text: string, publicKeyPem: string): VerifiedEvidence | undefined {
  try {
    return verifyEvidence(fromBase64(text), PublicKey.fromSpki(publicKeyPem));
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return undefined;
  }
}

/** The title of what a verdict shows; undefined when the evidence in it does not bear it out. */
export function shownByVerdict(entry: BundleEntry, publicKeyPem: string): string | undefined {
  const stated = statedVerdict.safeParse(entry.predicate);
  if (!stated.success) return undefined;
  const { version, release, verdict, evidence } = stated.data;
  const verified = evidenceOf(evidence, publicKeyPem);
  if (verified === undefined) return undefined;
  const reference: ReferenceValues = { version, ...release, imageDigest: fromHex(release.imageSha256) };
  const { tier, reasons } = appraise(verified, reference, () => true);
  if (tier !== verdict) return undefined;
  return tier === 'affirming'
    ? `a device attested that it runs ${version}, as its software measured it`
    : `a device that was to run ${version} attested something else (${reasons.join(', ')}), as its software measured it`;
}
