/**
 * Verifies FIT images (U-Boot doc/usage/fit/signature.rst): every configuration must carry a signature of a trusted key over
 * itself and all its images, and every image must belong to a configuration and have a hash of SHA-256 or stronger.
 *
 * Closed world: no other nodes, no images beside the configurations, nothing behind the tree but data of images. Not
 * signed, and so not in the result, is which configuration is the default.
 */
import { constants, hash, type KeyObject, verify } from 'node:crypto';
import { toHex } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { type ImageTrust, importTrustedKey } from '../trust.ts';
import { malformed, type TreeNode } from './device-tree.ts';
import { type Fit, type FitConfiguration, type FitImage, parseFit, signaturesOf, textOf } from './parse.ts';
import { imagesOf, signedBytes, UNSIGNED_PROPERTIES } from './signed-region.ts';

/** A configuration that was proven, with the key. */
export type VerifiedFitConfiguration = {
  readonly name: string;
  readonly algorithm: string;
  /** SHA-256 of the SubjectPublicKeyInfo of the key. */
  readonly keySha256: string;
  readonly roles: Readonly<Record<string, readonly string[]>>;
};

/** What an authentic FIT image proved. */
export type VerifiedFit = {
  readonly format: 'fit';
  readonly configurations: readonly VerifiedFitConfiguration[];
  readonly images: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
};

const HASHES: ReadonlySet<string> = new Set(['sha256', 'sha384', 'sha512']);
const RSA_BITS: ReadonlySet<number> = new Set([2048, 3072, 4096]);
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ecdsa256',
  secp384r1: 'ecdsa384',
  secp521r1: 'secp521r1',
};
/** `mkimage` names RSA signatures by the key alone; the padding stands beside. */
const PADDINGS: Readonly<Record<string, object>> = {
  'pkcs-1.5': { padding: constants.RSA_PKCS1_PADDING },
  // rsa-verify.c takes a salt of any length.
  pss: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
};

type TrustedKey = { readonly key: KeyObject; readonly name: string };

function trustedKeyOf(pem: string): TrustedKey {
  const key = importTrustedKey(pem);
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' && RSA_BITS.has(modulusLength)) return { key, name: `rsa${modulusLength}` };
  const name = key.asymmetricKeyType === 'ec' ? CURVES[namedCurve] : undefined;
  if (name === undefined) {
    throw new ImageError('IMAGE_ALGORITHM_WEAK', {
      key: key.asymmetricKeyType,
      rsaBits: modulusLength,
      curve: namedCurve,
    });
  }
  return { key, name };
}

type Signature = {
  readonly algorithm: string;
  readonly digest: string;
  readonly keyName: string;
  readonly padding: object;
  readonly value: Uint8Array;
  /** Size of the strings block when it was signed; only for configurations. */
  readonly stringsSize: number;
};

/** `hashed-strings`: an offset that must be 0, and the size. */
function stringsSizeOf(node: TreeNode): number {
  const value = node.properties.get('hashed-strings')?.value;
  if (value === undefined) return 0;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length !== 8 || view.getUint32(0) !== 0) throw malformed(`hashed-strings of ${node.path}`, 0);
  return view.getUint32(4);
}

function parseSignature(node: TreeNode): Signature {
  const algorithm = textOf(node, 'algo') ?? '';
  const value = node.properties.get('value')?.value;
  const [digest = '', keyName = '', ...rest] = algorithm.split(',');
  const paddingName = textOf(node, 'padding') ?? 'pkcs-1.5';
  const padding = Object.hasOwn(PADDINGS, paddingName) ? PADDINGS[paddingName] : undefined;
  if (value === undefined || keyName === '' || rest.length > 0 || padding === undefined) {
    throw new ImageError('IMAGE_SIGNATURE_MALFORMED', {
      format: 'fit',
      algorithm,
      padding: paddingName,
      what: node.path,
    });
  }
  // Children of a signature are outside of what is signed.
  if (node.children.size > 0) throw malformed(`no nodes in ${node.path}`, 0);
  return { algorithm, digest, keyName, padding, value, stringsSize: stringsSizeOf(node) };
}

function isValid({ digest, padding, value }: Signature, { key }: TrustedKey, message: Uint8Array): boolean {
  const options = key.asymmetricKeyType === 'rsa' ? padding : { dsaEncoding: 'ieee-p1363' as const };
  return verify(digest, message, { key, ...options }, value);
}

/** The first trusted key under which one of the signatures holds. */
function prove(
  nodes: readonly TreeNode[],
  trusted: readonly TrustedKey[],
  messageOf: (signature: Signature) => Uint8Array,
  what: string,
): { signature: Signature; key: KeyObject } {
  const signatures = nodes.map(parseSignature);
  if (signatures.length === 0) throw new ImageError('IMAGE_UNSIGNED', { format: 'fit', what });
  const strong = signatures.filter(({ digest }) => HASHES.has(digest));
  if (strong.length === 0) {
    throw new ImageError('IMAGE_ALGORITHM_WEAK', { format: 'fit', what, signature: signatures[0]?.algorithm });
  }
  let isTried = false;
  for (const signature of strong) {
    for (const each of trusted) {
      if (each.name !== signature.keyName) continue;
      isTried = true;
      if (isValid(signature, each, messageOf(signature))) return { signature, key: each.key };
    }
  }
  throw new ImageError(isTried ? 'IMAGE_SIGNATURE_INVALID' : 'IMAGE_SIGNER_UNKNOWN', { format: 'fit', what });
}

