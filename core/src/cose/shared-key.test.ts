import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { concat, isCodedError, utf8 } from '../bytes/index.ts';
import { CborTag, type CborValue, decodeCbor, encodeCbor, expectArray } from '../cbor/index.ts';
import { type AgreementCurve, AgreementKey, createUnauthenticatedCipher } from '../crypto/index.ts';
import {
  type AgreementAlgorithm,
  createMac,
  createMac0,
  type DirectRecipientOptions,
  decryptEncrypt0,
  decryptMessage,
  encryptEncrypt0,
  encryptMessage,
  type KeyWrapAlgorithm,
  type MacAlgorithm,
  openUnauthenticatedEncryptInfo,
  type RecipientKeys,
  type RecipientOptions,
  unauthenticatedEncryptInfo,
  verifyMac,
  verifyMac0,
} from './index.ts';

const NO_BYTES = new Uint8Array(0);
const PAYLOAD = utf8('payload');
const AAD = utf8('bound');

function outcome(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return error.code;
  }
  return 'accepted';
}

const keyOf = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).map((_, index) => index + 1);
const KEKS: Readonly<Record<KeyWrapAlgorithm, Uint8Array>> = { [-3]: keyOf(16), [-4]: keyOf(24), [-5]: keyOf(32) };

type Way = {
  readonly name: string;
  readonly options: RecipientOptions | DirectRecipientOptions;
  readonly keys: RecipientKeys;
};

const wraps: Way[] = ([-3, -4, -5] as const).map((alg) => ({
  name: `AES key wrap ${alg}`,
  options: { kind: 'aes-kw', alg, kek: KEKS[alg], kid: utf8('shared') },
  keys: { agreementKeys: [], keks: [keyOf(16).reverse(), keyOf(24).reverse(), KEKS[alg]] },
}));
const agreements: Way[] = (['ECDH-P256', 'ECDH-P384', 'ECDH-P521', 'X25519'] as const).flatMap(
  (curve: AgreementCurve) =>
    ([-29, -30, -31] as const).map((keyWrap: AgreementAlgorithm): Way => {
      const key = AgreementKey.generate(curve);
      const others = [AgreementKey.generate(), AgreementKey.generate('X25519')];
      return {
        name: `${curve} with key wrap ${keyWrap}`,
        options: { kind: 'ecdh-es', publicKey: key.publicKey, keyWrap, kid: keyWrap !== -30 },
        keys: { agreementKeys: [...others, key], keks: [] },
      };
    }),
);
const derivations: Way[] = ([-25, -26] as const).map((alg) => {
  const key = AgreementKey.generate();
  return {
    name: `ECDH without key wrap ${alg}`,
    options: { kind: 'ecdh-direct', publicKey: key.publicKey, alg },
    keys: { agreementKeys: [AgreementKey.generate(), key], keks: [] },
  };
});
const direct = (sizeBytes: number): Way => ({
  name: 'a key that is shared',
  options: { kind: 'direct', key: keyOf(sizeBytes), kid: utf8('shared') },
  keys: { agreementKeys: [], keks: [keyOf(7), new Uint8Array(sizeBytes).fill(9), keyOf(sizeBytes)] },
});

function recipientsOf({ options }: Way): readonly [DirectRecipientOptions] | readonly RecipientOptions[] {
  return options.kind === 'direct' || options.kind === 'ecdh-direct' ? [options] : [options];
}

const NOBODY: RecipientKeys = { agreementKeys: [AgreementKey.generate()], keks: [keyOf(16).reverse()] };

for (const way of [...wraps, ...agreements, ...derivations, direct(32)]) {
  test(`encrypts and decrypts by ${way.name}, for the holder of the key only`, () => {
    const message = encryptMessage({
      algorithm: 3,
      plaintext: PAYLOAD,
      externalAad: AAD,
      recipients: recipientsOf(way),
    });
    assert.deepEqual(decryptMessage(message, { ...way.keys, externalAad: AAD }), PAYLOAD);
    assert.equal(
      outcome(() => decryptMessage(message, way.keys)),
      'CRYPTO_AUTHENTICATION_FAILED',
    );
    assert.match(
      outcome(() => decryptMessage(message, { ...NOBODY, externalAad: AAD })),
      /COSE_RECIPIENT_UNKNOWN|CRYPTO_AUTHENTICATION_FAILED/,
    );
  });

  test(`makes and verifies a MAC by ${way.name}, for the holder of the key only`, () => {
    const message = createMac({ algorithm: 5, payload: PAYLOAD, recipients: recipientsOf(way), contentType: 60 });
    const verified = verifyMac(message, way.keys);
    assert.deepEqual([verified.payload, verified.contentType, verified.algorithm], [PAYLOAD, 60, 5]);
    assert.match(
      outcome(() => verifyMac(message, NOBODY)),
      /COSE_RECIPIENT_UNKNOWN|CRYPTO_AUTHENTICATION_FAILED/,
    );
  });
}

