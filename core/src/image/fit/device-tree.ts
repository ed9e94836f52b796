/**
 * Flattened device trees (Devicetree Specification v0.4, chapter 5), read strictly and within bounds: version 17, nodes with
 * one name each below their parent, properties before child nodes, every property once. Big endian.
 *
 * The tags are kept with their offsets, because signatures of FIT images are over stretches of the structure block.
 */
import { ByteReader } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { hasPrefix, readerOf, regionOf } from '../region.ts';

const MAGIC = Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed);
const HEADER_SIZE_BYTES = 40;
const VERSION = 17;
const VERSION_COMPATIBLE = 16;
/** One entry of zeros ends the reservations. */
const RESERVATION_SIZE_BYTES = 16;
const TAG_SIZE_BYTES = 4;
const DEPTH_MAX = 16;
const TAGS_MAX = 65_536;
const NAME_CHARS_MAX = 255;

const TAGS: Readonly<Record<number, TreeTag['kind']>> = { 1: 'begin', 2: 'end', 3: 'property', 4: 'nop', 9: 'finish' };

/** One token of the structure block, from `offset` to `end` in the file. */
type TreeTag = {
  readonly kind: 'begin' | 'end' | 'property' | 'nop' | 'finish';
  readonly offset: number;
  readonly end: number;
  /** Of the node that the tag belongs to: its begin and end, or its property. */
  readonly path: string;
  /** Of a property, else empty. */
  readonly name: string;
};

type TreeProperty = {
  readonly value: Uint8Array;
  /** Where its name stands in the strings block. */
  readonly nameOffset: number;
};

export type TreeNode = {
  readonly name: string;
  readonly path: string;
  readonly properties: ReadonlyMap<string, TreeProperty>;
  readonly children: ReadonlyMap<string, TreeNode>;
};

export type DeviceTree = {
  readonly root: TreeNode;
  readonly tags: readonly TreeTag[];
  readonly strings: Uint8Array;
  /** Memory that the tree reserves; no signature covers it. */
  readonly hasReservations: boolean;
  /** Of the tree itself; other data may follow in the file. */
  readonly sizeBytes: number;
};

type OpenNode = { name: string; path: string; properties: Map<string, TreeProperty>; children: Map<string, TreeNode> };

export function malformed(expected: string, offset: number, actual?: number | string): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'fit', expected, offset, actual });
}

/** True for any device tree, FIT images among them. */
export function hasTreeMagic(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, MAGIC);
}

function alignUp(value: number): number {
  return Math.ceil(value / TAG_SIZE_BYTES) * TAG_SIZE_BYTES;
}

type Header = {
  readonly sizeBytes: number;
  readonly structOffset: number;
  readonly structSize: number;
  readonly stringsOffset: number;
  readonly stringsSize: number;
  readonly hasReservations: boolean;
};

/** Pairs of address and size up to a pair of zeros; returns how many. */
function readReservations(block: Uint8Array): number {
  for (let count = 0; ; count += 1) {
    const entry = regionOf(block, count * RESERVATION_SIZE_BYTES, RESERVATION_SIZE_BYTES, 'memory reservations');
    if (entry.every((byte) => byte === 0)) return count;
  }
}

function parseHeader(bytes: Uint8Array): Header {
  const reader = readerOf(bytes, 0, HEADER_SIZE_BYTES, 'header');
  if (!hasTreeMagic(bytes)) throw malformed('the magic of a device tree', 0);
  reader.bytes(MAGIC.length);
  const sizeBytes = reader.u32be();
  const structOffset = reader.u32be();
  const stringsOffset = reader.u32be();
  const reservationsOffset = reader.u32be();
  const version = reader.u32be();
  const compatible = reader.u32be();
  const bootCpu = reader.u32be();
  const stringsSize = reader.u32be();
  const structSize = reader.u32be();
  if (version !== VERSION || compatible !== VERSION_COMPATIBLE) throw malformed('version 17 and 16', 20, version);
  if (bootCpu !== 0) throw malformed('the boot CPU 0', 28, bootCpu);
  const tree = regionOf(bytes, 0, sizeBytes, 'device tree');
  // The blocks stand in this order, each within the tree and none over another.
  const isOrdered =
    reservationsOffset >= HEADER_SIZE_BYTES &&
    reservationsOffset + RESERVATION_SIZE_BYTES <= structOffset &&
    structOffset + structSize <= stringsOffset &&
    stringsOffset + stringsSize <= sizeBytes;
  if (!isOrdered) throw malformed('reservations, structure and strings in their order', 8);
  const isAligned = reservationsOffset % 8 === 0 && structOffset % TAG_SIZE_BYTES === 0;
  if (!isAligned) throw malformed('blocks that are aligned', 8);
  const hasReservations = readReservations(tree.subarray(reservationsOffset, structOffset)) > 0;
  return { sizeBytes, structOffset, structSize, stringsOffset, stringsSize, hasReservations };
}

