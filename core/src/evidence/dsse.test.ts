import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { concat, fromBase64, fromUtf8, toBase64, utf8 } from '../bytes/index.ts';
import { keyIdOf } from '../cose/index.ts';
import { PrivateKey, type SignatureAlgorithm } from '../crypto/index.ts';
import type { JsonObject } from '../trust/index.ts';
import { canonicalJson } from './canonical-json.ts';
import { type DsseEnvelope, encodeEnvelope, parseEnvelope, signStatement, verifyStatement } from './dsse.ts';
import type { PredicateType } from './predicates.ts';
import { newStatement, parseStatement } from './statement.ts';

const SHA256 = 'ab'.repeat(32);
const statement = newStatement({
  predicateType: 'urn:pawl:rollout:1',
  subject: [{ name: 'hub/1.0.0', digest: { sha256: SHA256 } }],
  predicate: { state: 'started' },
});
const key = PrivateKey.generate('Ed25519');
const keys = [key.publicKey];

test('a signed statement verifies under each algorithm and says who signed', async () => {
  for (const algorithm of ['ESP256', 'ESP384', 'Ed25519', 'ML-DSA-65'] satisfies SignatureAlgorithm[]) {
    const signer = PrivateKey.generate(algorithm);
    const bytes = encodeEnvelope(await signStatement(statement, signer));
    const verified = verifyStatement(bytes, [key.publicKey, signer.publicKey]);
    assert.deepEqual(verified.statement, statement);
    assert.equal(verified.signerKeyId, keyIdOf(signer.publicKey));
    assert.equal(verified.signer, signer.publicKey);
  }
});

test('the signature covers the DSSE pre-authentication encoding of type and payload', async () => {
  const envelope = await signStatement(statement, key);
  const payload = fromUtf8(fromBase64(envelope.payload));
  const pae = `DSSEv1 28 application/vnd.in-toto+json ${payload.length} ${payload}`;
  const publicKey = createPublicKey(key.publicKey.toSpkiPem());
  assert.ok(verify(null, Buffer.from(pae), publicKey, Buffer.from(envelope.signatures[0].sig, 'base64')));
});

test('an envelope survives the way through bytes and through JSON', async () => {
  const envelope = await signStatement(statement, key);
  assert.deepEqual(parseEnvelope(encodeEnvelope(envelope)), envelope);
  assert.deepEqual(utf8(JSON.stringify(envelope)), encodeEnvelope(envelope));
  assert.doesNotThrow(() => verifyStatement(envelope, new Map([[keyIdOf(key.publicKey), key.publicKey]])));
});

test('refuses an unknown signer and a signature of another key', async () => {
  const envelope = await signStatement(statement, key);
  assert.throws(() => verifyStatement(envelope, []), { code: 'STATEMENT_SIGNER_UNKNOWN' });
  const other = PrivateKey.generate('Ed25519');
  const [{ sig }] = (await signStatement(statement, other)).signatures;
  const forged: DsseEnvelope = { ...envelope, signatures: [{ keyid: envelope.signatures[0].keyid, sig }] };
  assert.throws(() => verifyStatement(forged, keys), { code: 'STATEMENT_SIGNATURE_INVALID' });
  const short: DsseEnvelope = { ...envelope, signatures: [{ keyid: envelope.signatures[0].keyid, sig: 'AAAA' }] };
  assert.throws(() => verifyStatement(short, keys), { code: 'STATEMENT_SIGNATURE_INVALID' });
});

test('refuses every truncation and every single-bit flip of an envelope', async () => {
  const bytes = encodeEnvelope(await signStatement(statement, key));
  const codes = new Set(['STATEMENT_MALFORMED', 'STATEMENT_SIGNER_UNKNOWN', 'STATEMENT_SIGNATURE_INVALID']);
  const isRefused = (error: { code: string }): boolean => codes.has(error.code);
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => verifyStatement(bytes.subarray(0, length), keys), isRefused);
  }
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => verifyStatement(flipped, keys), isRefused, `bit ${bit}`);
  }
});

test('refuses an envelope that is not of the one form', async () => {
  const envelope = await signStatement(statement, key);
  const [signature] = envelope.signatures;
  const malformed: [string, object][] = [
    ['an unknown member', { ...envelope, extra: 1 }],
    ['another payload type', { ...envelope, payloadType: 'text/plain' }],
    ['no signature', { ...envelope, signatures: [] }],
    ['two signatures', { ...envelope, signatures: [signature, signature] }],
    ['an unknown signature member', { ...envelope, signatures: [{ ...signature, cert: '' }] }],
    ['a key id of another form', { ...envelope, signatures: [{ ...signature, keyid: 'me' }] }],
    ['a signature that is not base64', { ...envelope, signatures: [{ ...signature, sig: '*' }] }],
    ['a payload in base64url', { ...envelope, payload: '_-8=' }],
    ['a missing member', { payload: envelope.payload, payloadType: envelope.payloadType }],
  ];
  for (const [name, value] of malformed) {
    const bytes = canonicalJson(value as JsonObject);
    assert.throws(() => parseEnvelope(bytes), { code: 'STATEMENT_MALFORMED' }, name);
  }
  const huge = { ...envelope, payload: toBase64(new Uint8Array(60_000)) };
  assert.throws(() => encodeEnvelope(huge), { code: 'STATEMENT_TOO_LARGE' });
  assert.throws(() => parseEnvelope(concat(encodeEnvelope(envelope), utf8(' '))), { code: 'STATEMENT_MALFORMED' });
});

test('refuses a statement that is not of the one form, signed or not', async () => {
  const subject = statement.subject[0];
  const malformed: [string, object, string][] = [
    ['another type', { ...statement, _type: 'https://in-toto.io/Statement/v0.1' }, 'STATEMENT_MALFORMED'],
    ['an unknown member', { ...statement, extra: 1 }, 'STATEMENT_MALFORMED'],
    ['no subject', { ...statement, subject: [] }, 'STATEMENT_MALFORMED'],
    ['an unnamed subject', { ...statement, subject: [{ ...subject, name: '' }] }, 'STATEMENT_MALFORMED'],
    [
      'a second digest',
      { ...statement, subject: [{ name: 'x', digest: { sha1: '', sha256: SHA256 } }] },
      'STATEMENT_MALFORMED',
    ],
    [
      'an upper-case digest',
      { ...statement, subject: [{ name: 'x', digest: { sha256: SHA256.toUpperCase() } }] },
      'STATEMENT_MALFORMED',
    ],
    ['a predicate that is a list', { ...statement, predicate: [] }, 'STATEMENT_MALFORMED'],
    ['an unknown predicate type', { ...statement, predicateType: 'urn:other:1' }, 'STATEMENT_PREDICATE_UNKNOWN'],
    [
      'a predicate type named like a built-in',
      { ...statement, predicateType: 'toString' },
      'STATEMENT_PREDICATE_UNKNOWN',
    ],
  ];
  for (const [name, value, code] of malformed) {
    assert.throws(() => parseStatement(canonicalJson(value as JsonObject)), { code }, name);
  }
  const bad = newStatement({ ...statement, predicateType: 'urn:other:1' as PredicateType });
  await assert.rejects(signStatement(bad, key), { code: 'STATEMENT_PREDICATE_UNKNOWN' });
});
