/**
 * The firmware of the demo: two successive real releases for a LEGO hub, as the hub's flashing tool would write them, and
 * the releases that are made from them. What is wrong with each bad one stands here.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

export const LINE = 'prime-hub';
export const VENDOR_DOMAIN = 'hubs.example';
export const CLASS_INFO = 'Prime Hub, STM32F413';

export type DemoRelease = {
  readonly version: string;
  readonly sequence: number;
  readonly counter: number;
  /** Which image is sealed. */
  readonly image: 'old' | 'new' | 'cut';
};

/** What the devices leave production with. */
export const FACTORY: DemoRelease = { version: '7.27.0', sequence: 10, counter: 2, image: 'old' };
export const NEW: DemoRelease = { version: '7.28.0', sequence: 20, counter: 3, image: 'new' };
/** Authentic, listed and with a newer sequence number than the factory's; only the security counter gives it away. */
export const OLDER: DemoRelease = { version: '7.26.9', sequence: 11, counter: 1, image: 'old' };
export const CUT: DemoRelease = { version: '7.28.1', sequence: 21, counter: 3, image: 'cut' };
/** Listed by a release signer who was deceived; the image key never saw them. */
export const UNKNOWN_KEY: DemoRelease = { version: '7.28.2', sequence: 22, counter: 3, image: 'new' };
export const UNSIGNED: DemoRelease = { version: '7.28.3', sequence: 23, counter: 3, image: 'new' };

const PACKAGES = { old: 'pybricks-firmware-old', new: 'pybricks-firmware-new' } as const;
/** A third of the image: cut long after the vector table, so that only a look at the whole image finds it. */
const CUT_PART = 3;

const run = promisify(execFile);

export function imagePath(dir: string, image: DemoRelease['image']): string {
  return join(dir, 'firmware', `${image}.bin`);
}

/** Writes the three images; the paths of the packages come from the modules that `npm ci` installed. */
export async function assembleImages(dir: string, assembleScript: string): Promise<{ readonly sizeBytes: number }> {
  const require = createRequire(import.meta.url);
  for (const name of ['old', 'new'] as const) {
    const zip = join(dirname(require.resolve(PACKAGES[name])), 'primehub.zip');
    await run(process.execPath, [assembleScript, zip, imagePath(dir, name), 'Pawl Hub']);
  }
  const whole = await readFile(imagePath(dir, 'new'));
  const part = Math.floor(whole.length / CUT_PART);
  await writeFile(imagePath(dir, 'cut'), whole.subarray(0, part - (part % 4)));
  return { sizeBytes: whole.length };
}
