/**
 * FIT images (Flat Image Tree specification, U-Boot doc/usage/fit): a device tree with `/images`, each with its data and
 * hashes, and `/configurations`, each of which says which images belong together. Data stands in the tree or behind it.
 *
 * Nothing here is authentic; every hash that is known is checked.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ByteReader, isEqualBytes } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { type DeviceTree, malformed, parseDeviceTree, type TreeNode } from './device-tree.ts';

const HASHES: ReadonlySet<string> = new Set(['sha1', 'sha256', 'sha384', 'sha512', 'md5']);
const STRONG_HASHES: ReadonlySet<string> = new Set(['sha256', 'sha384', 'sha512']);
/** Properties of a configuration that never name images (U-Boot boot/image-fit-sig.c, fit_config_get_signed_nodes). */
const NO_IMAGES: ReadonlySet<string> = new Set(['description', 'compatible', 'default']);
/** Properties of a configuration whose strings must all name images. */
const IMAGE_ROLES: ReadonlySet<string> = new Set([
  'kernel',
  'ramdisk',
  'fdt',
  'loadables',
  'firmware',
  'fpga',
  'script',
  'setup',
  'standalone',
]);

/** Bounds on the work that a file can ask for: its bytes are hashed once for each hash, and no byte belongs to two images. */
const IMAGES_MAX = 256;
const HASHES_MAX = 8;

type FitHash = { readonly node: TreeNode; readonly algorithm: string };

export type FitImage = {
  readonly name: string;
  readonly node: TreeNode;
  readonly data: Uint8Array;
  /** Where the data stands behind the tree; undefined when it is in it. */
  readonly externalOffset?: number;
  readonly hashes: readonly FitHash[];
  /** True when a hash of it is SHA-256 or stronger. */
  readonly isStrong: boolean;
};

