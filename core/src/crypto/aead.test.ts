import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex, utf8 } from '../bytes/index.ts';
import {
  AEAD_ALGORITHMS,
  type AeadAlgorithm,
  aesKeyUnwrap,
  aesKeyWrap,
  CRYPTO_ERRORS,
  CryptoError,
  createAeadDecryptor,
  createAeadEncryptor,
  createUnauthenticatedCipher,
  DIGEST_ALGORITHMS,
  hmac,
  isAeadAlgorithm,
  isCtrAlgorithm,
  newHash,
  sha256,
  verifyHmac,
} from './index.ts';

const ALGORITHMS: readonly AeadAlgorithm[] = [1, 2, 3, 24];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
  return 'accepted';
}

function optionsOf(algorithm: AeadAlgorithm): {
  algorithm: AeadAlgorithm;
  key: Uint8Array;
  iv: Uint8Array;
  aad: Uint8Array;
} {
  const key = new Uint8Array(AEAD_ALGORITHMS[algorithm].keySizeBytes).fill(7);
  return { algorithm, key, iv: new Uint8Array(12).fill(9), aad: utf8('bound') };
}

for (const algorithm of ALGORITHMS) {
  const { node } = AEAD_ALGORITHMS[algorithm];
  const options = optionsOf(algorithm);

  test(`${node}: decrypts what it encrypted, however both are cut into chunks`, () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
    fc.assert(
      fc.property(chunks, fc.nat(60), (plain, step) => {
        const encryptor = createAeadEncryptor(options);
        const ciphertext = concat(...plain.map((chunk) => encryptor.update(chunk)));
        const tag = encryptor.final();
        const decryptor = createAeadDecryptor(options);
        const parts: Uint8Array[] = [];
        for (let at = 0; at < ciphertext.length; at += step + 1) {
          parts.push(decryptor.update(ciphertext.subarray(at, at + step + 1)));
        }
        parts.push(decryptor.final(tag));
        assert.deepEqual(concat(...parts), concat(...plain));
      }),
    );
  });

  test(`${node}: refuses every single bit flipped in ciphertext, tag, nonce or additional data`, () => {
    const encryptor = createAeadEncryptor(options);
    const parts = { ciphertext: encryptor.update(utf8('sixteen bytes and')), iv: options.iv, aad: options.aad };
    const all = { ...parts, tag: encryptor.final() };
    for (const name of ['ciphertext', 'tag', 'iv', 'aad'] as const) {
      for (let bit = 0; bit < all[name].length * 8; bit++) {
        const flipped = { ...all, [name]: all[name].slice() };
        flipped[name][bit >> 3]! ^= 1 << (bit & 7);
        const decryptor = createAeadDecryptor({ ...options, iv: flipped.iv, aad: flipped.aad });
        decryptor.update(flipped.ciphertext);
        assert.equal(
          codeOf(() => decryptor.final(flipped.tag)),
          'CRYPTO_AUTHENTICATION_FAILED',
          `${name} bit ${bit}`,
        );
      }
    }
  });

  test(`${node}: refuses cut tags, and keys and nonces of another size`, () => {
    const decryptor = createAeadDecryptor(options);
    decryptor.update(new Uint8Array(3));
    assert.equal(
      codeOf(() => decryptor.final(new Uint8Array(4))),
      'CRYPTO_AUTHENTICATION_FAILED',
    );
    for (const create of [createAeadEncryptor, createAeadDecryptor]) {
      assert.equal(
        codeOf(() => create({ ...options, key: new Uint8Array(15) })),
        'CRYPTO_PARAMETER_INVALID',
      );
      assert.equal(
        codeOf(() => create({ ...options, iv: new Uint8Array(16) })),
        'CRYPTO_PARAMETER_INVALID',
      );
    }
  });
}

test('refuses more data than one nonce may cover', () => {
  const encryptor = createAeadEncryptor(optionsOf(3));
  // A length of 64 GiB, without the memory: the size is checked before the bytes are touched.
  const huge = { length: 2 ** 36 } as Uint8Array;
  assert.equal(
    codeOf(() => encryptor.update(huge)),
    'CRYPTO_PARAMETER_INVALID',
  );
});

test('encrypts in counter mode as SP 800-38A appendix F.5 shows, in pieces', () => {
  const iv = fromHex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
  const plain = fromHex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51');
  const vectors = [
    [-65534, '2b7e151628aed2a6abf7158809cf4f3c', '874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff'],
    [
      -65533,
      '8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b',
      '1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94',
    ],
    [
      -65532,
      '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
      '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5',
    ],
  ] as const;
  for (const [algorithm, key, expected] of vectors) {
    const cipher = createUnauthenticatedCipher({ algorithm, key: fromHex(key), iv });
    assert.equal(toHex(concat(cipher.update(plain.subarray(0, 5)), cipher.update(plain.subarray(5)))), expected);
    assert.equal(
      codeOf(() => createUnauthenticatedCipher({ algorithm, key: fromHex(key), iv: iv.subarray(4) })),
      'CRYPTO_PARAMETER_INVALID',
    );
  }
});