for (const [algorithm, sizeBytes] of [
  [1, 16],
  [2, 24],
  [3, 32],
  [24, 32],
] as const) {
  test(`Encrypt0 by algorithm ${algorithm}: what was encrypted comes back, and nothing that was changed`, () => {
    const key = keyOf(sizeBytes);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 20 }), (plaintext, externalAad) => {
        const message = encryptEncrypt0({ algorithm, plaintext, externalAad, key });
        assert.deepEqual(decryptEncrypt0(message, { key, externalAad }), plaintext);
      }),
    );
    const message = encryptEncrypt0({ algorithm, plaintext: PAYLOAD, key, kid: utf8('k'), contentType: 'text/plain' });
    assert.deepEqual(decryptEncrypt0(message, { key }), PAYLOAD);
    assert.equal(
      outcome(() => decryptEncrypt0(message, { key: keyOf(5) })),
      'CRYPTO_PARAMETER_INVALID',
    );
    // Only the key id, which is a mere name, may be changed without being noticed.
    const kidAt = Buffer.from(message).indexOf('k', 10);
    for (let bit = 0; bit < message.length * 8; bit += 1) {
      const flipped = message.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const code = outcome(() => decryptEncrypt0(flipped, { key }));
      if (code === 'accepted') assert.ok(Math.abs((bit >> 3) - kidAt) <= 2, `bit ${bit}`);
    }
    for (let length = 0; length < message.length; length += 1) {
      assert.notEqual(
        outcome(() => decryptEncrypt0(message.subarray(0, length), { key })),
        'accepted',
      );
    }
  });
}

for (const algorithm of [4, 5, 6, 7] as const satisfies readonly MacAlgorithm[]) {
  test(`Mac0 by algorithm ${algorithm}: attached, detached, and refused once changed`, () => {
    const key = keyOf(32);
    const message = createMac0({ algorithm, payload: PAYLOAD, key, externalAad: AAD });
    assert.deepEqual(verifyMac0(message, { key, externalAad: AAD }).payload, PAYLOAD);
    const detached = createMac0({ algorithm, payload: PAYLOAD, key, detached: true, kid: utf8('k') });
    assert.deepEqual(verifyMac0(detached, { key, payload: PAYLOAD }).payload, PAYLOAD);
    const refused: readonly (readonly [string, () => unknown])[] = [
      ['CRYPTO_AUTHENTICATION_FAILED', () => verifyMac0(message, { key })],
      ['CRYPTO_AUTHENTICATION_FAILED', () => verifyMac0(message, { key: keyOf(16), externalAad: AAD })],
      ['COSE_PAYLOAD_MISSING', () => verifyMac0(detached, { key })],
      ['COSE_PAYLOAD_UNEXPECTED', () => verifyMac0(message, { key, payload: PAYLOAD })],
      ['CRYPTO_AUTHENTICATION_FAILED', () => verifyMac0(detached, { key, payload: utf8('other') })],
    ];
    for (const [code, run] of refused) assert.equal(outcome(run), code);
    for (let bit = 0; bit < message.length * 8; bit += 1) {
      const flipped = message.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(
        outcome(() => verifyMac0(flipped, { key, externalAad: AAD })),
        'accepted',
        `bit ${bit}`,
      );
    }
  });
}

/** A message with one element replaced. */
function changed(message: Uint8Array, index: number, value: CborValue): Uint8Array {
  const { tag, value: items } = decodeCbor(message) as CborTag;
  return encodeCbor(new CborTag(tag, expectArray(items, 'test').with(index, value)));
}

const encrypt0 = encryptEncrypt0({ algorithm: 1, plaintext: PAYLOAD, key: keyOf(16) });
const [, wrap192] = wraps;
const wrapped = encryptMessage({ algorithm: 1, plaintext: PAYLOAD, recipients: recipientsOf(wrap192!) });
const headerOf = (alg: CborValue): Uint8Array => encodeCbor(new Map([[1, alg]]));
const sharedRecipient: CborValue = [NO_BYTES, new Map([[1, -6]]), NO_BYTES];

