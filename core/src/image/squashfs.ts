/**
 * Files of a squashfs 4.0 (Linux, Documentation/filesystems/squashfs.rst; the on-disk structures of fs/squashfs/squashfs_fs.h),
 * by their names in the root folder. Little endian; gzip and zstd. Tables are read where they are needed, each block is
 * bounded by the block size, and a file is handed out block by block. Folders, links and attributes are passed over.
 */
import { inflateSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, concat, isCodedError, isEqualBytes, utf8 } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { hasPrefix, readerOf, regionOf } from './region.ts';

const MAGIC = Uint8Array.of(0x68, 0x73, 0x71, 0x73);
const SUPERBLOCK_SIZE_BYTES = 96;
const METADATA_SIZE_BYTES_MAX = 8192;
const BLOCK_LOG_MIN = 12;
const BLOCK_LOG_MAX = 20;
const DIRECTORY_SIZE_BYTES_MAX = 1024 * 1024;
/** Enough for the block sizes of a file of 512 GiB; a size that is only claimed must not make much be opened. */
const TABLE_SIZE_BYTES_MAX = 16 * 1024 * 1024;
const FRAGMENTS_PER_BLOCK = 512;
const FRAGMENT_ENTRY_SIZE_BYTES = 16;
const NO_FRAGMENT = 0xffff_ffff;
const METADATA_PLAIN = 0x8000;
const BLOCK_PLAIN = 1 << 24;
const TYPE = { folder: 1, file: 2, extendedFolder: 8, extendedFile: 9 } as const;
const COMPRESSORS: readonly string[] = ['', 'gzip', 'lzma', 'lzo', 'xz', 'lz4', 'zstd'];

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;
const METHODS: Readonly<Record<string, Decompress>> = { gzip: inflateSync, zstd: zstdDecompressSync };

type Place = { readonly block: number; readonly offset: number };

type Fragment = { readonly index: number; readonly offset: number };

/** A file of the root folder. */
export type SquashfsFile = {
  readonly sizeBytes: number;
  /** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED */
  readonly blocks: () => Generator<Uint8Array, void>;
};

function malformed(expected: string, offset?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'squashfs', expected, offset });
}

function u64le(reader: ByteReader): number {
  const low = reader.u32le();
  const value = reader.u32le() * 0x1_0000_0000 + low;
  if (!Number.isSafeInteger(value)) throw malformed('offsets and sizes below 2^53');
  return value;
}

function isSquashfs(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, MAGIC);
}

function parseSuperblock(bytes: Uint8Array) {
  if (!isSquashfs(bytes)) throw malformed('a squashfs', 0);
  const reader = readerOf(bytes, 0, SUPERBLOCK_SIZE_BYTES, 'superblock');
  reader.bytes(12);
  const blockSizeBytes = reader.u32le();
  const fragmentCount = reader.u32le();
  const compressor = COMPRESSORS[reader.u16le()] ?? 'unknown';
  const blockLog = reader.u16le();
  reader.bytes(4);
  const version = `${reader.u16le()}.${reader.u16le()}`;
  if (version !== '4.0') throw malformed('version 4.0', 28);
  if (blockLog < BLOCK_LOG_MIN || blockLog > BLOCK_LOG_MAX || blockSizeBytes !== 2 ** blockLog) {
    throw malformed('a block size of 4 KiB to 1 MiB', 12);
  }
  const [rootOffset, rootLow, rootHigh] = [reader.u16le(), reader.u16le(), reader.u32le()];
  const usedSizeBytes = u64le(reader);
  reader.bytes(16);
  const [inodeTable, directoryTable, fragmentTable] = [u64le(reader), u64le(reader), u64le(reader)];
  return {
    blockSizeBytes,
    fragmentCount,
    compressor,
    root: { block: rootHigh * 0x1_0000 + rootLow, offset: rootOffset },
    used: regionOf(bytes, 0, usedSizeBytes, 'squashfs'),
    inodeTable,
    directoryTable,
    fragmentTable,
  };
}

