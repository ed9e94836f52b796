import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadConfig, parseConfig, saveConfig } from './config.ts';
import { nodeDisk } from './disk.ts';

const LEAST = {
  server: 'https://updates.example',
  line: 'hub',
  vendorDomain: 'hubs.example',
  classInfo: 'Hub one',
  boot: ['start'],
};
const INVALID = { code: 'AGENT_CONFIG_INVALID' };

const dir = mkdtempSync(join(realpathSync(tmpdir()), 'pawl-config-'));
after(() => rmSync(dir, { recursive: true }));

describe('the configuration', () => {
  test('has defaults for the tenant, the time to boot and consent', () => {
    const { tenant, bootTimeoutS, consent } = parseConfig(LEAST);
    assert.deepEqual([tenant, bootTimeoutS, consent], ['default', 60, 'auto']);
  });

  test('keeps the origin of the server only', () => {
    assert.equal(parseConfig({ ...LEAST, server: 'HTTPS://Updates.Example:443/' }).server, 'https://updates.example');
  });

  const cases: readonly (readonly [name: string, at: string, change: object])[] = [
    ['no server', 'server', { server: undefined }],
    ['a server that is no URL', 'server', { server: 'updates.example' }],
    ['a server of another scheme', 'server', { server: 'file:///etc' }],
    ['a server with a path', 'server', { server: 'https://updates.example/here' }],
    ['a server with a query', 'server', { server: 'https://updates.example/?a' }],
    ['a server with a password', 'server', { server: 'https://me:word@updates.example' }],
    ['a tenant that leads elsewhere', 'tenant', { tenant: '../other' }],
    ['a line with capitals', 'line', { line: 'Hub' }],
    ['a line that is too long', 'line', { line: 'h'.repeat(64) }],
    ['an empty model', 'classInfo', { classInfo: '' }],
    ['a vendor that is no text', 'vendorDomain', { vendorDomain: 7 }],
    ['text without end', 'vendorDomain', { vendorDomain: 'v'.repeat(257) }],
    ['a boot command that is one text', 'boot', { boot: 'start' }],
    ['an empty boot command', 'boot', { boot: [] }],
    ['a boot command without a program', 'boot', { boot: ['', 'word'] }],
    ['a boot command with a number', 'boot', { boot: ['start', 1] }],
    ['no time to boot', 'bootTimeoutS', { bootTimeoutS: 0 }],
    ['more than a day to boot', 'bootTimeoutS', { bootTimeoutS: 86_401 }],
    ['an interval that is no number', 'pollIntervalS', { pollIntervalS: '60' }],
    ['an interval that is not a number', 'pollIntervalS', { pollIntervalS: Number.NaN }],
    ['another consent', 'consent', { consent: 'never' }],
    ['a name with a slash', 'controllerId', { controllerId: 'hub/1' }],
    ['a token with a line break', 'token', { token: 'a\r\nb' }],
    ['TLS that is a list', 'tls', { tls: [] }],
    ['an unknown member of TLS', 'tls', { tls: { crl: 'file' } }],
    ['a certificate without its key', 'tls', { tls: { cert: 'file' } }],
    ['an unknown profile', 'profile', { profile: 'debug' }],
    ['an unknown member', 'pollIntervall', { pollIntervall: 60 }],
  ];
  for (const [name, at, change] of cases) {
    test(`is refused with ${name}`, () => {
      assert.throws(
        () => parseConfig({ ...LEAST, ...change }),
        (error: { code?: string; details?: { at?: string } }) => {
          assert.deepEqual([error.code, error.details?.at], [INVALID.code, at]);
          return true;
        },
      );
    });
  }

  test('is refused when it is no object', () => {
    for (const value of [null, [], 'text', 1]) assert.throws(() => parseConfig(value), INVALID);
  });

  test('comes back from its file, which its owner alone can read', async () => {
    const path = join(dir, 'config.json');
    const config = parseConfig({ ...LEAST, token: 'secret', controllerId: 'hub-1', tls: { ca: 'ca.pem' } });
    await saveConfig(nodeDisk, path, config);
    assert.deepEqual(await loadConfig(nodeDisk, path), config);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('is refused when its file is not JSON, without quoting it', async () => {
    const path = join(dir, 'broken.json');
    for (const content of ['{"token":"secret"', Uint8Array.of(0xff, 0xfe)]) {
      writeFileSync(path, content);
      await assert.rejects(loadConfig(nodeDisk, path), (error: Error & { code?: string }) => {
        assert.equal(error.code, INVALID.code);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
    }
  });
});