test('authenticates with HMAC as RFC 4231 test case 1 shows, and refuses any other tag', () => {
  // RFC 4231 §4.2: key of 20 bytes 0x0b, "Hi There".
  const key = new Uint8Array(20).fill(0x0b);
  const message = utf8('Hi There');
  const expected = 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7';
  assert.equal(toHex(hmac(5, key, message)), expected);
  assert.equal(toHex(hmac(4, key, message)), expected.slice(0, 16));
  for (const algorithm of [4, 5, 6, 7]) {
    const tag = hmac(algorithm, key, message);
    verifyHmac(algorithm, key, message, tag);
    for (let bit = 0; bit < tag.length * 8; bit += 1) {
      const flipped = tag.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(
        codeOf(() => verifyHmac(algorithm, key, message, flipped)),
        'CRYPTO_AUTHENTICATION_FAILED',
      );
    }
    assert.equal(
      codeOf(() => verifyHmac(algorithm, key, message, tag.subarray(1))),
      'CRYPTO_AUTHENTICATION_FAILED',
    );
  }
  assert.equal(
    codeOf(() => hmac(5, new Uint8Array(15), message)),
    'CRYPTO_PARAMETER_INVALID',
  );
  assert.equal(
    codeOf(() => hmac(99, key, message)),
    'CRYPTO_ALGORITHM_UNKNOWN',
  );
});

test('knows which COSE ids are AEAD algorithms', () => {
  assert.deepEqual([1, 2, 3, 24, -65534, Number.NaN].filter(isAeadAlgorithm), [1, 2, 3, 24]);
  assert.deepEqual([1, -65534, -65533, -65532, -65531].filter(isCtrAlgorithm), [-65534, -65533, -65532]);
});

test('hashes as Node does, whole and in pieces', () => {
  assert.equal(toHex(sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  for (const [id, { node, sizeBytes, outputLength }] of DIGEST_ALGORITHMS) {
    const hash = newHash(id);
    hash.update(utf8('a'));
    hash.update(utf8('bc'));
    assert.equal(hash.sizeBytes, sizeBytes);
    assert.equal(
      toHex(hash.digest()),
      createHash(node, outputLength === undefined ? {} : { outputLength })
        .update('abc')
        .digest('hex'),
    );
  }
  // FIPS 202: SHAKE128 of the empty message, its first 32 bytes.
  assert.equal(toHex(newHash(-18).digest()), '7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26');
  assert.equal(
    codeOf(() => newHash(-17)),
    'CRYPTO_ALGORITHM_UNKNOWN',
  );
});

test('wraps keys of 16 bytes and more with each key size, as RFC 3394 §4 shows', () => {
  const kek = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  const data = fromHex('00112233445566778899aabbccddeeff');
  assert.equal(toHex(aesKeyWrap(kek.subarray(0, 16), data)), '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5');
  assert.equal(toHex(aesKeyWrap(kek.subarray(0, 24), data)), '96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d');
  assert.equal(toHex(aesKeyWrap(kek, data)), '64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7');
});

test('refuses to wrap or unwrap what is no key', () => {
  const kek = new Uint8Array(16);
  for (const length of [0, 8, 17]) {
    assert.equal(
      codeOf(() => aesKeyWrap(kek, new Uint8Array(length))),
      'CRYPTO_PARAMETER_INVALID',
    );
    assert.equal(
      codeOf(() => aesKeyUnwrap(kek, new Uint8Array(length + 8))),
      'CRYPTO_KEY_UNWRAP_FAILED',
    );
  }
  assert.equal(
    codeOf(() => aesKeyWrap(new Uint8Array(15), new Uint8Array(16))),
    'CRYPTO_PARAMETER_INVALID',
  );
  assert.equal(
    codeOf(() => aesKeyUnwrap(kek, new Uint8Array(24))),
    'CRYPTO_KEY_UNWRAP_FAILED',
  );
});

test('has a test in this folder for each of its codes', () => {
  assert.deepEqual(Object.keys(CRYPTO_ERRORS).toSorted(), [
    'CRYPTO_ALGORITHM_UNKNOWN',
    'CRYPTO_AUTHENTICATION_FAILED',
    'CRYPTO_KEY_MALFORMED',
    'CRYPTO_KEY_UNSUPPORTED',
    'CRYPTO_KEY_UNWRAP_FAILED',
    'CRYPTO_PARAMETER_INVALID',
    'CRYPTO_SIGNATURE_INVALID',
  ]);
});
