import assert from 'node:assert/strict';
import test from 'node:test';
import { toHex, utf8 } from '../bytes/index.ts';
import { PrivateKey, type PublicKey, type SignatureAlgorithm, sha256 } from '../crypto/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import { encodeTufSignature, isSignedBy, keyIdentity, parseTufKey, tufKeyOf } from './tuf-key.ts';

const ALGORITHMS: readonly SignatureAlgorithm[] = [
  'Ed25519',
  'ESP256',
  'ESP384',
  'ESP512',
  'PS256',
  'PS384',
  'PS512',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
];

test('writes, reads and uses a key of every algorithm', async () => {
  for (const algorithm of ALGORITHMS) {
    const key = PrivateKey.generate(algorithm);
    const written = tufKeyOf(key.publicKey);
    assert.equal(written.keyId, toHex(sha256(encodeCanonicalJson(written.json))));
    const read = parseTufKey(written.keyId, written.json, 'key');
    assert.equal(keyIdentity(read.publicKey!), keyIdentity(key.publicKey));
    const message = utf8('message');
    const signature = encodeTufSignature(key.publicKey, await key.sign(message));
    assert.equal(isSignedBy(read, message, signature), true, algorithm);
    assert.equal(isSignedBy(read, utf8('massage'), signature), false);
    assert.equal(isSignedBy(read, message, signature.toUpperCase()), false);
    assert.equal(isSignedBy(read, message, `${signature}00`), false);
    assert.equal(isSignedBy(read, message, signature.slice(2)), false);
    assert.equal(isSignedBy(read, message, ''), false);
    assert.equal(isSignedBy(read, message, 'zz'), false);
  }
});

test('refuses a key under an id that is not its digest', () => {
  const { json } = tufKeyOf(PrivateKey.generate('Ed25519').publicKey);
  assert.throws(() => parseTufKey('0'.repeat(64), json, 'key'), { code: 'TRUST_METADATA_MALFORMED' });
});

test('takes the id of the three members, and of all that stand in the key', () => {
  const { json, keyId } = tufKeyOf(PrivateKey.generate('Ed25519').publicKey);
  const more = { ...json, keyid_hash_algorithms: ['sha256', 'sha512'] };
  parseTufKey(keyId, more, 'key');
  parseTufKey(toHex(sha256(encodeCanonicalJson(more))), more, 'key');
});

test('keeps a key of an unknown kind, and counts nothing that it signs', () => {
  const json = { keytype: 'sphincs', scheme: 'sphincs-shake', keyval: { public: 'ab' } };
  const key = parseTufKey(toHex(sha256(encodeCanonicalJson(json))), json, 'key');
  assert.equal(key.publicKey, undefined);
  assert.equal(isSignedBy(key, utf8('m'), 'ab'), false);
});

test('refuses a key that is not what its scheme says', () => {
  const p384 = PrivateKey.generate('ESP384').publicKey.toSpkiPem();
  const wrong = [
    { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: p384 } },
    { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: 'not a key' } },
    { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'ab' } },
    { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'zz'.repeat(32) } },
  ];
  for (const json of wrong) {
    const keyId = toHex(sha256(encodeCanonicalJson(json)));
    assert.throws(() => parseTufKey(keyId, json, 'key'), { code: 'TRUST_METADATA_MALFORMED' });
  }
});

test('refuses to write a key of an algorithm that TUF metadata has no form for', () => {
  const foreign = { algorithm: 'RSA' } as unknown as PublicKey;
  assert.throws(() => tufKeyOf(foreign), { code: 'TRUST_KEY_UNSUPPORTED' });
});
