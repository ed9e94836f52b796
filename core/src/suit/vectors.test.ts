/** Foreign envelopes: of the drafts themselves and of libcsuit. Signed with ES256 (-7) or ESP256 (-9) by their test keys. */
import assert from 'node:assert/strict';
import { createECDH, createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { concat, fromHex, fromUtf8, toHex, utf8 } from '../bytes/index.ts';
import { decodeCbor, expectBytes, expectMap } from '../cbor/index.ts';
import { openEncryptInfo } from '../cose/index.ts';
import { AgreementKey, createAeadDecryptor, PublicKey, sha256 } from '../crypto/index.ts';
import type { AuthenticationPolicy } from './authentication.ts';
import { digestOfMember } from './digest.ts';
import { type EnvelopeOptions, encodeEnvelope, parseEnvelope } from './envelope.ts';
import { explainEnvelope } from './explain.ts';
import { CLASS_INFO, KEY, MemoryPlatform, VENDOR_DOMAIN, verified } from './fixture.test.ts';
import { encodeManifest, parseManifest } from './manifest-codec.ts';
import type { WriteRequest } from './platform.ts';
import { runSection } from './run.ts';
import { buildTwoSlotManifest } from './two-slot.ts';
import { type VerifiedManifest, verifyEnvelope } from './verified-manifest.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDER = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'suit');
const skip = existsSync(FOLDER) ? false : 'the foreign SUIT vectors are not there (PAWL_VECTORS)';

function load(path: string): Uint8Array {
  const bytes = new Uint8Array(readFileSync(join(FOLDER, path)));
  return path.endsWith('.suit') ? bytes : fromHex(fromUtf8(bytes).replace(/\s/g, '').toLowerCase());
}

function key(path: string): PublicKey {
  return PublicKey.fromSpki(readFileSync(join(FOLDER, path), 'utf8'));
}

function verify(path: string, keyPath: string): VerifiedManifest {
  return verifyEnvelope(load(path), { keys: [key(keyPath)], requiredAlgorithms: ['ESP256'] });
}

/** The key that the drafts share with their devices for MACs. */
const MAC_KEY = utf8('a'.repeat(32));
const MAC_POLICY = { keys: [], requiredAlgorithms: ['HMAC'], macKeys: [MAC_KEY] } as const;

const DRAFT_KEY = 'manifest-37/public_key.pem';
const CSUIT_KEY = 'libcsuit/key/trust_anchor_secp256r1.pub.pem';

const DRAFT: AuthenticationPolicy =
  skip === false ? { keys: [key(DRAFT_KEY)], requiredAlgorithms: ['ESP256'] } : MAC_POLICY;
const CSUIT: AuthenticationPolicy =
  skip === false ? { keys: [key(CSUIT_KEY)], requiredAlgorithms: ['ESP256'] } : MAC_POLICY;
const TAM: AuthenticationPolicy = skip === false ? { keys: [tamKey()], requiredAlgorithms: ['ESP256'] } : MAC_POLICY;

/** libcsuit's second signer, from the COSE_Key with its private member. */
function tamKey(): PublicKey {
  const map = expectMap(decodeCbor(load('libcsuit/key/tam_esp256_cose_key_private.cbor.hex'), { order: 'any' }), 'key');
  const point = concat(Uint8Array.of(4), expectBytes(map.get(-2), 'x'), expectBytes(map.get(-3), 'y'));
  return PublicKey.fromRaw('ESP256', point);
}

const ACCEPTED: readonly (readonly [string, AuthenticationPolicy & EnvelopeOptions])[] = [
  ...['example0', 'example1', 'example2', 'example3', 'example4', 'example5'].map(
    (name): [string, AuthenticationPolicy] => [`manifest-37/${name}.signed.hex`, DRAFT],
  ),
  ['manifest-37/example2.signed.severed.hex', DRAFT],
  ['firmware-encryption-24/suit-manifest-es-ecdh-content.hex.signed', CSUIT],
  ['firmware-encryption-24/suit-manifest-es-ecdh-dependency.hex.signed', { ...TAM, integratedSizeBytesMax: 4096 }],
  ['firmware-encryption-24/suit-manifest-aes-kw.hex.signed', MAC_POLICY],
  ['firmware-encryption-24/suit-manifest-aes-kw-slot.hex.signed', MAC_POLICY],
  ['firmware-encryption-24/suit-manifest-aes-kw-content.hex.signed', MAC_POLICY],
  ['trust-domains-11/example0_dependent.hex', CSUIT],
  ['trust-domains-11/example1_process.hex', CSUIT],
  ['trust-domains-11/example2_integrated.hex', { ...CSUIT, integratedSizeBytesMax: 4096 }],
  ...['exp0', 'exp1', 'exp2A', 'exp2B', 'expS0', 'expS2', 'expU0', 'expU1'].map(
    (name): [string, AuthenticationPolicy] => [`libcsuit/suit_manifest_${name}.suit`, CSUIT],
  ),
  ['libcsuit/suit_manifest_expED.suit', { ...CSUIT, integratedSizeBytesMax: 4096 }],
  ['libcsuit/suit_manifest_expAF.suit', MAC_POLICY],
  ['libcsuit/suit_manifest_expAW.suit', MAC_POLICY],
  // TEEP carries envelopes without a tag.
  ...['expU', 'expI', 'expD'].map((name): [string, AuthenticationPolicy & EnvelopeOptions] => [
    `libcsuit/suit_manifest_${name}.suit`,
    { ...CSUIT, isUntagged: true, integratedSizeBytesMax: 4096 },
  ]),
];

test('verifies, reads and writes again byte for byte what others made', { skip }, () => {
  for (const [path, policy] of ACCEPTED) {
    const bytes = load(path);
    const subject = verifyEnvelope(bytes, policy);
    const envelope = parseEnvelope(bytes, policy);
    const again = encodeEnvelope(envelope);
    assert.deepEqual('isUntagged' in policy ? again.subarray(2) : again, bytes, path);
    assert.deepEqual(encodeManifest(parseManifest(envelope.manifest, envelope.members)), envelope.manifest, path);
    assert.deepEqual(subject.digest, digestOfMember(envelope.manifest), path);
    assert.equal(subject.signers.length + Number(subject.isMacVerified), 1);
    assert.ok(explainEnvelope(bytes).length > 10);
  }
});

const REFUSED: [string, string, string][] = [
  ...['example0', 'example1', 'example2', 'example3', 'example4', 'example5'].map((name): [string, string, string] => [
    `manifest-37/${name === 'example2' ? 'example2.unsigned.severed' : `${name}.unsigned`}.hex`,
    DRAFT_KEY,
    'SUIT_AUTHENTICATION_MISSING',
  ]),
  // An integrated dependency, which nobody asked for.
  ['firmware-encryption-24/suit-manifest-es-ecdh-dependency.hex.signed', CSUIT_KEY, 'SUIT_ELEMENT_UNSUPPORTED'],
  // MACs are by no listed public key.
  ['firmware-encryption-24/suit-manifest-aes-kw.hex.signed', CSUIT_KEY, 'SUIT_KEY_UNKNOWN'],
  ['firmware-encryption-24/suit-manifest-aes-kw-slot.hex.signed', CSUIT_KEY, 'SUIT_KEY_UNKNOWN'],
  ['firmware-encryption-24/suit-manifest-aes-kw-content.hex.signed', CSUIT_KEY, 'SUIT_KEY_UNKNOWN'],
  // Without a tag, which nobody asked for.
  ['libcsuit/suit_manifest_expU.suit', CSUIT_KEY, 'SUIT_ENVELOPE_MALFORMED'],
];

test('refuses what is unsigned, by another key, or beyond our closed world', { skip }, () => {
  for (const [path, keyPath, code] of REFUSED) assert.throws(() => verify(path, keyPath), { code }, path);
  // The blocks of the draft carry no key id, so the listed key of their algorithm is held to have made them.
  const other = { keys: [KEY.publicKey], requiredAlgorithms: ['ESP256'] } as const;
  assert.throws(() => verifyEnvelope(load('manifest-37/example0.signed.hex'), other), {
    code: 'SUIT_SIGNATURE_INVALID',
  });
});

test('a severed section cannot be run, the same one with its member can', { skip }, () => {
  assert.equal(verify('manifest-37/example2.signed.hex', DRAFT_KEY).hasSection('install'), true);
  assert.equal(verify('manifest-37/example2.signed.severed.hex', DRAFT_KEY).hasSection('install'), false);
});

test('runs the examples as far as a device without addresses goes', { skip }, async () => {
  const platform = new MemoryPlatform();
  const run = (name: string, section: 'install' | 'validate'): Promise<void> =>
    runSection(verify(`manifest-37/${name}.signed.hex`, DRAFT_KEY), section, platform);
  await assert.rejects(run('example1', 'install'), { code: 'SUIT_URI_UNSUPPORTED' });
  // Another vendor: the shared sequence fails before the section starts.
  await assert.rejects(run('example0', 'validate'), { code: 'SUIT_CONDITION_FAILED' });
  assert.deepEqual(platform.log, []);
});

/** The recipient's key of draft-ietf-suit-firmware-encryption, from its private scalar. */
function recipientKey(): AgreementKey {
  const d = Buffer.from('60fe6dd6d85d5740a5349b6f91267eeac5ba81b8cb53ee249e4b4eb102c476b3', 'hex');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const part = (from: number): string => point.subarray(from, from + 32).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', d: d.toString('base64url'), x: part(1), y: part(33) };
  const der = createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'der' });
  return AgreementKey.fromPkcs8(new Uint8Array(der));
}

