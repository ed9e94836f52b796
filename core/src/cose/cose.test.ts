import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fromHex, isCodedError, toHex, utf8 } from '../bytes/index.ts';
import { CborTag, type CborValue, decodeCbor, encodeCbor, expectArray } from '../cbor/index.ts';
import {
  AgreementKey,
  type AgreementPublicKey,
  LmsPrivateKey,
  PrivateKey,
  PublicKey,
  SIGNATURE_ALGORITHM_NAMES,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  type Signer,
} from '../crypto/index.ts';
import {
  COSE_ERRORS,
  contentAad,
  coseKeyThumbprint,
  decodeCoseKey,
  encodeCoseKey,
  encryptInfo,
  keyIdOf,
  openEncryptInfo,
  parseSign,
  parseSign1,
  signSign,
  signSign1,
  verifySign,
  verifySign1,
} from './index.ts';

const PAYLOAD = utf8('payload');
const NO_BYTES = new Uint8Array(0);
const key = PrivateKey.generate('ESP256');
const keys = [key.publicKey];
const seen = new Set<string>();

function outcome(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    seen.add(error.code);
    return error.code;
  }
  return 'accepted';
}

function refuses(code: string, run: () => unknown): void {
  assert.equal(outcome(run), code);
}

type Header = [CborValue, CborValue][];

/** A well signed Sign1 with any headers. */
async function customSign1(protectedHeader: Header, unprotected: Header = [], tag = 18): Promise<Uint8Array> {
  const bytes = protectedHeader.length === 0 ? NO_BYTES : encodeCbor(new Map(protectedHeader));
  const signature = await key.sign(encodeCbor(['Signature1', bytes, NO_BYTES, PAYLOAD]));
  return encodeCbor(new CborTag(tag, [bytes, new Map(unprotected), PAYLOAD, signature]));
}

const rsaPkcs8 = PrivateKey.generate('PS256').toPkcs8Der();
const lms = LmsPrivateKey.generate({ height: 5, width: 8 });
let leaf = 0;

/** A signer of any algorithm; RSA keys and LMS trees are made once. */
function signerOf(algorithm: SignatureAlgorithm): Signer {
  if (algorithm.startsWith('PS')) return PrivateKey.fromPkcs8(rsaPkcs8, algorithm);
  if (algorithm !== 'HSS-LMS') return PrivateKey.generate(algorithm);
  const publicKey = PublicKey.fromRaw('HSS-LMS', lms.publicKey.raw);
  return { publicKey, sign: (message) => Promise.resolve(lms.signAtIndex(leaf++, message)) };
}

for (const algorithm of SIGNATURE_ALGORITHM_NAMES) {
  test(`signs and verifies Sign1 with ${algorithm}, attached and detached`, async () => {
    const signer = signerOf(algorithm);
    const accepted = [key.publicKey, signer.publicKey];
    const attached = await signSign1({ payload: PAYLOAD, contentType: 'text/plain', externalAad: utf8('x') }, signer);
    const verified = verifySign1(attached, { keys: accepted, externalAad: utf8('x') });
    assert.equal(verified.algorithm, algorithm);
    assert.ok(verified.key.isEqual(signer.publicKey));
    assert.deepEqual(verified.payload, PAYLOAD);
    assert.equal(verified.contentType, 'text/plain');
    refuses('COSE_SIGNATURE_INVALID', () => verifySign1(attached, { keys: accepted }));

    const detached = await signSign1({ payload: PAYLOAD, detached: true, kid: false, contentType: 60 }, signer);
    assert.equal(parseSign1(detached).payload, null);
    assert.equal(parseSign1(detached).kid, undefined);
    assert.equal(verifySign1(detached, { keys: accepted, payload: PAYLOAD }).contentType, 60);
    refuses('COSE_PAYLOAD_MISSING', () => verifySign1(detached, { keys: accepted }));
    refuses('COSE_PAYLOAD_UNEXPECTED', () => verifySign1(attached, { keys: accepted, payload: PAYLOAD }));
    refuses('COSE_SIGNATURE_INVALID', () => verifySign1(detached, { keys: accepted, payload: utf8('other') }));
  });

  test(`writes and reads ${algorithm} COSE keys, with their algorithm`, () => {
    const { publicKey } = signerOf(algorithm);
    const bytes = encodeCoseKey(publicKey);
    const again = decodeCoseKey(bytes);
    assert.ok(again instanceof PublicKey && again.isEqual(publicKey));
    const map = decodeCbor(bytes) as Map<CborValue, CborValue>;
    assert.equal(map.get(3), SIGNATURE_ALGORITHMS[algorithm].coseAlg);
    assert.equal(keyIdOf(again), toHex(coseKeyThumbprint(publicKey)));
  });
}

