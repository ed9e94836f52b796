import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { concat, utf8 } from '../../bytes/index.ts';
import { describeImage, identifyImage, verifyImage } from '../identify.ts';
import { describeEspImage, verifyEspImage } from './verify.ts';

/**
 * An ESP32-C3 application of counting bytes, built with esptool 5.6.0 (bin_image.py) and signed with espsecure 5.6.0:
 * `sign-data --version 2`, then twice more with --append-signatures. The private keys are gone; the key digests are those
 * that `signature-info-v2` prints.
 */
const FIXTURES = join(import.meta.dirname, '../fixtures');
const signed = new Uint8Array(readFileSync(join(FIXTURES, 'esp32c3-signed.bin')));
const pem = (name: string): string => readFileSync(join(FIXTURES, `esp32c3-${name}.pub.pem`), 'utf8');
const DIGESTS = {
  p192: '477d8cd658f379d31af9c9b2209b0d62753c99eb6e0e6a97af512c98aa58f8dc',
  p256: '816de42f679fca143a0d7b21f03b77455772b4c671aa484459e4c2f2011075e0',
  rsa: 'b4c9706faf03a8b44433170b9179dc5fd5f30830b2ff01b3952f8ca5cb489328',
};
const IMAGE_SIZE = 1840;

describe('an image made by esptool and signed by espsecure', () => {
  test('is described with its application and its signatures', () => {
    assert.equal(identifyImage(signed), 'esp-image');
    const { signatures, ...described } = describeEspImage(signed);
    assert.deepEqual(
      signatures.map(({ scheme, keySha256 }) => [scheme, keySha256]),
      [
        ['ecdsa-p192', DIGESTS.p192],
        ['ecdsa-p256', DIGESTS.p256],
        ['rsa3072-pss', DIGESTS.rsa],
      ],
    );
    assert.deepEqual(described, {
      format: 'esp-image',
      sizeBytes: 8192,
      chip: 'ESP32-C3',
      app: {
        project: 'kettle',
        version: '1.4.0',
        secureVersion: 7,
        idfVersion: 'v5.3.1',
        builtAt: 'Nov 21 2026 10:00:00',
        elfSha256: Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('hex'),
      },
      entryAddress: 0x3fc8_0000,
      chipRevisionMin: 0,
      chipRevisionMax: 0,
      segments: [
        { address: 0x3c00_0020, sizeBytes: 0x4e8 },
        { address: 0x3fc8_0000, sizeBytes: 0x1f4 },
      ],
      hasHash: true,
    });
    const { signatures: none } = describeEspImage(signed.subarray(0, IMAGE_SIZE));
    assert.deepEqual(none, []);
  });

  test('is authentic under each of its keys', async () => {
    for (const [name, keySha256] of Object.entries(DIGESTS)) {
      const verified = await verifyImage(signed, { keysPem: [pem(name)] });
      assert.ok(verified.format === 'esp-image');
      assert.equal(verified.keySha256, keySha256);
      assert.equal(verified.signedSha256, createHash('sha256').update(signed.subarray(0, 4096)).digest('hex'));
    }
  });

  test('is refused without a key, and under others', async () => {
    const refuse = (bytes: Uint8Array, keysPem: string[], code: string): Promise<void> =>
      assert.rejects(verifyEspImage(bytes, { keysPem }), { code });
    await refuse(signed, [], 'IMAGE_SIGNER_UNKNOWN');
    await refuse(signed, [publicPem(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }))], 'IMAGE_SIGNER_UNKNOWN');
    await refuse(signed.subarray(0, IMAGE_SIZE), [pem('rsa')], 'IMAGE_UNSIGNED');
    await refuse(signed, [pem('rsa'), 'no key'], 'CRYPTO_KEY_MALFORMED');
    for (const pair of [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
      generateKeyPairSync('ed25519'),
    ]) {
      await refuse(signed, [publicPem(pair)], 'IMAGE_ALGORITHM_WEAK');
    }
  });

  test('every flipped bit and every truncation is refused', async () => {
    const trust = { keysPem: [pem('p256')] };
    for (let at = 0; at < signed.length; at += 1) {
      // The long stretch of erased flash between image and signatures is one like the other.
      if (at > IMAGE_SIZE + 16 && at < 4080 && at % 16 !== 0) continue;
      const flipped = signed.slice();
      // Every bit of the header and the first bytes of each block, one bit of every other byte, a different one each time.
      const bits = at < 64 || (at >= 4096 && at % 1216 < 150) ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
      for (const bit of bits) {
        flipped[at]! ^= 1 << bit;
        await assert.rejects(verifyEspImage(flipped, trust), { name: 'ImageError' }, `byte ${at} bit ${bit}`);
        flipped[at]! ^= 1 << bit;
      }
    }
    for (let length = 0; length < signed.length; length += length < 100 ? 1 : 41) {
      await assert.rejects(verifyEspImage(signed.subarray(0, length), trust), { name: 'ImageError' }, `${length}`);
    }
    await assert.rejects(verifyEspImage(concat(signed, Uint8Array.of(0xff)), trust), { code: 'IMAGE_MALFORMED' });
  });
});

