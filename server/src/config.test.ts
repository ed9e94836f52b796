import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjects, type ServerConfig, verifyConfig } from './config.ts';

const base: ServerConfig = {
  dataDir: '/nowhere',
  host: '127.0.0.1',
  port: 0,
  pollIntervalS: 300,
  now: () => new Date(0),
};
const tls = { cert: 'c', key: 'k' };
const trustedProxy = { secret: 's'.repeat(32), certificateHeader: 'x-cert' };

test('loopback needs no TLS; anything else needs it, or a trusted proxy', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) verifyConfig({ ...base, host });
  for (const host of ['0.0.0.0', '::', '192.168.1.7', '::ffff:192.168.1.7', 'pawl.example', '127.0.0.1.example', '']) {
    assert.throws(() => verifyConfig({ ...base, host }), { code: 'SERVER_TLS_REQUIRED' }, host);
    verifyConfig({ ...base, host, tls });
    verifyConfig({ ...base, host, trustedProxy });
  }
});

test('refuses settings that cannot work, and names them', () => {
  const table: readonly (readonly [string, Partial<ServerConfig>])[] = [
    ['trustedProxy.secret', { trustedProxy: { ...trustedProxy, secret: 'short' } }],
    ['port', { port: -1 }],
    ['port', { port: 65_536 }],
    ['port', { port: 80.5 }],
    ['pollIntervalS', { pollIntervalS: 0 }],
    ['pollIntervalS', { pollIntervalS: 86_400 }],
    ['publicUrl', { publicUrl: 'pawl.example' }],
  ];
  for (const [at, change] of table) {
    assert.throws(
      () => verifyConfig({ ...base, ...change }),
      (error: Error & { code?: string; details?: { at?: string } }) =>
        error.code === 'SERVER_CONFIG_INVALID' && error.details?.at === at,
      at,
    );
  }
});

test('an objects file says where the store is; what is wrong is named without its value', () => {
  const good = {
    endpoint: 'https://s3.example',
    bucket: 'pawl',
    region: 'r',
    accessKeyId: 'a',
    secretAccessKey: 's3cret',
  };
  assert.deepEqual(parseObjects(JSON.stringify(good)), good);
  assert.deepEqual(parseObjects(JSON.stringify({ ...good, prefix: 'site-1/' })), { ...good, prefix: 'site-1/' });
  const own = { ...good, deletesUnneeded: true };
  assert.deepEqual(parseObjects(JSON.stringify(own)), own);
  for (const downloads of [{ seconds: 60 }, { seconds: 604_800, endpoint: 'https://objects.example' }]) {
    assert.deepEqual(parseObjects(JSON.stringify({ ...good, downloads })), { ...good, downloads });
  }
  for (const change of [
    { endpoint: 'ftp://x' },
    { bucket: '../b' },
    { prefix: '/x' },
    { more: 's3cret' },
    { region: 1 },
    { deletesUnneeded: 'yes' },
    { downloads: {} },
    { downloads: { seconds: 59 } },
    { downloads: { seconds: 604_801 } },
    { downloads: { seconds: 900, endpoint: 'objects.example' } },
  ]) {
    const refused = (error: Error & { code?: string }) =>
      error.code === 'SERVER_CONFIG_INVALID' && !error.message.includes('s3cret');
    assert.throws(() => parseObjects(JSON.stringify({ ...good, ...change })), refused, JSON.stringify(change));
  }
  assert.throws(() => parseObjects('{'), { code: 'SERVER_CONFIG_INVALID' });
});
