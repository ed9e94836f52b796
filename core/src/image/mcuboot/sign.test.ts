import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { isEqualBytes, toHex, utf8 } from '../../bytes/index.ts';
import { PrivateKey } from '../../crypto/index.ts';
import { describeMcuboot } from './describe.ts';
import { type McubootSignOptions, signMcuboot } from './sign.ts';
import { mcubootRecipientFromPem, mcubootSigner, mcubootSignerFromPem } from './signer.ts';
import { openMcuboot } from './verify.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'mcuboot');
const skip = existsSync(VECTORS) ? false : 'the MCUboot images are not there (PAWL_VECTORS)';
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(join(VECTORS, 'images', name)));

const VERSION = { major: 1, minor: 2, revision: 3, build: 4 };
const PAYLOAD = utf8('a payload that is no multiple of the block size');
const BASE: McubootSignOptions = { payload: PAYLOAD, version: VERSION };

type Pair = { publicKey: KeyObject; privateKey: KeyObject };
const pemOf = ({ privateKey }: Pair): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPemOf = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number): Pair => generateKeyPairSync('rsa', { modulusLength });
const P256 = ec('prime256v1');

test('builds what imgtool builds, byte for byte, where no key is drawn', { skip }, async () => {
  const payload = load('payload.bin');
  assert.ok(isEqualBytes(await signMcuboot({ ...BASE, payload }), load('unsigned_hash_only.bin')));
  for (const [name, trailer] of [
    ['ec256_padded_test.bin', 'test'],
    ['ec256_padded_confirm.bin', 'confirmed'],
  ] as const) {
    const expected = load(name);
    const slot = { sizeBytes: expected.length, writeAlignment: 4, trailer };
    const image = await signMcuboot({ ...BASE, payload, slot });
    assert.equal(image.length, expected.length);
    // The images differ in their signatures only, and so in where the padding begins.
    assert.ok(isEqualBytes(image.subarray(3000), expected.subarray(3000)), name);
    assert.equal(describeMcuboot(expected).trailer?.imageOk, trailer === 'test' ? 'unset' : 'set');
  }
});

test('a boot record, counter and ids are those of imgtool', { skip }, async () => {
  const protectedOf = (image: Uint8Array): Uint8Array => {
    const view = new DataView(image.buffer, image.byteOffset);
    const start = view.getUint16(8, true) + view.getUint32(12, true);
    return image.slice(start, start + view.getUint16(10, true));
  };
  const payload = load('payload.bin');
  const recorded = load('ec256_seccnt_auto_bootrecord.bin');
  const ours = protectedOf(
    await signMcuboot({
      ...BASE,
      payload,
      securityCounter: 0x0102_0003,
      bootRecord: 'NSPE',
      signer: mcubootSignerFromPem(pemOf(P256)),
    }),
  );
  const expected = protectedOf(recorded);
  assert.equal(ours.length, expected.length);
  const differing = [...ours].flatMap((byte, at) => (byte === expected[at] ? [] : [at]));
  // Nothing differs but the signer id: 32 bytes in one stretch.
  assert.ok((differing.at(-1) ?? 0) - (differing[0] ?? 0) < 32);
  const named = describeMcuboot(load('ec256_vid_cid.bin'));
  const idOf = (uuid: string | undefined): Uint8Array =>
    new Uint8Array(Buffer.from((uuid ?? '').replaceAll('-', ''), 'hex'));
  const withIds = await signMcuboot({
    ...BASE,
    payload,
    vendorId: idOf(named.vendorId),
    classId: idOf(named.classId),
    customTlvs: [{ type: 0xa0, value: Uint8Array.of(0xde, 0xad, 0xbe, 0xef) }],
  });
  assert.equal(toHex(protectedOf(withIds)), toHex(protectedOf(load('ec256_vid_cid.bin'))));
});

