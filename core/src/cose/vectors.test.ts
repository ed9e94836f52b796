import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { cdeEncodeOptions, decode, encode } from 'cbor2';
import { concat, fromBase64Url, fromHex, isCodedError, toHex, utf8 } from '../bytes/index.ts';
import { CborTag, decodeCbor, encodeCbor, expectArray } from '../cbor/index.ts';
import { AgreementKey, createAeadDecryptor, PrivateKey, PublicKey, type SignatureAlgorithm } from '../crypto/index.ts';
import {
  type ContentSecrets,
  coseKeyThumbprint,
  decodeCoseKey,
  encodeCoseKey,
  keyIdOf,
  openEncryptInfo,
  parseSign1,
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

type Jwk = { kty: string; crv: string; x: string; y?: string; d?: string; x_hex?: string };
const CURVES: Readonly<Record<string, SignatureAlgorithm>> = {
  'P-256': 'ESP256',
  'P-384': 'ESP384',
  Ed25519: 'Ed25519',
};

function publicKeyOf(jwk: Jwk): PublicKey | undefined {
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
type CoseExample = {
  input: {
    plaintext: string;
    sign0?: SignInput;
    sign?: { signers: (SignInput & { external?: string })[] };
    enveloped?: { recipients: { key: Jwk & { k?: string } }[]; external?: string };
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
  // ES512 and HSS-LMS have no place in the algorithm table.
  'ecdsa-examples/ecdsa-sig-03': 'COSE_ALGORITHM_UNSUPPORTED',
  'hashsig/hsssig-sig-01': 'COSE_ALGORITHM_UNSUPPORTED',
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
  for (const name of ['ecdsa-examples/ecdsa-01', 'eddsa-examples/eddsa-01']) {
    const { input, output } = example(folder, name);
    const key = publicKeyOf(input.sign!.signers[0]!.key)!;
    const verified = verifySign(hex(output.cbor), { keys: [key] });
    assert.deepEqual(verified.payload, utf8(input.plaintext));
    assert.ok(verified.signers[0]?.key.isEqual(key));
  }
  const hashsig = hex(example(folder, 'hashsig/hashsig-01').output.cbor);
  assert.equal(
    outcome(() => verifySign(hashsig, { keys: [] })),
    'COSE_ALGORITHM_UNSUPPORTED',
  );
});

type Gluecose = {
  title: string;
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
  const counts = { accepted: 0, refused: 0, unsupported: 0 };
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const vector = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Gluecose;
    const { external = '' } = vector['sign1::sign'] ?? vector['sign1::verify'] ?? {};
    const message = vector['sign1::sign']?.expectedOutput ?? vector['sign1::verify']?.taggedCOSESign1;
    const isGood = vector['sign1::verify']?.shouldVerify ?? true;
    const key = publicKeyOf(vector.key);
    const run = (): unknown =>
      verifySign1(hex(message?.cborHex ?? ''), { keys: key ? [key] : [], externalAad: hex(external) });
    const result = outcome(run);
    if (key === undefined) {
      assert.ok(result === 'COSE_ALGORITHM_UNSUPPORTED' || result === 'COSE_KEY_UNKNOWN', `${name} ${result}`);
      counts.unsupported++;
    } else {
      assert.equal(result === 'accepted', isGood, `${name} ${vector.title} ${result}`);
      counts[isGood ? 'accepted' : 'refused']++;
    }
  }
  t.diagnostic(JSON.stringify(counts));
});

test('verifies the ML-DSA-65 example of RFC 9964, and finds its thumbprint', (t) => {
  const folder = folderOf(t, 'cose/ml-dsa-draft');
  if (folder === undefined) return;
  const vector = JSON.parse(readFileSync(join(folder, 'ML_DSA_65.cose.json'), 'utf8')) as Record<string, string>;
  const key = PublicKey.fromRaw('ML-DSA-65', hex(vector['raw_public_key']!));
  assert.ok(PrivateKey.fromRaw('ML-DSA-65', hex(vector['priv']!)).publicKey.isEqual(key));
  const message = hex(vector['sign1']!);
  assert.deepEqual(parseSign1(message).kid, coseKeyThumbprint(key));
  assert.equal(verifySign1(message, { keys: [key] }).algorithm, 'ML-DSA-65');
  assert.equal(toHex(encodeCoseKey(key)).includes(vector['raw_public_key']!), true);
});

function decrypt(secrets: ContentSecrets, sealed: Uint8Array): Uint8Array {
  const { algorithm, contentKey, iv, aad } = secrets;
  const decryptor = createAeadDecryptor({ algorithm, key: contentKey, iv, aad });
  return concat(decryptor.update(sealed.subarray(0, -16)), decryptor.final(sealed.subarray(-16)));
}

