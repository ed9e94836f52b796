/** The relay's meddling with answers on their way: streams that change a byte or slow down, and the rewritten offer. */
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Flips the lowest bit of the byte at an absolute offset, in a body that starts at `startsAt`. */
export function flipByte(offset: number, startsAt: number): Transform {
  let position = startsAt;
  return new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      const index = offset - position;
      position += chunk.length;
      if (index < 0 || index >= chunk.length) return done(null, chunk);
      const changed = Buffer.from(chunk);
      changed[index] = (changed[index] ?? 0) ^ 1;
      done(null, changed);
    },
  });
}

const SLICES_PER_S = 20;

/** Lets through so many bytes a second, evenly, in slices. `limit` is asked again for each slice, so it can change. */
export async function* throttle(
  source: AsyncIterable<Buffer>,
  limit: () => number | undefined,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length; ) {
      const bytesPerS = limit();
      const size = bytesPerS === undefined ? chunk.length - offset : Math.max(1, Math.ceil(bytesPerS / SLICES_PER_S));
      yield chunk.subarray(offset, offset + size);
      offset += size;
      if (bytesPerS !== undefined) await sleep(1000 / SLICES_PER_S);
    }
  }
}

type Artifact = { filename: string; hashes: Record<string, string>; size: number };
type Deployment = { deployment?: { chunks?: { version: string; artifacts: Artifact[] }[] } };

const hex = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex');

/**
 * Turns a DDI deployment into one of another version: the version of each chunk, and length and hashes of each file, so
 * that nothing in the offer itself gives the swap away.
 */
export async function swapDeployment(
  body: string,
  version: string,
  read: (filename: string) => Promise<Uint8Array | undefined>,
): Promise<string> {
  const offer = JSON.parse(body) as Deployment;
  for (const chunk of offer.deployment?.chunks ?? []) {
    chunk.version = version;
    for (const artifact of chunk.artifacts) {
      const bytes = await read(artifact.filename);
      if (bytes === undefined) continue;
      artifact.size = bytes.length;
      artifact.hashes = { sha1: hex('sha1', bytes), md5: hex('md5', bytes), sha256: hex('sha256', bytes) };
    }
  }
  return JSON.stringify(offer);
}
