/**
 * Signs a manifest into an envelope: one COSE_Sign1 a signer over the same digest (draft-ietf-suit-manifest-37 §8.3), so
 * that a classical and a post-quantum signature can stand side by side. What would be refused on arrival is not signed.
 */
import { decodeCbor, encodeCbor, expectMap } from '../cbor/index.ts';
import { createMac0, type MacAlgorithm, signSign1 } from '../cose/index.ts';
import type { Signer } from '../crypto/index.ts';
import { MANIFEST_KEYS, SECTIONS, type SectionName } from './constants.ts';
import { digestOfMember, digestToCbor, encodeDigest } from './digest.ts';
import { encodeEnvelope } from './envelope.ts';
import { SuitError } from './errors.ts';
import { parseManifest, SEVERABLE_KEYS } from './manifest-codec.ts';

/** What else goes into the envelope. */
export type EnvelopeExtra = {
  /** Severed members of the manifest, by key. */
  readonly members?: ReadonlyMap<number, Uint8Array>;
  /** Integrated payloads, by name with the leading "#". */
  readonly integrated?: ReadonlyMap<string, Uint8Array>;
};

/** A key shared with the devices, for authors whose devices can do no signatures. */
export type MacAuthenticator = {
  readonly macKey: Uint8Array;
  readonly algorithm: MacAlgorithm;
  readonly kid?: Uint8Array;
};

async function blockOf(digest: Uint8Array, by: Signer | MacAuthenticator): Promise<Uint8Array> {
  const message = { payload: digest, detached: true };
  if (!('macKey' in by)) return await signSign1({ ...message, kid: true }, by);
  const { macKey, algorithm, kid } = by;
  return createMac0({ ...message, algorithm, key: macKey, ...(kid !== undefined && { kid }) });
}

/**
 * Makes the authenticated envelope of a manifest: one block for each signer, and for each key shared with the devices.
 * @throws SuitError SUIT_AUTHENTICATION_MISSING without a signer, and those of `parseManifest`
 */
export async function signEnvelope(
  manifest: Uint8Array,
  signers: readonly (Signer | MacAuthenticator)[],
  extra: EnvelopeExtra = {},
): Promise<Uint8Array> {
  if (signers.length === 0) throw new SuitError('SUIT_AUTHENTICATION_MISSING');
  const members = extra.members ?? new Map<number, Uint8Array>();
  parseManifest(manifest, members);
  const digest = encodeDigest(digestOfMember(manifest));
  const blocks: Uint8Array[] = [];
  for (const signer of signers) blocks.push(await blockOf(digest, signer));
  return encodeEnvelope({ digest, blocks, manifest, members, integrated: extra.integrated ?? new Map() });
}

/** A digest and its head: a smaller member is better left where it is (§8.5). */
const SEVERED_SIZE_BYTES = 40;

/**
 * Cuts members out of a manifest, so that they can travel apart or not at all: sections that may be severed, and the text.
 * Members that are hardly larger than their digest stay. Sever first, then sign.
 * @throws SuitError as `parseManifest`
 */
export function severManifest(
  manifest: Uint8Array,
  names: readonly (SectionName | 'text')[],
): { manifest: Uint8Array; members: Map<number, Uint8Array> } {
  parseManifest(manifest);
  const elements = expectMap(decodeCbor(manifest), 'manifest');
  const members = new Map<number, Uint8Array>();
  for (const name of names) {
    const key = name === 'text' ? MANIFEST_KEYS.text : SECTIONS[name].key;
    const member = elements.get(key);
    if (!SEVERABLE_KEYS.has(key) || !(member instanceof Uint8Array) || member.length <= SEVERED_SIZE_BYTES) continue;
    members.set(key, member);
    elements.set(key, digestToCbor(digestOfMember(member)));
  }
  return { manifest: encodeCbor(elements), members };
}
