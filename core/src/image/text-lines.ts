/** The lines of a text file without their ends; CR LF and LF both end a line. */
export function* linesOf(bytes: Uint8Array): Generator<string> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length; ) {
    const feed = buffer.indexOf(0x0a, at);
    const end = feed < 0 ? buffer.length : feed;
    yield buffer.toString('latin1', at, end > at && buffer[end - 1] === 0x0d ? end - 1 : end);
    at = end + 1;
  }
}
