import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { concat, fromBase64Url, fromHex, isCodedError, toHex } from '../bytes/index.ts';
import {
  AgreementKey,
  AgreementPublicKey,
  aesKeyUnwrap,
  aesKeyWrap,
  createAeadDecryptor,
  createAeadEncryptor,
  hkdfSha256,
  PrivateKey,
  PublicKey,
} from './index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const VECTORS = resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors');

type Case = Readonly<Record<string, string>> & { tcId: number; result: 'valid' | 'invalid' | 'acceptable' };
type Group = {
  tests: Case[];
  keySize?: number;
  ivSize?: number;
  publicKey?: string;
  publicKeyDer?: string;
  publicKeyPem?: string;
  privateSeed?: string;
};

/** Runs a check over every case of a file; the check throws a coded error for what is refused. */
function runCases(t: TestContext, file: string, check: (item: Case, group: Group) => void, expected = isValid): void {
  const path = join(VECTORS, file);
  if (!existsSync(path)) {
    t.skip(`${file} is not there (PAWL_VECTORS)`);
    return;
  }
  const groups = (JSON.parse(readFileSync(path, 'utf8')) as { testGroups: Group[] }).testGroups;
  let count = 0;
  for (const group of groups) {
    for (const item of group.tests) {
      count++;
      let code = 'accepted';
      try {
        check(item, group);
      } catch (error) {
        if (!isCodedError(error)) throw error;
        code = error.code;
      }
      assert.equal(code === 'accepted', expected(item, group), `${file} case ${item.tcId} gave ${code}`);
    }
  }
  t.diagnostic(`${count} cases of ${file}`);
}

const isValid = (item: Case, _group: Group): boolean => item.result === 'valid';
const bytes = (item: Case, name: string): Uint8Array => fromHex(item[name] ?? '');

test('verifies ECDSA P-256 signatures as Wycheproof says', (t) => {
  runCases(t, 'wycheproof-subset/ecdsa_secp256r1_sha256_p1363_test.json', (item, group) => {
    PublicKey.fromSpki(fromHex(group.publicKeyDer ?? '')).verify(bytes(item, 'msg'), bytes(item, 'sig'));
  });
});

test('verifies RSA-PSS signatures as Wycheproof says', (t) => {
  runCases(t, 'wycheproof-subset/rsa_pss_2048_sha256_mgf1_32_test.json', (item, group) => {
    PublicKey.fromSpki(fromHex(group.publicKeyDer ?? '')).verify(bytes(item, 'msg'), bytes(item, 'sig'));
  });
});

test('verifies Ed25519 signatures as Wycheproof says', (t) => {
  runCases(t, 'wycheproof-subset/ed25519_test.json', (item, group) => {
    PublicKey.fromSpki(`${group.publicKeyPem}\n`).verify(bytes(item, 'msg'), bytes(item, 'sig'));
  });
});

for (const size of [44, 65, 87] as const) {
  test(`verifies ML-DSA-${size} signatures as Wycheproof says, with the empty context only`, (t) => {
    const isPlainValid = (item: Case): boolean => item.result === 'valid' && (item['ctx'] ?? '') === '';
    const check = (item: Case, group: Group): void => {
      const key = PublicKey.fromRaw(`ML-DSA-${size}`, fromHex(group.publicKey ?? ''));
      key.verify(bytes(item, 'msg'), bytes(item, 'sig'));
    };
    runCases(t, `mldsa/mldsa_${size}_verify_test.json`, check, isPlainValid);
  });
}

test('makes the ML-DSA-65 public key that belongs to a seed', (t) => {
  const check = (_item: Case, group: Group): void => {
    const key = PrivateKey.fromRaw('ML-DSA-65', fromHex(group.privateSeed ?? ''));
    assert.equal(toHex(key.publicKey.toRaw()), group.publicKey);
  };
  runCases(t, 'mldsa/mldsa_65_sign_seed_test.json', check, () => true);
});

test('wraps and unwraps keys as Wycheproof says, and refuses the empty key', (t) => {
  runCases(t, 'wycheproof-subset/aes_wrap_test.json', (item) => {
    const data = aesKeyUnwrap(bytes(item, 'key'), bytes(item, 'ct'));
    assert.equal(toHex(data), item['msg']);
    assert.equal(toHex(aesKeyWrap(bytes(item, 'key'), data)), item['ct']);
  });
});

test('derives keys as Wycheproof says', (t) => {
  runCases(t, 'wycheproof-subset/hkdf_sha256_test.json', (item) => {
    const options = { secret: bytes(item, 'ikm'), salt: bytes(item, 'salt'), info: bytes(item, 'info') };
    const sizeBytes = Number(item['size']);
    assert.equal(toHex(hkdfSha256({ ...options, sizeBytes })), item['okm']);
  });
});

test('encrypts and decrypts AES-128-GCM as Wycheproof says, for nonces of 96 bits', (t) => {
  const isOurs = (item: Case, group: Group): boolean =>
    item.result === 'valid' && group.ivSize === 96 && group.keySize === 128;
  const check = (item: Case): void => {
    const options = { algorithm: 1, key: bytes(item, 'key'), iv: bytes(item, 'iv'), aad: bytes(item, 'aad') } as const;
    const decryptor = createAeadDecryptor(options);
    const data = concat(decryptor.update(bytes(item, 'ct')), decryptor.final(bytes(item, 'tag')));
    assert.equal(toHex(data), item['msg']);
    const encryptor = createAeadEncryptor(options);
    assert.equal(toHex(encryptor.update(data)), item['ct']);
    assert.equal(toHex(encryptor.final()), item['tag']);
  };
  runCases(t, 'wycheproof-subset/aes_gcm_test.json', check, isOurs);
});

type Jwk = { x?: string; y?: string; d?: string; crv?: string };

test('agrees on P-256 secrets as Wycheproof says, and refuses points off the curve', (t) => {
  runCases(t, 'wycheproof-subset/ecdh_secp256r1_webcrypto_test.json', (item) => {
    const peer = item['public'] as unknown as Jwk;
    const own = item['private'] as unknown as Jwk;
    const point = concat(Uint8Array.of(4), fromBase64Url(peer.x ?? ''), fromBase64Url(peer.y ?? ''));
    const secret = AgreementKey.fromRaw(fromBase64Url(own.d ?? '')).agree(AgreementPublicKey.fromRaw(point));
    assert.equal(toHex(secret), item['shared']);
  });
});