test('names the signer by its thumbprint, in the protected header', async () => {
  const message = parseSign1(await signSign1({ payload: PAYLOAD }, key));
  assert.deepEqual(message.kid, coseKeyThumbprint(key.publicKey));
  assert.equal(message.headers.unprotected.size, 0);
});

test('accepts the older algorithm ids for the same key', async () => {
  assert.equal(verifySign1(await customSign1([[1, -7]]), { keys }).algorithm, 'ESP256');
});

test('takes a foreign key id for a mere name', async () => {
  assert.ok(verifySign1(await customSign1([[1, -9]], [[4, utf8('11')]]), { keys }).key.isEqual(key.publicKey));
});

test('refuses a good signature by a key that is not accepted', async () => {
  const message = await signSign1({ payload: PAYLOAD }, key);
  const others = [PrivateKey.generate('ESP256').publicKey, PrivateKey.generate('Ed25519').publicKey];
  refuses('COSE_KEY_UNKNOWN', () => verifySign1(message, { keys: others }));
  refuses('COSE_KEY_UNKNOWN', () => verifySign1(message, { keys: [] }));
});

test('lets the key decide the algorithm, not the message', async () => {
  const p384 = await customSign1([
    [1, -51],
    [4, coseKeyThumbprint(key.publicKey)],
  ]);
  refuses('COSE_KEY_UNKNOWN', () => verifySign1(p384, { keys }));
});

const HEADERS_REFUSED: readonly (readonly [string, string, Header, Header])[] = [
  ['an algorithm in the unprotected header only', 'COSE_ALGORITHM_UNPROTECTED', [], [[1, -9]]],
  ['no algorithm', 'COSE_ALGORITHM_UNPROTECTED', [[3, 0]], []],
  ['an algorithm nobody knows', 'COSE_ALGORITHM_UNSUPPORTED', [[1, -999]], []],
  ['an algorithm named by text', 'COSE_ALGORITHM_UNSUPPORTED', [[1, 'ES256']], []],
  ['a MAC algorithm', 'COSE_ALGORITHM_UNSUPPORTED', [[1, 5]], []],
  ['a label in both headers', 'COSE_LABEL_DUPLICATE', [[1, -9]], [[1, -9]]],
  [
    'an unknown label in both headers',
    'COSE_LABEL_DUPLICATE',
    [
      [1, -9],
      ['x', 1],
    ],
    [['x', 2]],
  ],
  [
    'an unknown critical label',
    'COSE_CRITICAL_UNKNOWN',
    [
      [1, -9],
      [2, [99]],
      [99, 1],
    ],
    [],
  ],
  [
    'a critical label of another type',
    'COSE_CRITICAL_UNKNOWN',
    [
      [1, -9],
      [2, [[1]]],
    ],
    [],
  ],
  [
    'an empty list of critical labels',
    'COSE_HEADER_INVALID',
    [
      [1, -9],
      [2, []],
    ],
    [],
  ],
  [
    'a critical label that is absent',
    'COSE_HEADER_INVALID',
    [
      [1, -9],
      [2, [4]],
    ],
    [],
  ],
  ['critical labels in the unprotected header', 'COSE_HEADER_INVALID', [[1, -9]], [[2, [1]]]],
  ['a label that is neither integer nor text', 'COSE_HEADER_INVALID', [[1, -9]], [[null, 1]]],
  [
    'a protected label that is neither',
    'COSE_HEADER_INVALID',
    [
      [1, -9],
      [true, 1],
    ],
    [],
  ],
  [
    'a critical list that is no list',
    'CBOR_TYPE_UNEXPECTED',
    [
      [1, -9],
      [2, 1],
    ],
    [],
  ],
  [
    'a key id that is text',
    'CBOR_TYPE_UNEXPECTED',
    [
      [1, -9],
      [4, '11'],
    ],
    [],
  ],
  [
    'a content type that is bytes',
    'CBOR_TYPE_UNEXPECTED',
    [
      [1, -9],
      [3, NO_BYTES],
    ],
    [],
  ],
];

