import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { concat } from '../bytes/index.ts';
import { contentAad, encryptInfo } from '../cose/index.ts';
import { AgreementKey, createAeadEncryptor, PrivateKey, sha256 } from '../crypto/index.ts';
import { describeManifest } from './describe.ts';
import { CLASS_ID, CLASS_INFO, KEY, MemoryPlatform, OTHER_IMAGE, VENDOR_DOMAIN, VENDOR_ID } from './fixture.test.ts';
import { vendorUuid } from './identifiers.ts';
import { runSection } from './run.ts';
import { signEnvelope } from './sign.ts';
import { buildTwoSlotManifest, type TwoSlotInput } from './two-slot.ts';
import { type VerifiedManifest, verifyEnvelope } from './verified-manifest.ts';

const FIRMWARE = new Uint8Array(randomBytes(5000));
const LINE_KEY = AgreementKey.generate();

function seal(image: Uint8Array): { encryptionInfo: Uint8Array; payload: Uint8Array } {
  const contentKey = new Uint8Array(randomBytes(32));
  const iv = new Uint8Array(randomBytes(12));
  const recipient = { kind: 'ecdh-es', publicKey: LINE_KEY.publicKey, keyWrap: -31 } as const;
  const encryptionInfo = encryptInfo({ algorithm: 3, contentKey, iv, recipients: [recipient] });
  const encryptor = createAeadEncryptor({ algorithm: 3, key: contentKey, iv, aad: contentAad(3) });
  return { encryptionInfo, payload: concat(encryptor.update(image), encryptor.final()) };
}

const SEALED = seal(FIRMWARE);
const INPUT: TwoSlotInput = {
  vendorDomain: VENDOR_DOMAIN,
  classInfo: CLASS_INFO,
  sequenceNumber: 12n,
  securityCounter: 4n,
  version: '7.28.0-rc.1',
  imageDigest: sha256(FIRMWARE),
  imageSizeBytes: FIRMWARE.length,
  payloadName: 'hub.enc',
  encryptionInfo: SEALED.encryptionInfo,
  text: [{ language: 'en', updateDescription: 'Fixes the radio' }],
};

async function build(change: Partial<TwoSlotInput> = {}): Promise<VerifiedManifest> {
  const envelope = await signEnvelope(buildTwoSlotManifest({ ...INPUT, ...change }), [KEY]);
  return verifyEnvelope(envelope, { keys: [KEY.publicKey], requiredAlgorithms: ['ESP256'] });
}

function device(slot: number): MemoryPlatform {
  const platform = new MemoryPlatform();
  platform.slot = slot;
  platform.agreementKeys.push(LINE_KEY);
  platform.files.set('hub.enc', SEALED.payload);
  return platform;
}

test('installs an encrypted image into either slot, validates and starts it', async () => {
  const subject = await build();
  assert.deepEqual(subject.texts, INPUT.text);
  for (const slot of [0, 1]) {
    const platform = device(slot);
    platform.floor = 4n;
    for (const section of ['install', 'validate', 'invoke'] as const) await runSection(subject, section, platform);
    assert.deepEqual(platform.slots.get(`firmware#${slot}`), FIRMWARE);
    assert.equal(platform.slots.get(`firmware#${1 - slot}`), undefined);
    assert.deepEqual(platform.log, [
      'fetch payload hub.enc',
      `copy payload firmware ${FIRMWARE.length}`,
      `invoke firmware ${slot} -`,
    ]);
  }
});

test('describes itself', async () => {
  assert.deepEqual(describeManifest(await build()), {
    vendorId: VENDOR_ID,
    classId: CLASS_ID,
    sequenceNumber: 12n,
    securityCounter: 4n,
    version: '7.28.0-rc.1',
    imageDigest: INPUT.imageDigest,
    imageSizeBytes: FIRMWARE.length,
    payloads: [{ uri: 'hub.enc', encryptionInfo: SEALED.encryptionInfo }],
  });
});

