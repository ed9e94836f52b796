/**
 * Authenticode signatures of PE/COFF files (Microsoft, "Windows Authenticode Portable Executable Signature Format", 2008;
 * UEFI 2.10 §32.2.4): PKCS #7 around the digest of the file, in a table at its end.
 *
 * The digest leaves out the checksum, the entry of the table, and the table. Every other byte is either under it or a zero
 * between two sections; nothing may stand behind the table. Of several signatures those of others are passed over, as
 * firmware does; those of registered signers, at least one, must all stand for this very file. Timestamps are not looked at.
 */
import { createHash, type Hash } from 'node:crypto';
import { ByteReader, isEqualBytes, toHex } from '../bytes/index.ts';
import type { CmsSigner } from './certificate.ts';
import { verifyEmbeddedCms } from './cms.ts';
import { DerReader, TAG } from './der.ts';
import { ImageError } from './errors.ts';
import type { PeFile } from './pe.ts';
import { type DigestName, parseDigestAlgorithm } from './signature-algorithm.ts';

const SIGNATURES_MAX = 16;
const ENTRY_HEADER_SIZE_BYTES = 8;
const PKCS_SIGNED_DATA = 2;
const REVISIONS = new Set([0x0100, 0x0200]);
const SPC_INDIRECT_DATA = '1.3.6.1.4.1.311.2.1.4';
const SPC_PE_IMAGE_DATA = '1.3.6.1.4.1.311.2.1.15';

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'efi', expected, offset, actual });
}

const align8 = (size: number): number => Math.ceil(size / 8) * 8;

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** "Calculating the PE Image Hash", steps 3 to 14. */
function hashImage({ bytes, sections, certificates, ...pe }: PeFile, hash: Hash): Uint8Array {
  const headersEnd = pe.headersSizeBytes;
  const dataEnd = certificates?.offset ?? bytes.length;
  hash.update(bytes.subarray(0, pe.checksumAt));
  const behindChecksum = pe.checksumAt + 4;
  const securityAt = pe.securityAt ?? behindChecksum;
  hash.update(bytes.subarray(behindChecksum, securityAt));
  hash.update(bytes.subarray(pe.securityAt === undefined ? securityAt : securityAt + 8, headersEnd));
  let end = headersEnd;
  let hashedSizeBytes = headersEnd;
  const inFile = sections.filter(({ sizeBytes }) => sizeBytes > 0).toSorted((a, b) => a.offset - b.offset);
  for (const { offset, sizeBytes } of inFile) {
    // The digest passes over what stands between sections: anything but zeros there would be unsigned.
    if (!isZero(bytes.subarray(end, offset))) throw malformed('only zeros between sections', end);
    hash.update(bytes.subarray(offset, offset + sizeBytes));
    end = offset + sizeBytes;
    hashedSizeBytes += sizeBytes;
  }
  // What follows is counted from the sizes, not from the last section; the two differ when there are gaps.
  hash.update(bytes.subarray(hashedSizeBytes, dataEnd));
  return hash.digest();
}

/**
 * The digest of a file that its signatures, and the lists of the firmware (db, dbx), are about.
 * @throws ImageError IMAGE_MALFORMED
 */
export function digestPe(pe: PeFile, algorithm: DigestName): Uint8Array {
  return hashImage(pe, createHash(algorithm));
}

/**
 * The PKCS #7 signatures in the certificate table; empty for an unsigned file.
 * @throws ImageError IMAGE_MALFORMED, IMAGE_SIGNATURE_MALFORMED
 */
