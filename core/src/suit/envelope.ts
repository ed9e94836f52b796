/**
 * The SUIT envelope (draft-ietf-suit-manifest-37 §8.2, CBOR tag 107) taken apart and put together. What comes out of
 * `parseEnvelope` is UNTRUSTED: the manifest stays a byte string until its signatures are verified (verified-manifest.ts).
 * Unknown keys are refused and, unless asked for, untagged envelopes and integrated payloads.
 */
import { CborTag, type CborValue, decodeCbor, encodeCbor, expectArray, expectBytes, expectMap } from '../cbor/index.ts';
import { ENVELOPE_KEYS, ENVELOPE_TAG, LIMITS } from './constants.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';
import { codingAs, SEVERABLE_KEYS } from './manifest-codec.ts';
import { isIntegratedName } from './uri.ts';

/** The parts of an envelope, none of them verified. */
export type UntrustedEnvelope = {
  /** Encoded SUIT_Digest of the manifest: what the authentication blocks sign. */
  readonly digest: Uint8Array;
  /** COSE_Sign1 (or another COSE object), one a signer. */
  readonly blocks: readonly Uint8Array[];
  readonly manifest: Uint8Array;
  /** Severed members of the manifest, by key. */
  readonly members: ReadonlyMap<number, Uint8Array>;
  /** Integrated payloads, by name with the leading "#". Signed only through the image digest. */
  readonly integrated: ReadonlyMap<string, Uint8Array>;
};

export type EnvelopeOptions = {
  /** Total size of integrated payloads that is accepted; none when left out. */
  readonly integratedSizeBytesMax?: number;
  /** Also take an envelope without its tag, as TEEP carries them; one with another tag is refused all the same. */
  readonly isUntagged?: boolean;
};

function decodeAuthentication(wrapper: Uint8Array): Pick<UntrustedEnvelope, 'digest' | 'blocks'> {
  const entries = expectArray(decodeCbor(wrapper), 'authentication-wrapper');
  const [digest, ...blocks] = entries.map((entry) => expectBytes(entry, 'authentication-wrapper'));
  if (digest === undefined) throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at: 'authentication-wrapper' });
  if (blocks.length > LIMITS.authenticationBlocksMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'authentication-wrapper', actual: blocks.length });
  }
  return { digest, blocks };
}

function decodeElements(elements: ReadonlyMap<CborValue, CborValue>, integratedMax: number): UntrustedEnvelope {
  const members = new Map<number, Uint8Array>();
  const integrated = new Map<string, Uint8Array>();
  let integratedSizeBytes = 0;
  for (const [key, value] of elements) {
    if (key === ENVELOPE_KEYS.authentication || key === ENVELOPE_KEYS.manifest) continue;
    const bytes = expectBytes(value, 'envelope');
    if (typeof key === 'number' && SEVERABLE_KEYS.has(key)) members.set(key, bytes);
    else if (typeof key === 'string' && isIntegratedName(key) && integratedMax > 0) {
      integratedSizeBytes += bytes.length;
      integrated.set(key, bytes);
    } else throw new SuitError('SUIT_ELEMENT_UNSUPPORTED', { at: 'envelope', key: labelOf(key) });
  }
  if (integratedSizeBytes > integratedMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'integrated payloads', limit: integratedMax });
  }
  const wrapper = elements.get(ENVELOPE_KEYS.authentication);
  const manifest = elements.get(ENVELOPE_KEYS.manifest);
  // §8.2: both are required; an envelope without a wrapper is one without authentication.
  if (wrapper === undefined) throw new SuitError('SUIT_AUTHENTICATION_MISSING');
  return {
    ...decodeAuthentication(expectBytes(wrapper, 'authentication-wrapper')),
    manifest: expectBytes(manifest, 'manifest'),
    members,
    integrated,
  };
}

/**
 * Takes an envelope apart without verifying anything.
 * @throws SuitError SUIT_ENVELOPE_MALFORMED, SUIT_LIMIT_EXCEEDED, SUIT_ELEMENT_UNSUPPORTED, SUIT_AUTHENTICATION_MISSING
 */
export function parseEnvelope(bytes: Uint8Array, options: EnvelopeOptions = {}): UntrustedEnvelope {
  const integratedMax = options.integratedSizeBytesMax ?? 0;
  const sizeBytesMax = LIMITS.envelopeSizeBytesMax + integratedMax;
  if (bytes.length > sizeBytesMax) {
    throw new SuitError('SUIT_LIMIT_EXCEEDED', { at: 'envelope', limit: sizeBytesMax, actual: bytes.length });
  }
  return codingAs('SUIT_ENVELOPE_MALFORMED', () => {
    const tagged = decodeCbor(bytes, { sizeBytesMax });
    const isAccepted = tagged instanceof CborTag ? tagged.tag === ENVELOPE_TAG : options.isUntagged === true;
    if (!isAccepted) {
      throw new SuitError('SUIT_ENVELOPE_MALFORMED', { at: 'envelope', expected: `tag ${ENVELOPE_TAG}` });
    }
    return decodeElements(expectMap(tagged instanceof CborTag ? tagged.value : tagged, 'envelope'), integratedMax);
  });
}

/** Writes an envelope from its parts, signed or not; verifies nothing. */
export function encodeEnvelope(envelope: UntrustedEnvelope): Uint8Array {
  const elements = new Map<CborValue, CborValue>([
    [ENVELOPE_KEYS.authentication, encodeCbor([envelope.digest, ...envelope.blocks])],
    [ENVELOPE_KEYS.manifest, envelope.manifest],
    ...envelope.members,
    ...envelope.integrated,
  ]);
  return encodeCbor(new CborTag(ENVELOPE_TAG, elements));
}
