import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fromHex, toHex, utf8 } from '../../bytes/index.ts';
import { CryptoError, HssPublicKey, LmsPrivateKey, type LmsSecret, PublicKey, sha256 } from '../index.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const VECTORS = resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors');

type Case = Readonly<Record<string, string>>;

/** The cases of a file of `Name = value` lines; an empty line ends a case. */
function casesOf(t: TestContext, name: string): Case[] {
  const path = join(VECTORS, 'lms', name);
  if (!existsSync(path)) {
    t.skip(`${name} is not there (PAWL_VECTORS)`);
    return [];
  }
  const blocks = readFileSync(path, 'utf8').split(/\n\s*\n/);
  const cases = blocks.map((block) =>
    Object.fromEntries([...block.matchAll(/^(\w+) = ?(.*)$/gm)].map(([, key = '', value = '']) => [key, value.trim()])),
  );
  return cases.filter((item) => Object.keys(item).length > 0);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
  return 'accepted';
}

const bytesOf = (item: Case, name: string): Uint8Array => fromHex(item[name] ?? '');

test('verifies the signatures of RFC 8554 and of the 192-bit and SHAKE sets', (t) => {
  const cases = casesOf(t, 'botan_hss_lms_verify.vec');
  for (const item of cases) {
    const key = PublicKey.fromRaw('HSS-LMS', bytesOf(item, 'PublicKey'));
    key.verify(bytesOf(item, 'Msg'), bytesOf(item, 'Signature'));
    assert.equal(
      codeOf(() => key.verify(utf8('another'), bytesOf(item, 'Signature'))),
      'CRYPTO_SIGNATURE_INVALID',
    );
  }
  t.diagnostic(`${cases.length} cases`);
});

test('refuses the signatures that are not valid', (t) => {
  const cases = casesOf(t, 'botan_hss_lms_invalid.vec');
  for (const item of cases) {
    const key = PublicKey.fromRaw('HSS-LMS', bytesOf(item, 'PublicKey'));
    const signature = bytesOf(item, 'InvalidSignature' in item ? 'InvalidSignature' : 'Signature');
    assert.equal(
      codeOf(() => key.verify(bytesOf(item, 'Msg'), signature)),
      'CRYPTO_SIGNATURE_INVALID',
    );
  }
  t.diagnostic(`${cases.length} cases`);
});

/** The keys of an LMS vector that we make: SHA-256 of 32 bytes, height 5, width 8. */
const TYPES_OURS = '0000000500000004';

test('makes the keys and the signatures of RFC 8554 appendix F from their seeds', (t) => {
  const cases = casesOf(t, 'botan_lms.vec').filter((item) => item['PublicKey']?.startsWith(TYPES_OURS));
  for (const item of cases) {
    const publicKey = item['PublicKey'] ?? '';
    const identifier = fromHex(publicKey.slice(16, 48));
    const key = new LmsPrivateKey({ height: 5, width: 8, identifier, seed: bytesOf(item, 'Seed') });
    assert.equal(toHex(key.publicKey.raw), `00000001${publicKey}`);
    const signature = key.signAtIndex(Number(item['q']), bytesOf(item, 'Msg'));
    // The vectors hold the SHA-256 of the LMS signature, made with the randomizer derived from the seed.
    assert.equal(toHex(sha256(signature.subarray(4))), item['HashSig']);
    key.publicKey.verify(bytesOf(item, 'Msg'), signature);
  }
  t.diagnostic(`${cases.length} cases`);
});

const SMALL: LmsSecret = {
  height: 5,
  width: 8,
  identifier: new Uint8Array(16).fill(1),
  seed: new Uint8Array(32).fill(2),
};
const small = new LmsPrivateKey(SMALL);

