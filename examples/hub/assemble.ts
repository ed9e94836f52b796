/**
 * `node assemble.ts PACKAGE.zip IMAGE.bin [HUB_NAME]`: writes the image that a hub is flashed with, ready for `pawl seal`.
 */
import { writeFile } from 'node:fs/promises';
import { loadPackageImage } from './package-image.ts';

const [zipPath, imagePath, hubName = 'Pawl Hub'] = process.argv.slice(2);
if (zipPath === undefined || imagePath === undefined) {
  console.error('usage: node assemble.ts PACKAGE.zip IMAGE.bin [HUB_NAME]');
  process.exitCode = 2;
} else {
  const { image, firmwareVersion } = await loadPackageImage(zipPath, hubName);
  await writeFile(imagePath, image);
  console.log(JSON.stringify({ firmwareVersion, sizeBytes: image.byteLength }));
}