for (const [what, code, protectedHeader, unprotected] of HEADERS_REFUSED) {
  test(`refuses ${what} with ${code}`, async () => {
    const message = await customSign1(protectedHeader, unprotected);
    refuses(code, () => verifySign1(message, { keys }));
  });
}

test('accepts critical labels that it understands', async () => {
  const message = await customSign1([
    [1, -9],
    [2, [1, 3]],
    [3, 0],
  ]);
  assert.equal(verifySign1(message, { keys }).contentType, 0);
});

test('refuses another tag, no tag, and another shape', async () => {
  const message = await customSign1([[1, -9]], [], 98);
  refuses('COSE_TAG_UNEXPECTED', () => verifySign1(message, { keys }));
  refuses('COSE_TAG_UNEXPECTED', () => verifySign1(message.subarray(2), { keys }));
  refuses('CBOR_TYPE_UNEXPECTED', () => verifySign(message, { keys }));
  refuses('CBOR_TYPE_UNEXPECTED', () => verifySign1(encodeCbor(new CborTag(18, [1, 2, 3])), { keys }));
  refuses('COSE_TAG_UNEXPECTED', () => parseSign(encodeCbor(new CborTag(18, []))));
});

function* flips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    yield flipped;
  }
}

test('refuses every truncation and every single bit flip of a Sign1', async () => {
  for (const detached of [false, true]) {
    const message = await signSign1({ payload: PAYLOAD, detached }, key);
    const options = detached ? { keys, payload: PAYLOAD } : { keys };
    for (let length = 0; length < message.length; length++) {
      assert.notEqual(
        outcome(() => verifySign1(message.subarray(0, length), options)),
        'accepted',
        `length ${length}`,
      );
    }
    for (const flipped of flips(message)) {
      assert.notEqual(
        outcome(() => verifySign1(flipped, options)),
        'accepted',
        toHex(flipped),
      );
    }
  }
});

test('never takes arbitrary bytes for a message, and answers with a coded error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const read of [parseSign1, parseSign, decodeCoseKey])
        assert.notEqual(
          outcome(() => read(bytes)),
          'accepted',
        );
      assert.notEqual(
        outcome(() => openEncryptInfo(bytes, { agreementKeys: [], keks: [] })),
        'accepted',
      );
    }),
  );
});

test('signs with two algorithms and lists who signed', async () => {
  const pq = PrivateKey.generate('ML-DSA-65');
  const message = await signSign({ payload: PAYLOAD, contentType: 42 }, [key, pq]);
  const both = verifySign(message, { keys: [pq.publicKey, key.publicKey] });
  assert.deepEqual(
    both.signers.map(({ algorithm }) => algorithm),
    ['ESP256', 'ML-DSA-65'],
  );
  assert.equal(both.contentType, 42);
  assert.deepEqual(both.payload, PAYLOAD);
  assert.deepEqual(
    verifySign(message, { keys }).signers.map(({ algorithm }) => algorithm),
    ['ESP256'],
  );
  refuses('COSE_KEY_UNKNOWN', () => verifySign(message, { keys: [PrivateKey.generate('ESP256').publicKey] }));
});

