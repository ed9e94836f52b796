/** Connections to a store that were kept alive and are gone when they are used again. Everything else: storage-blobs.test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { S3Client, textOf } from './s3-client.ts';

/** How many requests each connection answers before the store closes it on the next one, without a word. */
let answersEach = 1;
let requests: string[] = [];
const served = new WeakMap<object, number>();
const store = http.createServer((request, answer) => {
  requests.push(request.method ?? '');
  const count = (served.get(request.socket) ?? 0) + 1;
  served.set(request.socket, count);
  if (count > answersEach) request.socket.destroy();
  else request.resume().on('end', () => answer.end('well'));
});
let client: S3Client;

before(async () => {
  store.listen(0, '127.0.0.1');
  await once(store, 'listening');
});
after(() => {
  store.closeAllConnections();
  store.close();
});
beforeEach(() => {
  requests = [];
  const endpoint = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  client = new S3Client({ endpoint, bucket: 'bucket', region: 'r', accessKeyId: 'a', secretAccessKey: 's' });
});

const bytes = new Uint8Array(10);
const send = async (method: 'GET' | 'PUT' | 'POST') =>
  textOf(
    await client.send({ method, key: 'k', ...(method === 'GET' ? {} : { body: bytes, sizeBytes: bytes.length }) }),
  );

test('a request over a connection that the store has closed meanwhile goes out again over another', async () => {
  answersEach = 1;
  for (const method of ['GET', 'GET', 'PUT', 'GET', 'PUT'] as const) assert.equal(await send(method), 'well', method);
  assert.ok(requests.length > 5, 'some went out twice');
});

test('what is not the same when it is done twice is not sent twice', async () => {
  answersEach = 1;
  assert.equal(await send('POST'), 'well');
  await assert.rejects(send('POST'), { code: 'BLOB_STORE_UNREACHABLE' });
  assert.deepEqual(requests, ['POST', 'POST']);
});

test('a body that cannot be read again is not sent again', async () => {
  answersEach = 1;
  assert.equal(await send('GET'), 'well');
  async function* once(): AsyncIterable<Uint8Array> {
    yield bytes;
    await Promise.resolve();
  }
  const put = client.send({ method: 'PUT', key: 'k', body: once(), sizeBytes: bytes.length });
  await assert.rejects(put, { code: 'BLOB_STORE_UNREACHABLE' });
  assert.deepEqual(requests, ['GET', 'PUT']);
});

test('a store that closes every connection is told once, not asked for ever', async () => {
  answersEach = 0;
  await assert.rejects(send('GET'), { code: 'BLOB_STORE_UNREACHABLE' });
  assert.deepEqual(requests, ['GET']);
});
