import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../bytes/index.ts';
import {
  AgreementKey,
  AgreementPublicKey,
  CryptoError,
  ecdsaDerToRaw,
  ecdsaRawToDer,
  PrivateKey,
  PublicKey,
  SIGNATURE_ALGORITHM_NAMES,
  SIGNATURE_ALGORITHMS,
  signatureAlgorithmOf,
} from './index.ts';

const MESSAGE = utf8('a message');

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
  return 'accepted';
}

for (const algorithm of SIGNATURE_ALGORITHM_NAMES) {
  const row = SIGNATURE_ALGORITHMS[algorithm];

  test(`signs and verifies with ${algorithm}`, async () => {
    const key = PrivateKey.generate(algorithm);
    const signature = await key.sign(MESSAGE);
    assert.equal(Object.getPrototypeOf(signature), Uint8Array.prototype);
    assert.equal(signature.length, row.signatureSizeBytes);
    assert.equal(key.publicKey.algorithm, algorithm);
    key.publicKey.verify(MESSAGE, signature);
    assert.equal(
      codeOf(() => key.publicKey.verify(utf8('another'), signature)),
      'CRYPTO_SIGNATURE_INVALID',
    );
    assert.equal(
      codeOf(() => key.publicKey.verify(MESSAGE, signature.subarray(1))),
      'CRYPTO_SIGNATURE_INVALID',
    );
    const other = PrivateKey.generate(algorithm);
    assert.equal(
      codeOf(() => other.publicKey.verify(MESSAGE, signature)),
      'CRYPTO_SIGNATURE_INVALID',
    );
  });

  test(`refuses a ${algorithm} signature with any bit of its ends flipped`, async () => {
    const key = PrivateKey.generate(algorithm);
    const signature = await key.sign(MESSAGE);
    const bits = signature.length * 8;
    for (const bit of [...Array(256).keys(), ...Array.from({ length: 256 }, (_, index) => bits - 1 - index)]) {
      const flipped = signature.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(
        codeOf(() => key.publicKey.verify(MESSAGE, flipped)),
        'CRYPTO_SIGNATURE_INVALID',
        `bit ${bit}`,
      );
    }
  });

  test(`writes and reads ${algorithm} keys in every form`, async () => {
    const key = PrivateKey.generate(algorithm);
    const { publicKey } = key;
    assert.ok(PublicKey.fromSpki(publicKey.toSpkiPem()).isEqual(publicKey));
    assert.ok(PublicKey.fromSpki(publicKey.toSpkiDer()).isEqual(publicKey));
    assert.equal(publicKey.toRaw().length, row.publicKeySizeBytes);
    assert.ok(PublicKey.fromRaw(algorithm, publicKey.toRaw()).isEqual(publicKey));
    const again = PrivateKey.fromPkcs8(key.toPkcs8Der());
    assert.ok(again.publicKey.isEqual(publicKey));
    publicKey.verify(MESSAGE, await again.sign(MESSAGE));
    assert.equal(toHex(again.toPkcs8Der()), toHex(key.toPkcs8Der()));
  });

  test(`refuses ${algorithm} keys that are cut, or of another algorithm`, () => {
    const key = PrivateKey.generate(algorithm);
    assert.equal(
      codeOf(() => PublicKey.fromRaw(algorithm, key.publicKey.toRaw().subarray(1))),
      'CRYPTO_KEY_MALFORMED',
    );
    assert.equal(
      codeOf(() => PublicKey.fromSpki(key.publicKey.toSpkiDer().subarray(0, -1))),
      'CRYPTO_KEY_MALFORMED',
    );
    assert.equal(
      codeOf(() => PrivateKey.fromPkcs8(key.toPkcs8Der().subarray(0, -1))),
      'CRYPTO_KEY_MALFORMED',
    );
    assert.equal(
      codeOf(() => PrivateKey.fromRaw(algorithm, new Uint8Array(7))),
      'CRYPTO_KEY_MALFORMED',
    );
  });

  test(`maps every accepted COSE id of ${algorithm} back to it`, () => {
    for (const id of row.coseAlgAccepted) assert.equal(signatureAlgorithmOf(id), algorithm);
    assert.equal(row.coseAlgAccepted[0], row.coseAlg);
  });
}

test('keeps ML-DSA private keys as their seed', () => {
  const der = PrivateKey.generate('ML-DSA-65').toPkcs8Der();
  assert.equal(der.length, 54);
});

test('refuses a private key where a public one is expected', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.equal(
    codeOf(() => PublicKey.fromSpki(pem)),
    'CRYPTO_KEY_MALFORMED',
  );
});

