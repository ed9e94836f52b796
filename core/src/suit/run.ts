import type { SectionName } from './constants.ts';
import type { SuitPlatform } from './platform.ts';
import type { VerifiedManifest } from './verified-manifest.ts';

export async function runSection(_m: VerifiedManifest, _s: SectionName, _p: SuitPlatform): Promise<void> {
  throw new Error('not yet');
}