/** A squashfs whose files are read. */
export class Squashfs {
  readonly #super: ReturnType<typeof parseSuperblock>;
  readonly #method: Decompress;

  /** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_COMPRESSION_UNSUPPORTED */
  constructor(bytes: Uint8Array) {
    this.#super = parseSuperblock(bytes);
    const { compressor } = this.#super;
    const method = METHODS[compressor];
    if (method === undefined) throw new ImageError('IMAGE_COMPRESSION_UNSUPPORTED', { file: 'squashfs', compressor });
    this.#method = method;
  }

  #open(content: Uint8Array, isPlain: boolean, sizeBytesMax: number): Uint8Array {
    const expected = `blocks of at most ${sizeBytesMax} bytes`;
    if (isPlain) {
      if (content.length > sizeBytesMax) throw malformed(expected);
      return content;
    }
    try {
      return this.#method(content, { maxOutputLength: sizeBytesMax });
    } catch (cause) {
      throw new ImageError('IMAGE_MALFORMED', { format: 'squashfs', expected }, cause);
    }
  }

  /** One block of metadata, and where the next begins. */
  #metadataAt(at: number): { content: Uint8Array; end: number } {
    const header = readerOf(this.#super.used, at, 2, 'metadata').u16le();
    const size = header & ~METADATA_PLAIN;
    const raw = regionOf(this.#super.used, at + 2, size, 'metadata');
    const content = this.#open(raw, (header & METADATA_PLAIN) !== 0, METADATA_SIZE_BYTES_MAX);
    return { content, end: at + 2 + size };
  }

  /** Some bytes of a table from a place on, over as many blocks as they take. */
  #metadata(table: number, { block, offset }: Place, sizeBytes: number): ByteReader {
    const parts: Uint8Array[] = [];
    let at = table + block;
    let missing = offset + sizeBytes;
    if (missing > TABLE_SIZE_BYTES_MAX) throw malformed(`at most ${TABLE_SIZE_BYTES_MAX} bytes of one table`, at);
    while (missing > 0) {
      const { content, end } = this.#metadataAt(at);
      // Blocks of a table are full, save the last one: an empty one would never come to an end.
      if (content.length === 0) throw malformed('metadata that is not empty', at);
      parts.push(content);
      missing -= content.length;
      at = end;
    }
    return new ByteReader(concat(...parts).subarray(offset, offset + sizeBytes));
  }

  #inode(place: Place, sizeBytes: number): ByteReader {
    return this.#metadata(this.#super.inodeTable, place, sizeBytes);
  }

  #listing(): ByteReader {
    const { root, directoryTable } = this.#super;
    const type = this.#inode(root, 2).u16le();
    if (type !== TYPE.folder && type !== TYPE.extendedFolder) throw malformed('a folder as the root');
    const inode = this.#inode(root, type === TYPE.folder ? 32 : 40);
    inode.bytes(16);
    let [block, size] = [0, 0];
    if (type === TYPE.folder) {
      block = inode.u32le();
      inode.bytes(4);
      size = inode.u16le();
    } else {
      inode.bytes(4);
      size = inode.u32le();
      block = inode.u32le();
      inode.bytes(6);
    }
    const offset = inode.u16le();
    // The size counts three bytes for the two entries that are not there: the folder itself and its parent.
    if (size < 3 || size > DIRECTORY_SIZE_BYTES_MAX) throw malformed('a folder of a size that is handled');
    return this.#metadata(directoryTable, { block, offset }, size - 3);
  }

  /** Where the inode of a name in the root folder stands. */
  #find(name: string): Place | undefined {
    const listing = this.#listing();
    const wanted = utf8(name);
    while (listing.remaining > 0) {
      const count = listing.u32le() + 1;
      const block = listing.u32le();
      listing.u32le();
      for (let index = 0; index < count; index += 1) {
        const offset = listing.u16le();
        listing.bytes(4);
        const raw = listing.bytes(listing.u16le() + 1);
        if (isEqualBytes(raw, wanted)) return { block, offset };
      }
    }
    return undefined;
  }

  #parseFile(place: Place): SquashfsFile {
    const type = this.#inode(place, 2).u16le();
    if (type !== TYPE.file && type !== TYPE.extendedFile) throw malformed('a plain file');
    const isExtended = type === TYPE.extendedFile;
    const headSize = isExtended ? 56 : 32;
    const inode = this.#inode(place, headSize);
    inode.bytes(16);
    const start = isExtended ? u64le(inode) : inode.u32le();
    const extendedSize = isExtended ? u64le(inode) : 0;
    if (isExtended) inode.bytes(12);
    const fragment: Fragment = { index: inode.u32le(), offset: inode.u32le() };
    const sizeBytes = isExtended ? extendedSize : inode.u32le();
    const { blockSizeBytes } = this.#super;
    const isWhole = fragment.index === NO_FRAGMENT;
    const count = isWhole ? Math.ceil(sizeBytes / blockSizeBytes) : Math.floor(sizeBytes / blockSizeBytes);
    const sizes = (): ByteReader => {
      const reader = this.#inode(place, headSize + count * 4);
      reader.bytes(headSize);
      return reader;
    };
    return {
      sizeBytes,
      blocks: () => this.#blocks({ start, count, sizeBytes, sizes, ...(isWhole ? {} : { fragment }) }),
    };
  }

  *#blocks(file: {
    readonly start: number;
    readonly count: number;
    readonly sizeBytes: number;
    readonly sizes: () => ByteReader;
    readonly fragment?: Fragment;
  }): Generator<Uint8Array, void> {
    const { blockSizeBytes, used } = this.#super;
    const sizes = file.sizes();
    let at = file.start;
    let missing = file.sizeBytes;
    for (let index = 0; index < file.count; index += 1) {
      const field = sizes.u32le();
      const size = field & (BLOCK_PLAIN - 1);
      const wanted = Math.min(missing, blockSizeBytes);
      const content =
        size === 0
          ? new Uint8Array(wanted)
          : this.#open(regionOf(used, at, size, 'data block'), (field & BLOCK_PLAIN) !== 0, blockSizeBytes);
      if (content.length !== wanted) throw malformed('data blocks of their size', at);
      yield content;
      at += size;
      missing -= wanted;
    }
    if (file.fragment !== undefined) yield this.#fragment(file.fragment, missing);
  }

  #fragment({ index, offset }: Fragment, sizeBytes: number): Uint8Array {
    const { fragmentCount, fragmentTable, blockSizeBytes, used } = this.#super;
    if (index >= fragmentCount) throw malformed('a fragment that there is');
    const pointerAt = fragmentTable + Math.floor(index / FRAGMENTS_PER_BLOCK) * 8;
    const block = u64le(readerOf(used, pointerAt, 8, 'fragment table'));
    const entryAt = (index % FRAGMENTS_PER_BLOCK) * FRAGMENT_ENTRY_SIZE_BYTES;
    const entry = this.#metadata(block, { block: 0, offset: entryAt }, FRAGMENT_ENTRY_SIZE_BYTES);
    const start = u64le(entry);
    const field = entry.u32le();
    const raw = regionOf(used, start, field & (BLOCK_PLAIN - 1), 'fragment');
    const content = this.#open(raw, (field & BLOCK_PLAIN) !== 0, blockSizeBytes);
    return regionOf(content, offset, sizeBytes, 'fragment');
  }

  /**
   * A file of the root folder; undefined when there is none of this name.
   * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED
   */
  file(name: string): SquashfsFile | undefined {
    try {
      const place = this.#find(name);
      return place === undefined ? undefined : this.#parseFile(place);
    } catch (cause) {
      if (cause instanceof ImageError || !isCodedError(cause)) throw cause;
      throw new ImageError('IMAGE_MALFORMED', { format: 'squashfs', expected: 'tables that do not end early' }, cause);
    }
  }
}
