/** Firmware images on disk: their size, the keys that say what is authentic, and how their facts are shown. */
import { fromBase64 } from '@pawl/core/bytes';
import type { ImageTrust } from '@pawl/core/image';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readText } from './files.ts';

export const IMAGE_SIZE_BYTES_MAX = 512 * 1024 * 1024;

/** The option of every command that opens an encrypted image. */
export const DECRYPT_KEY_OPTION = {
  type: 'string',
  value: 'FILE',
  summary: 'key that opens an encrypted image: a private key as PEM, or a symmetric key as base64',
  multiple: true,
} as const;

/** A symmetric key of 16 or 32 bytes, as base64 in a file. Undefined for PEM. @throws BytesError BYTES_BASE64_INVALID */
export function parseSymmetricKey(text: string): Uint8Array | undefined {
  return text.startsWith('-----BEGIN') ? undefined : fromBase64(text.trim());
}

/** @throws CliError CLI_USAGE (no key), CLI_FILE_UNREADABLE */
export async function readImageTrust(
  io: Io,
  keyFiles: readonly string[],
  decryptKeyFiles: readonly string[],
): Promise<ImageTrust> {
  if (keyFiles.length === 0) throw new CliError('CLI_USAGE', { missing: '--key' });
  const read = (file: string): Promise<string> => readText(inFolder(io.cwd, file));
  const [keysPem, decryptKeys] = await Promise.all([
    Promise.all(keyFiles.map(read)),
    Promise.all(decryptKeyFiles.map(read)),
  ]);
  return {
    keysPem,
    decryptionKeysPem: decryptKeys.filter((text) => text.startsWith('-----BEGIN')),
    decryptionKeks: decryptKeys.flatMap((text) => parseSymmetricKey(text) ?? []),
  };
}

/** Text out of a file must not steer the terminal that shows it. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** One fact a line; members of a fact are shown as JSON. */
export function factLines(facts: object): string[] {
  return Object.entries(facts).map(([name, value]: [string, unknown]) => {
    const text = escapeControls(typeof value === 'string' ? value : JSON.stringify(value));
    return `  ${name.padEnd(16)} ${text}`;
  });
}
