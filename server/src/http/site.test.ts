import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteFor } from './site.ts';

test('the public URL names the site; this machine alone is localhost; another address is no name', () => {
  const table: readonly (readonly [string | undefined, string, string | undefined, string?])[] = [
    ['https://updates.example/x', 'https://10.0.0.1:8443', 'https://updates.example', 'updates.example'],
    ['https://updates.example:8443', 'http://127.0.0.1:1', 'https://updates.example:8443', 'updates.example'],
    [undefined, 'http://127.0.0.1:8080', 'http://localhost:8080', 'localhost'],
    [undefined, 'http://[::1]:8080', 'http://localhost:8080', 'localhost'],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:1', 'http://localhost:9000', 'localhost'],
    [undefined, 'https://10.0.0.1:8443', undefined],
    ['https://10.0.0.1', 'https://10.0.0.1:443', undefined],
    ['https://[2001:db8::1]', 'https://10.0.0.1:443', undefined],
  ];
  for (const [publicUrl, listening, origin, rpId] of table) {
    const site = siteFor(publicUrl, listening);
    assert.deepEqual([site?.origin, site?.rpId], [origin, rpId], `${publicUrl} ${listening}`);
  }
});
