/**
 * Signs a manifest into an envelope: one COSE_Sign1 a signer over the same digest (draft-ietf-suit-manifest-37 §8.3), so
 * that a classical and a post-quantum signature can stand side by side. What would be refused on arrival is not signed.
 */
import { signSign1 } from '../cose/index.ts';
import type { Signer } from '../crypto/index.ts';
import { digestOfMember, encodeDigest } from './digest.ts';
import { encodeEnvelope } from './envelope.ts';
import { SuitError } from './errors.ts';
import { parseManifest } from './manifest-codec.ts';

/** What else goes into the envelope. */
export type EnvelopeExtra = {
  /** Severed members of the manifest, by key. */
  readonly members?: ReadonlyMap<number, Uint8Array>;
  /** Integrated payloads, by name with the leading "#". */
  readonly integrated?: ReadonlyMap<string, Uint8Array>;
};

/**
 * Makes the signed envelope of a manifest.
 * @throws SuitError SUIT_AUTHENTICATION_MISSING without a signer, and those of `parseManifest`
 */
export async function signEnvelope(
  manifest: Uint8Array,
  signers: readonly Signer[],
  extra: EnvelopeExtra = {},
): Promise<Uint8Array> {
  if (signers.length === 0) throw new SuitError('SUIT_AUTHENTICATION_MISSING');
  const members = extra.members ?? new Map<number, Uint8Array>();
  parseManifest(manifest, members);
  const digest = encodeDigest(digestOfMember(manifest));
  const blocks: Uint8Array[] = [];
  for (const signer of signers) blocks.push(await signSign1({ payload: digest, detached: true, kid: true }, signer));
  return encodeEnvelope({ digest, blocks, manifest, members, integrated: extra.integrated ?? new Map() });
}
