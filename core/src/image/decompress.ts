/** Files inside images that are compressed, by the end of their names. What comes out is bounded before it is made. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { ImageError } from './errors.ts';

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

/** gzip: RFC 1952. zstd: RFC 8878. Node has no xz. */
const METHODS: Readonly<Record<string, Decompress>> = { gz: gunzipSync, zst: zstdDecompressSync };

/**
 * The content of a file `NAME.tar`, `NAME.tar.gz` or `NAME.tar.zst`.
 * @throws ImageError IMAGE_COMPRESSION_UNSUPPORTED, IMAGE_MALFORMED
 */
export function decompressTar(name: string, content: Uint8Array, sizeBytesMax: number): Uint8Array {
  const ending = /\.tar(?:\.([a-z0-9]+))?$/.exec(name)?.[1];
  if (ending === undefined) return content;
  const method = METHODS[ending];
  if (method === undefined) throw new ImageError('IMAGE_COMPRESSION_UNSUPPORTED', { file: name });
  try {
    const { buffer, byteOffset, length } = method(content, { maxOutputLength: sizeBytesMax });
    return new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    const expected = `compressed data of at most ${sizeBytesMax} bytes`;
    throw new ImageError('IMAGE_MALFORMED', { expected, file: name }, cause);
  }
}
