/** The same memory as a plain `Uint8Array`: Node hands out `Buffer`s, which encode and compare differently. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
