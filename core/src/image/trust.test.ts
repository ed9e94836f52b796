import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, skipWithout } from '../../test/bench.ts';
import { importTrustedKey } from './trust.ts';

test('a certificate stands for the key in it, and nothing else does', { skip: skipWithout('openssl') }, (t) => {
  const bench = new Bench();
  t.after(() => bench.close());
  bench.selfSigned('maker');
  bench.run('openssl x509 -in maker.pem -pubkey -noout -out maker.pub');
  const text = (name: string): string => new TextDecoder().decode(bench.read(name));
  assert.ok(importTrustedKey(text('maker.pem')).equals(importTrustedKey(text('maker.pub'))));
  assert.throws(() => importTrustedKey(text('maker.pem').replace('MII', 'AAA')), {
    code: 'IMAGE_CERTIFICATE_MALFORMED',
  });
  assert.throws(() => importTrustedKey(text('maker.key')), { code: 'CRYPTO_KEY_MALFORMED' });
});