export type FitConfiguration = {
  readonly name: string;
  readonly node: TreeNode;
  /** What the images are for, and their names. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
};

export type Fit = {
  readonly tree: DeviceTree;
  readonly images: ReadonlyMap<string, FitImage>;
  readonly configurations: readonly FitConfiguration[];
};

/** The text of a property; undefined when the node does not have it. @throws ImageError IMAGE_MALFORMED */
export function textOf(node: TreeNode, name: string): string | undefined {
  const texts = textsOf(node, name);
  if (texts !== undefined && texts.length !== 1) throw malformed(`one text as ${name} of ${node.path}`, 0);
  return texts?.[0];
}

/** A list of texts, each with a zero behind it. */
function textsOf(node: TreeNode, name: string): string[] | undefined {
  const value = node.properties.get(name)?.value;
  if (value === undefined) return undefined;
  const texts = Buffer.from(value).toString('latin1').split('\0');
  if (texts.pop() !== '' || texts.some((text) => !/^[\x20-\x7e\t\n]*$/.test(text))) {
    throw malformed(`text as ${name} of ${node.path}`, 0);
  }
  return texts;
}

/** A number of one cell. @throws ImageError IMAGE_MALFORMED */
export function numberOf(node: TreeNode, name: string): number | undefined {
  const value = node.properties.get(name)?.value;
  if (value === undefined) return undefined;
  if (value.length !== 4) throw malformed(`a number as ${name} of ${node.path}`, 0);
  return new ByteReader(value).u32be();
}

/** Child nodes that are signatures. */
export function signaturesOf(node: TreeNode): TreeNode[] {
  return [...node.children.values()].filter(({ name }) => name.startsWith('signature'));
}

/** The data of an image: one of `data`, `data-position`, `data-offset`, so that every loader takes the same. */
function dataOf(bytes: Uint8Array, tree: DeviceTree, node: TreeNode): { data: Uint8Array; externalOffset?: number } {
  const embedded = node.properties.get('data')?.value;
  const position = numberOf(node, 'data-position');
  const relative = numberOf(node, 'data-offset');
  const sizeBytes = numberOf(node, 'data-size');
  if ([embedded, position, relative].filter((each) => each !== undefined).length !== 1) {
    throw malformed(`the data of ${node.path} in one place`, 0);
  }
  if (embedded !== undefined) {
    if (sizeBytes !== undefined && sizeBytes !== embedded.length)
      throw malformed(`the size of ${node.path}`, 0, sizeBytes);
    return { data: embedded };
  }
  // doc/usage/fit/source_file_format.rst: offsets count from the end of the tree, aligned to 4 bytes.
  const externalOffset = position ?? Math.ceil(tree.sizeBytes / 4) * 4 + (relative ?? 0);
  if (sizeBytes === undefined || externalOffset < tree.sizeBytes) {
    throw malformed(`a size and a place behind the tree for ${node.path}`, 0, externalOffset);
  }
  if (externalOffset + sizeBytes > bytes.length) {
    throw new ImageError('IMAGE_TRUNCATED', {
      format: 'fit',
      what: node.path,
      offset: externalOffset,
      expected: sizeBytes,
    });
  }
  return { data: bytes.subarray(externalOffset, externalOffset + sizeBytes), externalOffset };
}

function checkHash(image: TreeNode, node: TreeNode, data: Uint8Array): FitHash {
  const algorithm = textOf(node, 'algo');
  const value = node.properties.get('value')?.value;
  if (algorithm === undefined || value === undefined) throw malformed(`algo and value of ${node.path}`, 0);
  const details = { format: 'fit', algorithm, what: image.path };
  if (algorithm === 'crc32') {
    const isRight = value.length === 4 && new ByteReader(value).u32be() === crc32(data);
    if (!isRight) throw new ImageError('IMAGE_CHECKSUM_MISMATCH', details);
  } else if (HASHES.has(algorithm) && !isEqualBytes(hash(algorithm, data, 'buffer'), value)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', details);
  }
  return { node, algorithm };
}

type PlacedImage = { readonly node: TreeNode; readonly data: Uint8Array; readonly externalOffset?: number };

function checkImage({ node, ...place }: PlacedImage): FitImage {
  const children = [...node.children.values()].filter(({ name }) => name.startsWith('hash'));
  if (children.length > HASHES_MAX) throw malformed(`at most ${HASHES_MAX} hashes of ${node.path}`, 0, children.length);
  const hashes = children.map((child) => checkHash(node, child, place.data));
  const isStrong = hashes.some(({ algorithm }) => STRONG_HASHES.has(algorithm));
  return { name: node.name, node, ...place, hashes, isStrong };
}

function parseImages(bytes: Uint8Array, tree: DeviceTree, nodes: readonly TreeNode[]): Map<string, FitImage> {
  if (nodes.length > IMAGES_MAX) throw malformed(`at most ${IMAGES_MAX} images`, 0, nodes.length);
  const placed = nodes.map((node) => ({ node, ...dataOf(bytes, tree, node) }));
  const total = placed.reduce((sum, { data }) => sum + data.length, 0);
  if (total > bytes.length) throw malformed('images that do not overlap', 0, total);
  return new Map(placed.map((image) => [image.node.name, checkImage(image)]));
}

/** U-Boot: any other property whose text names an image makes that image part of the configuration. */
function parseConfiguration(node: TreeNode, images: ReadonlyMap<string, FitImage>): FitConfiguration {
  const roles = new Map<string, string[]>();
  for (const role of node.properties.keys()) {
    if (NO_IMAGES.has(role)) continue;
    const isRole = IMAGE_ROLES.has(role);
    const named = isRole ? (textsOf(node, role) ?? []) : namesIn(node, role);
    const known = named.filter((name) => images.has(name));
    if (isRole && known.length < named.length) throw malformed(`the images of ${node.path}`, 0, role);
    if (known.length > 0) roles.set(role, known);
  }
  return { name: node.name, node, roles };
}

/** Whatever stands in a property, split as libfdt splits a list of strings; it may be no text at all. */
function namesIn(node: TreeNode, name: string): string[] {
  return Buffer.from(node.properties.get(name)?.value ?? new Uint8Array())
    .toString('latin1')
    .split('\0');
}

/** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_DIGEST_MISMATCH */
export function parseFit(bytes: Uint8Array): Fit {
  const tree = parseDeviceTree(bytes);
  const imagesNode = tree.root.children.get('images');
  if (imagesNode === undefined) throw malformed('the node /images', 0);
  const images = parseImages(bytes, tree, [...imagesNode.children.values()]);
  const configurationNodes = tree.root.children.get('configurations')?.children.values() ?? [];
  return { tree, images, configurations: [...configurationNodes].map((node) => parseConfiguration(node, images)) };
}