test('what is signed with any key verifies under it, plain and encrypted for any device', async () => {
  const kek = new Uint8Array(32).fill(9);
  const devices: [string, Pair | undefined][] = [
    ['sha256', undefined],
    ['sha256', ec('prime256v1')],
    ['sha256', rsa(2048)],
    ['sha256', generateKeyPairSync('x25519')],
    ['sha512', generateKeyPairSync('x25519')],
  ];
  const keys = [rsa(2048), rsa(3072), P256, ec('secp384r1'), generateKeyPairSync('ed25519')];
  for (const [at, pair] of keys.entries()) {
    const signer = mcubootSignerFromPem(pemOf(pair));
    const keysPem = [publicPemOf(pair)];
    const options = { ...BASE, signer, publicKey: at % 2 === 0 ? 'hash' : 'full' } as const;
    const plain = openMcuboot(await signMcuboot({ ...options, securityCounter: 7 }), { keysPem });
    assert.deepEqual([plain.verified.securityCounter, plain.verified.isEncrypted], [7, false]);
    assert.ok(isEqualBytes(plain.payload, PAYLOAD));
    for (const [mac, device] of devices) {
      const recipient =
        device === undefined
          ? { kek }
          : mcubootRecipientFromPem(publicPemOf(device), mac === 'sha512' ? mac : undefined);
      const aesBits = at % 2 === 0 ? 128 : 256;
      const image = await signMcuboot({ ...options, encryption: { recipient, aesBits } });
      assert.ok(Buffer.from(image).indexOf(PAYLOAD) < 0);
      assert.throws(() => openMcuboot(image, { keysPem }), { code: 'IMAGE_DECRYPTION_KEY_MISSING' });
      const decryptionKeysPem = device === undefined ? [] : [pemOf(device)];
      const { verified, payload } = openMcuboot(image, { keysPem, decryptionKeysPem, decryptionKeks: [kek] });
      assert.equal(verified.isEncrypted, true);
      assert.ok(isEqualBytes(payload.subarray(0, PAYLOAD.length), PAYLOAD));
    }
  }
});

test('Ed25519 signs the SHA-256, the SHA-512 or the image itself; no other key leaves a choice', async () => {
  const pair = generateKeyPairSync('ed25519');
  const signer = mcubootSignerFromPem(pemOf(pair));
  const keysPem = [publicPemOf(pair)];
  for (const choice of [{}, { hash: 'sha512' }, { isPure: true }] as const) {
    const image = await signMcuboot({ ...BASE, signer, ...choice });
    assert.equal(openMcuboot(image, { keysPem }).verified.algorithm, 'ed25519');
    assert.equal(describeMcuboot(image).hash, 'isPure' in choice || 'hash' in choice ? 'sha512' : 'sha256');
  }
  const p256 = mcubootSignerFromPem(pemOf(P256));
  for (const choice of [{ hash: 'sha512' }, { isPure: true }] as const) {
    await assert.rejects(signMcuboot({ ...BASE, signer: p256, ...choice }), { code: 'IMAGE_OPTION_INVALID' });
  }
});

test('keys of the workspace sign too', async () => {
  for (const algorithm of ['ESP256', 'ESP384', 'Ed25519', 'PS256'] as const) {
    const key = PrivateKey.generate(algorithm);
    const image = await signMcuboot({ ...BASE, signer: mcubootSigner(key) });
    assert.ok(openMcuboot(image, { keysPem: [key.publicKey.toSpkiPem()] }));
  }
  assert.throws(() => mcubootSigner(PrivateKey.generate('ML-DSA-65')), { code: 'IMAGE_ALGORITHM_WEAK' });
});

test('all that is asked for stands in the image', async () => {
  const image = await signMcuboot({
    ...BASE,
    headerSizeBytes: 0x200,
    load: { address: 0x2000_0000, isRomFixed: false },
    isBootable: false,
    dependencies: [{ image: 1, versionMin: { major: 9, minor: 8, revision: 700, build: 70_000 } }],
    customTlvs: [{ type: 0x01a0, value: utf8('mine') }],
    slot: { sizeBytes: 0x4000, writeAlignment: 32, trailer: 'confirmed', erasedValue: 0 },
  });
  const described = describeMcuboot(image);
  assert.deepEqual(described.flags, ['non-bootable', 'ram-load']);
  assert.deepEqual([described.headerSizeBytes, described.loadAddress], [0x200, 0x2000_0000]);
  assert.deepEqual(described.dependencies, [{ image: 1, versionMin: '9.8.700+70000' }]);
  assert.deepEqual(described.tlvs[1], { name: '0x01a0', sizeBytes: 4, isProtected: true });
  assert.deepEqual(described.trailer, { alignmentBytes: 32, imageOk: 'set', copyDone: 'unset' });
  assert.deepEqual([described.sizeBytes, image[40]], [0x4000, 0]);
  const fixed = await signMcuboot({ ...BASE, load: { address: 0x1000, isRomFixed: true } });
  assert.deepEqual(describeMcuboot(fixed).flags, ['rom-fixed']);
  const swapping = await signMcuboot({ ...BASE, slot: { sizeBytes: 0x2000, writeAlignment: 16, trailer: 'test' } });
  swapping[0x2000 - 16 - 3 * 16] = 0x12;
  assert.deepEqual(describeMcuboot(swapping).trailer, {
    alignmentBytes: 16,
    imageOk: 'unset',
    copyDone: 'unset',
    swapType: 'test',
    swapImage: 1,
  });
  swapping[0x2000 - 16 - 3 * 16] = 0x0f;
  swapping[0x2000 - 16 - 16] = 7;
  assert.deepEqual(describeMcuboot(swapping).trailer?.swapType, 'unknown');
  assert.deepEqual(describeMcuboot(swapping).trailer?.imageOk, 'bad');
});

