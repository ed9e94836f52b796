import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { concat, fromBase64Url, fromHex, isCodedError, toHex, utf8 } from '../bytes/index.ts';
import { CborTag, decodeCbor, encodeCbor, expectArray } from '../cbor/index.ts';
import {
  AgreementKey,
  createAeadDecryptor,
  createUnauthenticatedCipher,
  PrivateKey,
  PublicKey,
  type SignatureAlgorithm,
} from '../crypto/index.ts';
import {
  type ContentSecrets,
  coseKeyThumbprint,
  decodeCoseKey,
  decryptEncrypt0,
  decryptMessage,
  encodeCoseKey,
  keyIdOf,
  openEncryptInfo,
  openUnauthenticatedEncryptInfo,
  parseSign1,
  type RecipientKeys,
  verifyMac,
  verifyMac0,
  verifySign,
  verifySign1,
} from './index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const VECTORS = resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors');

/** The folder of a group of vectors, or undefined after a skip that says so. */
function folderOf(t: TestContext, name: string): string | undefined {
  const folder = join(VECTORS, name);
  if (existsSync(folder)) return folder;
  t.skip(`the vectors ${name} are not there (PAWL_VECTORS)`);
  return undefined;
}

const readHex = (path: string): Uint8Array => fromHex(readFileSync(path, 'utf8').replace(/\s/g, '').toLowerCase());
const hex = (text: string): Uint8Array => fromHex(text.toLowerCase());

type Jwk = {
  kty: string;
  crv: string;
  x: string;
  y?: string;
  d?: string;
  x_hex?: string;
  d_hex?: string;
  public?: string;
  n?: string;
  e?: string;
};
const CURVES: Readonly<Record<string, SignatureAlgorithm>> = {
  'P-256': 'ESP256',
  'P-384': 'ESP384',
  'P-521': 'ESP512',
  Ed25519: 'Ed25519',
};

const RSA_ALGORITHMS = ['PS256', 'PS384', 'PS512'] as const;

function publicKeyOf(jwk: Jwk, alg = ''): PublicKey | undefined {
  if (jwk.public !== undefined) return PublicKey.fromRaw('HSS-LMS', hex(jwk.public));
  const rsa = RSA_ALGORITHMS.find((name) => name === alg);
  if (rsa !== undefined) {
    const members = { modulus: fromBase64Url(jwk.n ?? ''), exponent: fromBase64Url(jwk.e ?? '') };
    return PublicKey.fromRsaMembers(rsa, members);
  }
  const algorithm = CURVES[jwk.crv];
  if (algorithm === undefined) return undefined;
  if (algorithm === 'Ed25519') return PublicKey.fromRaw(algorithm, jwk.x_hex ? hex(jwk.x_hex) : fromBase64Url(jwk.x));
  return PublicKey.fromRaw(algorithm, concat(Uint8Array.of(4), fromBase64Url(jwk.x), fromBase64Url(jwk.y ?? '')));
}