test('signs with detached payload and external data', async () => {
  const message = await signSign({ payload: PAYLOAD, detached: true, externalAad: utf8('x'), kid: false }, [key]);
  assert.equal(parseSign(message).payload, null);
  const options = { keys, payload: PAYLOAD, externalAad: utf8('x') };
  assert.equal(verifySign(message, options).signers.length, 1);
  refuses('COSE_PAYLOAD_MISSING', () => verifySign(message, { keys }));
});

test('counts a key that signed twice once', async () => {
  const message = await signSign({ payload: PAYLOAD }, [key, key]);
  assert.equal(verifySign(message, { keys }).signers.length, 1);
});

test('condemns a message in which an accepted key is named but did not sign', async () => {
  const other = PrivateKey.generate('Ed25519');
  const message = await signSign({ payload: PAYLOAD }, [other, key]);
  const tagged = decodeCbor(message) as CborTag;
  const items = expectArray(tagged.value, 'test', 4);
  const signatures = expectArray(items[3], 'test', 2);
  const forged = expectArray(signatures[1], 'test', 3).with(2, new Uint8Array(64).fill(1));
  const bytes = encodeCbor(new CborTag(98, items.with(3, [signatures[0], forged])));
  refuses('COSE_SIGNATURE_INVALID', () => verifySign(bytes, { keys: [other.publicKey, key.publicKey] }));
});

test('passes over nameless signatures by others, and refuses when none is ours', async () => {
  const other = PrivateKey.generate('ESP256');
  const message = await signSign({ payload: PAYLOAD, kid: false }, [other, key]);
  assert.equal(verifySign(message, { keys }).signers.length, 1);
  const third = [PrivateKey.generate('ESP256').publicKey];
  refuses('COSE_SIGNATURE_INVALID', () => verifySign(message, { keys: third }));
});

test('refuses a Sign without signatures or with too many', () => {
  const sign = (signatures: CborValue[]): Uint8Array =>
    encodeCbor(new CborTag(98, [NO_BYTES, new Map(), PAYLOAD, signatures]));
  refuses('COSE_HEADER_INVALID', () => parseSign(sign([])));
  refuses('COSE_HEADER_INVALID', () => parseSign(sign(Array.from({ length: 17 }, () => []))));
});

test('refuses every single bit flip of a Sign with one signature', async () => {
  const message = await signSign({ payload: PAYLOAD }, [key]);
  for (const flipped of flips(message)) {
    assert.notEqual(
      outcome(() => verifySign(flipped, { keys })),
      'accepted',
      toHex(flipped),
    );
  }
});

test('tells key agreement keys from signature keys', () => {
  const { publicKey } = AgreementKey.generate();
  const again = decodeCoseKey(encodeCoseKey(publicKey));
  assert.equal(again.algorithm, 'ECDH-P256');
  assert.deepEqual(again.toRaw(), publicKey.toRaw());
  assert.equal(keyIdOf(again), keyIdOf(publicKey));
});

