/**
 * Mender artifacts (.mender; Mender artifact format, version 3): a tar of `version`, `manifest`, its signature, a tar with
 * headers and a tar for each payload. The signature is over the manifest, which names every other file by its SHA-256; a
 * file that it does not name is refused, so is one that is missing. Signed with RSA (PKCS #1 v1.5) or ECDSA on P-256.
 *
 * The tar around the files of a payload is not signed, only the files are. A manifest-augment, which nobody signs, is refused.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { fromBase64, isCodedError } from '../bytes/index.ts';
import { ecdsaRawToDer } from '../crypto/index.ts';
import { decompressTar } from './decompress.ts';
import { ImageError } from './errors.ts';
import { checkVersion, type MenderHeader, parseHeaderInfo, parseManifest } from './mender-header.ts';
import { checkKeyStrength, isSignatureOf } from './signature-algorithm.ts';
import { firstTarFile, readTar, type TarFile } from './tar.ts';
import { type ImageTrust, importTrustedKey } from './trust.ts';

const HEADER_SIZE_BYTES_MAX = 16 * 1024 * 1024;
const PAYLOAD_SIZE_BYTES_MAX = 1024 * 1024 * 1024;
const VERSION_SIZE_BYTES_MAX = 1024;
const SIGNATURE_SIZE_BYTES_MAX = 4096;
const AUGMENT = 'manifest-augment';
const HEADER = /^header\.tar(\.[a-z0-9]+)?$/;
const PAYLOAD = /^data\/([0-9]{4})\.tar(\.[a-z0-9]+)?$/;
const RAW_SIGNATURE_SIZE_BYTES = 64;

/** A file of a payload. */
export type MenderFile = { readonly name: string; readonly sizeBytes: number; readonly sha256: string };

/** What lies in a Mender artifact; nothing of it is verified. */
export type MenderDescription = MenderHeader & {
  readonly format: 'mender';
  readonly sizeBytes: number;
  readonly isSigned: boolean;
  /** True when a part of it is left out of the signature. */
  readonly isAugmented: boolean;
  /** As the manifest names them. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
};

/** A verified Mender artifact. */
export type VerifiedMender = MenderHeader & {
  readonly format: 'mender';
  /** SHA-256 of the public key (SPKI) that signed, in hexadecimal. */
  readonly keySha256: string;
  /** Names of the state scripts that the artifact brings. */
  readonly scripts: readonly string[];
  readonly files: readonly MenderFile[];
};

type Parts = {
  readonly version: TarFile;
  readonly manifest: TarFile;
  readonly signature?: TarFile;
  readonly augment?: TarFile;
  readonly header: TarFile;
  readonly rest: readonly TarFile[];
};

function malformed(expected: string, file?: string): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'mender', expected, file });
}

/** Never throws. */
export function isMender(bytes: Uint8Array): boolean {
  const first = firstTarFile(bytes);
  if (first?.name !== 'version') return false;
  const start = Buffer.from(first.content.subarray(0, VERSION_SIZE_BYTES_MAX)).toString('latin1');
  return /"format"\s*:\s*"mender"/.test(start);
}

/** "Ordering": devices read a stream and must know everything before the payload comes. */
function open(bytes: Uint8Array): Parts {
  const rest = readTar(bytes);
  const take = (isWanted: (name: string) => boolean): TarFile | undefined =>
    rest[0] !== undefined && isWanted(rest[0].name) ? rest.shift() : undefined;
  const version = take((name) => name === 'version');
  const manifest = take((name) => name === 'manifest');
  const signature = take((name) => name === 'manifest.sig');
  const augment = take((name) => name === AUGMENT);
  const header = take((name) => HEADER.test(name));
  if (version === undefined) throw malformed('version as the first file');
  if (manifest === undefined) throw malformed('manifest as the second file');
  if (header === undefined) throw malformed('the header behind the manifests');
  checkVersion(version.content);
  return {
    version,
    manifest,
    ...(signature === undefined ? {} : { signature }),
    ...(augment === undefined ? {} : { augment }),
    header,
    rest,
  };
}

function openHeader({ name, content }: TarFile): { info: MenderHeader; scripts: string[] } {
  const [first, ...others] = readTar(decompressTar(name, content, HEADER_SIZE_BYTES_MAX));
  if (first?.name !== 'header-info') throw malformed('header-info as the first file', name);
  const scripts = others.flatMap((file) => (file.name.startsWith('scripts/') ? [file.name.slice(8)] : []));
  return { info: parseHeaderInfo(first.content), scripts };
}

/**
 * Describes a Mender artifact by its header and its manifest.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_FILE_UNLISTED, IMAGE_COMPRESSION_UNSUPPORTED
 */
