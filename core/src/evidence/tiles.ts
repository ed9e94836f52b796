/**
 * A ledger read from its tiles alone (C2SP tlog-tiles v0.1.0): roots, proofs and entries over a port that fetches tiles from
 * whoever has them. Nothing of a tile is used before it is proven: the partial tiles at the right edge together hash to the
 * root of the signed checkpoint, and every full tile hashes to what its parent says of it. So whoever serves the tiles may
 * lie, and is found out at the tile. A proof reads as many tiles as the tree has levels of them; few are kept in memory.
 */
import { isEqualBytes } from '../bytes/index.ts';
import type { LedgerVerdict } from './bundle-compare.ts';
import { EvidenceError } from './errors.ts';
import { consistencyProof, inclusionProof, verifyConsistency, verifyInclusion } from './merkle-proof.ts';
import { HASH_SIZE_BYTES, leafHash, type NodeId, planRoot, rootOfLeaves } from './merkle-tree.ts';
import { TILE_HEIGHT, TILE_WIDTH, type TileId, tilePath, tileWidth } from './tile-path.ts';

/** Fetches a tile; undefined when there is none, then the full one that a partial one grew into is asked for. */
export type ReadTile = (path: string) => Promise<Uint8Array | undefined>;

type Head = { readonly size: number; readonly root: Uint8Array };

const KEPT_MAX = 64;
const LENGTH_SIZE_BYTES = 2;

/**
 * The bytes of an entry bundle: each entry after its length (tlog-tiles, log entries).
 * @throws EvidenceError TILE_MALFORMED
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((total, entry) => total + LENGTH_SIZE_BYTES + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > 0xffff) throw new EvidenceError('TILE_MALFORMED', { expected: 'entries below 64 KiB' });
    view.setUint16(at, entry.length);
    bytes.set(entry, at + LENGTH_SIZE_BYTES);
    at += LENGTH_SIZE_BYTES + entry.length;
  }
  return bytes;
}

/** The first `width` entries of a bundle. */
function splitEntryBundle(bytes: Uint8Array, path: string, width: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + LENGTH_SIZE_BYTES;
    const end = start <= bytes.length ? start + view.getUint16(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new EvidenceError('TILE_MALFORMED', { path, expected: 'whole entries' });
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  if (entries.length !== width) {
    throw new EvidenceError('TILE_MALFORMED', { path, expected: `${width} entries`, actual: entries.length });
  }
  return entries;
}

function hashesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / HASH_SIZE_BYTES }, (_, at) =>
    bytes.subarray(at * HASH_SIZE_BYTES, (at + 1) * HASH_SIZE_BYTES),
  );
}

/** The tiles of a ledger as a signed checkpoint promises them. */
export class ProvenTiles {
  readonly #head: Head;
  readonly #read: ReadTile;
  readonly #proven = new Map<string, Uint8Array[]>();
  #edge: Promise<ReadonlyMap<number, Uint8Array[]>> | undefined;

  constructor(head: Head, read: ReadTile) {
    this.#head = head;
    this.#read = read;
  }

  get size(): number {
    return this.#head.size;
  }

