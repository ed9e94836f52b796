import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { concat, fromBase64Url, fromHex } from '../bytes/index.ts';
import { AgreementKey, PrivateKey, PublicKey, type SignatureAlgorithm } from '../crypto/index.ts';
import { assertNotTestKey } from './index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const VECTORS = resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors');

const PEM_FILES = [
  'mcuboot/keys/root-ec-p256.pub.pem',
  'mcuboot/keys/root-ed25519.pub.pem',
  'mcuboot/keys/enc-ec256-pub.pem',
  'suit/manifest-37/public_key.pem',
  'suit/libcsuit/key/trust_anchor_secp256r1.pub.pem',
];

for (const name of PEM_FILES) {
  test(`bars ${name}`, (t) => {
    const path = join(VECTORS, name);
    if (!existsSync(path)) {
      t.skip(`${name} is not there (PAWL_VECTORS)`);
      return;
    }
    const key = PublicKey.fromSpki(readFileSync(path, 'utf8'));
    assert.throws(() => assertNotTestKey(key), { code: 'KEYS_TEST_KEY_BARRED' });
  });
}

test('bars the recipient key of the SUIT firmware encryption examples', () => {
  const scalar = fromHex('60fe6dd6d85d5740a5349b6f91267eeac5ba81b8cb53ee249e4b4eb102c476b3');
  assert.throws(() => assertNotTestKey(AgreementKey.fromRaw(scalar).publicKey), { code: 'KEYS_TEST_KEY_BARRED' });
});

test('bars the ML-DSA-65 example of RFC 9964', () => {
  const key = PrivateKey.fromRaw('ML-DSA-65', new Uint8Array(32));
  assert.throws(() => assertNotTestKey(key.publicKey), { code: 'KEYS_TEST_KEY_BARRED' });
});

type ExampleKey = { crv: string; x: string; y: string };

function exampleKey(name: string): ExampleKey {
  const text = readFileSync(join(VECTORS, 'cose/cose-wg-examples', name), 'utf8');
  const { input } = JSON.parse(text) as {
    input: { sign0?: { key: ExampleKey }; enveloped?: { recipients: { key: ExampleKey }[] } };
  };
  return input.sign0?.key ?? input.enveloped!.recipients[0]!.key;
}

const EXAMPLES: readonly (readonly [string, SignatureAlgorithm])[] = [
  ['ecdsa-examples/ecdsa-sig-01.json', 'ESP256'],
  ['ecdsa-examples/ecdsa-sig-02.json', 'ESP384'],
  ['ecdh-wrap-examples/p256-wrap-128-01.json', 'ESP256'],
];

test('bars the keys of the COSE examples', (t) => {
  if (!existsSync(join(VECTORS, 'cose/cose-wg-examples'))) {
    t.skip('the COSE examples are not there (PAWL_VECTORS)');
    return;
  }
  for (const [name, algorithm] of EXAMPLES) {
    const { x, y } = exampleKey(name);
    const key = PublicKey.fromRaw(algorithm, concat(Uint8Array.of(4), fromBase64Url(x), fromBase64Url(y)));
    assert.throws(() => assertNotTestKey(key), { code: 'KEYS_TEST_KEY_BARRED' }, name);
  }
});
