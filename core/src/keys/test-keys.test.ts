import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { concat, fromBase64Url, fromHex } from '../bytes/index.ts';
import { AgreementKey, AgreementPublicKey, PrivateKey, PublicKey, type SignatureAlgorithm } from '../crypto/index.ts';
import { assertNotTestKey, findTestKey } from './index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const VECTORS = resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors');

const PEM_FILES = [
  'mcuboot/keys/root-ec-p256.pub.pem',
  'mcuboot/keys/root-ed25519.pub.pem',
  'mcuboot/keys/enc-ec256-pub.pem',
  'mcuboot/keys/root-rsa-2048.pub.pem',
  'mcuboot/keys/root-rsa-3072.pub.pem',
  'mcuboot/keys/enc-rsa2048-pub.pem',
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

test('bars mcuboot/keys/enc-x25519-pub.pem', (t) => {
  const path = join(VECTORS, 'mcuboot/keys/enc-x25519-pub.pem');
  if (!existsSync(path)) {
    t.skip('it is not there (PAWL_VECTORS)');
    return;
  }
  const key = AgreementPublicKey.fromSpki(readFileSync(path, 'utf8'));
  assert.throws(() => assertNotTestKey(key), { code: 'KEYS_TEST_KEY_BARRED' });
});

test('bars an RSA test key under every digest, and says where its private half stands', (t) => {
  const path = join(VECTORS, 'mcuboot/keys/root-rsa-2048.pub.pem');
  if (!existsSync(path)) {
    t.skip('it is not there (PAWL_VECTORS)');
    return;
  }
  for (const algorithm of ['PS256', 'PS384', 'PS512'] as const) {
    const key = PublicKey.fromSpki(readFileSync(path, 'utf8'), algorithm);
    assert.equal(findTestKey(key)?.origin, 'MCUboot root-rsa-2048');
  }
});

test('bars the keys that people make by hand: zeros, ones and counting seeds, and the number one', () => {
  for (const algorithm of ['Ed25519', 'ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    for (const seed of [
      new Uint8Array(32),
      new Uint8Array(32).fill(255),
      Uint8Array.from({ length: 32 }, (_, at) => at),
    ]) {
      assert.ok(findTestKey(PrivateKey.fromRaw(algorithm, seed).publicKey), algorithm);
    }
  }
  for (const [algorithm, size] of [
    ['ESP256', 32],
    ['ESP384', 48],
    ['ESP512', 66],
  ] as const) {
    const one = new Uint8Array(size);
    one[size - 1] = 1;
    assert.ok(findTestKey(PrivateKey.fromRaw(algorithm, one).publicKey), algorithm);
    assert.equal(findTestKey(PrivateKey.generate(algorithm).publicKey), undefined);
  }
});

// RFC 8032 §7.1 and RFC 6979 §A.2.5 to A.2.7: public keys as printed there.
const PRINTED: readonly (readonly [SignatureAlgorithm, string])[] = [
  ['Ed25519', '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'],
  ['Ed25519', 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'],
  [
    'ESP256',
    '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
  ],
];
test('bars the keys of RFC 8032 and RFC 6979', () => {
  for (const [algorithm, raw] of PRINTED) {
    assert.throws(() => assertNotTestKey(PublicKey.fromRaw(algorithm, fromHex(raw))), { code: 'KEYS_TEST_KEY_BARRED' });
  }
});

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
