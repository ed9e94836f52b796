/**
 * Runs one section of a verified manifest: the shared sequence first, then the section (draft-ietf-suit-manifest-37 §8.4.3),
 * with cleared parameters each time. Nothing runs before the platform is known to support the whole manifest.
 */
import type { SectionName } from './constants.ts';
import { SuitError } from './errors.ts';
import { Machine } from './machine.ts';
import type { SuitPlatform } from './platform.ts';
import { verifySupport } from './support.ts';
import type { VerifiedManifest } from './verified-manifest.ts';

/**
 * Carries out a section on a platform. Errors of the platform reach the caller unchanged.
 * @throws SuitError SUIT_SECTION_MISSING, SUIT_COMPONENT_UNSUPPORTED, SUIT_COMMAND_UNSUPPORTED, SUIT_URI_UNSUPPORTED (all
 * before anything runs), SUIT_CONDITION_FAILED, SUIT_SECURITY_COUNTER_TOO_LOW, SUIT_PARAMETER_MISSING,
 * SUIT_RULE_VIOLATED, SUIT_LIMIT_EXCEEDED
 */
export async function runSection(verified: VerifiedManifest, name: SectionName, platform: SuitPlatform): Promise<void> {
  const manifest = verified.content;
  const integratedPayload = (uri: string): Uint8Array | undefined => verified.integratedPayload(uri);
  const section = manifest.sections.get(name)?.value;
  if (section === undefined) throw new SuitError('SUIT_SECTION_MISSING', { section: name });
  verifySupport(manifest, platform, (uri) => integratedPayload(uri) !== undefined);
  const machine = new Machine({ components: manifest.components, platform, integratedPayload });
  if (manifest.sharedSequence !== undefined) await machine.runTop(manifest.sharedSequence);
  await machine.runTop(section);
}
