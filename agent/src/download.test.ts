/** Sizes beyond 31, 32 and almost 53 bits: the server sends the last byte only, so no large data is needed. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { downloadFrom } from './download.ts';
import { HttpClient } from './http.ts';
import { PayloadStream } from './payload-stream.ts';

const SIZES = [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER] as const;
const TAG_BYTES = 16;

let contentRange: (offset: bigint) => string;
let ranges: (string | undefined)[];
let http: HttpClient;
let url: URL;
const server = createServer((request, response) => {
  ranges.push(request.headers.range);
  const offset = BigInt(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(206, { 'content-length': 1, 'content-range': contentRange(offset) }).end('x');
});

before(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  http = new HttpClient({ origin });
  url = http.resolve('/payload');
});
after(() => {
  http.close();
  server.closeAllConnections();
  server.close();
});

async function lastByteOf(sizeBytes: number): Promise<number> {
  ranges = [];
  const clock = { now: () => new Date(0), sleep: async () => undefined, random: () => 0 };
  const { signal } = new AbortController();
  let count = 0;
  for await (const chunk of downloadFrom({ http, url, offset: sizeBytes - 1, sizeBytes, clock, signal })) {
    count += chunk.length;
  }
  return count;
}

function expectations(imageSizeBytes: number, listedSizeBytes: number) {
  const secrets = {
    algorithm: 3,
    contentKey: new Uint8Array(32),
    iv: new Uint8Array(12),
    aad: new Uint8Array(0),
  } as const;
  const imageDigest = { algorithm: -16, bytes: new Uint8Array(32) };
  return { secrets, imageSizeBytes, imageDigest, listedSizeBytes, listedSha256: new Uint8Array(32) };
}

for (const size of SIZES) {
  describe(`a payload of ${size} bytes`, () => {
    test('goes on at its last byte', async () => {
      contentRange = (offset) => `bytes ${offset}-${offset}/${size}`;
      assert.equal(await lastByteOf(size), 1);
      assert.deepEqual(ranges, [`bytes=${size - 1}-`]);
    });

    test('is refused when the server has one byte more or less', async () => {
      for (const other of [BigInt(size) - 1n, BigInt(size) + 1n]) {
        contentRange = (offset) => `bytes ${offset}-${offset}/${other}`;
        await assert.rejects(lastByteOf(size), { code: 'AGENT_PAYLOAD_SIZE_MISMATCH' });
      }
    });

    test('is refused when the server begins elsewhere, by one byte or by 32 bits', async () => {
      for (const shift of [-1n, 1n, -(2n ** 31n) + 1n, 2n ** 32n]) {
        contentRange = (offset) => `bytes ${offset + shift < 0n ? 0n : offset + shift}-${offset}/${size}`;
        await assert.rejects(lastByteOf(size), { code: 'AGENT_ANSWER_MALFORMED' });
      }
    });

    test('holds an image that is shorter by the tag, exactly', () => {
      const image = size - TAG_BYTES;
      const stream = new PayloadStream(expectations(image, size));
      assert.equal(stream.update(new Uint8Array(1000)).length, 1000);
      for (const other of [image - 1, image + 1, image - 2 ** 31 + 1]) {
        assert.throws(() => new PayloadStream(expectations(other, size)), { code: 'AGENT_PAYLOAD_SIZE_MISMATCH' });
      }
    });
  });
}
