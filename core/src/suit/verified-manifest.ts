/**
 * From untrusted envelope to verified manifest, in the order that draft-ietf-suit-manifest-37 §6 demands: authentication,
 * then the digest over the very bytes that are used, then parsing, then the sequence number. There is no other way to a
 * `VerifiedManifest`, so a manifest that nobody verified cannot be run.
 */
import type { PublicKey } from '../crypto/index.ts';
import { type Authentication, type AuthenticationPolicy, verifyAuthentication } from './authentication.ts';
import type { SectionName } from './constants.ts';
import { decodeDigest, type SuitDigest, verifyMember } from './digest.ts';
import { type EnvelopeOptions, parseEnvelope } from './envelope.ts';
import { SuitError } from './errors.ts';
import type { ComponentId, Manifest } from './manifest.ts';
import { codingAs, parseManifest } from './manifest-codec.ts';
import { decodeText, type SuitText } from './text.ts';
import { versionOf } from './version.ts';

export type VerifyEnvelopeOptions = AuthenticationPolicy &
  EnvelopeOptions & {
    /** The sequence number that is installed; a lower one is refused, an equal one is not. */
    readonly sequenceNumberMin?: bigint;
  };

/** A manifest whose signatures, digest and form were checked. */
export class VerifiedManifest {
  readonly #manifest: Manifest;
  readonly #integrated: ReadonlyMap<string, Uint8Array>;
  /** Digest of the manifest that the signatures cover. */
  readonly digest: SuitDigest;
  /** The listed keys whose signatures verified. */
  readonly signers: readonly PublicKey[];
  /** True when a MAC with a key shared beforehand verified. */
  readonly isMacVerified: boolean;

  private constructor(
    manifest: Manifest,
    integrated: ReadonlyMap<string, Uint8Array>,
    digest: SuitDigest,
    { signers, isMacVerified }: Authentication,
  ) {
    this.#manifest = manifest;
    this.#integrated = integrated;
    this.digest = digest;
    this.signers = signers;
    this.isMacVerified = isMacVerified;
  }

  /** See `verifyEnvelope`. */
  static verify(bytes: Uint8Array, options: VerifyEnvelopeOptions): VerifiedManifest {
    const envelope = parseEnvelope(bytes, options);
    const { digest, authentication } = codingAs('SUIT_ENVELOPE_MALFORMED', () => ({
      // §6.2: the signature is verified before anything of the manifest is parsed.
      authentication: verifyAuthentication(envelope.blocks, envelope.digest, options),
      digest: decodeDigest(envelope.digest, 'authentication-wrapper'),
    }));
    verifyMember(envelope.manifest, digest, 'manifest');
    const manifest = parseManifest(envelope.manifest, envelope.members);
    const { sequenceNumberMin } = options;
    // §6.1, rollback: the sequence number must not go back; equal is allowed.
    if (sequenceNumberMin !== undefined && manifest.sequenceNumber < sequenceNumberMin) {
      throw new SuitError('SUIT_SEQUENCE_TOO_OLD', { expected: sequenceNumberMin, actual: manifest.sequenceNumber });
    }
    return new VerifiedManifest(manifest, envelope.integrated, digest, authentication);
  }

  get sequenceNumber(): bigint {
    return this.#manifest.sequenceNumber;
  }

  /** Semantic version of set-version; undefined when there is none or it is not MAJOR.MINOR.PATCH. */
  get version(): string | undefined {
    return versionOf(this.#manifest.setVersion);
  }

  get components(): readonly ComponentId[] {
    return this.#manifest.components;
  }

  /** Everything that the manifest says. */
  get content(): Manifest {
    return this.#manifest;
  }

  /** Text for people; empty when there is none or it was cut out. */
  get texts(): readonly SuitText[] {
    const text = this.#manifest.text?.value;
    return text === undefined ? [] : decodeText(text, this.#manifest.components);
  }

  /** True when the section is there to be run (a severed one only when the envelope brought it). */
  hasSection(name: SectionName): boolean {
    return this.#manifest.sections.get(name)?.value !== undefined;
  }

  /** Every integrated payload, by its URI ("#name"): not covered by the signatures, see integrated.ts. */
  get integratedPayloads(): ReadonlyMap<string, Uint8Array> {
    return this.#integrated;
  }

  /** An integrated payload, by its URI ("#name"); only its digest in the manifest speaks for it. */
  integratedPayload(uri: string): Uint8Array | undefined {
    return this.#integrated.get(uri);
  }
}

/**
 * Verifies an envelope against the receiver's policy and reads its manifest.
 * @throws SuitError SUIT_AUTHENTICATION_MISSING, SUIT_KEY_UNKNOWN, SUIT_SIGNATURE_INVALID, SUIT_ALGORITHM_MISSING,
 * SUIT_DIGEST_MISMATCH, SUIT_SEQUENCE_TOO_OLD, SUIT_POLICY_EMPTY, and those of `parseEnvelope` and `parseManifest`
 */
export function verifyEnvelope(bytes: Uint8Array, options: VerifyEnvelopeOptions): VerifiedManifest {
  return VerifiedManifest.verify(bytes, options);
}