test('installs the encrypted payload of the draft by its encryption info', { skip }, async () => {
  const image = utf8('This is a real firmware image.');
  for (const kind of ['es-ecdh', 'aes-kw']) {
    const manifest = buildTwoSlotManifest({
      vendorDomain: VENDOR_DOMAIN,
      classInfo: CLASS_INFO,
      sequenceNumber: 1n,
      securityCounter: 1n,
      version: '1.0.0',
      imageDigest: sha256(image),
      imageSizeBytes: image.length,
      payloadName: 'image.enc',
      encryptionInfo: load(`firmware-encryption-24/suit-encryption-info-${kind}-aes-gcm.hex`),
    });
    const platform = new MemoryPlatform();
    platform.agreementKeys.push(recipientKey());
    platform.keks.push(utf8('a'.repeat(16)));
    platform.files.set('image.enc', load(`firmware-encryption-24/encrypted-payload-${kind}-aes-gcm.hex`));
    await runSection(await verified(manifest), 'install', platform);
    assert.deepEqual(platform.slots.get('firmware#0'), image, kind);
  }
});

test('hands a foreign encryption info to the platform as it is', { skip }, async () => {
  const subject = verify('firmware-encryption-24/suit-manifest-es-ecdh-content.hex.signed', CSUIT_KEY);
  const written: WriteRequest[] = [];
  class RecordingPlatform extends MemoryPlatform {
    override async write(request: WriteRequest): Promise<void> {
      written.push(request);
    }
  }
  await runSection(subject, 'install', new RecordingPlatform());
  const [request] = written;
  assert.equal(request?.content.length, 46);
  assert.ok(request?.encryptionInfo !== undefined);
  const { encryptionInfo, content } = request;
  const secrets = openEncryptInfo(encryptionInfo, { agreementKeys: [recipientKey()], keks: [] });
  const decryptor = createAeadDecryptor({ ...secrets, key: secrets.contentKey });
  const plain = concat(decryptor.update(content.subarray(0, -16)), decryptor.final(content.subarray(-16)));
  assert.equal(fromUtf8(plain), 'This is a real firmware image.');
});

test('the vendor and class of the examples are name-based', { skip }, () => {
  const shared = verify('manifest-37/example0.signed.hex', DRAFT_KEY).content.sharedSequence ?? [];
  const [first] = shared;
  assert.ok(first?.kind === 'override-parameters');
  assert.equal(toHex(first.parameters.vendorId ?? new Uint8Array()), 'fa6b4a53d5ad5fdfbe9de663e4d41ffe');
});

test('every single-bit flip of a foreign envelope is refused', { skip }, () => {
  const bytes = load('manifest-37/example0.signed.hex');
  const policy = { keys: [key(DRAFT_KEY)], requiredAlgorithms: ['ESP256'] } as const;
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = new Uint8Array(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => verifyEnvelope(flipped, policy), { name: 'SuitError' }, `bit ${bit}`);
  }
});