const [X, Y] = [key.publicKey.toRaw().slice(1, 33), key.publicKey.toRaw().slice(33)];
const KEYS_REFUSED: readonly (readonly [string, string, Header])[] = [
  [
    'with its private member',
    'COSE_KEY_MALFORMED',
    [
      [1, 2],
      [-1, 1],
      [-2, X],
      [-3, Y],
      [-4, X],
    ],
  ],
  [
    'with a short coordinate',
    'COSE_KEY_MALFORMED',
    [
      [1, 2],
      [-1, 1],
      [-2, X.slice(1)],
      [-3, Y],
    ],
  ],
  [
    'with a long second coordinate',
    'COSE_KEY_MALFORMED',
    [
      [1, 2],
      [-1, 1],
      [-2, X],
      [-3, new Uint8Array(33)],
    ],
  ],
  [
    'off the curve',
    'CRYPTO_KEY_MALFORMED',
    [
      [1, 2],
      [-1, 1],
      [-2, X],
      [-3, X],
    ],
  ],
  [
    'on another curve',
    'COSE_KEY_UNSUPPORTED',
    [
      [1, 2],
      [-1, 8],
      [-2, X],
      [-3, Y],
    ],
  ],
  [
    'for the algorithm of another curve',
    'COSE_KEY_UNSUPPORTED',
    [
      [1, 2],
      [3, -51],
      [-1, 1],
      [-2, X],
      [-3, Y],
    ],
  ],
  [
    'for key agreement on P-384 off the curve',
    'CRYPTO_KEY_MALFORMED',
    [
      [1, 2],
      [3, -31],
      [-1, 2],
      [-2, new Uint8Array(48)],
      [-3, new Uint8Array(48)],
    ],
  ],
  [
    'that is symmetric',
    'COSE_KEY_UNSUPPORTED',
    [
      [1, 4],
      [-1, X],
    ],
  ],
  [
    'of X25519 for signatures',
    'COSE_KEY_UNSUPPORTED',
    [
      [1, 1],
      [3, -19],
      [-1, 4],
      [-2, X],
    ],
  ],
  [
    'of Ed25519 with its private member',
    'COSE_KEY_MALFORMED',
    [
      [1, 1],
      [-1, 6],
      [-2, X],
      [-4, X],
    ],
  ],
  [
    'of Ed25519 for another algorithm',
    'COSE_KEY_UNSUPPORTED',
    [
      [1, 1],
      [3, -9],
      [-1, 6],
      [-2, X],
    ],
  ],
  [
    'of ML-DSA without algorithm',
    'COSE_KEY_UNSUPPORTED',
    [
      [1, 7],
      [-1, X],
    ],
  ],
  [
    'of ML-DSA-44 that is cut',
    'CRYPTO_KEY_MALFORMED',
    [
      [1, 7],
      [3, -48],
      [-1, X],
    ],
  ],
  [
    'of ML-DSA-65 that is cut',
    'CRYPTO_KEY_MALFORMED',
    [
      [1, 7],
      [3, -49],
      [-1, X],
    ],
  ],
  [
    'of ML-DSA-65 with its seed',
    'COSE_KEY_MALFORMED',
    [
      [1, 7],
      [3, -49],
      [-1, X],
      [-2, X],
    ],
  ],
  [
    'without type',
    'CBOR_TYPE_UNEXPECTED',
    [
      [-1, 1],
      [-2, X],
      [-3, Y],
    ],
  ],
];

for (const [what, code, members] of KEYS_REFUSED) {
  test(`refuses a COSE key ${what} with ${code}`, () => {
    refuses(code, () => decodeCoseKey(encodeCbor(new Map(members))));
  });
}

test('reads a compressed COSE key and one without algorithm as the same key', () => {
  const forms: Header[] = [
    [
      [1, 2],
      [-1, 1],
      [-2, X],
      [-3, (Y[31]! & 1) === 1],
    ],
    [
      [1, 2],
      [-1, 1],
      [-2, X],
      [-3, Y],
    ],
    [
      [1, 2],
      [2, utf8('name')],
      [3, -7],
      [-1, 1],
      [-2, X],
      [-3, Y],
    ],
  ];
  for (const members of forms) {
    assert.equal(keyIdOf(decodeCoseKey(encodeCbor(new Map(members)))), keyIdOf(key.publicKey));
  }
});

test('computes the thumbprint of RFC 9679 §6', () => {
  const bytes = fromHex(
    'a4010220012158206' +
      '5eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d2258201e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c',
  );
  assert.equal(keyIdOf(decodeCoseKey(bytes)), '496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec');
});

const contentKey = new Uint8Array(32).fill(5);
const iv = new Uint8Array(12).fill(6);
const line = AgreementKey.generate();
const kek = new Uint8Array(32).fill(8);

function infoFor(publicKey: AgreementPublicKey, kid = true): Uint8Array {
  return encryptInfo({ algorithm: 3, contentKey, iv, recipients: [{ kind: 'ecdh-es', publicKey, keyWrap: -31, kid }] });
}

