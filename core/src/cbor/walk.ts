/**
 * Where the items of CBOR bytes stand: the tree with its offsets, for reports and for people. The bytes are read by the
 * strict reader first, so the walk itself meets well-formed items only.
 */
import { type CborLimits, readItem } from './reader.ts';
import { CborTag, type CborValue } from './value.ts';

export type CborNode = {
  /** First byte of the item, of its content behind the head, and the first byte after it. */
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  /** The item as `decodeCbor` gives it. */
  readonly value: CborValue;
  /** Elements of an array; keys and values of a map by turns; the content of a tag. */
  readonly children: readonly CborNode[];
};

function headSizeBytes(initial: number): number {
  const additional = initial & 0x1f;
  return additional < 24 ? 1 : 1 + (1 << (additional - 24));
}

function childrenOf(value: CborValue): readonly CborValue[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value].flat();
  return value instanceof CborTag ? [value.value] : [];
}

function walk(bytes: Uint8Array, start: number, value: CborValue): CborNode {
  const contentStart = start + headSizeBytes(bytes[start] ?? 0);
  const children: CborNode[] = [];
  let end = contentStart;
  const major = (bytes[start] ?? 0) >> 5;
  if (value instanceof Uint8Array) end += value.length;
  else if (major === 3 && typeof value === 'string') end += Buffer.byteLength(value);
  for (const child of childrenOf(value)) {
    const node = walk(bytes, end, child);
    children.push(node);
    end = node.end;
  }
  return { start, contentStart, end, value, children };
}

/**
 * The tree of exactly one item, in the order of the bytes.
 * @throws CborError as `decodeCbor`
 */
export function walkCbor(bytes: Uint8Array, limits: CborLimits = {}): CborNode {
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return walk(plain, 0, readItem(plain, limits));
}