test('refuses what no image can be, each by the option', async () => {
  const slot = { sizeBytes: 0x4000, writeAlignment: 4 };
  const refused: Partial<McubootSignOptions>[] = [
    { payload: new Uint8Array() },
    { version: { ...VERSION, major: 256 } },
    { version: { ...VERSION, revision: -1 } },
    { version: { ...VERSION, build: 2 ** 32 } },
    { headerSizeBytes: 31 },
    { headerSizeBytes: 0x1_0000 },
    { securityCounter: 1.5 },
    { securityCounter: 2 ** 32 },
    { dependencies: [{ image: 256, versionMin: VERSION }] },
    { vendorId: new Uint8Array(15) },
    { classId: new Uint8Array(17) },
    { bootRecord: 'more than twelve' },
    { customTlvs: [{ type: 0x50, value: PAYLOAD }] },
    { customTlvs: [{ type: 0xffff, value: PAYLOAD }] },
    { customTlvs: [{ type: 0xa0, value: new Uint8Array(0x1_0000) }] },
    {
      customTlvs: [
        { type: 0xa0, value: new Uint8Array(0x8000) },
        { type: 0xa1, value: new Uint8Array(0x8000) },
      ],
    },
    {
      customTlvs: [
        { type: 0xa0, value: PAYLOAD },
        { type: 0xa0, value: PAYLOAD },
      ],
    },
    { load: { address: -1, isRomFixed: true } },
    { slot: { ...slot, writeAlignment: 3 } },
    { slot: { ...slot, writeAlignment: 16, alignment: 8 } },
    { slot: { ...slot, sizeBytes: 1000 } },
  ];
  for (const options of refused) {
    await assert.rejects(
      signMcuboot({ ...BASE, ...options }),
      { code: 'IMAGE_OPTION_INVALID' },
      JSON.stringify(options),
    );
  }
  const overwritten = { ...slot, sizeBytes: 1000, isOverwriteOnly: true, trailer: 'test' } as const;
  assert.equal((await signMcuboot({ ...BASE, slot: overwritten })).length, 1000);
});

test('refuses keys that cannot sign or open images', async () => {
  assert.throws(() => mcubootSignerFromPem('no key'), { code: 'IMAGE_KEY_MALFORMED' });
  assert.throws(() => mcubootSignerFromPem(pemOf(rsa(1024))), { code: 'IMAGE_ALGORITHM_WEAK' });
  assert.throws(() => mcubootSignerFromPem(pemOf(ec('secp521r1'))), { code: 'IMAGE_ALGORITHM_WEAK' });
  const locked = P256.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open me' });
  assert.throws(() => mcubootSignerFromPem(locked.toString()), { code: 'IMAGE_KEY_MALFORMED' });
  assert.throws(() => mcubootSignerFromPem(locked.toString(), 'wrong'), { code: 'IMAGE_KEY_MALFORMED' });
  assert.ok(await signMcuboot({ ...BASE, signer: mcubootSignerFromPem(locked.toString(), 'open me') }));
  for (const recipient of [rsa(3072), ec('secp384r1'), generateKeyPairSync('ed25519')].map(publicPemOf)) {
    const encryption = { recipient: mcubootRecipientFromPem(recipient), aesBits: 128 } as const;
    await assert.rejects(signMcuboot({ ...BASE, encryption }), { code: 'IMAGE_ALGORITHM_WEAK' });
  }
  const encryption = { recipient: { kek: new Uint8Array(5) }, aesBits: 128 } as const;
  await assert.rejects(signMcuboot({ ...BASE, encryption }), { code: 'CRYPTO_PARAMETER_INVALID' });
});

test('never signs with a key from the repository of MCUboot, and never encrypts for one', { skip }, async () => {
  const read = (name: string): Buffer => readFileSync(join(VECTORS, 'keys', name));
  for (const [name, type] of [
    ['root-ec-p256', 'sec1'],
    ['root-ed25519', 'pkcs8'],
    ['root-rsa-2048', 'pkcs1'],
    ['root-rsa-3072', 'pkcs1'],
  ] as const) {
    const key = createPrivateKey({ key: read(`${name}.pkcs8.der`), format: 'der', type });
    const signer = mcubootSignerFromPem(key.export({ type: 'pkcs8', format: 'pem' }).toString());
    await assert.rejects(signMcuboot({ ...BASE, signer }), { code: 'KEYS_TEST_KEY_BARRED' }, name);
  }
  for (const name of ['enc-ec256', 'enc-rsa2048', 'enc-x25519']) {
    const recipient = mcubootRecipientFromPem(read(`${name}-pub.pem`).toString());
    const encryption = { recipient, aesBits: 128 } as const;
    await assert.rejects(signMcuboot({ ...BASE, encryption }), { code: 'KEYS_TEST_KEY_BARRED' }, name);
  }
});