export function readSignatures({ bytes, certificates }: PeFile): Uint8Array[] {
  if (certificates === undefined) return [];
  const { offset, sizeBytes } = certificates;
  if (offset + sizeBytes !== bytes.length) throw malformed('nothing behind the certificate table', offset + sizeBytes);
  const table = bytes.subarray(offset);
  const signatures: Uint8Array[] = [];
  for (let at = 0; at < table.length; ) {
    if (signatures.length === SIGNATURES_MAX) throw malformed(`at most ${SIGNATURES_MAX} signatures`, offset + at);
    if (table.length - at < ENTRY_HEADER_SIZE_BYTES) throw malformed('an entry of the certificate table', offset + at);
    const reader = new ByteReader(table, at);
    const length = reader.u32le();
    const [revision, type] = [reader.u16le(), reader.u16le()];
    if (length <= ENTRY_HEADER_SIZE_BYTES || length > table.length - at) {
      throw malformed('an entry that ends in the certificate table', offset + at, length);
    }
    if (!REVISIONS.has(revision)) throw malformed('an entry of revision 1 or 2', offset + at, revision);
    if (type !== PKCS_SIGNED_DATA) throw malformed('an entry of type PKCS #7', offset + at, type);
    const end = Math.min(at + align8(length), table.length);
    const entry = table.subarray(at + ENTRY_HEADER_SIZE_BYTES, end);
    const signature = new DerReader(entry).next(TAG.sequence, 'PKCS #7 in DER').raw;
    // Some tools count the padding to the next entry, some do not.
    const padding = entry.subarray(signature.length);
    if (padding.length > 7 || !isZero(padding)) throw malformed('zeros up to the next entry', offset + at, length);
    signatures.push(signature);
    at = end;
  }
  return signatures;
}

/** SpcIndirectDataContent: what the digest is of, and the digest. */
function parseIndirectData(content: Uint8Array): { algorithm: DigestName; digest: Uint8Array } {
  const reader = new DerReader(content);
  const data = reader.enter(TAG.sequence, 'SpcIndirectDataContent');
  if (data.oid('a kind of data') !== SPC_PE_IMAGE_DATA) {
    throw new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected: 'the digest of a PE file' });
  }
  const digestInfo = reader.enter(TAG.sequence, 'a digest');
  reader.end('a digest');
  const algorithm = parseDigestAlgorithm(digestInfo.enter(TAG.sequence, 'a digest algorithm'));
  const digest = digestInfo.next(TAG.octetString, 'a digest').content;
  digestInfo.end('a digest');
  return { algorithm, digest };
}

export type AuthenticodeSignature = {
  readonly signer: CmsSigner;
  readonly algorithm: DigestName;
  /** Hexadecimal. */
  readonly digest: string;
};

function verifySignature(pe: PeFile, signature: Uint8Array, certificatesPem: readonly string[]): AuthenticodeSignature {
  const expected = { contentType: SPC_INDIRECT_DATA, tag: TAG.sequence };
  const { signer, digest: signed, content } = verifyEmbeddedCms(signature, expected, certificatesPem);
  const { algorithm, digest } = parseIndirectData(content);
  if (algorithm !== signed) {
    throw new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected: 'one digest algorithm', algorithm, signed });
  }
  if (!isEqualBytes(digestPe(pe, algorithm), digest)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { format: 'efi', algorithm });
  }
  return { signer, algorithm, digest: toHex(digest) };
}

/** Refusals after which another signature may still vouch for the file: it is just not of someone who is trusted. */
function isOfAnother(error: unknown): error is ImageError {
  return (
    error instanceof ImageError && (error.code === 'IMAGE_SIGNER_UNKNOWN' || error.code === 'IMAGE_ALGORITHM_WEAK')
  );
}

/**
 * Verifies the signatures of a file and returns those of registered signers, at least one.
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_MALFORMED, IMAGE_DIGEST_MISMATCH, and those of `verifyDetachedCms`
 */
export function verifyAuthenticode(
  pe: PeFile,
  certificatesPem: readonly string[],
): [AuthenticodeSignature, ...AuthenticodeSignature[]] {
  const signatures = readSignatures(pe);
  const verified: AuthenticodeSignature[] = [];
  let refusal = new ImageError('IMAGE_UNSIGNED', { format: 'efi' });
  for (const signature of signatures) {
    try {
      verified.push(verifySignature(pe, signature, certificatesPem));
    } catch (error) {
      if (!isOfAnother(error)) throw error;
      refusal = error;
    }
  }
  const [first, ...others] = verified;
  if (first === undefined) throw refusal;
  return [first, ...others];
}
