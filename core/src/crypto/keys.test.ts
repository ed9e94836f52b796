import assert from 'node:assert/strict';
import { constants, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../bytes/index.ts';
import {
  AgreementKey,
  AgreementPublicKey,
  CryptoError,
  ecdsaDerToRaw,
  ecdsaRawToDer,
  isAgreementCurve,
  PrivateKey,
  PublicKey,
  SIGNATURE_ALGORITHM_NAMES,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
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

const RSA_SIZE_BYTES = 256;
/** Making an RSA key takes long: two of 2048 bits serve all three algorithms. */
const rsaKeys = [0, 1].map(() => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_SIZE_BYTES * 8 });
  return new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }));
});

function generate(algorithm: SignatureAlgorithm, index: 0 | 1 = 0): PrivateKey {
  return algorithm.startsWith('PS') ? PrivateKey.fromPkcs8(rsaKeys[index]!, algorithm) : PrivateKey.generate(algorithm);
}

/** HSS-LMS has its own tests: its keys are not made in memory. */
const IN_MEMORY = SIGNATURE_ALGORITHM_NAMES.filter((name) => name !== 'HSS-LMS');

for (const algorithm of IN_MEMORY) {
  const row = SIGNATURE_ALGORITHMS[algorithm];
  const isRsa = row.keyType === 'rsa';

  test(`signs and verifies with ${algorithm}`, async () => {
    const key = generate(algorithm);
    const signature = await key.sign(MESSAGE);
    assert.equal(Object.getPrototypeOf(signature), Uint8Array.prototype);
    assert.equal(signature.length, row.signatureSizeBytes ?? RSA_SIZE_BYTES);
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
    const other = generate(algorithm, 1);
    assert.equal(
      codeOf(() => other.publicKey.verify(MESSAGE, signature)),
      'CRYPTO_SIGNATURE_INVALID',
    );
  });

  test(`refuses a ${algorithm} signature with any bit of its ends flipped`, async () => {
    const key = generate(algorithm);
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
    const key = generate(algorithm);
    const { publicKey } = key;
    assert.ok(PublicKey.fromSpki(publicKey.toSpkiPem(), algorithm).isEqual(publicKey));
    assert.ok(PublicKey.fromSpki(publicKey.toSpkiDer(), algorithm).isEqual(publicKey));
    if (!isRsa) assert.equal(publicKey.toRaw().length, row.publicKeySizeBytes);
    assert.ok(PublicKey.fromRaw(algorithm, publicKey.toRaw()).isEqual(publicKey));
    const again = PrivateKey.fromPkcs8(key.toPkcs8Der(), algorithm);
    assert.ok(again.publicKey.isEqual(publicKey));
    publicKey.verify(MESSAGE, await again.sign(MESSAGE));
    assert.equal(toHex(again.toPkcs8Der()), toHex(key.toPkcs8Der()));
  });

  test(`refuses ${algorithm} keys that are cut, or of another algorithm`, () => {
    const key = generate(algorithm);
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
      isRsa ? 'CRYPTO_KEY_UNSUPPORTED' : 'CRYPTO_KEY_MALFORMED',
    );
  });

  test(`maps every accepted COSE id of ${algorithm} back to it`, () => {
    for (const id of row.coseAlgAccepted) assert.equal(signatureAlgorithmOf(id), algorithm);
    assert.equal(row.coseAlgAccepted[0], row.coseAlg);
  });
}

test('keeps ML-DSA private keys as their seed', () => {
  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    assert.equal(PrivateKey.generate(algorithm).toPkcs8Der().length, 54);
  }
});

test('makes no HSS-LMS key in memory', () => {
  assert.equal(
    codeOf(() => PrivateKey.generate('HSS-LMS')),
    'CRYPTO_KEY_UNSUPPORTED',
  );
  assert.equal(
    codeOf(() => PrivateKey.fromRaw('HSS-LMS', new Uint8Array(32))),
    'CRYPTO_KEY_UNSUPPORTED',
  );
});

test('an RSA signature counts for one digest and one salt length only', async () => {
  const key = generate('PS256');
  const spki = key.publicKey.toSpkiDer();
  const signature = await key.sign(MESSAGE);
  assert.equal(PublicKey.fromSpki(spki).algorithm, 'PS256');
  assert.equal(PublicKey.fromSpki(spki, 'PS512').isEqual(key.publicKey), false);
  assert.equal(
    codeOf(() => PublicKey.fromSpki(spki, 'PS384').verify(MESSAGE, signature)),
    'CRYPTO_SIGNATURE_INVALID',
  );
  const privateKey = createPrivateKey({ key: Buffer.from(rsaKeys[0]!), format: 'der', type: 'pkcs8' });
  const shortSalt = sign('sha256', MESSAGE, {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 8,
  });
  const pkcs1 = sign('sha256', MESSAGE, privateKey);
  for (const foreign of [shortSalt, pkcs1]) {
    assert.equal(
      codeOf(() => key.publicKey.verify(MESSAGE, foreign)),
      'CRYPTO_SIGNATURE_INVALID',
    );
  }
});

test('refuses RSA keys that are too small, too large, or whose exponent is none', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
  const members = generate('PS256').publicKey.toRsaMembers();
  assert.ok(members !== undefined);
  const cases: readonly (() => unknown)[] = [
    () => PublicKey.fromSpki(new Uint8Array(small)),
    () => PublicKey.fromRsaMembers('PS256', { ...members, exponent: Uint8Array.of(1) }),
    () => PublicKey.fromRsaMembers('PS256', { ...members, exponent: Uint8Array.of(4) }),
    () => PublicKey.fromRsaMembers('PS256', { ...members, exponent: new Uint8Array(9).fill(255) }),
    () => PublicKey.fromRsaMembers('PS256', { ...members, modulus: new Uint8Array(1025).fill(255) }),
    () => PublicKey.fromRsaMembers('ESP256', members),
  ];
  for (const run of cases) assert.equal(codeOf(run), 'CRYPTO_KEY_UNSUPPORTED');
});

