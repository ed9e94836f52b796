import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fromBase64, fromHex, toBase64, toHex, utf8 } from '../bytes/index.ts';
import { PrivateKey, PublicKey } from '../crypto/index.ts';
import { importPkcs8Pem, importRawSecret } from './index.ts';

const isMissing = spawnSync('openssl', ['version']).error !== undefined;
// With CI=true a missing tool must fail the tests, not skip them.
const skip = isMissing && process.env['CI'] !== 'true' ? 'not installed: openssl' : false;
const UNREADABLE = { code: 'KEYS_IMPORT_UNREADABLE' };

function pemOf(label: string, der: Uint8Array): Uint8Array {
  return utf8(`-----BEGIN ${label}-----\n${toBase64(der)}\n-----END ${label}-----\n`);
}

function derOf(pem: Uint8Array): Uint8Array {
  return fromBase64(new TextDecoder().decode(pem).replace(/-----.*-----|\n/g, ''));
}

describe('private keys that openssl made', { skip }, () => {
  let folder: string;
  const openssl = (...args: string[]): Uint8Array =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const file = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
  const encrypted = (...how: string[]): Uint8Array => {
    openssl('pkcs8', '-topk8', '-in', 'p256.pem', '-out', 'enc.pem', '-passout', 'pass:source phrase', ...how);
    return file('enc.pem');
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-import-'));
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'p256.pem');
    openssl('pkey', '-in', 'p256.pem', '-pubout', '-out', 'p256.pub');
  });
  after(() => rmSync(folder, { recursive: true }));

  const KINDS = [
    ['ESP256', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['ESP384', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['ESP512', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['Ed25519', ['ed25519']],
    ['PS256', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
    ['PS384', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ] as const;
  for (const [algorithm, how] of KINDS) {
    test(`imports ${algorithm}, and signs as the key that openssl knows`, async () => {
      const name = `${algorithm}.pem`;
      openssl('genpkey', '-algorithm', ...how, '-aes-256-cbc', '-pass', 'pass:source phrase', '-out', name);
      const key = importPkcs8Pem(file(name), { role: 'image', passphrase: 'source phrase', algorithm });
      openssl('pkey', '-in', name, '-passin', 'pass:source phrase', '-pubout', '-out', 'pub.pem');
      const expected = PublicKey.fromSpki(readFileSync(join(folder, 'pub.pem'), 'utf8'), algorithm);
      assert.ok(key instanceof PrivateKey);
      assert.equal(key.publicKey.algorithm, algorithm);
      expected.verify(utf8('message'), await key.sign(utf8('message')));
    });
  }

  test('imports what is encrypted with PBKDF2 and with scrypt, and what is not encrypted', () => {
    const expected = PublicKey.fromSpki(readFileSync(join(folder, 'p256.pub'), 'utf8'));
    const pems = [
      file('p256.pem'),
      encrypted('-v2', 'aes-256-cbc', '-iter', '100000'),
      encrypted('-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA512'),
      encrypted('-scrypt'),
    ];
    for (const pem of pems) {
      const key = importPkcs8Pem(pem, { role: 'image', passphrase: 'source phrase' });
      assert.ok(key.publicKey instanceof PublicKey && key.publicKey.isEqual(expected));
    }
    assert.equal(importPkcs8Pem(file('p256.pem'), { role: 'line' }).publicKey.algorithm, 'ECDH-P256');
  });

  test('refuses a wrong passphrase, and none', () => {
    const pem = encrypted('-v2', 'aes-256-cbc');
    assert.throws(() => importPkcs8Pem(pem, { role: 'image', passphrase: 'another' }), {
      code: 'KEYS_PASSPHRASE_WRONG',
    });
    assert.throws(() => importPkcs8Pem(pem, { role: 'image' }), UNREADABLE);
    assert.throws(() => importPkcs8Pem(pem, { role: 'image', passphrase: '' }), UNREADABLE);
  });

  test('refuses other forms, old encryption, and several keys in one file', () => {
    openssl('ec', '-in', 'p256.pem', '-out', 'sec1.pem');
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1', '-out', 'k1.pem');
    openssl('genpkey', '-algorithm', 'X25519', '-out', 'x25519.pem');
    const plain = file('p256.pem');
    const refused = {
      'SEC1 PEM': file('sec1.pem'),
      'a public key': file('p256.pub'),
      'another curve': file('k1.pem'),
      'an agreement key for signing': file('x25519.pem'),
      'PBES1 with DES': encrypted('-v1', 'PBE-SHA1-3DES'),
      'two keys': new Uint8Array([...plain, ...plain]),
      'a label that does not fit': pemOf('ENCRYPTED PRIVATE KEY', derOf(plain)),
      'not base64': utf8('-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----\n'),
      'not UTF-8': Uint8Array.of(0xff, 0xfe),
      'too large': new Uint8Array(64 * 1024 + 1).fill(0x20),
    };
    for (const [what, pem] of Object.entries(refused)) {
      assert.throws(() => importPkcs8Pem(pem, { role: 'image', passphrase: 'source phrase' }), UNREADABLE, what);
    }
    assert.throws(() => importPkcs8Pem(file('k1.pem'), { role: 'line' }), UNREADABLE);
  });

  test('refuses a derivation that would cost hours, before paying it', () => {
    const plant = (pem: Uint8Array, from: string, to: string): Uint8Array => {
      const hex = toHex(derOf(pem));
      assert.ok(hex.includes(from), from);
      return pemOf('ENCRYPTED PRIVATE KEY', fromHex(hex.replace(from, to)));
    };
    const refuse = (pem: Uint8Array): void =>
      assert.throws(() => importPkcs8Pem(pem, { role: 'image', passphrase: 'x' }), UNREADABLE);
    // PBKDF2 with 1,000,000 rounds; then 8,388,607 and a negative count.
    const pbkdf2 = encrypted('-v2', 'aes-256-cbc', '-iter', '1000000');
    for (const count of ['02037fffff', '0203ffffff']) {
      refuse(plant(pbkdf2, '02030f4240', count));
    }
    // scrypt with N 16,384, r 8, p 1; then all as large as their bytes, and N of eight bytes.
    const scrypt = encrypted('-scrypt', '-scrypt_N', '16384', '-scrypt_r', '8', '-scrypt_p', '1');
    refuse(plant(scrypt, '02024000020108020101', '02027fff02017f02017f'));
    refuse(plant(scrypt, '02024000020108020101', '02080100000000000000'));
  });

  test('takes every truncation of an encrypted key for unreadable or wrong', () => {
    const der = derOf(encrypted('-v2', 'aes-256-cbc', '-iter', '1'));
    for (let length = 1; length < der.length; length++) {
      assert.throws(() =>
        importPkcs8Pem(pemOf('ENCRYPTED PRIVATE KEY', der.subarray(0, length)), {
          role: 'image',
          passphrase: 'source phrase',
        }),
      );
    }
  });
});

test('takes ML-DSA keys from their seed, as FIPS 204 does', () => {
  for (const algorithm of ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const) {
    const seed = new Uint8Array(32).fill(5);
    const key = importRawSecret(seed, algorithm);
    assert.ok(key.publicKey.isEqual(importRawSecret(seed, algorithm).publicKey));
    assert.equal(toHex(key.toPkcs8Der()).slice(-64), toHex(seed));
    assert.throws(() => importRawSecret(new Uint8Array(31), algorithm), UNREADABLE);
    assert.throws(() => importRawSecret(new Uint8Array(33), algorithm), UNREADABLE);
  }
  assert.throws(() => importRawSecret(new Uint8Array(32), 'PS256'), UNREADABLE);
});
