/** How files of a media type begin, where all of them begin alike. The name of a file says nothing. */
import type { EvidenceMediaType } from '@pawl/contract/management';

const MAGICS: Readonly<Partial<Record<EvidenceMediaType, readonly number[]>>> = {
  // ISO 32000-1 7.5.2 `%PDF-`; PNG (W3C) 5.2; JPEG (ITU-T T.81) SOI and the next marker; ZIP local file header.
  'application/pdf': [0x25, 0x50, 0x44, 0x46, 0x2d],
  'application/zip': [0x50, 0x4b, 0x03, 0x04],
  'image/png': [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  'image/jpeg': [0xff, 0xd8, 0xff],
};

/** So many bytes tell. */
export const MAGIC_BYTES = 8;

/** Whether a file that begins so may be of the type. What is text has no zero byte. */
export function mayBeOfType(start: Uint8Array, mediaType: EvidenceMediaType): boolean {
  const magic = MAGICS[mediaType];
  return magic === undefined ? !start.includes(0) : magic.every((byte, at) => start[at] === byte);
}