test('a key is of one algorithm: another one cannot be asked of it', () => {
  const { publicKey } = PrivateKey.generate('ESP256');
  for (const algorithm of ['ESP384', 'Ed25519', 'PS256', 'HSS-LMS'] as const) {
    assert.equal(
      codeOf(() => PublicKey.fromSpki(publicKey.toSpkiDer(), algorithm)),
      'CRYPTO_KEY_UNSUPPORTED',
    );
  }
});

test('refuses a private key where a public one is expected', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.equal(
    codeOf(() => PublicKey.fromSpki(pem)),
    'CRYPTO_KEY_MALFORMED',
  );
});

test('refuses a PEM that is no base64, and RSA numbers that are none', () => {
  const pem = '-----BEGIN PUBLIC KEY-----\nAA=A\n-----END PUBLIC KEY-----\n';
  assert.equal(
    codeOf(() => PublicKey.fromSpki(pem)),
    'CRYPTO_KEY_MALFORMED',
  );
  const nothing = { modulus: new Uint8Array(0), exponent: new Uint8Array(0) };
  assert.equal(
    codeOf(() => PublicKey.fromRsaMembers('PS256', nothing)),
    'CRYPTO_KEY_UNSUPPORTED',
  );
});

test('refuses an ML-DSA private key that comes without its seed', () => {
  const der = generateKeyPairSync('ml-dsa-65').privateKey.export({ type: 'pkcs8', format: 'der' });
  // FIPS 204 table 1: the expanded key has 4032 bytes; the runtime writes it behind the seed.
  const expanded = der.subarray(-4032);
  const octets = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.of(0x04, 0x82, bytes.length >> 8, bytes.length & 0xff, ...bytes);
  const algorithm = fromHex('020100300b0609608648016503040312');
  const body = Uint8Array.of(...algorithm, ...octets(octets(expanded)));
  const info = Uint8Array.of(0x30, 0x82, body.length >> 8, body.length & 0xff, ...body);
  assert.equal(
    codeOf(() => PrivateKey.fromPkcs8(info)),
    'CRYPTO_KEY_UNSUPPORTED',
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
  const spki = { type: 'spki', format: 'der' } as const;
  const rsa = generate('PS256').publicKey.toSpkiDer();
  const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const dsa = generateKeyPairSync('ed448');
  const secret = new Uint8Array(koblitz.privateKey.export({ type: 'pkcs8', format: 'der' }));
  const cases: readonly (() => unknown)[] = [
    () => PublicKey.fromSpki(new Uint8Array(koblitz.publicKey.export(spki))),
    () => PublicKey.fromSpki(new Uint8Array(dsa.publicKey.export(spki))),
    () => PrivateKey.fromPkcs8(secret),
    () => AgreementKey.fromPkcs8(secret),
    () => AgreementPublicKey.fromSpki(rsa),
  ];
  for (const run of cases) assert.equal(codeOf(run), 'CRYPTO_KEY_UNSUPPORTED');
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
  // SEC 1 §2.3.3: one byte 00, which Node takes for a key in an SPKI.
  const spki = fromHex('3019301306072a8648ce3d020106082a8648ce3d03010703020000');
  assert.equal(
    codeOf(() => PublicKey.fromSpki(spki)),
    'CRYPTO_KEY_MALFORMED',
  );
  assert.equal(
    codeOf(() => AgreementPublicKey.fromSpki(spki)),
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

const SECRET_SIZES = { 'ECDH-P256': 32, 'ECDH-P384': 48, 'ECDH-P521': 66, X25519: 32 } as const;

for (const curve of Object.keys(SECRET_SIZES).filter(isAgreementCurve)) {
  test(`agrees on one secret from both sides with ${curve}, after a round trip of every form`, () => {
    const a = AgreementKey.generate(curve);
    const b = AgreementKey.fromPkcs8(AgreementKey.generate(curve).toPkcs8Der());
    const forms = [
      AgreementPublicKey.fromSpki(a.publicKey.toSpkiPem()),
      AgreementPublicKey.fromSpki(a.publicKey.toSpkiDer()),
      AgreementPublicKey.fromRaw(a.publicKey.toRaw(), curve),
    ];
    for (const form of forms) assert.deepEqual(b.agree(form), a.agree(b.publicKey));
    assert.equal(a.agree(b.publicKey).length, SECRET_SIZES[curve]);
    assert.equal(
      codeOf(() => AgreementKey.fromRaw(new Uint8Array(7), curve)),
      'CRYPTO_KEY_MALFORMED',
    );
  });
}

test('refuses to agree across curves, and with an X25519 point of low order', () => {
  const key = AgreementKey.generate('X25519');
  for (const peer of [AgreementKey.generate().publicKey, AgreementPublicKey.fromRaw(new Uint8Array(32), 'X25519')]) {
    assert.equal(
      codeOf(() => key.agree(peer)),
      'CRYPTO_KEY_MALFORMED',
    );
  }
  assert.equal(
    codeOf(() => AgreementKey.fromRaw(new Uint8Array(32))),
    'CRYPTO_KEY_MALFORMED',
  );
});

test('writes ECDSA signatures as DER and back', () => {
  fc.assert(
    fc.property(fc.constantFrom(32, 48, 66), fc.infiniteStream(fc.nat(255)), (sizeBytes, stream) => {
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