export function describeMender(bytes: Uint8Array): MenderDescription {
  const { manifest, signature, augment, header } = open(bytes);
  return {
    format: 'mender',
    sizeBytes: bytes.length,
    isSigned: signature !== undefined,
    isAugmented: augment !== undefined,
    ...openHeader(header).info,
    files: [...parseManifest(manifest.content)].map(([name, sha256]) => ({ name, sha256 })),
  };
}

function parseSignature({ content, name }: TarFile): Uint8Array {
  if (content.length > SIGNATURE_SIZE_BYTES_MAX) {
    throw new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected: `at most ${SIGNATURE_SIZE_BYTES_MAX} bytes` });
  }
  try {
    return fromBase64(Buffer.from(content).toString('latin1'));
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected: 'base64', file: name }, cause);
  }
}

function isSignedBy(message: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  const digest = 'sha256';
  if (key.asymmetricKeyType === 'rsa') {
    return isSignatureOf({ message, signature, algorithm: { scheme: 'rsa' }, digest }, key);
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
  // mender-artifact writes r and s, 32 bytes each; a PKCS #11 token gives DER, which is longer.
  const der = signature.length === RAW_SIGNATURE_SIZE_BYTES ? ecdsaRawToDer(signature) : signature;
  return isSignatureOf({ message, signature: der, algorithm: { scheme: 'ecdsa' }, digest }, key);
}

/** The signature does not say whose it is: each key is tried. */
function verifyManifest(manifest: TarFile, signatureFile: TarFile, { keysPem }: ImageTrust): string {
  const keys = keysPem.map((pem) => importTrustedKey(pem));
  if (keys.length === 0) throw new ImageError('IMAGE_SIGNER_UNKNOWN');
  for (const key of keys) checkKeyStrength(key);
  const signature = parseSignature(signatureFile);
  const signer = keys.find((key) => isSignedBy(manifest.content, signature, key));
  if (signer === undefined) throw new ImageError('IMAGE_SIGNATURE_INVALID', { file: manifest.name });
  return createHash('sha256')
    .update(signer.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** The files of all payloads, under the names that the manifest gives them. */
function openPayloads(archives: readonly TarFile[], payloadCount: number): TarFile[] {
  return archives.flatMap(({ name, content }, index) => {
    const number = PAYLOAD.exec(name)?.[1];
    if (number === undefined) throw new ImageError('IMAGE_FILE_UNLISTED', { file: name });
    if (Number(number) !== index || index >= payloadCount) throw malformed('payloads as the header counts them', name);
    const files = readTar(decompressTar(name, content, PAYLOAD_SIZE_BYTES_MAX));
    return files.map((file) => ({ name: `data/${number}/${file.name}`, content: file.content }));
  });
}

function checkFile({ name, content }: TarFile, digests: ReadonlyMap<string, string>): MenderFile {
  const listed = digests.get(name);
  if (listed === undefined) throw new ImageError('IMAGE_FILE_UNLISTED', { file: name });
  const sha256 = createHash('sha256').update(content).digest('hex');
  if (sha256 !== listed) throw new ImageError('IMAGE_DIGEST_MISMATCH', { file: name });
  return { name, sizeBytes: content.length, sha256 };
}

/**
 * Verifies a Mender artifact: the signature of its manifest under the registered public keys (SPKI PEM), and every file.
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, IMAGE_DIGEST_MISMATCH, IMAGE_FILE_*, and those of `describeMender`; CryptoError CRYPTO_KEY_MALFORMED
 */
export async function verifyMender(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedMender> {
  const { version, manifest, signature, augment, header, rest } = open(bytes);
  if (signature === undefined) throw new ImageError('IMAGE_UNSIGNED', { format: 'mender' });
  const keySha256 = verifyManifest(manifest, signature, trust);
  if (augment !== undefined) throw new ImageError('IMAGE_FILE_UNLISTED', { file: AUGMENT });
  const digests = parseManifest(manifest.content);
  // Nothing is opened before it was held against the manifest, save the tar around a payload, which the manifest leaves out.
  for (const file of [version, header]) checkFile(file, digests);
  const { info, scripts } = openHeader(header);
  const files = openPayloads(rest, info.payloadTypes.length).map((file) => checkFile(file, digests));
  const present = new Set([version.name, header.name, ...files.map(({ name }) => name)]);
  const missing = [...digests.keys()].find((name) => !present.has(name));
  if (missing !== undefined) throw new ImageError('IMAGE_FILE_MISSING', { file: missing });
  return { format: 'mender', keySha256, ...info, scripts, files };
}