type Pair = { publicKey: KeyObject; privateKey: KeyObject };
const publicPem = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const u32 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

type Build = { segments?: [number, Uint8Array][]; hasHash?: number; chip?: number; checksum?: number };
/** An image by esp_app_format.h, written apart from the code under test. */
function build({
  segments = [[0x3fc80000, utf8('firmware')]],
  hasHash = 1,
  chip = 9,
  checksum,
}: Build = {}): Uint8Array {
  const header = Buffer.alloc(24);
  header.set([0xe9, segments.length]);
  header.writeUInt16LE(chip, 12);
  header[23] = hasHash;
  const body = concat(header, ...segments.map(([at, data]) => concat(u32(at), u32(data.length), data)));
  const sum = segments.flatMap(([, data]) => [...data]).reduce((xor, byte) => xor ^ byte, 0xef);
  const padding = new Uint8Array(16 - (body.length % 16));
  padding[padding.length - 1] = checksum ?? sum;
  const image = concat(body, padding);
  return hasHash === 1 ? concat(image, createHash('sha256').update(image).digest()) : image;
}

/** A signature block for P-384, by espsecure's `generate_ecdsa_signature_block`. */
function blockP384(content: Uint8Array, { publicKey, privateKey }: Pair, change?: (block: Buffer) => void): Uint8Array {
  const jwk = publicKey.export({ format: 'jwk' });
  const little = (text: string | undefined): Uint8Array =>
    new Uint8Array(Buffer.from(text ?? '', 'base64url').reverse());
  const signature = sign('sha384', content, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const block = Buffer.alloc(1216);
  block.set([0xe7, 3, 1]);
  block.set(createHash('sha384').update(content).digest(), 4);
  block[52] = 3;
  block.set(little(jwk.x), 53);
  block.set(little(jwk.y), 101);
  block.set(new Uint8Array(signature.subarray(0, 48)).reverse(), 149);
  block.set(new Uint8Array(signature.subarray(48)).reverse(), 197);
  change?.(block);
  block.writeUInt32LE(crc32(block.subarray(0, 1196)), 1196);
  return block;
}

function withSector(image: Uint8Array, blocks: (content: Uint8Array) => Uint8Array[]): Uint8Array {
  const content = concat(image, new Uint8Array(4096 - (image.length % 4096)).fill(0xff));
  const sector = concat(...blocks(content));
  return concat(content, sector, new Uint8Array(4096 - sector.length).fill(0xff));
}

test('verifies P-384, which signs the SHA-384', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const image = withSector(build(), (content) => [blockP384(content, pair)]);
  const verified = await verifyEspImage(image, { keysPem: [publicPem(pair)] });
  assert.deepEqual([verified.algorithm, verified.chip, verified.app], ['ecdsa-p384', 'ESP32-S3', undefined]);
});

test('refuses blocks that say something else than what the chip would see', async () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
  const trust = { keysPem: [publicPem(pair)] };
  const refused: [name: string, change: (block: Buffer) => void, code: string][] = [
    ['another magic', (block) => block.writeUInt8(0xe8, 0), 'IMAGE_MALFORMED'],
    ['Secure Boot of another version', (block) => block.writeUInt8(4, 1), 'IMAGE_MALFORMED'],
    ['another hash', (block) => block.writeUInt8(2, 2), 'IMAGE_MALFORMED'],
    ['a curve of another hash', (block) => block.writeUInt8(2, 52), 'IMAGE_MALFORMED'],
    ['another digest', (block) => block.writeUInt8(block.readUInt8(4) ^ 1, 4), 'IMAGE_DIGEST_MISMATCH'],
    ['another key', (block) => block.writeUInt8(block.readUInt8(60) ^ 1, 60), 'IMAGE_SIGNER_UNKNOWN'],
    ['another signature', (block) => block.writeUInt8(block.readUInt8(150) ^ 1, 150), 'IMAGE_SIGNATURE_INVALID'],
    ['bytes between', (block) => block.writeUInt8(1, 3), 'IMAGE_MALFORMED'],
    ['bytes behind the signature', (block) => block.writeUInt8(1, 300), 'IMAGE_MALFORMED'],
    ['bytes behind the CRC', (block) => block.writeUInt8(1, 1210), 'IMAGE_MALFORMED'],
  ];
  for (const [name, change, code] of refused) {
    const image = withSector(build(), (content) => [blockP384(content, pair, change)]);
    await assert.rejects(verifyEspImage(image, trust), { code }, name);
  }
  const wrongCrc = withSector(build(), (content) => [blockP384(content, pair)]);
  wrongCrc[4096 + 1196]! ^= 1;
  await assert.rejects(verifyEspImage(wrongCrc, trust), { code: 'IMAGE_CHECKSUM_MISMATCH' });
  const four = withSector(build(), (content) =>
    [0, 1, 2].map(() => blockP384(content, pair)).concat(Uint8Array.of(0xe7)),
  );
  await assert.rejects(verifyEspImage(four, trust), { code: 'IMAGE_MALFORMED' });
  const gap = concat(build(), new Uint8Array(4096 - build().length), new Uint8Array(4096).fill(0xff));
  await assert.rejects(verifyEspImage(gap, trust), { code: 'IMAGE_MALFORMED' });
  const empty = withSector(build(), () => []);
  await assert.rejects(verifyEspImage(empty, trust), { code: 'IMAGE_UNSIGNED' });
  // Of several blocks with trusted keys each must verify, whichever the chip looks at first.
  const spoil = (block: Buffer): void => void block.writeUInt8(block.readUInt8(150) ^ 1, 150);
  const second = withSector(build(), (content) => [blockP384(content, pair), blockP384(content, pair, spoil)]);
  await assert.rejects(verifyEspImage(second, trust), { code: 'IMAGE_SIGNATURE_INVALID' });
});