  /** As many bytes as the tile must have, of a partial one that is gone those of the full one. */
  async #fetch<T>(tile: TileId, take: (bytes: Uint8Array, path: string, width: number) => T): Promise<T> {
    const path = tilePath(tile);
    const bytes = await this.#read(path);
    if (bytes !== undefined) return take(bytes, path, tile.width);
    const full = tilePath({ ...tile, width: TILE_WIDTH });
    const grown = full === path ? undefined : await this.#read(full);
    if (grown === undefined) throw new EvidenceError('TILE_MISSING', { path });
    return take(grown, full, TILE_WIDTH);
  }

  async #hashes(level: number, index: number, width: number): Promise<Uint8Array[]> {
    const hashes = await this.#fetch({ level, index, width }, (bytes, path, expected) => {
      const sizeBytes = expected * HASH_SIZE_BYTES;
      if (bytes.length === sizeBytes) return hashesOf(bytes);
      throw new EvidenceError('TILE_MALFORMED', { path, expected: `${sizeBytes} bytes`, actual: bytes.length });
    });
    return hashes.slice(0, width);
  }

  /** The partial tiles, one a level at most, which together make up the root. */
  async #readEdge(): Promise<ReadonlyMap<number, Uint8Array[]>> {
    const { size, root } = this.#head;
    const edge = new Map<number, Uint8Array[]>();
    for (let level = 0; 2 ** (TILE_HEIGHT * level) <= size; level += 1) {
      const index = Math.floor(size / 2 ** (TILE_HEIGHT * (level + 1)));
      const width = tileWidth(level, index, size);
      if (width > 0) edge.set(level, await this.#hashes(level, index, width));
    }
    const plan = planRoot(size);
    const found = plan.combine(plan.nodes.map((node) => nodeIn(edge.get(Math.floor(node.level / TILE_HEIGHT)), node)));
    if (!isEqualBytes(found, root)) throw new EvidenceError('TILE_UNPROVEN', { at: 'the right edge', size });
    return edge;
  }

  /** The hashes of a tile, proven. */
  async #tile(level: number, index: number): Promise<Uint8Array[]> {
    const { size } = this.#head;
    const width = tileWidth(level, index, size);
    if (width === 0) throw new EvidenceError('MERKLE_RANGE_INVALID', { level, index, size });
    this.#edge ??= this.#readEdge();
    const edge = await this.#edge;
    if (width < TILE_WIDTH) return edge.get(level) ?? [];
    const path = tilePath({ level, index, width });
    const known = this.#proven.get(path);
    if (known !== undefined) return known;
    const parent = await this.#tile(level + 1, Math.floor(index / TILE_WIDTH));
    const hashes = await this.#hashes(level, index, width);
    const promised = parent[index % TILE_WIDTH];
    if (promised === undefined || !isEqualBytes(rootOfLeaves(hashes), promised)) {
      throw new EvidenceError('TILE_UNPROVEN', { path, size });
    }
    const [oldest] = this.#proven.keys();
    if (this.#proven.size >= KEPT_MAX && oldest !== undefined) this.#proven.delete(oldest);
    this.#proven.set(path, hashes);
    return hashes;
  }

  readonly #node = async (node: NodeId): Promise<Uint8Array | undefined> => {
    const level = Math.floor(node.level / TILE_HEIGHT);
    const first = node.index * 2 ** (node.level % TILE_HEIGHT);
    return nodeIn(await this.#tile(level, Math.floor(first / TILE_WIDTH)), node);
  };

  /**
   * The inclusion proof of an entry at the size of the checkpoint, verified.
   * @throws EvidenceError TILE_*, MERKLE_RANGE_INVALID, MERKLE_INCLUSION_INVALID
   */
  async proveInclusion(index: number, entry: Uint8Array): Promise<Uint8Array[]> {
    const { size, root } = this.#head;
    const proof = await inclusionProof(index, size, this.#node);
    verifyInclusion({ index, size, root, leafHash: leafHash(entry), proof });
    return proof;
  }

  /**
   * Whether the ledger goes on from an earlier checkpoint of it.
   * @throws EvidenceError TILE_*
   */
  async compareWith(older: Head): Promise<LedgerVerdict> {
    const { size, root } = this.#head;
    this.#edge ??= this.#readEdge();
    await this.#edge;
    if (older.size > size) return { verdict: 'truncated', missing: older.size - size };
    if (older.size === size) {
      return isEqualBytes(older.root, root) ? { verdict: 'same' } : { verdict: 'forked', at: undefined };
    }
    if (older.size === 0) return { verdict: 'grown', added: size };
    const proof = await consistencyProof(older.size, size, this.#node);
    try {
      verifyConsistency({ oldSize: older.size, oldRoot: older.root, size, root, proof });
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      // The tiles are those of the new checkpoint: it is the ledger that has another beginning now.
      return { verdict: 'forked', at: undefined };
    }
    return { verdict: 'grown', added: size - older.size };
  }

  /**
   * The entries of one bundle of 256, each proven; `index` is the number of the bundle.
   * @throws EvidenceError TILE_*, MERKLE_RANGE_INVALID
   */
  async entries(index: number): Promise<Uint8Array[]> {
    const leaves = await this.#tile(0, index);
    const tile: TileId = { level: 'entries', index, width: leaves.length };
    const entries = (await this.#fetch(tile, splitEntryBundle)).slice(0, leaves.length);
    for (const [at, entry] of entries.entries()) {
      if (!isEqualBytes(leafHash(entry), leaves[at] ?? new Uint8Array())) {
        throw new EvidenceError('TILE_UNPROVEN', { path: tilePath(tile), entry: index * TILE_WIDTH + at });
      }
    }
    return entries;
  }
}

/** The root of a complete subtree that lies within a tile. */
function nodeIn(hashes: readonly Uint8Array[] | undefined, { level, index }: NodeId): Uint8Array | undefined {
  const width = 2 ** (level % TILE_HEIGHT);
  const from = (index * width) % TILE_WIDTH;
  const part = hashes?.slice(from, from + width);
  return part?.length === width ? rootOfLeaves(part) : undefined;
}