const REFUSED: readonly (readonly [string, string, () => unknown])[] = [
  [
    'an algorithm that is no AEAD',
    'COSE_ALGORITHM_UNSUPPORTED',
    () => decryptEncrypt0(changed(encrypt0, 0, headerOf(-65534)), { key: keyOf(16) }),
  ],
  [
    'a nonce of another size',
    'COSE_HEADER_INVALID',
    () => decryptEncrypt0(changed(encrypt0, 1, new Map([[5, keyOf(8)]])), { key: keyOf(16) }),
  ],
  ['no ciphertext', 'COSE_PAYLOAD_MISSING', () => decryptEncrypt0(changed(encrypt0, 2, null), { key: keyOf(16) })],
  [
    'a ciphertext shorter than its tag',
    'CRYPTO_AUTHENTICATION_FAILED',
    () => decryptEncrypt0(changed(encrypt0, 2, keyOf(15)), { key: keyOf(16) }),
  ],
  ['no recipient', 'COSE_HEADER_INVALID', () => decryptMessage(changed(wrapped, 3, []), NOBODY)],
  [
    'two recipients of a shared key',
    'COSE_HEADER_INVALID',
    () => decryptMessage(changed(wrapped, 3, [sharedRecipient, sharedRecipient]), NOBODY),
  ],
  [
    'a direct recipient that carries a key',
    'COSE_HEADER_INVALID',
    () => decryptMessage(changed(wrapped, 3, [[NO_BYTES, new Map([[1, -6]]), keyOf(24)]]), NOBODY),
  ],
  [
    'a key derived without salt or nonce',
    'COSE_RECIPIENT_UNKNOWN',
    () => decryptMessage(changed(wrapped, 3, [[headerOf(-10), new Map(), NO_BYTES]]), NOBODY),
  ],
  [
    'an encryption for nobody',
    'CRYPTO_PARAMETER_INVALID',
    () => encryptMessage({ algorithm: 1, plaintext: PAYLOAD, recipients: [] }),
  ],
  ['a MAC for nobody', 'CRYPTO_PARAMETER_INVALID', () => createMac({ algorithm: 5, payload: PAYLOAD, recipients: [] })],
  [
    'a MAC without its tag',
    'CBOR_TYPE_UNEXPECTED',
    () =>
      verifyMac0(changed(createMac0({ algorithm: 5, payload: PAYLOAD, key: keyOf(32) }), 3, null), { key: keyOf(32) }),
  ],
  [
    'a signature algorithm in a MAC',
    'COSE_ALGORITHM_UNSUPPORTED',
    () =>
      verifyMac0(changed(createMac0({ algorithm: 5, payload: PAYLOAD, key: keyOf(32) }), 0, headerOf(-7)), {
        key: keyOf(32),
      }),
  ],
  [
    'a kek of another size',
    'CRYPTO_PARAMETER_INVALID',
    () =>
      encryptMessage({ algorithm: 1, plaintext: PAYLOAD, recipients: [{ kind: 'aes-kw', alg: -3, kek: keyOf(32) }] }),
  ],
];

for (const [what, code, run] of REFUSED) {
  test(`refuses ${what} with ${code}`, () => {
    assert.equal(outcome(run), code);
  });
}

test('derives a content key from a shared secret when a salt makes it fresh', () => {
  // RFC 9053 §6.1.2: the same message twice, read by the holder of the secret only.
  const header = encodeCbor(new Map([[1, -11]]));
  const recipient: CborValue = [header, new Map([[-20, utf8('salt')]]), NO_BYTES];
  const message = changed(wrapped, 3, [recipient]);
  assert.equal(
    outcome(() => decryptMessage(message, { agreementKeys: [], keks: [keyOf(40)] })),
    'CRYPTO_AUTHENTICATION_FAILED',
  );
});

test('takes an untagged message only when asked to, and never one with another tag', () => {
  const untagged = encodeCbor((decodeCbor(encrypt0) as CborTag).value);
  assert.equal(
    outcome(() => decryptEncrypt0(untagged, { key: keyOf(16) })),
    'COSE_TAG_UNEXPECTED',
  );
  assert.deepEqual(decryptEncrypt0(untagged, { key: keyOf(16), isUntagged: true }), PAYLOAD);
  const other = concat(Uint8Array.of(0xd1), untagged);
  assert.equal(
    outcome(() => decryptEncrypt0(other, { key: keyOf(16), isUntagged: true })),
    'COSE_TAG_UNEXPECTED',
  );
});

for (const [algorithm, sizeBytes] of [
  [-65534, 16],
  [-65533, 24],
  [-65532, 32],
] as const) {
  test(`carries the key of content in counter mode ${algorithm}, under its own name`, () => {
    const contentKey = keyOf(sizeBytes);
    const iv = keyOf(16);
    const recipients: readonly RecipientOptions[] = [{ kind: 'aes-kw', alg: -5, kek: KEKS[-5] }];
    const info = unauthenticatedEncryptInfo({ algorithm, contentKey, iv, recipients });
    const secrets = openUnauthenticatedEncryptInfo(info, { agreementKeys: [], keks: [KEKS[-5]] });
    assert.deepEqual(secrets, { algorithm, contentKey, iv });
    const cipher = createUnauthenticatedCipher({ algorithm, key: contentKey, iv });
    const again = createUnauthenticatedCipher({ algorithm, key: secrets.contentKey, iv: secrets.iv });
    assert.deepEqual(again.update(cipher.update(PAYLOAD)), PAYLOAD);
    assert.equal(
      outcome(() => unauthenticatedEncryptInfo({ algorithm, contentKey: keyOf(5), iv, recipients })),
      'CRYPTO_PARAMETER_INVALID',
    );
    assert.equal(
      outcome(() => openUnauthenticatedEncryptInfo(wrapped, NOBODY)),
      'COSE_PAYLOAD_UNEXPECTED',
    );
    assert.equal(
      outcome(() => openUnauthenticatedEncryptInfo(changed(wrapped, 2, null), NOBODY)),
      'COSE_ALGORITHM_UNSUPPORTED',
    );
  });
}
