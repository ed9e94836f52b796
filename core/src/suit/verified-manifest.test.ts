import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import { CborTag, decodeCbor, encodeCbor } from '../cbor/index.ts';
import { coseKeyThumbprint, signSign1 } from '../cose/index.ts';
import { PrivateKey, type Signer, sha256 } from '../crypto/index.ts';
import { digestOfMember, encodeDigest } from './digest.ts';
import { encodeEnvelope, parseEnvelope } from './envelope.ts';
import { CLASS_INFO, commands, IMAGE, KEY, manifest, map, signRaw, VENDOR_DOMAIN } from './fixture.test.ts';
import { signEnvelope } from './sign.ts';
import { buildTwoSlotManifest } from './two-slot.ts';
import { VerifiedManifest, verifyEnvelope } from './verified-manifest.ts';

const OTHER_KEY = PrivateKey.generate('ESP256');
const ED_KEY = PrivateKey.generate('Ed25519');
const PQ_KEY = PrivateKey.generate('ML-DSA-65');
const POLICY = { keys: [KEY.publicKey], requiredAlgorithms: ['ESP256'] } as const;
const HYBRID = { keys: [KEY.publicKey, PQ_KEY.publicKey], requiredAlgorithms: ['ESP256', 'ML-DSA-65'] } as const;

function refuses(bytes: Uint8Array, code: string, policy: Parameters<typeof verifyEnvelope>[1] = POLICY): void {
  assert.throws(() => verifyEnvelope(bytes, policy), { name: 'SuitError', code });
}

/** Changes one block of an envelope. */
function withBlocks(bytes: Uint8Array, change: (blocks: readonly Uint8Array[]) => Uint8Array[]): Uint8Array {
  const envelope = parseEnvelope(bytes);
  return encodeEnvelope({ ...envelope, blocks: change(envelope.blocks) });
}

function broken(block: Uint8Array): Uint8Array {
  const changed = new Uint8Array(block);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}

/** A block whose four COSE items are changed. */
function rebuilt(block: Uint8Array, items: (old: unknown[]) => unknown[], tag = 18): Uint8Array {
  const tagged = decodeCbor(block) as CborTag;
  return encodeCbor(new CborTag(tag, items(tagged.value as unknown[]) as never));
}

test('verifies an envelope by a listed key, and says who signed', async () => {
  const bytes = manifest({ elements: { 6: encodeCbor([1, 2, 3]), 7: commands(3, 15) } });
  const verified = verifyEnvelope(await signEnvelope(bytes, [KEY]), POLICY);
  assert.ok(verified instanceof VerifiedManifest);
  assert.equal(verified.sequenceNumber, 1n);
  assert.equal(verified.version, '1.2.3');
  assert.deepEqual(verified.components, [[utf8('a')]]);
  assert.deepEqual(verified.signers, [KEY.publicKey]);
  assert.deepEqual(verified.digest, digestOfMember(bytes));
  assert.deepEqual(verified.texts, []);
  assert.equal(verified.hasSection('validate'), true);
  assert.equal(verified.hasSection('install'), false);
});

test('verifies each signature algorithm', async () => {
  for (const algorithm of ['ESP256', 'ESP384', 'Ed25519', 'ML-DSA-65'] as const) {
    const key = PrivateKey.generate(algorithm);
    const bytes = await signEnvelope(manifest(), [key]);
    verifyEnvelope(bytes, { keys: [OTHER_KEY.publicKey, key.publicKey], requiredAlgorithms: [algorithm] });
  }
});

test('does not sign without a signer, nor what it would refuse', async () => {
  await assert.rejects(signEnvelope(manifest(), []), { code: 'SUIT_AUTHENTICATION_MISSING' });
  await assert.rejects(signEnvelope(manifest({ elements: { 99: 1 } }), [KEY]), { code: 'SUIT_ELEMENT_UNSUPPORTED' });
});

test('refuses an envelope without a signature', async () => {
  const signed = await signEnvelope(manifest(), [KEY]);
  refuses(
    withBlocks(signed, () => []),
    'SUIT_AUTHENTICATION_MISSING',
  );
});

test('refuses an envelope by unknown keys only, whatever they claim', async () => {
  refuses(await signEnvelope(manifest(), [OTHER_KEY]), 'SUIT_KEY_UNKNOWN');
  refuses(await signEnvelope(manifest(), [ED_KEY, PQ_KEY]), 'SUIT_KEY_UNKNOWN');
  refuses(await signEnvelope(manifest(), [KEY]), 'SUIT_KEY_UNKNOWN', { ...POLICY, keys: [] });
});