function outcome(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isCodedError(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

type SignInput = { key: Jwk; external?: string };
type ExampleKey = Jwk & { k?: string };
type Shared = { recipients: { key: ExampleKey }[]; external?: string };
type CoseExample = {
  input: {
    plaintext: string;
    sign0?: SignInput;
    sign?: { signers: (SignInput & { external?: string })[] };
    enveloped?: Shared;
    encrypted?: Shared;
    mac0?: Shared;
    mac?: Shared;
  };
  intermediates: { CEK_hex: string };
  output: { cbor: string };
};

const example = (folder: string, name: string): CoseExample =>
  JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as CoseExample;

const SIGN1_OUTCOMES: Readonly<Record<string, string>> = {
  // Signs with the algorithm in the unprotected header only: allowed by RFC 9052, not here.
  'sign1-tests/sign-pass-01': 'COSE_ALGORITHM_UNPROTECTED',
  'sign1-tests/sign-pass-02': 'accepted',
  'sign1-tests/sign-pass-03': 'COSE_TAG_UNEXPECTED',
  'sign1-tests/sign-fail-01': 'COSE_TAG_UNEXPECTED',
  'sign1-tests/sign-fail-02': 'COSE_KEY_UNKNOWN',
  'sign1-tests/sign-fail-03': 'COSE_ALGORITHM_UNSUPPORTED',
  'sign1-tests/sign-fail-04': 'COSE_ALGORITHM_UNSUPPORTED',
  'ecdsa-examples/ecdsa-sig-01': 'accepted',
  'ecdsa-examples/ecdsa-sig-02': 'accepted',
  'ecdsa-examples/ecdsa-sig-03': 'accepted',
  'hashsig/hsssig-sig-01': 'accepted',
  'eddsa-examples/eddsa-sig-01': 'accepted',
};

test('judges the Sign1 examples of the COSE working group', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name, expected] of Object.entries(SIGN1_OUTCOMES)) {
    const { input, output } = example(folder, name);
    const key = input.sign0 && publicKeyOf(input.sign0.key);
    const options = { keys: key ? [key] : [], externalAad: hex(input.sign0?.external ?? '') };
    assert.equal(
      outcome(() => verifySign1(hex(output.cbor), options)),
      expected,
      name,
    );
    if (expected === 'accepted') {
      assert.deepEqual(verifySign1(hex(output.cbor), options).payload, utf8(input.plaintext));
    }
  }
});

test('treats an encoded empty protected header as an empty one', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  const bytes = hex(example(folder, 'ecdsa-examples/ecdsa-01').output.cbor);
  const key = publicKeyOf(example(folder, 'ecdsa-examples/ecdsa-01').input.sign!.signers[0]!.key)!;
  assert.equal(verifySign(bytes, { keys: [key] }).signers[0]?.algorithm, 'ESP256');
  // sign-pass-01 is signed over h'' although it says h'a0': the key verifies exactly that Sig_structure.
  const pass = example(folder, 'sign1-tests/sign-pass-01');
  const items = expectArray((decodeCbor(hex(pass.output.cbor)) as CborTag).value, 'test', 4);
  const toBeSigned = encodeCbor(['Signature1', new Uint8Array(0), new Uint8Array(0), items[2]]);
  publicKeyOf(pass.input.sign0!.key)!.verify(toBeSigned, items[3] as Uint8Array);
});

test('verifies the Sign examples of the COSE working group', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const name of ['ecdsa-examples/ecdsa-01', 'eddsa-examples/eddsa-01', 'hashsig/hashsig-01']) {
    const { input, output } = example(folder, name);
    const key = publicKeyOf(input.sign!.signers[0]!.key)!;
    const verified = verifySign(hex(output.cbor), { keys: [key] });
    assert.deepEqual(verified.payload, utf8(input.plaintext));
    assert.ok(verified.signers[0]?.key.isEqual(key));
  }
});

type Gluecose = {
  title: string;
  alg: string;
  key: Jwk;
  'sign1::sign'?: {
    external?: string;
    expectedOutput: { cborHex: string };
    payload: string;
    tbsHex: { cborHex: string };
  };
  'sign1::verify'?: { taggedCOSESign1: { cborHex: string }; shouldVerify: boolean; external?: string };
};

test('judges the gluecose Sign1 vectors', (t) => {
  const folder = folderOf(t, 'cose/gluecose');
  if (folder === undefined) return;
  const counts = { accepted: 0, refused: 0 };
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const vector = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Gluecose;
    const { external = '' } = vector['sign1::sign'] ?? vector['sign1::verify'] ?? {};
    const message = vector['sign1::sign']?.expectedOutput ?? vector['sign1::verify']?.taggedCOSESign1;
    const isGood = vector['sign1::verify']?.shouldVerify ?? true;
    const key = publicKeyOf(vector.key, vector.alg);
    const run = (): unknown =>
      verifySign1(hex(message?.cborHex ?? ''), { keys: key ? [key] : [], externalAad: hex(external) });
    const result = outcome(run);
    assert.equal(result === 'accepted', isGood, `${name} ${vector.title} ${result}`);
    counts[isGood ? 'accepted' : 'refused']++;
  }
  t.diagnostic(JSON.stringify(counts));
});