test('opens the content key for each kind of recipient', () => {
  const none = { agreementKeys: [], keks: [] };
  for (const keyWrap of [-29, -31] as const) {
    const recipients = [{ kind: 'ecdh-es', publicKey: line.publicKey, keyWrap }] as const;
    const secrets = openEncryptInfo(encryptInfo({ algorithm: 3, contentKey, iv, recipients }), {
      ...none,
      agreementKeys: [AgreementKey.generate(), line],
    });
    assert.deepEqual(secrets, { algorithm: 3, contentKey, iv, aad: contentAad(3) });
  }
  for (const [alg, size] of [
    [-3, 16],
    [-5, 32],
  ] as const) {
    const recipients = [{ kind: 'aes-kw', kek: kek.subarray(0, size), alg, kid: utf8('k') }] as const;
    const info = encryptInfo({ algorithm: 1, contentKey: contentKey.subarray(0, 16), iv, recipients });
    const secrets = openEncryptInfo(info, { ...none, keks: [new Uint8Array(size), kek.subarray(0, size)] });
    assert.deepEqual(secrets.contentKey, contentKey.subarray(0, 16));
  }
});

test('finds its own among several recipients, with and without key ids', () => {
  for (const kid of [true, false]) {
    const recipients = [AgreementKey.generate().publicKey, line.publicKey, AgreementKey.generate().publicKey].map(
      (publicKey) => ({ kind: 'ecdh-es', publicKey, keyWrap: -31, kid }) as const,
    );
    const info = encryptInfo({ algorithm: 3, contentKey, iv, recipients });
    assert.deepEqual(openEncryptInfo(info, { agreementKeys: [line], keks: [kek] }).contentKey, contentKey);
  }
});

test('refuses to open for other keys, or in another context', () => {
  const info = infoFor(line.publicKey);
  refuses('COSE_RECIPIENT_UNKNOWN', () =>
    openEncryptInfo(info, { agreementKeys: [AgreementKey.generate()], keks: [kek] }),
  );
  refuses('COSE_RECIPIENT_UNKNOWN', () => openEncryptInfo(info, { agreementKeys: [line], keks: [], context: null }));
});

test('refuses every bit flip of encryption info, or gives a content key or nonce that opens nothing', () => {
  const info = infoFor(line.publicKey);
  for (const flipped of flips(info)) {
    let secrets: ReturnType<typeof openEncryptInfo> | undefined;
    outcome(() => {
      secrets = openEncryptInfo(flipped, { agreementKeys: [line], keks: [] });
    });
    if (secrets === undefined) continue;
    // The nonce and the key id are hints outside any cover: the first makes the AEAD fail, the second (label,
    // length and thumbprint) changes nothing.
    assert.deepEqual(secrets.contentKey, contentKey);
    const isSame = toHex(secrets.iv) === toHex(iv) && toHex(secrets.aad) === toHex(contentAad(3));
    const changedAt = info.findIndex((byte, index) => byte !== flipped[index]);
    const kidAt = Buffer.from(info).indexOf(coseKeyThumbprint(line.publicKey)) - 3;
    assert.ok(!isSame || (changedAt >= kidAt && changedAt < kidAt + 35), `byte ${changedAt}`);
  }
});

/** Encryption info with one part replaced. */
function changed(index: number, item: CborValue): Uint8Array {
  const items = expectArray((decodeCbor(infoFor(line.publicKey)) as CborTag).value, 'test', 4);
  return encodeCbor(new CborTag(96, items.with(index, item)));
}