test('refuses a signature that does not verify, with and without a key id', async () => {
  const signed = await signEnvelope(manifest(), [KEY]);
  refuses(
    withBlocks(signed, (blocks) => blocks.map(broken)),
    'SUIT_SIGNATURE_INVALID',
  );
  const digest = encodeDigest(digestOfMember(manifest()));
  const nameless = await signSign1({ payload: digest, detached: true, kid: false }, KEY);
  verifyEnvelope(
    withBlocks(signed, () => [nameless]),
    POLICY,
  );
  refuses(
    withBlocks(signed, () => [broken(nameless)]),
    'SUIT_SIGNATURE_INVALID',
  );
});

test('refuses another signer under the key id of a listed key', async () => {
  const impostor: Signer = { publicKey: KEY.publicKey, sign: (message) => OTHER_KEY.sign(message) };
  refuses(await signRaw(manifest(), [impostor]), 'SUIT_SIGNATURE_INVALID');
});

test('a failing block of a listed key refuses the envelope whatever else verifies', async () => {
  const signed = await signEnvelope(manifest(), [KEY]);
  const [good = new Uint8Array()] = parseEnvelope(signed).blocks;
  refuses(
    withBlocks(signed, () => [good, broken(good)]),
    'SUIT_SIGNATURE_INVALID',
  );
});

test('blocks by keys that are not listed do not count and do no harm', async () => {
  const signed = await signEnvelope(manifest(), [OTHER_KEY, KEY, ED_KEY]);
  assert.deepEqual(verifyEnvelope(signed, POLICY).signers, [KEY.publicKey]);
  const mac = encodeCbor(new CborTag(17, [encodeCbor(map({ 1: 5 })), map({}), null, new Uint8Array(32)]));
  verifyEnvelope(
    withBlocks(signed, (blocks) => [mac, ...blocks]),
    POLICY,
  );
  refuses(
    withBlocks(signed, () => [mac]),
    'SUIT_KEY_UNKNOWN',
  );
});

test('every required algorithm must have signed', async () => {
  verifyEnvelope(await signEnvelope(manifest(), [KEY, PQ_KEY]), HYBRID);
  verifyEnvelope(await signEnvelope(manifest(), [PQ_KEY, KEY]), HYBRID);
  refuses(await signEnvelope(manifest(), [KEY]), 'SUIT_ALGORITHM_MISSING', HYBRID);
  refuses(await signEnvelope(manifest(), [PQ_KEY]), 'SUIT_ALGORITHM_MISSING', HYBRID);
  // A key of the right algorithm that is not listed does not help.
  const strangers = await signEnvelope(manifest(), [KEY, PrivateKey.generate('ML-DSA-65')]);
  refuses(strangers, 'SUIT_ALGORITHM_MISSING', HYBRID);
  refuses(await signEnvelope(manifest(), [KEY]), 'SUIT_POLICY_EMPTY', { ...POLICY, requiredAlgorithms: [] });
});

test('refuses blocks of another shape', async () => {
  const signed = await signEnvelope(manifest(), [KEY]);
  const [block = new Uint8Array()] = parseEnvelope(signed).blocks;
  const digest = parseEnvelope(signed).digest;
  const kid = coseKeyThumbprint(KEY.publicKey);
  const shapes: Uint8Array[] = [
    rebuilt(block, ([head, open, , signature]) => [head, open, digest, signature]),
    rebuilt(block, ([head, , payload, signature]) => [head, map({ 5: kid }), payload, signature]),
    rebuilt(block, ([head, , payload, signature]) => [head, map({ 4: kid }), payload, signature]),
    rebuilt(block, ([, , payload, signature]) => [new Uint8Array(), map({}), payload, signature]),
    rebuilt(block, (items) => items.slice(0, 3)),
    rebuilt(block, (items) => items, 16),
    encodeCbor([1, 2, 3, 4]),
    new Uint8Array(),
  ];
  for (const shape of shapes) {
    refuses(
      withBlocks(signed, () => [shape]),
      'SUIT_ENVELOPE_MALFORMED',
    );
  }
});

test('refuses a manifest other than the one whose digest was signed', async () => {
  const signed = parseEnvelope(await signEnvelope(manifest(), [KEY]));
  const swapped = encodeEnvelope({ ...signed, manifest: manifest({ elements: { 2: 2 } }) });
  refuses(swapped, 'SUIT_DIGEST_MISMATCH');
  // The digest covers the byte string with its header, not the content alone.
  const content = manifest();
  const bare = encodeDigest({ algorithm: -16, bytes: sha256(content) });
  refuses(await signRaw(content, [KEY], { digest: bare }), 'SUIT_DIGEST_MISMATCH');
});

test('verifies signatures before it reads the manifest', async () => {
  const nonsense = utf8('not a manifest');
  const signed = await signRaw(nonsense);
  refuses(signed, 'SUIT_MANIFEST_MALFORMED');
  refuses(
    withBlocks(signed, (blocks) => blocks.map(broken)),
    'SUIT_SIGNATURE_INVALID',
  );
  refuses(encodeEnvelope({ ...parseEnvelope(signed), manifest: utf8('other nonsense') }), 'SUIT_DIGEST_MISMATCH');
});

