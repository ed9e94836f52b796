/**
 * Strict conversions between bytes and text. Each accepts only what its counterpart writes, so that one value has one
 * spelling: no upper-case hex, no white space, no missing or surplus padding, no unused base64 bits.
 */
import { BytesError } from './errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws BytesError BYTES_UTF8_INVALID */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new BytesError('BYTES_UTF8_INVALID', { length: bytes.length }, cause);
  }
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}

/** @throws BytesError BYTES_HEX_INVALID */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw new BytesError('BYTES_HEX_INVALID', { text });
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function toBase64(bytes: Uint8Array): string {
  return view(bytes).toString('base64');
}

/** @throws BytesError BYTES_BASE64_INVALID */
export function fromBase64(text: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  if (toBase64(bytes) !== text) throw new BytesError('BYTES_BASE64_INVALID', { length: text.length });
  return bytes;
}

export function toBase64Url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** @throws BytesError BYTES_BASE64_INVALID */
export function fromBase64Url(text: string): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  if (toBase64Url(bytes) !== text) throw new BytesError('BYTES_BASE64_INVALID', { length: text.length });
  return bytes;
}