const INFO_REFUSED: readonly (readonly [string, string, Uint8Array])[] = [
  ['with its ciphertext inside', 'COSE_PAYLOAD_UNEXPECTED', changed(2, new Uint8Array(20))],
  ['with a nonce of 16 bytes', 'COSE_HEADER_INVALID', changed(1, new Map([[5, new Uint8Array(16)]]))],
  ['without a nonce', 'CBOR_TYPE_UNEXPECTED', changed(1, new Map())],
  ['without recipients', 'COSE_HEADER_INVALID', changed(3, [])],
  [
    'with more than a thousand recipients',
    'COSE_HEADER_INVALID',
    changed(
      3,
      Array.from({ length: 1025 }, () => []),
    ),
  ],
  ['for AES-CTR', 'COSE_ALGORITHM_UNSUPPORTED', changed(0, encodeCbor(new Map([[1, -65534]])))],
  ['with its algorithm unprotected', 'COSE_ALGORITHM_UNPROTECTED', changed(0, NO_BYTES)],
  ['with recipients of recipients', 'CBOR_TYPE_UNEXPECTED', changed(3, [[NO_BYTES, new Map(), NO_BYTES, []]])],
  [
    'with an ephemeral key that does not fit its curve',
    'COSE_KEY_MALFORMED',
    changed(3, [
      [
        encodeCbor(new Map([[1, -31]])),
        new Map([
          [
            -1,
            new Map<CborValue, CborValue>([
              [1, 2],
              [-1, 2],
              [-2, X],
              [-3, Y],
            ]),
          ],
        ]),
        new Uint8Array(40),
      ],
    ]),
  ],
  [
    'with a recipient that only derives the key',
    'COSE_RECIPIENT_UNKNOWN',
    changed(3, [[encodeCbor(new Map([[1, -25]])), new Map(), new Uint8Array(0)]]),
  ],
  [
    'with a recipient without an ephemeral key',
    'CBOR_TYPE_UNEXPECTED',
    changed(3, [[encodeCbor(new Map([[1, -31]])), new Map(), new Uint8Array(40)]]),
  ],
];

for (const [what, code, info] of INFO_REFUSED) {
  test(`refuses encryption info ${what} with ${code}`, () => {
    refuses(code, () => openEncryptInfo(info, { agreementKeys: [line], keks: [kek] }));
  });
}

test('refuses encryption info in another tag', () => {
  const bytes = infoFor(line.publicKey);
  refuses('COSE_TAG_UNEXPECTED', () => openEncryptInfo(bytes.subarray(2), { agreementKeys: [line], keks: [] }));
});

test('refuses a content key that does not suit the content algorithm', () => {
  const recipients = [{ kind: 'aes-kw', kek, alg: -5 }] as const;
  const info = encryptInfo({ algorithm: 1, contentKey: new Uint8Array(16), iv, recipients });
  const items = expectArray((decodeCbor(info) as CborTag).value, 'test', 4);
  const raised = encodeCbor(new CborTag(96, items.with(0, encodeCbor(new Map([[1, 3]])))));
  refuses('COSE_CONTENT_KEY_INVALID', () => openEncryptInfo(raised, { agreementKeys: [], keks: [kek] }));
});

test('does not make encryption info that nobody could use', () => {
  const options = { algorithm: 3, contentKey, iv, recipients: [{ kind: 'aes-kw', kek, alg: -5 }] } as const;
  refuses('CRYPTO_PARAMETER_INVALID', () => encryptInfo({ ...options, recipients: [] }));
  refuses('CRYPTO_PARAMETER_INVALID', () => encryptInfo({ ...options, contentKey: new Uint8Array(16) }));
  refuses('CRYPTO_PARAMETER_INVALID', () => encryptInfo({ ...options, iv: new Uint8Array(16) }));
  refuses('CRYPTO_PARAMETER_INVALID', () =>
    encryptInfo({ ...options, recipients: [{ kind: 'aes-kw', kek, alg: -3 }] }),
  );
});

test('uses another ephemeral key for every recipient and message', () => {
  assert.notEqual(toHex(infoFor(line.publicKey)), toHex(infoFor(line.publicKey)));
});

test('has thrown each of its codes by now', () => {
  assert.deepEqual(
    Object.keys(COSE_ERRORS).filter((code) => !seen.has(code)),
    [],
  );
});
