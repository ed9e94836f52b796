/** Files of a repository over HTTP: no redirects, no more bytes and no more time than allowed. */
import { concat } from '@pawl/core/bytes';

/** From the request to the last byte. */
const ANSWER_MS_MAX = 60_000;

/** Where a name below a base address is; the base may be written with or without its last slash. */
export function urlBelow(base: string, name: string): URL {
  return new URL(name, base.endsWith('/') ? base : `${base}/`);
}

async function readBounded(response: Response, url: URL, sizeBytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    sizeBytes += part.length;
    // One byte more than allowed is enough to see that the answer is too long; leaving the loop ends the download.
    if (sizeBytes > sizeBytesMax) throw new Error(`${url.href} is longer than ${sizeBytesMax} bytes`);
    parts.push(part);
  }
  return concat(...parts);
}

/** The bytes under an address, undefined when the server says 404. */
export async function fetchBytes(url: URL, sizeBytesMax: number): Promise<Uint8Array | undefined> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  if (response.status === 200) return await readBounded(response, url, sizeBytesMax);
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  throw new Error(`${url.href} answered ${response.status}`);
}
