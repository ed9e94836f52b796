/** The application descriptor of an ESP-IDF image (ESP-IDF v5, esp_app_desc.h), at the start of its first segment. */
import { ByteReader, toHex } from '../../bytes/index.ts';
import { type EspImage, malformed } from './parse.ts';

const MAGIC = 0xabcd_5432;
const SIZE_BYTES = 256;
const RESERVED_SIZE_BYTES = 8;

/** What the build says about the application. */
export type EspApp = {
  readonly project: string;
  readonly version: string;
  /** Anti-rollback: the bootloader refuses what is below the eFuses. */
  readonly secureVersion: number;
  readonly idfVersion: string;
  readonly builtAt: string;
  readonly elfSha256: string;
};

function textOf(reader: ByteReader, sizeBytes: number): string {
  const at = reader.offset;
  const text = Buffer.from(reader.bytes(sizeBytes)).toString('latin1');
  const end = text.indexOf('\0');
  const value = end < 0 ? text : text.slice(0, end);
  if (!/^[\x20-\x7e]*$/.test(value)) throw malformed('printable text in the application descriptor', at);
  return value;
}

/** Undefined for images without one, such as bootloaders. @throws ImageError IMAGE_MALFORMED */
export function appOf({ segments }: EspImage): EspApp | undefined {
  const data = segments[0]?.data ?? new Uint8Array();
  if (data.length < SIZE_BYTES) return undefined;
  const reader = new ByteReader(data);
  if (reader.u32le() !== MAGIC) return undefined;
  const secureVersion = reader.u32le();
  reader.bytes(RESERVED_SIZE_BYTES);
  const version = textOf(reader, 32);
  const project = textOf(reader, 32);
  const time = textOf(reader, 16);
  const date = textOf(reader, 16);
  const idfVersion = textOf(reader, 32);
  const elfSha256 = toHex(reader.bytes(32));
  return { project, version, secureVersion, idfVersion, builtAt: `${date} ${time}`.trim(), elfSha256 };
}
