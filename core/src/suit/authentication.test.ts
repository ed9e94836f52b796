import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import {
  contentAad,
  createMac,
  createMac0,
  encryptInfo,
  openEncryptInfo,
  openUnauthenticatedEncryptInfo,
  type RecipientOptions,
  signSign,
  unauthenticatedEncryptInfo,
} from '../cose/index.ts';
import {
  AgreementKey,
  createAeadDecryptor,
  createAeadEncryptor,
  createUnauthenticatedCipher,
  isAeadAlgorithm,
  isCtrAlgorithm,
  LmsPrivateKey,
  PrivateKey,
  PublicKey,
  type SignatureAlgorithm,
  type Signer,
  sha256,
  signatureAlgorithmOf,
} from '../crypto/index.ts';
import type { AuthenticationAlgorithm, AuthenticationPolicy } from './authentication.ts';
import { SUIT_PROFILES } from './constants.ts';
import { digestOfMember, encodeDigest } from './digest.ts';
import { encodeEnvelope } from './envelope.ts';
import { CLASS_INFO, commands, IMAGE, MemoryPlatform, manifest, map, VENDOR_DOMAIN } from './fixture.test.ts';
import type { CopyRequest } from './platform.ts';
import { runSection } from './run.ts';
import { severManifest, signEnvelope } from './sign.ts';
import { buildTwoSlotManifest } from './two-slot.ts';
import { verifyEnvelope } from './verified-manifest.ts';

const MANIFEST = manifest();
const DIGEST = encodeDigest(digestOfMember(MANIFEST));
const MAC_KEY = new Uint8Array(32).fill(5);
const a = PrivateKey.generate('ESP256');
const b = PrivateKey.generate('ML-DSA-65');
const stranger = PrivateKey.generate('ESP256');

function envelopeOf(...blocks: Uint8Array[]): Uint8Array {
  return encodeEnvelope({ digest: DIGEST, blocks, manifest: MANIFEST, members: new Map(), integrated: new Map() });
}

const both: AuthenticationPolicy = { keys: [a.publicKey, b.publicKey], requiredAlgorithms: ['ESP256', 'ML-DSA-65'] };

test('one COSE_Sign block carries all signatures that a policy requires', async () => {
  const block = await signSign({ payload: DIGEST, detached: true }, [a, b]);
  assert.equal(verifyEnvelope(envelopeOf(block), both).signers.length, 2);
  const half = await signSign({ payload: DIGEST, detached: true }, [a, stranger]);
  assert.throws(() => verifyEnvelope(envelopeOf(half), both), { code: 'SUIT_ALGORITHM_MISSING' });
  const foreign = await signSign({ payload: DIGEST, detached: true }, [stranger]);
  assert.throws(() => verifyEnvelope(envelopeOf(foreign), both), { code: 'SUIT_KEY_UNKNOWN' });
});

test('a signature in a COSE_Sign that claims a listed key and does not fit condemns the envelope', async () => {
  const wrong: Signer = { publicKey: b.publicKey, sign: async (message) => (await b.sign(message)).fill(1, 0, 8) };
  for (const kid of [true, false]) {
    const block = await signSign({ payload: DIGEST, detached: true, kid }, [a, wrong]);
    const policy = { ...both, requiredAlgorithms: ['ESP256'] } as const;
    assert.throws(() => verifyEnvelope(envelopeOf(block), policy), { code: 'SUIT_SIGNATURE_INVALID' });
  }
});

const MAC_POLICY: AuthenticationPolicy = {
  keys: [],
  requiredAlgorithms: ['HMAC'],
  macKeys: [new Uint8Array(32), MAC_KEY],
};
const kek = new Uint8Array(16).fill(6);
const MACS: readonly (readonly [string, Uint8Array, AuthenticationPolicy])[] = [
  ['COSE_Mac0', createMac0({ algorithm: 5, payload: DIGEST, detached: true, key: MAC_KEY }), MAC_POLICY],
  [
    'COSE_Mac',
    createMac({ algorithm: 5, payload: DIGEST, detached: true, recipients: [{ kind: 'aes-kw', alg: -3, kek }] }),
    { ...MAC_POLICY, macKeys: [kek] },
  ],
];