test('signs with every leaf, and no leaf signs for another', () => {
  assert.equal(small.signaturesMax, 32);
  const signatures = Array.from({ length: 32 }, (_, q) => small.signAtIndex(q, utf8(`message ${q}`)));
  for (const [q, signature] of signatures.entries()) {
    small.publicKey.verify(utf8(`message ${q}`), signature);
    const other = signature.slice();
    new DataView(other.buffer).setUint32(4, (q + 1) % 32);
    assert.equal(
      codeOf(() => small.publicKey.verify(utf8(`message ${q}`), other)),
      'CRYPTO_SIGNATURE_INVALID',
    );
  }
  for (const q of [-1, 32, 0.5]) {
    assert.equal(
      codeOf(() => small.signAtIndex(q, utf8('x'))),
      'CRYPTO_PARAMETER_INVALID',
    );
  }
});

test('refuses single bits flipped all over, and every truncation', () => {
  const message = utf8('firmware');
  const signature = small.signAtIndex(3, message);
  const bits = signature.length * 8;
  // Every bit of the fields in front; of the chain values and of the path, which are all alike, every so many.
  const step = process.env['PAWL_EXHAUSTIVE'] === '1' ? 1 : 61;
  for (let bit = 0; bit < bits; bit += bit < 160 ? 1 : step) {
    const flipped = signature.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(
      codeOf(() => small.publicKey.verify(message, flipped)),
      'CRYPTO_SIGNATURE_INVALID',
      `bit ${bit}`,
    );
  }
  for (let length = 0; length < signature.length; length += 1) {
    assert.equal(
      codeOf(() => small.publicKey.verify(message, signature.subarray(0, length))),
      'CRYPTO_SIGNATURE_INVALID',
    );
  }
  assert.equal(
    codeOf(() => small.publicKey.verify(message, Uint8Array.of(...signature, 0))),
    'CRYPTO_SIGNATURE_INVALID',
  );
});

test('a new key signs, and its secret makes it again', () => {
  const key = LmsPrivateKey.generate({ height: 5, width: 4 });
  const again = new LmsPrivateKey(key.secret);
  assert.deepEqual(again.publicKey.raw, key.publicKey.raw);
  again.publicKey.verify(utf8('m'), key.signAtIndex(31, utf8('m')));
  assert.equal(
    codeOf(() => new LmsPrivateKey({ ...key.secret, seed: new Uint8Array(5) })),
    'CRYPTO_PARAMETER_INVALID',
  );
});

const RAW = small.publicKey.raw;

test('writes and reads the key as SPKI (RFC 9802), and refuses another spelling', () => {
  const key = PublicKey.fromRaw('HSS-LMS', RAW);
  assert.ok(PublicKey.fromSpki(key.toSpkiPem()).isEqual(key));
  assert.ok(PublicKey.fromSpki(key.toSpkiDer()).isEqual(key));
  assert.equal(PublicKey.fromSpki(key.toSpkiPem()).algorithm, 'HSS-LMS');
  const der = key.toSpkiDer();
  for (const wrong of [der.subarray(0, -1), Uint8Array.of(...der, 0), der.with(16, 1)]) {
    assert.equal(
      codeOf(() => PublicKey.fromSpki(wrong)),
      'CRYPTO_KEY_MALFORMED',
    );
  }
});

const KEYS_REFUSED: readonly (readonly [string, string, Uint8Array])[] = [
  ['that is empty', 'CRYPTO_KEY_MALFORMED', new Uint8Array(0)],
  ['that is cut', 'CRYPTO_KEY_MALFORMED', RAW.subarray(0, -1)],
  ['with bytes behind it', 'CRYPTO_KEY_MALFORMED', Uint8Array.of(...RAW, 0)],
  ['of no level', 'CRYPTO_KEY_MALFORMED', RAW.with(3, 0)],
  ['of nine levels', 'CRYPTO_KEY_MALFORMED', RAW.with(3, 9)],
  ['of an unknown tree', 'CRYPTO_KEY_UNSUPPORTED', RAW.with(7, 99)],
  ['whose hashes differ', 'CRYPTO_KEY_UNSUPPORTED', RAW.with(11, 12)],
];

for (const [what, code, raw] of KEYS_REFUSED) {
  test(`refuses an HSS key ${what}`, () => {
    assert.equal(
      codeOf(() => new HssPublicKey(raw)),
      code,
    );
  });
}