for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
  test(`verifies the ${algorithm} example of RFC 9964, and finds its thumbprint`, (t) => {
    const folder = folderOf(t, 'cose/ml-dsa-draft');
    if (folder === undefined) return;
    const file = join(folder, `${algorithm.replaceAll('-', '_')}.cose.json`);
    const vector = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const key = PublicKey.fromRaw(algorithm, hex(vector['raw_public_key']!));
    assert.ok(PrivateKey.fromRaw(algorithm, hex(vector['priv']!)).publicKey.isEqual(key));
    const message = hex(vector['sign1']!);
    assert.deepEqual(parseSign1(message).kid, coseKeyThumbprint(key));
    assert.equal(verifySign1(message, { keys: [key] }).algorithm, algorithm);
    assert.equal(toHex(encodeCoseKey(key)).includes(vector['raw_public_key']!), true);
  });
}

function decrypt(secrets: ContentSecrets, sealed: Uint8Array): Uint8Array {
  const { algorithm, contentKey, iv, aad } = secrets;
  const decryptor = createAeadDecryptor({ algorithm, key: contentKey, iv, aad });
  return concat(decryptor.update(sealed.subarray(0, -16)), decryptor.final(sealed.subarray(-16)));
}

const SUIT_KEYS = {
  agreementKeys: [AgreementKey.fromRaw(hex('60FE6DD6D85D5740A5349B6F91267EEAC5BA81B8CB53EE249E4B4EB102C476B3'))],
  keks: [new Uint8Array(16).fill(0x61)],
};

test('opens the samples of SUIT firmware encryption, the unauthenticated ones only by that name', (t) => {
  const folder = folderOf(t, 'suit/firmware-encryption-24');
  if (folder === undefined) return;
  for (const kind of ['aes-kw', 'es-ecdh']) {
    const info = readHex(join(folder, `suit-encryption-info-${kind}-aes-gcm.hex`));
    const payload = readHex(join(folder, `encrypted-payload-${kind}-aes-gcm.hex`));
    assert.deepEqual(decrypt(openEncryptInfo(info, SUIT_KEYS), payload), utf8('This is a real firmware image.'));
    const ctr = readHex(join(folder, `suit-encryption-info-${kind}-aes-ctr.hex`));
    const { algorithm, contentKey, iv } = openUnauthenticatedEncryptInfo(ctr, SUIT_KEYS);
    const cipher = createUnauthenticatedCipher({ algorithm, key: contentKey, iv });
    const hidden = readHex(join(folder, `encrypted-payload-${kind}-aes-ctr.hex`));
    assert.deepEqual(cipher.update(hidden), utf8('This is a real firmware image.'));
    assert.equal(
      outcome(() => openEncryptInfo(ctr, SUIT_KEYS)),
      'COSE_ALGORITHM_UNPROTECTED',
    );
  }
});

const hexKey = (text: string | undefined, base64: string | undefined): Uint8Array =>
  text === undefined ? fromBase64Url(base64 ?? '') : hex(text);

const AGREEMENT_CURVES = { 'P-256': 'ECDH-P256', 'P-521': 'ECDH-P521', X25519: 'X25519' } as const;

/** The keys of the recipients of an example: private agreement keys, or keys shared beforehand. */
function recipientKeysOf(key: ExampleKey): RecipientKeys {
  if (key.k !== undefined) return { agreementKeys: [], keks: [fromBase64Url(key.k)] };
  const curve = AGREEMENT_CURVES[key.crv as keyof typeof AGREEMENT_CURVES];
  return { agreementKeys: [AgreementKey.fromRaw(hexKey(key.d_hex, key.d), curve)], keks: [] };
}