/** Nodes that may stand in an image: what is signed with it, and its own signatures. */
function isPartOfImage({ name }: TreeNode): boolean {
  return name.startsWith('hash') || name.startsWith('signature') || name === 'cipher' || name === 'dm-verity';
}

function refuseOthers(node: TreeNode, isAllowed: (child: TreeNode) => boolean): void {
  const stray = [...node.children.values()].find((child) => !isAllowed(child));
  if (stray !== undefined) throw malformed('no other nodes', 0, stray.path);
}

function checkClosed(bytes: Uint8Array, { tree, images, configurations }: Fit): void {
  if (tree.hasReservations) throw malformed('no memory reservations, which nothing signs', 0);
  refuseOthers(tree.root, ({ name }) => name === 'images' || name === 'configurations');
  for (const { node } of images.values()) refuseOthers(node, isPartOfImage);
  for (const { node } of configurations) refuseOthers(node, ({ name }) => name.startsWith('signature'));
  // Not signed either: another of the signed configurations could be named, but not one that nothing could boot.
  const parent = tree.root.children.get('configurations');
  const byDefault = parent === undefined ? undefined : textOf(parent, 'default');
  if (byDefault !== undefined && parent?.children.has(byDefault) !== true) {
    throw malformed('a default that is a configuration', 0, byDefault);
  }
  // libfdt finds `kernel@1` when it looks for `kernel`: with unit addresses another node could be booted (CVE-2021-27138).
  const unit = tree.tags.find(({ kind, path }) => kind === 'begin' && path.includes('@'));
  if (unit !== undefined) throw malformed('names without a unit address', unit.offset, unit.path);
  const imageNodes = new Set([...images.values()].map(({ node }) => node.path));
  const data = tree.tags.find(({ path, name }) => UNSIGNED_PROPERTIES.has(name) && !imageNodes.has(path));
  if (data !== undefined) throw malformed('data of images only', data.offset, data.path);
  checkRest(bytes, tree.sizeBytes, images);
}

/** Behind the tree stands the data of images, and zeros between. */
function checkRest(bytes: Uint8Array, treeSize: number, images: ReadonlyMap<string, FitImage>): void {
  const covered = [...images.values()]
    .flatMap(({ externalOffset, data }) =>
      externalOffset === undefined ? [] : [[externalOffset, data.length] as const],
    )
    .toSorted(([a], [b]) => a - b);
  let end = treeSize;
  for (const [offset, sizeBytes] of [...covered, [bytes.length, 0] as const]) {
    const gap = bytes.subarray(end, Math.max(offset, end));
    if (gap.some((byte) => byte !== 0)) throw malformed('nothing but images behind the tree', end);
    end = Math.max(end, offset + sizeBytes);
  }
}

function verifyImageNode({ node, data, isStrong }: FitImage, trusted: readonly TrustedKey[]): void {
  // The configuration signs the hashes, not the data: one of them must be strong.
  if (!isStrong) throw new ImageError('IMAGE_DIGEST_MISSING', { format: 'fit', what: node.path });
  const signatures = signaturesOf(node);
  if (signatures.length > 0) prove(signatures, trusted, () => data, node.path);
}

function verifyConfiguration(
  bytes: Uint8Array,
  fit: Fit,
  configuration: FitConfiguration,
  trusted: readonly TrustedKey[],
): VerifiedFitConfiguration {
  const { node, roles, name } = configuration;
  const messageOf = ({ stringsSize }: Signature): Uint8Array => signedBytes(bytes, fit, configuration, stringsSize);
  const { signature, key } = prove(signaturesOf(node), trusted, messageOf, node.path);
  return {
    name,
    algorithm: signature.algorithm,
    keySha256: toHex(hash('sha256', key.export({ type: 'spki', format: 'der' }), 'buffer')),
    roles: Object.fromEntries(roles),
  };
}

/**
 * Verifies a FIT image under the trusted keys (RSA or ECDSA, PEM).
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, IMAGE_DIGEST_*, IMAGE_FILE_UNLISTED, IMAGE_CHECKSUM_MISMATCH, IMAGE_TRUNCATED, IMAGE_MALFORMED
 * @throws CryptoError CRYPTO_KEY_MALFORMED
 */
export async function verifyFit(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedFit> {
  const trusted = trust.keysPem.map(trustedKeyOf);
  const fit = parseFit(bytes);
  checkClosed(bytes, fit);
  if (fit.configurations.length === 0) throw new ImageError('IMAGE_UNSIGNED', { format: 'fit' });
  const configurations = fit.configurations.map((each) => verifyConfiguration(bytes, fit, each, trusted));
  const proven = new Set(fit.configurations.flatMap((each) => imagesOf(fit, each)));
  const images = [...fit.images.values()];
  const stray = images.find((image) => !proven.has(image));
  if (stray !== undefined) throw new ImageError('IMAGE_FILE_UNLISTED', { file: stray.node.path });
  for (const image of images) verifyImageNode(image, trusted);
  return {
    format: 'fit',
    configurations,
    images: images.map(({ name, data }) => ({ name, sizeBytes: data.length, sha256: hash('sha256', data) })),
  };
}
