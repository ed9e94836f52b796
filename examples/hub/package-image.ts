/** Opens a Pybricks firmware package (.zip) with the field's own reader and assembles the image that is flashed. */
import { readFile } from 'node:fs/promises';
import { encodeHubName, FirmwareReader, metadataIsV210 } from 'pybricks-firmware-new';
import { assembleHubImage } from './image.ts';

export type PackageImage = { readonly image: Uint8Array; readonly firmwareVersion: string };

export async function loadPackageImage(zipPath: string, hubName: string): Promise<PackageImage> {
  const reader = await FirmwareReader.load(await readFile(zipPath));
  const metadata = await reader.readMetadata();
  if (!metadataIsV210(metadata)) throw new TypeError('the package has no metadata of version 2.1.0');
  if (metadata['checksum-type'] !== 'crc32') throw new TypeError('the package does not use the CRC-32 checksum');
  const image = assembleHubImage({
    base: await reader.readFirmwareBase(),
    checksumSizeBytes: metadata['checksum-size'],
    hubNameOffset: metadata['hub-name-offset'],
    hubName: encodeHubName(hubName, metadata),
  });
  return { image, firmwareVersion: metadata['firmware-version'] };
}