test('refuses oversized and empty public keys', () => {
  assert.equal(
    codeOf(() => PublicKey.fromSpki(new Uint8Array(10_000))),
    'CRYPTO_KEY_MALFORMED',
  );
  assert.equal(
    codeOf(() => PublicKey.fromSpki('')),
    'CRYPTO_KEY_MALFORMED',
  );
});

test('refuses keys of kinds that are not used', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaDer = new Uint8Array(rsa.publicKey.export({ type: 'spki', format: 'der' }));
  assert.equal(
    codeOf(() => PublicKey.fromSpki(rsaDer)),
    'CRYPTO_KEY_UNSUPPORTED',
  );
  const p521 = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
  const p521Private = new Uint8Array(p521.privateKey.export({ type: 'pkcs8', format: 'der' }));
  assert.equal(
    codeOf(() => PrivateKey.fromPkcs8(p521Private)),
    'CRYPTO_KEY_UNSUPPORTED',
  );
  assert.equal(
    codeOf(() => AgreementKey.fromPkcs8(p521Private)),
    'CRYPTO_KEY_UNSUPPORTED',
  );
  assert.equal(
    codeOf(() => AgreementPublicKey.fromSpki(rsaDer)),
    'CRYPTO_KEY_UNSUPPORTED',
  );
});

test('refuses the point at infinity', () => {
  assert.equal(
    codeOf(() => PublicKey.fromRaw('ESP256', Uint8Array.of(0))),
    'CRYPTO_KEY_MALFORMED',
  );
  assert.equal(
    codeOf(() => AgreementPublicKey.fromRaw(Uint8Array.of(0))),
    'CRYPTO_KEY_MALFORMED',
  );
});

test('reads compressed points as the same key', () => {
  const { publicKey } = PrivateKey.generate('ESP256');
  const raw = publicKey.toRaw();
  const compressed = Uint8Array.of(2 + (raw[64]! & 1), ...raw.subarray(1, 33));
  assert.ok(PublicKey.fromRaw('ESP256', compressed).isEqual(publicKey));
});

test('keeps private keys out of logs', () => {
  const key = PrivateKey.generate('Ed25519');
  const secret = toHex(key.toPkcs8Der().subarray(-32));
  assert.ok(!JSON.stringify(key).includes(secret));
  assert.throws(
    () => PrivateKey.fromPkcs8(fromHex('30')),
    (error: Error) => error.cause === undefined,
  );
});

test('agrees on one secret from both sides, after a round trip of every form', () => {
  const a = AgreementKey.generate();
  const b = AgreementKey.fromPkcs8(AgreementKey.generate().toPkcs8Der());
  const forms = [
    AgreementPublicKey.fromSpki(a.publicKey.toSpkiPem()),
    AgreementPublicKey.fromSpki(a.publicKey.toSpkiDer()),
    AgreementPublicKey.fromRaw(a.publicKey.toRaw()),
  ];
  for (const form of forms) assert.deepEqual(b.agree(form), a.agree(b.publicKey));
  assert.equal(a.agree(b.publicKey).length, 32);
  assert.equal(
    codeOf(() => AgreementKey.fromRaw(new Uint8Array(32))),
    'CRYPTO_KEY_MALFORMED',
  );
});

test('writes ECDSA signatures as DER and back', () => {
  fc.assert(
    fc.property(fc.constantFrom(32, 48), fc.infiniteStream(fc.nat(255)), (sizeBytes, stream) => {
      const raw = Uint8Array.from({ length: sizeBytes * 2 }, () => stream.next().value);
      assert.deepEqual(ecdsaDerToRaw(ecdsaRawToDer(raw), sizeBytes), raw);
    }),
  );
});

const DER_REFUSED: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['no sequence', '020101020101'],
  ['a cut sequence', '3006020101020'],
  ['trailing bytes', '300602010102010100'],
  ['bytes behind the integers', '3007020101020101ff'],
  ['a negative integer', '3006020181020101'],
  ['a padded integer', '300702020001020101'],
  ['an empty integer', '30050200020101'],
  ['a length in long form that fits the short one', '308106020101020101'],
  ['an indefinite length', '3080020101020101'],
  ['an integer longer than the curve', `302702220${'1'.repeat(67)}020101`],
];

for (const [what, hex] of DER_REFUSED) {
  test(`refuses a DER signature with ${what}`, () => {
    const der = new Uint8Array(Buffer.from(hex, 'hex'));
    assert.equal(
      codeOf(() => ecdsaDerToRaw(der, 32)),
      'CRYPTO_SIGNATURE_INVALID',
    );
  });
}

test('refuses raw signatures of odd or senseless length', () => {
  for (const length of [0, 63, 134]) {
    assert.equal(
      codeOf(() => ecdsaRawToDer(new Uint8Array(length))),
      'CRYPTO_SIGNATURE_INVALID',
    );
  }
});