const ENVELOPED: readonly (readonly [string, string])[] = [
  ['ecdh-wrap-examples/p256-wrap-128-01', 'accepted'],
  ['ecdh-wrap-examples/p256-wrap-128-02', 'accepted'],
  ['ecdh-wrap-examples/p256-wrap-256-01', 'accepted'],
  ['aes-wrap-examples/aes-wrap-128-04', 'accepted'],
  ['aes-wrap-examples/aes-wrap-256-04', 'accepted'],
  ['ecdh-direct-examples/p256-hkdf-256-01', 'accepted'],
  ['ecdh-direct-examples/p256-hkdf-256-02', 'accepted'],
  ['X25519-tests/x25519-hkdf-256-direct', 'accepted'],
  // The algorithm stands in the unprotected header only: allowed by nobody who can protect it (RFC 9052 §3.1).
  ['enveloped-tests/env-pass-01', 'COSE_ALGORITHM_UNPROTECTED'],
  ['enveloped-tests/env-pass-02', 'accepted'],
  // Untagged, and the algorithm unprotected.
  ['enveloped-tests/env-pass-03', 'COSE_ALGORITHM_UNPROTECTED'],
  ['enveloped-tests/env-fail-01', 'COSE_TAG_UNEXPECTED'],
  ['enveloped-tests/env-fail-02', 'CRYPTO_AUTHENTICATION_FAILED'],
  ['enveloped-tests/env-fail-03', 'COSE_ALGORITHM_UNSUPPORTED'],
  ['enveloped-tests/env-fail-04', 'COSE_ALGORITHM_UNSUPPORTED'],
  ['enveloped-tests/env-fail-06', 'CRYPTO_AUTHENTICATION_FAILED'],
  ['enveloped-tests/env-fail-07', 'CRYPTO_AUTHENTICATION_FAILED'],
];

test('judges the Encrypt examples of the COSE working group', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name, expected] of ENVELOPED) {
    const { input, output } = example(folder, name);
    const { recipients, external = '' } = input.enveloped!;
    const isUntagged = name.endsWith('env-pass-03');
    const options = { ...recipientKeysOf(recipients[0]!.key), externalAad: hex(external), isUntagged };
    const run = (): Uint8Array => decryptMessage(hex(output.cbor), options);
    assert.equal(outcome(run), expected, name);
    if (expected === 'accepted') assert.deepEqual(run(), utf8(input.plaintext));
  }
});

test('opens the wrapped content keys of the COSE working group examples, for content that travels apart', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name] of ENVELOPED.filter(([each]) => each.includes('-wrap-'))) {
    const { input, intermediates, output } = example(folder, name);
    const keys = { ...recipientKeysOf(input.enveloped!.recipients[0]!.key), context: null };
    const whole = decodeCbor(hex(output.cbor), { order: 'any' }) as CborTag;
    const items = expectArray(whole.value, name, 4);
    assert.equal(
      outcome(() => openEncryptInfo(hex(output.cbor), keys)),
      'COSE_PAYLOAD_UNEXPECTED',
    );
    const secrets = openEncryptInfo(encodeCbor(new CborTag(whole.tag, items.with(2, null))), keys);
    assert.equal(toHex(secrets.contentKey), intermediates.CEK_hex.toLowerCase(), name);
    assert.deepEqual(decrypt(secrets, items[2] as Uint8Array), utf8(input.plaintext));
  }
});

const ENCRYPTED: readonly (readonly [string, string])[] = [
  ['aes-gcm-examples/aes-gcm-enc-01', 'accepted'],
  // The algorithm stands in the unprotected header only.
  ['encrypted-tests/enc-pass-01', 'COSE_ALGORITHM_UNPROTECTED'],
  ['encrypted-tests/enc-fail-01', 'COSE_TAG_UNEXPECTED'],
];