for (const [name, block, policy] of MACS) {
  test(`a ${name} counts when the policy has a key for it, and never as a signature`, () => {
    const verified = verifyEnvelope(envelopeOf(block), policy);
    assert.deepEqual([verified.isMacVerified, verified.signers], [true, []]);
    assert.throws(() => verifyEnvelope(envelopeOf(block), { ...policy, macKeys: [] }), { code: 'SUIT_KEY_UNKNOWN' });
    assert.throws(() => verifyEnvelope(envelopeOf(block), both), { code: 'SUIT_KEY_UNKNOWN' });
    const needs = { ...policy, requiredAlgorithms: ['HMAC', 'ESP256'] } as const;
    assert.throws(() => verifyEnvelope(envelopeOf(block), needs), { code: 'SUIT_ALGORITHM_MISSING' });
    const other = { ...policy, macKeys: [new Uint8Array(kek.length).fill(9)] };
    assert.throws(() => verifyEnvelope(envelopeOf(block), other), { code: 'SUIT_SIGNATURE_INVALID' });
  });
}

test('a MAC with a tag of 64 bits is no authentication, whoever made it', () => {
  const recipients = [{ kind: 'aes-kw', alg: -3, kek }] as const;
  const short: readonly (readonly [Uint8Array, AuthenticationPolicy])[] = [
    [createMac0({ algorithm: 4, payload: DIGEST, detached: true, key: MAC_KEY }), MAC_POLICY],
    [createMac({ algorithm: 4, payload: DIGEST, detached: true, recipients }), { ...MAC_POLICY, macKeys: [kek] }],
  ];
  for (const [block, policy] of short) {
    assert.throws(() => verifyEnvelope(envelopeOf(block), policy), { code: 'SUIT_SIGNATURE_INVALID' });
  }
});

const lms = LmsPrivateKey.generate({ height: 5, width: 8 });
let leaf = 0;

function signerOf(algorithm: SignatureAlgorithm): Signer {
  if (algorithm !== 'HSS-LMS') return PrivateKey.generate(algorithm);
  const publicKey = PublicKey.fromRaw(algorithm, lms.publicKey.raw);
  return { publicKey, sign: (message) => Promise.resolve(lms.signAtIndex(leaf++, message)) };
}

test('a hybrid of ESP256, ML-DSA-65 and HSS-LMS stands side by side, and the policy says which must all be there', async () => {
  const signers = (['ESP256', 'ML-DSA-65', 'HSS-LMS'] as const).map(signerOf);
  const keys = signers.map(({ publicKey }) => publicKey);
  const requiredAlgorithms = keys.map(({ algorithm }) => algorithm);
  const policy = { keys, requiredAlgorithms };
  assert.equal(verifyEnvelope(await signEnvelope(MANIFEST, signers), policy).signers.length, 3);
  for (const missing of signers) {
    const rest = signers.filter((signer) => signer !== missing);
    const envelope = await signEnvelope(MANIFEST, rest);
    assert.throws(() => verifyEnvelope(envelope, policy), { code: 'SUIT_ALGORITHM_MISSING' });
  }
});

type Profile = (typeof SUIT_PROFILES)[keyof typeof SUIT_PROFILES];
type Decrypt = (info: Uint8Array, sealed: Uint8Array) => Uint8Array;

/** Payload and encryption info of a profile, and how its device decrypts. */
function encrypted({ encryption, keyExchange }: Profile): { info: Uint8Array; sealed: Uint8Array; decrypt: Decrypt } {
  const key = AgreementKey.generate();
  const shared = new Uint8Array(keyExchange === -5 ? 32 : 16).fill(7);
  const recipient: RecipientOptions =
    keyExchange === -29
      ? { kind: 'ecdh-es', publicKey: key.publicKey, keyWrap: -29 }
      : { kind: 'aes-kw', kek: shared, alg: keyExchange };
  const keys = { agreementKeys: [key], keks: [shared] };
  if (isCtrAlgorithm(encryption)) {
    const contentKey = new Uint8Array(encryption === -65532 ? 32 : 16).fill(3);
    const iv = new Uint8Array(16).fill(4);
    const cipher = createUnauthenticatedCipher({ algorithm: encryption, key: contentKey, iv });
    return {
      info: unauthenticatedEncryptInfo({ algorithm: encryption, contentKey, iv, recipients: [recipient] }),
      sealed: cipher.update(IMAGE),
      decrypt: (info, sealed) => {
        const { contentKey: opened, ...rest } = openUnauthenticatedEncryptInfo(info, keys);
        return createUnauthenticatedCipher({ ...rest, key: opened }).update(sealed);
      },
    };
  }
  assert.ok(isAeadAlgorithm(encryption));
  const contentKey = new Uint8Array(encryption === 24 ? 32 : 16).fill(3);
  const iv = new Uint8Array(12).fill(4);
  const encryptor = createAeadEncryptor({ algorithm: encryption, key: contentKey, iv, aad: contentAad(encryption) });
  return {
    info: encryptInfo({ algorithm: encryption, contentKey, iv, recipients: [recipient] }),
    sealed: concat(encryptor.update(IMAGE), encryptor.final()),
    decrypt: (info, sealed) => {
      const { contentKey: opened, ...rest } = openEncryptInfo(info, keys);
      const decryptor = createAeadDecryptor({ ...rest, key: opened });
      return concat(decryptor.update(sealed.subarray(0, -16)), decryptor.final(sealed.subarray(-16)));
    },
  };
}