test('refuses signed digests that are not understood', async () => {
  const sized = encodeDigest({ algorithm: -16, bytes: new Uint8Array(31) });
  refuses(await signRaw(manifest(), [KEY], { digest: sized }), 'SUIT_MANIFEST_MALFORMED');
  const unknown = encodeDigest({ algorithm: -17, bytes: new Uint8Array(32) });
  refuses(await signRaw(manifest(), [KEY], { digest: unknown }), 'SUIT_DIGEST_UNSUPPORTED');
  refuses(await signRaw(manifest(), [KEY], { digest: utf8('x') }), 'SUIT_ENVELOPE_MALFORMED');
  for (const algorithm of [-43, -44]) {
    const digest = encodeDigest(digestOfMember(manifest(), algorithm));
    verifyEnvelope(await signRaw(manifest(), [KEY], { digest }), POLICY);
  }
});

test('refuses a manifest whose sequence number went back; an equal one is accepted', async () => {
  const signed = await signEnvelope(manifest({ elements: { 2: 2n ** 64n - 2n } }), [KEY]);
  const at = (sequenceNumberMin: bigint) => ({ ...POLICY, sequenceNumberMin });
  refuses(signed, 'SUIT_SEQUENCE_TOO_OLD', at(2n ** 64n - 1n));
  assert.equal(verifyEnvelope(signed, at(2n ** 64n - 2n)).sequenceNumber, 2n ** 64n - 2n);
  verifyEnvelope(signed, at(0n));
});

test('severed members are checked against their digest, and needed only to be run', async () => {
  const install = commands(21, 2);
  const text = encodeCbor(new Map([['en', map({ 2: 'What is new' })]]));
  const digestItem = (bytes: Uint8Array): [number, Uint8Array] => [-16, digestOfMember(bytes).bytes];
  const bytes = manifest({ elements: { 20: digestItem(install), 23: digestItem(text) } });
  const members = new Map([
    [20, install],
    [23, text],
  ]);
  const whole = verifyEnvelope(await signEnvelope(bytes, [KEY], { members }), POLICY);
  assert.equal(whole.hasSection('install'), true);
  assert.deepEqual(whole.texts, [{ language: 'en', updateDescription: 'What is new' }]);
  const severed = verifyEnvelope(await signEnvelope(bytes, [KEY]), POLICY);
  assert.equal(severed.hasSection('install'), false);
  assert.deepEqual(severed.texts, []);
  const other = new Map([[20, commands(23, 2)]]);
  refuses(await signRaw(bytes, [KEY], { members: other }), 'SUIT_DIGEST_MISMATCH');
  // A member that the manifest has no digest for is authenticated by nothing.
  refuses(await signRaw(manifest(), [KEY], { members: new Map([[20, install]]) }), 'SUIT_ENVELOPE_MALFORMED');
  const held = manifest({ elements: { 20: install } });
  refuses(await signRaw(held, [KEY], { members: new Map([[20, install]]) }), 'SUIT_ENVELOPE_MALFORMED');
});

async function smallEnvelope(): Promise<Uint8Array> {
  const bytes = buildTwoSlotManifest({
    vendorDomain: VENDOR_DOMAIN,
    classInfo: CLASS_INFO,
    sequenceNumber: 3n,
    securityCounter: 2n,
    version: '1.2.3',
    imageDigest: sha256(IMAGE),
    imageSizeBytes: IMAGE.length,
    payloadName: 'hub.enc',
  });
  return await signEnvelope(bytes, [KEY]);
}

test('refuses every truncation and every extension of an envelope', async () => {
  const envelope = await smallEnvelope();
  verifyEnvelope(envelope, POLICY);
  for (let length = 0; length < envelope.length; length += 1) {
    refuses(envelope.subarray(0, length), 'SUIT_ENVELOPE_MALFORMED');
  }
  refuses(concat(envelope, new Uint8Array(1)), 'SUIT_ENVELOPE_MALFORMED');
});

test('refuses every single-bit flip of an envelope: nothing in it is unsigned', async () => {
  const envelope = await smallEnvelope();
  const codes = new Map<string, number>();
  for (let bit = 0; bit < envelope.length * 8; bit += 1) {
    const flipped = new Uint8Array(envelope);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(
      () => verifyEnvelope(flipped, POLICY),
      (error: { name: string; code: string }) => {
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
        return error.name === 'SuitError';
      },
      `bit ${bit}`,
    );
  }
  // Flips in the manifest: digest; in digest or signature: signature; in the key id: unknown key; in CBOR: malformed.
  const expected = ['SUIT_DIGEST_MISMATCH', 'SUIT_ENVELOPE_MALFORMED', 'SUIT_KEY_UNKNOWN', 'SUIT_SIGNATURE_INVALID'];
  for (const code of expected) assert.ok((codes.get(code) ?? 0) > 0, code);
});