const SUIT_KEYS = {
  agreementKeys: [AgreementKey.fromRaw(hex('60FE6DD6D85D5740A5349B6F91267EEAC5BA81B8CB53EE249E4B4EB102C476B3'))],
  keks: [new Uint8Array(16).fill(0x61)],
};

test('opens the AEAD samples of SUIT firmware encryption and refuses the unauthenticated ones', (t) => {
  const folder = folderOf(t, 'suit/firmware-encryption-24');
  if (folder === undefined) return;
  for (const kind of ['aes-kw', 'es-ecdh']) {
    const info = readHex(join(folder, `suit-encryption-info-${kind}-aes-gcm.hex`));
    const payload = readHex(join(folder, `encrypted-payload-${kind}-aes-gcm.hex`));
    assert.deepEqual(decrypt(openEncryptInfo(info, SUIT_KEYS), payload), utf8('This is a real firmware image.'));
    const ctr = readHex(join(folder, `suit-encryption-info-${kind}-aes-ctr.hex`));
    assert.equal(
      outcome(() => openEncryptInfo(ctr, SUIT_KEYS)),
      'COSE_ALGORITHM_UNPROTECTED',
    );
  }
});

const ENVELOPED: readonly (readonly [string, string])[] = [
  ['ecdh-wrap-examples/p256-wrap-128-01', 'accepted'],
  ['ecdh-wrap-examples/p256-wrap-128-02', 'accepted'],
  ['ecdh-wrap-examples/p256-wrap-256-01', 'accepted'],
  ['aes-wrap-examples/aes-wrap-128-04', 'accepted'],
  ['aes-wrap-examples/aes-wrap-256-04', 'accepted'],
  // ECDH-ES without key wrap, X25519 and the direct key of the failure tests are no recipients of ours.
  ['ecdh-direct-examples/p256-hkdf-256-01', 'COSE_RECIPIENT_UNKNOWN'],
  ['X25519-tests/x25519-hkdf-256-direct', 'COSE_RECIPIENT_UNKNOWN'],
  ['enveloped-tests/env-pass-01', 'COSE_ALGORITHM_UNPROTECTED'],
  ['enveloped-tests/env-pass-02', 'COSE_RECIPIENT_UNKNOWN'],
  ['enveloped-tests/env-pass-03', 'COSE_TAG_UNEXPECTED'],
  ['enveloped-tests/env-fail-01', 'COSE_TAG_UNEXPECTED'],
  ['enveloped-tests/env-fail-03', 'COSE_ALGORITHM_UNSUPPORTED'],
  ['enveloped-tests/env-fail-04', 'COSE_ALGORITHM_UNSUPPORTED'],
];

/** Some examples have header maps in another order; what is covered lies in byte strings and stays as it was. */
function deterministic(bytes: Uint8Array): Uint8Array {
  return encode(decode(bytes, { preferMap: true }), cdeEncodeOptions);
}

test('opens the key wrap recipients of the COSE working group examples', (t) => {
  const folder = folderOf(t, 'cose/cose-wg-examples');
  if (folder === undefined) return;
  for (const [name, expected] of ENVELOPED) {
    const { input, intermediates, output } = example(folder, name);
    const { key } = input.enveloped!.recipients[0]!;
    const isAgreement = key.d !== undefined && key.crv === 'P-256';
    const keys = {
      agreementKeys: isAgreement ? [AgreementKey.fromRaw(fromBase64Url(key.d!))] : [],
      keks: key.k === undefined ? [] : [fromBase64Url(key.k)],
      context: null,
    };
    // The examples carry the ciphertext; ours is detached, and the ciphertext is covered by nothing but its own tag.
    const bytes = deterministic(hex(output.cbor));
    const whole = decodeCbor(bytes);
    const items = whole instanceof CborTag ? expectArray(whole.value, name, 4) : undefined;
    if (whole instanceof CborTag && items !== undefined) {
      const detached = encodeCbor(new CborTag(whole.tag, items.with(2, null)));
      assert.equal(
        outcome(() => openEncryptInfo(detached, keys)),
        expected,
        name,
      );
      if (expected !== 'accepted') continue;
      assert.equal(
        outcome(() => openEncryptInfo(bytes, keys)),
        'COSE_PAYLOAD_UNEXPECTED',
      );
      const secrets = openEncryptInfo(detached, keys);
      assert.equal(toHex(secrets.contentKey), intermediates.CEK_hex.toLowerCase(), name);
      assert.deepEqual(decrypt(secrets, items[2] as Uint8Array), utf8(input.plaintext));
    } else {
      assert.equal(
        outcome(() => openEncryptInfo(bytes, keys)),
        expected,
        name,
      );
    }
  }
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
