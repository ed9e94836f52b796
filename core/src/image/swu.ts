/**
 * SWUpdate images (.swu; SWUpdate documentation, "SWUpdate: software management" and "Update images from verified source"):
 * a cpio archive whose first file is `sw-description`, whose second is its signature, and whose other files
 * the description lists with their SHA-256. Verified first, then parsed, then each file against its digest; closed world:
 * a file that is not listed is refused, so is a listed one that is missing.
 */
import { createHash } from 'node:crypto';
import type { CmsSigner } from './certificate.ts';
import { type CpioFile, firstCpioName, readCpio } from './cpio.ts';
import { ImageError } from './errors.ts';
import { parseSwDescription, type SwDescription } from './sw-description.ts';
import { type KeySigner, verifyDescriptionSignature } from './swu-signature.ts';
import type { ImageTrust } from './trust.ts';

const DESCRIPTION = 'sw-description';
const SIGNATURE = 'sw-description.sig';

/** What lies in an SWUpdate image; nothing of it is verified. */
export type SwuDescription = {
  readonly format: 'swu';
  readonly sizeBytes: number;
  readonly isSigned: boolean;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
};

/** A file of a verified SWUpdate image. */
export type SwuFile = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** The device decrypts it before it writes it; the digest is over what lies here. Absent for a plain file. */
  readonly isEncrypted?: true;
};

/** A verified SWUpdate image. */
export type VerifiedSwu = {
  readonly format: 'swu';
  readonly signer: CmsSigner | KeySigner;
  readonly version?: string;
  readonly files: readonly SwuFile[];
};

export function isSwu(bytes: Uint8Array): boolean {
  return firstCpioName(bytes) === DESCRIPTION;
}

function open(bytes: Uint8Array): { description: CpioFile; rest: readonly CpioFile[] } {
  const [description, ...rest] = readCpio(bytes);
  // SWUpdate reads a stream and must have the description before anything else.
  if (description?.name !== DESCRIPTION) {
    throw new ImageError('IMAGE_MALFORMED', { format: 'swu', expected: `${DESCRIPTION} as the first file`, offset: 0 });
  }
  return { description, rest };
}

/**
 * Describes an SWUpdate image by the files in it.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_FILE_UNLISTED
 */
export function describeSwu(bytes: Uint8Array): SwuDescription {
  const { rest } = open(bytes);
  return {
    format: 'swu',
    sizeBytes: bytes.length,
    isSigned: rest[0]?.name === SIGNATURE,
    files: rest.flatMap(({ name, content }) => (name === SIGNATURE ? [] : [{ name, sizeBytes: content.length }])),
  };
}

function checkFile({ name, content }: CpioFile, { files }: SwDescription): SwuFile {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const listed = files.filter((file) => file.name === name);
  if (listed.length === 0) throw new ImageError('IMAGE_FILE_UNLISTED', { file: name });
  // The same file may serve several device variants; every mention must agree.
  if (listed.some((file) => file.sha256 !== sha256)) throw new ImageError('IMAGE_DIGEST_MISMATCH', { file: name });
  const isEncrypted = listed.some((file) => file.isEncrypted === true);
  return { name, sizeBytes: content.length, sha256, ...(isEncrypted ? { isEncrypted } : {}) };
}

/**
 * Verifies an SWUpdate image: the signature of its description under the registered certificates or public keys (PEM), and
 * every file.
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, IMAGE_DIGEST_*, IMAGE_FILE_*, and those of `describeSwu`
 */
export async function verifySwu(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedSwu> {
  const { description, rest } = open(bytes);
  const [signature, ...files] = rest;
  if (signature?.name !== SIGNATURE) throw new ImageError('IMAGE_UNSIGNED', { format: 'swu' });
  const signer = verifyDescriptionSignature(description.content, signature.content, trust.keysPem);
  const parsed = parseSwDescription(description.content);
  const verified = files.map((file) => checkFile(file, parsed));
  const missing = parsed.files.find(({ name }) => verified.every((file) => file.name !== name));
  if (missing !== undefined) throw new ImageError('IMAGE_FILE_MISSING', { file: missing.name });
  const { version } = parsed;
  return { format: 'swu', signer, files: verified, ...(version === undefined ? {} : { version }) };
}