class ProfilePlatform extends MemoryPlatform {
  readonly #decrypt: Decrypt;
  constructor(decrypt: Decrypt) {
    super();
    this.#decrypt = decrypt;
  }
  override async copy({ encryptionInfo, slot }: CopyRequest): Promise<void> {
    const sealed = this.slots.get(`payload#${slot}`)!;
    this.put('firmware', this.#decrypt(encryptionInfo!, sealed), slot);
  }
}

for (const [name, profile] of Object.entries(SUIT_PROFILES)) {
  test(`installs by the algorithm profile ${name}, and refuses a payload with a bit flipped`, async () => {
    const { info, sealed, decrypt } = encrypted(profile);
    const bytes = buildTwoSlotManifest({
      vendorDomain: VENDOR_DOMAIN,
      classInfo: CLASS_INFO,
      sequenceNumber: 1n,
      securityCounter: 1n,
      version: '1.0.0',
      imageDigest: sha256(IMAGE),
      imageSizeBytes: IMAGE.length,
      payloadName: 'image.enc',
      encryptionInfo: info,
    });
    const algorithm: AuthenticationAlgorithm = signatureAlgorithmOf(profile.authentication) ?? 'HMAC';
    const by = algorithm === 'HMAC' ? { macKey: MAC_KEY, algorithm: 5 as const } : signerOf(algorithm);
    const envelope = await signEnvelope(bytes, [by]);
    const policy = {
      keys: 'publicKey' in by ? [by.publicKey] : [],
      requiredAlgorithms: [algorithm],
      macKeys: [MAC_KEY],
    };
    const verified = verifyEnvelope(envelope, policy);
    assert.equal(verified.digest.algorithm, profile.digest);
    const platform = new ProfilePlatform(decrypt);
    platform.files.set('image.enc', sealed);
    await runSection(verified, 'install', platform);
    assert.deepEqual(platform.slots.get('firmware#0'), IMAGE);
    platform.files.set('image.enc', sealed.with(0, sealed[0]! ^ 1));
    await assert.rejects(runSection(verified, 'install', platform));
  });
}

test('severs what is worth it, signs what is left, and runs what is brought along', async () => {
  const long = commands(20, map({ 18: utf8('x'.repeat(100)) }), 18, 15);
  const whole = manifest({ elements: { 16: commands(14, 15), 20: long, 23: new Uint8Array() } });
  const { manifest: small, members } = severManifest(manifest({ elements: { 16: commands(14, 15), 20: long } }), [
    'install',
    'payload-fetch',
    'text',
  ]);
  assert.deepEqual([...members.keys()], [20]);
  assert.ok(small.length < whole.length);
  const policy = { keys: [a.publicKey], requiredAlgorithms: ['ESP256'] } as const;
  const withMember = verifyEnvelope(await signEnvelope(small, [a], { members }), policy);
  const platform = new MemoryPlatform();
  await runSection(withMember, 'install', platform);
  assert.deepEqual(platform.log, ['write a']);
  const without = verifyEnvelope(await signEnvelope(small, [a]), policy);
  await assert.rejects(runSection(without, 'install', platform), { code: 'SUIT_SECTION_MISSING' });
  const changed = new Map([[20, long.with(-1, 3)]]);
  await assert.rejects(signEnvelope(small, [a], { members: changed }), { code: 'SUIT_DIGEST_MISMATCH' });
});
