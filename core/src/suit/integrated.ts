/**
 * Integrated payloads and dependencies lie in the envelope outside of what the signatures cover
 * (draft-ietf-suit-manifest-37 §8.3): an image digest in the manifest speaks for each, or nothing does.
 */
import { isEqualBytes } from '../bytes/index.ts';
import { newHash } from '../crypto/index.ts';
import { digestOfMember, type SuitDigest } from './digest.ts';
import { parseEnvelope } from './envelope.ts';
import { SuitError } from './errors.ts';
import type { Command, Sequence } from './manifest.ts';
import type { VerifiedManifest } from './verified-manifest.ts';

function digestsOf(sequence: Sequence): SuitDigest[] {
  return sequence.flatMap((command: Command): SuitDigest[] => {
    switch (command.kind) {
      case 'override-parameters':
      case 'set-parameters':
        return command.parameters.imageDigest === undefined ? [] : [command.parameters.imageDigest];
      case 'override-multiple':
        return command.entries.flatMap(({ parameters: { imageDigest } }) => imageDigest ?? []);
      case 'run-sequence':
        return digestsOf(command.sequence);
      case 'try-each':
        return command.sequences.flatMap(digestsOf);
      case 'condition':
      case 'action':
      case 'set-component-index':
      case 'copy-params':
        return [];
    }
  });
}

/** The digest of a payload: of its bytes, or of the manifest in it when it is an envelope itself. */
function candidates(payload: Uint8Array, algorithm: number): Uint8Array[] {
  const hash = newHash(algorithm);
  hash.update(payload);
  const whole = hash.digest();
  try {
    return [whole, digestOfMember(parseEnvelope(payload).manifest, algorithm).bytes];
  } catch {
    return [whole];
  }
}

/**
 * Checks every integrated payload against the digests that the verified manifest names. A payload that is covered only
 * after decryption is refused: without its key nobody can say whose it is.
 * @throws SuitError SUIT_INTEGRATED_UNSIGNED
 */
export function verifyIntegratedPayloads(verified: VerifiedManifest): void {
  const { sharedSequence = [], sections } = verified.content;
  const digests = [sharedSequence, ...[...sections.values()].map(({ value = [] }) => value)].flatMap(digestsOf);
  const algorithms = [...new Set(digests.map(({ algorithm }) => algorithm))];
  for (const [name, payload] of verified.integratedPayloads) {
    // Once for each algorithm: a manifest may name hundreds of digests.
    const found = new Map(algorithms.map((algorithm) => [algorithm, candidates(payload, algorithm)]));
    const isCovered = digests.some(({ algorithm, bytes }) =>
      found.get(algorithm)?.some((candidate) => isEqualBytes(candidate, bytes)),
    );
    if (!isCovered) throw new SuitError('SUIT_INTEGRATED_UNSIGNED', { name });
  }
}