test('an RSA key is the whole of what the chip has burnt in, and its signature must fit', async () => {
  const start = 4096 + 2 * 1216;
  for (const [at, code] of [
    // Modulus, exponent, 2^6144 mod n, -1/n mod 2^32, signature.
    [36, 'IMAGE_SIGNER_UNKNOWN'],
    [36 + 384, 'IMAGE_SIGNER_UNKNOWN'],
    [36 + 388, 'IMAGE_SIGNER_UNKNOWN'],
    [36 + 772, 'IMAGE_SIGNER_UNKNOWN'],
    [36 + 776, 'IMAGE_SIGNATURE_INVALID'],
  ] as const) {
    const bytes = signed.slice();
    bytes[start + at]! ^= 1;
    new DataView(bytes.buffer).setUint32(start + 1196, crc32(bytes.subarray(start, start + 1196)), true);
    await assert.rejects(verifyEspImage(bytes, { keysPem: [pem('rsa')] }), { code }, `${at}`);
  }
});

test('an ECDSA signature on a short curve is filled up with zeros and nothing else', async () => {
  const bytes = signed.slice();
  // r and s of P-192 take 48 of the 64 bytes; the CRC is made to fit.
  bytes[4096 + 36 + 65 + 60] = 1;
  new DataView(bytes.buffer).setUint32(4096 + 1196, crc32(bytes.subarray(4096, 4096 + 1196)), true);
  await assert.rejects(verifyEspImage(bytes, { keysPem: [pem('p192')] }), { code: 'IMAGE_SIGNATURE_INVALID' });
});

test('describes images without hash or application, and refuses what contradicts itself', () => {
  assert.deepEqual(describeEspImage(build({ hasHash: 0 })).hasHash, false);
  const app = concat(u32(0xabcd5432), new Uint8Array(252).fill(1));
  const refused: [name: string, bytes: Uint8Array, code: string][] = [
    ['a wrong checksum', build({ checksum: 1 }), 'IMAGE_CHECKSUM_MISMATCH'],
    ['a segment of half words', build({ segments: [[0, utf8('abcdef')]] }), 'IMAGE_MALFORMED'],
    ['an address that wraps', build({ segments: [[0xffff_fffc, utf8('firmware')]] }), 'IMAGE_MALFORMED'],
    ['text that is none', build({ segments: [[0, app]] }), 'IMAGE_MALFORMED'],
    ['no header', new Uint8Array(24), 'IMAGE_MALFORMED'],
    ['a short header', build().subarray(0, 20), 'IMAGE_TRUNCATED'],
  ];
  for (const [name, bytes, code] of refused) assert.throws(() => describeEspImage(bytes), { code }, name);
  const changed = build();
  changed[changed.length - 1]! ^= 1;
  assert.throws(() => describeEspImage(changed), { code: 'IMAGE_DIGEST_MISMATCH' });
  const long = concat(u32(0xabcd5432), new Uint8Array(252).fill(0x41));
  const described = describeImage(build({ segments: [[0, long]] }));
  assert.ok(described.format === 'esp-image' && described.app?.version.length === 32);
});

test('what begins with the magic byte only is no ESP-IDF image', () => {
  for (const bytes of [
    build({ chip: 1 }),
    build({ hasHash: 2 }),
    Uint8Array.of(0xe9, 1),
    build().fill(0, 1, 2),
    build().fill(17, 1, 2),
  ]) {
    assert.notEqual(identifyImage(bytes), 'esp-image');
  }
});