test('refuses a device of another vendor or class, a low counter and a third slot before anything is fetched', async () => {
  const cases: [Partial<TwoSlotInput>, string, (platform: MemoryPlatform) => void][] = [
    [{ vendorDomain: 'other.example' }, 'SUIT_CONDITION_FAILED', () => undefined],
    [{ classInfo: 'lamp' }, 'SUIT_CONDITION_FAILED', () => undefined],
    [{ securityCounter: 3n }, 'SUIT_SECURITY_COUNTER_TOO_LOW', (platform) => (platform.floor = 4n)],
    [{}, 'SUIT_CONDITION_FAILED', (platform) => (platform.slot = 2)],
    [{}, 'SUIT_COMPONENT_UNSUPPORTED', (platform) => platform.unsupported.add('firmware')],
  ];
  for (const [change, code, prepare] of cases) {
    const platform = device(0);
    prepare(platform);
    for (const section of ['install', 'validate', 'invoke'] as const) {
      await assert.rejects(runSection(await build(change), section, platform), { code });
    }
    assert.deepEqual(platform.log, []);
  }
});

test('a flipped payload byte and another image end the install', async () => {
  const subject = await build();
  const platform = device(0);
  const flipped = new Uint8Array(SEALED.payload);
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  platform.files.set('hub.enc', flipped);
  await assert.rejects(runSection(subject, 'install', platform), { code: 'CRYPTO_AUTHENTICATION_FAILED' });
  const wrong = await build({ imageDigest: sha256(OTHER_IMAGE) });
  await assert.rejects(runSection(wrong, 'install', device(0)), { code: 'SUIT_CONDITION_FAILED' });
  const short = await build({ imageSizeBytes: FIRMWARE.length - 1 });
  await assert.rejects(runSection(short, 'install', device(0)), { code: 'SUIT_CONDITION_FAILED' });
});

test('installs a plain image', async () => {
  const { encryptionInfo: _, ...plain } = INPUT;
  const envelope = await signEnvelope(buildTwoSlotManifest({ ...plain, payloadName: 'hub.bin' }), [KEY]);
  const subject = verifyEnvelope(envelope, { keys: [KEY.publicKey], requiredAlgorithms: ['ESP256'] });
  const platform = device(1);
  platform.files.set('hub.bin', FIRMWARE);
  await runSection(subject, 'install', platform);
  assert.deepEqual(platform.slots.get('firmware#1'), FIRMWARE);
  assert.deepEqual(describeManifest(subject).payloads, [{ uri: 'hub.bin' }]);
});

test('carries a classical and a post-quantum signature side by side', async () => {
  const second = PrivateKey.generate('ML-DSA-65');
  const envelope = await signEnvelope(buildTwoSlotManifest(INPUT), [KEY, second]);
  const keys = [KEY.publicKey, second.publicKey];
  const subject = verifyEnvelope(envelope, { keys, requiredAlgorithms: ['ESP256', 'ML-DSA-65'] });
  assert.equal(subject.signers.length, 2);
});

test('does not build what it would refuse', () => {
  const cases: [Partial<TwoSlotInput>, string][] = [
    [{ payloadName: '../hub.enc' }, 'SUIT_URI_UNSUPPORTED'],
    [{ payloadName: '#hub' }, 'SUIT_URI_UNSUPPORTED'],
    [{ payloadName: 'https://x/hub.enc' }, 'SUIT_URI_UNSUPPORTED'],
    [{ version: '1.2' }, 'SUIT_VERSION_INVALID'],
    [{ imageDigest: new Uint8Array(31) }, 'SUIT_MANIFEST_MALFORMED'],
    [{ imageSizeBytes: -1 }, 'SUIT_MANIFEST_MALFORMED'],
    [{ securityCounter: -1n }, 'SUIT_MANIFEST_MALFORMED'],
    [{ securityCounter: 2n ** 64n }, 'SUIT_MANIFEST_MALFORMED'],
    [{ sequenceNumber: -1n }, 'SUIT_MANIFEST_MALFORMED'],
    [{ sequenceNumber: 2n ** 64n }, 'SUIT_MANIFEST_MALFORMED'],
    [{ imageSizeBytes: 2 ** 53 }, 'SUIT_MANIFEST_MALFORMED'],
    [{ encryptionInfo: new Uint8Array(16_385) }, 'SUIT_LIMIT_EXCEEDED'],
  ];
  for (const [change, code] of cases) {
    assert.throws(
      () => buildTwoSlotManifest({ ...INPUT, ...change }),
      { name: 'SuitError', code },
      JSON.stringify(Object.keys(change)),
    );
  }
  buildTwoSlotManifest({ ...INPUT, imageSizeBytes: 2 ** 53 - 1, sequenceNumber: 2n ** 64n - 1n, securityCounter: 0n });
});

test('the vendor of a manifest is the vendor of its domain', () => {
  assert.deepEqual(vendorUuid(VENDOR_DOMAIN), VENDOR_ID);
});
