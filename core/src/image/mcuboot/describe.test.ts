import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { concat } from '../../bytes/index.ts';
import { identifyImage } from '../identify.ts';
import { describeMcuboot } from './describe.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'mcuboot/images');
const skip = existsSync(VECTORS) ? false : 'the MCUboot images are not there (PAWL_VECTORS)';
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(join(VECTORS, name)));

type Tlv = [type: number, value: Uint8Array];

function area(magic: number, tlvs: readonly Tlv[]): Uint8Array {
  const entries = concat(
    ...tlvs.map(([type, value]) => {
      const head = Buffer.alloc(4);
      head.writeUInt16LE(type, 0);
      head.writeUInt16LE(value.length, 2);
      return concat(head, value);
    }),
  );
  const info = Buffer.alloc(4);
  info.writeUInt16LE(magic, 0);
  info.writeUInt16LE(entries.length + 4, 2);
  return concat(info, entries);
}

/** An unsigned image in the form that imgtool writes. */
function build(options: { protectedTlvs?: Tlv[]; tlvs?: Tlv[]; patch?: (header: Buffer) => void } = {}): Uint8Array {
  const payload = new Uint8Array(48).fill(7);
  const protectedArea = options.protectedTlvs === undefined ? new Uint8Array() : area(0x6908, options.protectedTlvs);
  const header = Buffer.alloc(32);
  header.writeUInt32LE(0x96f3b83d, 0);
  header.writeUInt16LE(32, 8);
  header.writeUInt16LE(protectedArea.length, 10);
  header.writeUInt32LE(payload.length, 12);
  header.set([1, 2, 3, 0, 4, 0, 0, 0], 20);
  options.patch?.(header);
  const hashed = concat(header, payload, protectedArea);
  const digest = new Uint8Array(createHash('sha256').update(hashed).digest());
  return concat(hashed, area(0x6907, options.tlvs ?? [[0x10, digest]]));
}

test('describes an image with a security counter', () => {
  const bytes = build({
    protectedTlvs: [
      [0x50, Uint8Array.of(5, 0, 0, 0)],
      [0x40, new Uint8Array(12)],
      [0x40, new Uint8Array(12)],
    ],
  });
  assert.equal(identifyImage(bytes), 'mcuboot');
  const described = describeMcuboot(bytes);
  assert.deepEqual(
    described.tlvs.map(({ name, isProtected }) => [name, isProtected]),
    [
      ['security-counter', true],
      ['dependency', true],
      ['dependency', true],
      ['sha256', false],
    ],
  );
  assert.deepEqual(
    { ...described, tlvs: [] },
    {
      format: 'mcuboot',
      sizeBytes: bytes.length,
      version: '1.2.3+4',
      payloadSizeBytes: 48,
      headerSizeBytes: 32,
      loadAddress: 0,
      flags: [],
      tlvs: [],
      securityCounter: 5,
      dependencies: [
        { image: 0, versionMin: '0.0.0+0' },
        { image: 0, versionMin: '0.0.0+0' },
      ],
      hash: 'sha256',
      isHashChecked: true,
      signatures: [],
      trailingSizeBytes: 0,
    },
  );
});

test('describes every image made by imgtool', { skip }, () => {
  const names = readdirSync(VECTORS).filter((name) => !name.startsWith('payload'));
  assert.ok(names.length >= 15);
  for (const name of names) {
    const described = describeMcuboot(load(name));
    assert.equal(described.version, '1.2.3+4', name);
    assert.equal(described.isHashChecked, !name.includes('_enc_'), name);
    assert.equal(
      described.flags.some((flag) => flag.startsWith('encrypted')),
      name.includes('_enc_'),
      name,
    );
    assert.equal(described.signatures.length, name === 'unsigned_hash_only.bin' ? 0 : 1, name);
    assert.equal(described.trailingSizeBytes > 0, name.includes('padded'), name);
  }
  assert.equal(describeMcuboot(load('ec256_seccnt_auto_bootrecord.bin')).securityCounter, 0x0102_0003);
  assert.deepEqual(describeMcuboot(load('ec256.bin')).signatures, ['ecdsa']);
  assert.equal(describeMcuboot(load('ed25519_sha512.bin')).hash, 'sha512');
  assert.deepEqual(describeMcuboot(load('ec256_ramload.bin')).flags, ['ram-load']);
});

