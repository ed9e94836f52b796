/** Uploads that go wrong on the way: longer, shorter, given up, refused while they still flow. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { sha256Hex } from './line-repository.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const MIB = 2 ** 20;
const NAME = 'image.swu';
let server: TestServer;
let version = 0;

before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};

async function announce(bytes: Uint8Array): Promise<number> {
  version += 1;
  const artifacts = [{ name: NAME, sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const body = { line: 'boxes', version: `1.0.${version}`, kind: 'foreign' as const, artifacts };
  return (await server.operator.call('createRelease', { body })).id;
}

const put = (id: number, body: Uint8Array | AsyncIterable<Uint8Array>, sizeBytes: number, name = NAME) =>
  server.operator.call('putArtifact', { params: { id, name }, body, sizeBytes });

async function isUploaded(id: number): Promise<boolean | undefined> {
  const { items } = await server.operator.call('listReleases', { query: { limit: 500 } });
  return items.find((one) => one.id === id)?.artifacts[0]?.isUploaded;
}

async function incoming(): Promise<string[]> {
  return await readdir(`${server.folder}/data/blobs/incoming`).catch(() => []);
}

test('bytes that are longer, shorter or others than announced leave nothing', async () => {
  const bytes = new Uint8Array(5000).fill(1);
  const id = await announce(bytes);
  const wrong = [new Uint8Array(5001).fill(1), bytes.subarray(1), new Uint8Array(5000), new Uint8Array(0)];
  for (const body of wrong) await assert.rejects(put(id, body, body.length), codeIs('ARTIFACT_MISMATCH'));
  assert.deepEqual([await isUploaded(id), await incoming()], [false, []]);
  await put(id, bytes, bytes.length);
  assert.equal(await isUploaded(id), true);
});

test('a long upload that is refused from the start still hears why', async () => {
  const small = new Uint8Array(10);
  const id = await announce(small);
  async function* stream(): AsyncIterable<Uint8Array> {
    for (let index = 0; index < 64; index += 1) yield new Uint8Array(MIB);
  }
  for (let round = 0; round < 5; round += 1) {
    await assert.rejects(put(id, stream(), 64 * MIB), codeIs('ARTIFACT_MISMATCH'));
    await assert.rejects(put(id, stream(), 64 * MIB, 'other.swu'), codeIs('ARTIFACT_UNKNOWN'));
    await assert.rejects(put(2_000_000_000, stream(), 64 * MIB), codeIs('RELEASE_UNKNOWN'));
    const nobody = new ManagementClient({ url: server.url, token: 'x' });
    const params = { id, name: NAME };
    await assert.rejects(
      nobody.call('putArtifact', { params, body: stream(), sizeBytes: 64 * MIB }),
      codeIs('API_UNAUTHENTICATED'),
    );
  }
});

test('an upload that the client gives up leaves nothing, and can be sent again', async () => {
  const bytes = new Uint8Array(MIB).fill(3);
  const id = await announce(bytes);
  const upload = http.request(`${server.url}/api/v1/releases/${id}/artifacts/${NAME}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/octet-stream',
      'content-length': bytes.length,
    },
  });
  upload.on('error', () => undefined);
  upload.write(bytes.subarray(0, 1000));
  while ((await incoming()).length === 0) await server.operator.call('health', {});
  upload.destroy();
  while ((await incoming()).length > 0) await server.operator.call('health', {});
  assert.equal(await isUploaded(id), false);
  await put(id, bytes, bytes.length);
  assert.equal(await isUploaded(id), true);
});

test('two uploads of one artifact at the same time are both well', async () => {
  const bytes = new Uint8Array(MIB).fill(4);
  const id = await announce(bytes);
  await Promise.all([put(id, bytes, bytes.length), put(id, bytes, bytes.length)]);
  assert.deepEqual([await isUploaded(id), await incoming()], [true, []]);
});