test('judges the Encrypt0 examples of the COSE working group', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name, expected] of ENCRYPTED) {
    const { input, output } = example(folder, name);
    const key = fromBase64Url(input.encrypted!.recipients[0]!.key.k!);
    const run = (): Uint8Array => decryptEncrypt0(hex(output.cbor), { key });
    assert.equal(outcome(run), expected, name);
    if (expected === 'accepted') assert.deepEqual(run(), utf8(input.plaintext));
  }
});

const MACS: readonly (readonly [string, string])[] = [
  ['hmac-examples/HMac-enc-01', 'accepted'],
  ['mac0-tests/HMac-01', 'accepted'],
  // The algorithm stands in the unprotected header only.
  ['mac0-tests/mac-pass-01', 'COSE_ALGORITHM_UNPROTECTED'],
  ['mac0-tests/mac-pass-02', 'COSE_ALGORITHM_UNPROTECTED'],
  ['mac0-tests/mac-pass-03', 'COSE_TAG_UNEXPECTED'],
  ['mac0-tests/mac-fail-01', 'COSE_TAG_UNEXPECTED'],
  ['mac0-tests/mac-fail-02', 'CRYPTO_AUTHENTICATION_FAILED'],
  ['mac0-tests/mac-fail-03', 'COSE_ALGORITHM_UNSUPPORTED'],
  ['mac0-tests/mac-fail-04', 'COSE_ALGORITHM_UNSUPPORTED'],
  ['mac0-tests/mac-fail-06', 'CRYPTO_AUTHENTICATION_FAILED'],
  ['mac0-tests/mac-fail-07', 'CRYPTO_AUTHENTICATION_FAILED'],
];

test('judges the Mac0 examples of the COSE working group', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name, expected] of MACS) {
    const { input, output } = example(folder, name);
    const { recipients, external = '' } = input.mac0!;
    const options = { key: fromBase64Url(recipients[0]!.key.k!), externalAad: hex(external) };
    const run = () => verifyMac0(hex(output.cbor), options);
    assert.equal(outcome(run), expected, name);
    if (expected === 'accepted') assert.deepEqual(run().payload, utf8(input.plaintext));
  }
});

const MULTI_MACS: readonly (readonly [string, string])[] = [
  ['ecdh-direct-examples/p256-hkdf-256-03', 'accepted'],
  ['ecdh-wrap-examples/p256-wrap-128-03', 'accepted'],
  // AES-CBC-MAC has no place in the algorithm table.
  ['aes-wrap-examples/aes-wrap-128-01', 'COSE_ALGORITHM_UNSUPPORTED'],
  ['aes-wrap-examples/aes-wrap-256-01', 'COSE_ALGORITHM_UNSUPPORTED'],
];

test('judges the Mac examples of the COSE working group', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name, expected] of MULTI_MACS) {
    const { input, output } = example(folder, name);
    const keys = recipientKeysOf(input.mac!.recipients[0]!.key);
    assert.equal(
      outcome(() => verifyMac(hex(output.cbor), keys)),
      expected,
      name,
    );
  }
});

test('refuses the certificate example, whose key id is text and not bytes', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  // RFC 9052 §3.1: kid is a byte string.
  const bytes = hex(example(folder, 'x509-examples/signed-01').output.cbor);
  assert.equal(
    outcome(() => verifySign(bytes, { keys: [] })),
    'CBOR_TYPE_UNEXPECTED',
  );
});

test('finds the thumbprint that libcsuit gives its keys as key id', (t) => {
  const folder = folderOf(t, 'suit/libcsuit/key');
  if (folder === undefined) return;
  const bytes = readHex(join(folder, 'trust_anchor_esp256_cose_key_public.cbor.hex'));
  const pem = readFileSync(join(folder, 'trust_anchor_secp256r1.pub.pem'), 'utf8');
  const thumbprint = toHex(coseKeyThumbprint(PublicKey.fromSpki(pem)));
  assert.ok(toHex(bytes).includes(`025820${thumbprint}`));
  assert.equal(keyIdOf(decodeCoseKey(bytes)), thumbprint);
});