test('refuses every truncation and every flipped bit under the hash of a real image', { skip }, () => {
  const bytes = load('ec256_seccnt_auto_bootrecord.bin');
  const { trailingSizeBytes, tlvs } = describeMcuboot(bytes);
  assert.equal(trailingSizeBytes, 0);
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => describeMcuboot(bytes.subarray(0, length)), { code: 'IMAGE_TRUNCATED' }, `length ${length}`);
  }
  const unprotected = tlvs.filter(({ isProtected }) => !isProtected).reduce((sum, tlv) => sum + tlv.sizeBytes + 4, 4);
  for (let bit = 0; bit < (bytes.length - unprotected) * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(
      () => describeMcuboot(flipped),
      ({ code }) => ['IMAGE_TRUNCATED', 'IMAGE_MALFORMED', 'IMAGE_DIGEST_MISMATCH'].includes(code),
      `bit ${bit}`,
    );
  }
});

test('refuses what contradicts itself, each with its code', () => {
  const digest = new Uint8Array(32);
  const counter: Tlv = [0x50, Uint8Array.of(5, 0, 0, 0)];
  const malformed: [string, Uint8Array, string][] = [
    ['another magic', build({ patch: (header) => header.writeUInt32LE(0, 0) }), 'IMAGE_MALFORMED'],
    ['a short header', build({ patch: (header) => header.writeUInt16LE(16, 8) }), 'IMAGE_MALFORMED'],
    [
      'a payload beyond the end',
      build({ patch: (header) => header.writeUInt32LE(0xffff_ffff, 12) }),
      'IMAGE_TRUNCATED',
    ],
    ['a protected size without an area', build({ patch: (header) => header.writeUInt16LE(4, 10) }), 'IMAGE_MALFORMED'],
    [
      'another protected size',
      build({ protectedTlvs: [counter], patch: (header) => header.writeUInt16LE(4, 10) }),
      'IMAGE_MALFORMED',
    ],
    ['encrypted without a key', build({ patch: (header) => header.writeUInt32LE(4, 16) }), 'IMAGE_MALFORMED'],
    ['two key sizes', build({ patch: (header) => header.writeUInt32LE(12, 16) }), 'IMAGE_MALFORMED'],
    ['a signature under the hash', build({ protectedTlvs: [[0x22, digest]] }), 'IMAGE_MALFORMED'],
    ['a wrong hash', build({ tlvs: [[0x10, digest]] }), 'IMAGE_DIGEST_MISMATCH'],
    ['a short hash', build({ tlvs: [[0x10, digest.slice(1)]] }), 'IMAGE_DIGEST_MISMATCH'],
    ['no hash', build({ tlvs: [] }), 'IMAGE_MALFORMED'],
    [
      'two hashes',
      build({
        tlvs: [
          [0x10, digest],
          [0x12, new Uint8Array(64)],
        ],
      }),
      'IMAGE_MALFORMED',
    ],
    [
      'a repeated TLV',
      build({
        tlvs: [
          [0x10, digest],
          [0x10, digest],
        ],
      }),
      'IMAGE_MALFORMED',
    ],
    ['a counter in both areas', build({ protectedTlvs: [counter], tlvs: [counter] }), 'IMAGE_MALFORMED'],
    ['an empty area', concat(build().subarray(0, 80), Uint8Array.of(0x07, 0x69, 3, 0)), 'IMAGE_MALFORMED'],
    [
      'a TLV over the end of its area',
      concat(build().subarray(0, 80), Uint8Array.of(7, 0x69, 8, 0, 0x10, 0, 9, 0)),
      'IMAGE_MALFORMED',
    ],
    [
      'a TLV head over the end of its area',
      concat(build().subarray(0, 80), Uint8Array.of(7, 0x69, 6, 0, 0x10, 0)),
      'IMAGE_MALFORMED',
    ],
  ];
  for (const [name, bytes, code] of malformed) assert.throws(() => describeMcuboot(bytes), { code }, name);
});

test('refuses a security counter that the hash does not protect, or of another size', () => {
  const hashOf = (bytes: Uint8Array): Tlv => [0x10, new Uint8Array(createHash('sha256').update(bytes).digest())];
  const plain = build().subarray(0, 80);
  const outside = concat(plain, area(0x6907, [hashOf(plain), [0x50, Uint8Array.of(5, 0, 0, 0)]]));
  assert.throws(() => describeMcuboot(outside), { code: 'IMAGE_MALFORMED' });
  assert.throws(() => describeMcuboot(build({ protectedTlvs: [[0x50, Uint8Array.of(5)]] })), {
    code: 'IMAGE_MALFORMED',
  });
});