/** Text up to a zero, printable and not too long; the offset behind the zero. */
function textAt(bytes: Uint8Array, offset: number, what: string): { text: string; end: number } {
  const end = bytes.indexOf(0, offset);
  if (offset >= bytes.length || end < 0) throw malformed(`${what} that ends`, offset);
  const text = Buffer.from(bytes.subarray(offset, end)).toString('latin1');
  if (text.length > NAME_CHARS_MAX || !/^[\x21-\x7e]*$/.test(text))
    throw malformed(`${what} of printable characters`, offset);
  return { text, end: end + 1 };
}

/** Builds the tree while the tags come in. */
class TreeBuilder {
  readonly tags: TreeTag[] = [];
  readonly #bytes: Uint8Array;
  readonly #strings: Uint8Array;
  readonly #open: OpenNode[] = [];
  root: TreeNode | undefined;
  isFinished = false;

  constructor(bytes: Uint8Array, strings: Uint8Array) {
    this.#bytes = bytes;
    this.#strings = strings;
  }

  /** Takes the tag at this offset; returns where the next one is. */
  take(offset: number): number {
    const kind = TAGS[new ByteReader(regionOf(this.#bytes, offset, TAG_SIZE_BYTES, 'tag')).u32be()];
    if (kind === undefined) throw malformed('a tag of a device tree', offset);
    if (this.root !== undefined && kind !== 'finish') throw malformed('nothing after the root', offset);
    const start = offset + TAG_SIZE_BYTES;
    switch (kind) {
      case 'begin':
        return this.#begin(offset, start);
      case 'property':
        return this.#property(offset, start);
      case 'end':
        return this.#end(offset, start);
      case 'nop':
        return this.#note({ kind, offset, end: start, path: this.#open.at(-1)?.path ?? '', name: '' });
      case 'finish':
        if (this.root === undefined) throw malformed('a root that is closed', offset);
        this.isFinished = true;
        return this.#note({ kind, offset, end: start, path: '', name: '' });
    }
  }

  #note(tag: TreeTag): number {
    if (this.tags.length >= TAGS_MAX) throw malformed(`at most ${TAGS_MAX} tags`, tag.offset);
    this.tags.push(tag);
    return tag.end;
  }

  /** libfdt does not clear the padding, so it may hold anything; nobody reads it. */
  #padded(end: number): number {
    const padded = alignUp(end);
    regionOf(this.#bytes, end, padded - end, 'padding');
    return padded;
  }

  #begin(offset: number, start: number): number {
    const { text: name, end } = textAt(this.#bytes, start, 'a node name');
    const parent = this.#open.at(-1);
    const isNamed = name !== '' && !name.includes('/');
    if (parent === undefined ? name !== '' : !isNamed) throw malformed('a name for every node but the root', offset);
    if (this.#open.length >= DEPTH_MAX) throw malformed(`at most ${DEPTH_MAX} levels`, offset);
    if (parent?.children.has(name) === true) throw malformed('each node once', offset, name);
    const path = parent === undefined ? '/' : `${parent.path === '/' ? '' : parent.path}/${name}`;
    const node: OpenNode = { name, path, properties: new Map(), children: new Map() };
    parent?.children.set(name, node);
    this.#open.push(node);
    return this.#note({ kind: 'begin', offset, end: this.#padded(end), path, name: '' });
  }

  #property(offset: number, start: number): number {
    const node = this.#open.at(-1);
    const reader = readerOf(this.#bytes, start, 2 * TAG_SIZE_BYTES, 'property');
    const sizeBytes = reader.u32be();
    const nameOffset = reader.u32be();
    const value = regionOf(this.#bytes, start + 2 * TAG_SIZE_BYTES, sizeBytes, 'property');
    const { text: name } = textAt(this.#strings, nameOffset, 'a property name');
    // Devicetree Specification §5.4.2: properties come before child nodes.
    if (node === undefined || node.children.size > 0) throw malformed('a property at the start of its node', offset);
    if (name === '' || node.properties.has(name)) throw malformed('each property once', offset, name);
    node.properties.set(name, { value, nameOffset });
    const end = this.#padded(start + 2 * TAG_SIZE_BYTES + sizeBytes);
    return this.#note({ kind: 'property', offset, end, path: node.path, name });
  }

  #end(offset: number, end: number): number {
    const node = this.#open.pop();
    if (node === undefined) throw malformed('a node to close', offset);
    if (this.#open.length === 0) this.root = node;
    return this.#note({ kind: 'end', offset, end, path: node.path, name: '' });
  }
}

/** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED */
export function parseDeviceTree(bytes: Uint8Array): DeviceTree {
  const { sizeBytes, structOffset, structSize, stringsOffset, stringsSize, hasReservations } = parseHeader(bytes);
  const strings = bytes.subarray(stringsOffset, stringsOffset + stringsSize);
  const structEnd = structOffset + structSize;
  const builder = new TreeBuilder(bytes.subarray(0, structEnd), strings);
  let offset = structOffset;
  while (!builder.isFinished) offset = builder.take(offset);
  const { root, tags } = builder;
  if (root === undefined || offset !== structEnd) throw malformed('a structure block that ends with its tree', offset);
  return { root, tags, strings, hasReservations, sizeBytes };
}
