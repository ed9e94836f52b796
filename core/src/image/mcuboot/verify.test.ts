import assert from 'node:assert/strict';
import { constants, createHash, createPrivateKey, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { FLIP_STEP } from '../../../test/flips.ts';
import { concat, fromBase64, isEqualBytes } from '../../bytes/index.ts';
import { verifyImage } from '../identify.ts';
import type { ImageTrust } from '../trust.ts';
import { describeMcuboot } from './describe.ts';
import { wrapImageKey } from './image-key.ts';
import { signMcuboot } from './sign.ts';
import { mcubootSignerFromPem } from './signer.ts';
import { openMcuboot, verifyMcuboot } from './verify.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'mcuboot');
const skip = existsSync(VECTORS) ? false : 'the MCUboot images are not there (PAWL_VECTORS)';
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(join(VECTORS, 'images', name)));
const pem = (name: string): string => readFileSync(join(VECTORS, 'keys', `${name}.pub.pem`), 'utf8');
/** Whatever their names say, the EC keys are SEC 1 and the RSA keys PKCS #1. */
const privatePem = (name: string): string => {
  const type = name.includes('rsa') ? 'pkcs1' : name.includes('ec-') || name.includes('ec2') ? 'sec1' : 'pkcs8';
  const key = readFileSync(join(VECTORS, 'keys', `${name}.pkcs8.der`));
  return createPrivateKey({ key, format: 'der', type }).export({ type: 'pkcs8', format: 'pem' }).toString();
};
const ROOTS = ['root-ec-p256', 'root-ed25519', 'root-rsa-2048', 'root-rsa-3072'];
const DEVICES = ['enc-ec256-priv', 'enc-rsa2048-priv', 'enc-x25519-priv'];
const EC: ImageTrust = skip === false ? { keysPem: [pem('root-ec-p256')] } : { keysPem: [] };

/** Changes TLVs of the unprotected area, which starts at `at`. */
function editTlvs(bytes: Uint8Array, at: number, edit: (tlvs: [number, Uint8Array][]) => [number, Uint8Array][]) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = at + view.getUint16(at + 2, true);
  const tlvs: [number, Uint8Array][] = [];
  for (let offset = at + 4; offset < end; ) {
    const length = view.getUint16(offset + 2, true);
    tlvs.push([view.getUint16(offset, true), bytes.slice(offset + 4, offset + 4 + length)]);
    offset += 4 + length;
  }
  const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8);
  const entries = concat(...edit(tlvs).map(([type, value]) => concat(u16(type), u16(value.length), value)));
  return concat(bytes.slice(0, at), u16(0x6907), u16(entries.length + 4), entries, bytes.slice(end));
}
const endOfRegion = (bytes: Uint8Array): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getUint16(8, true) + view.getUint32(12, true) + view.getUint16(10, true);
};

describe('images made by imgtool 2.4.0', { skip }, () => {
  test('each verifies under its key, opens with the device key, and holds the payload', async () => {
    const names = readdirSync(join(VECTORS, 'images')).filter(
      (name) => !name.startsWith('payload') && name !== 'unsigned_hash_only.bin',
    );
    assert.ok(names.length >= 14);
    const payload = load('payload.bin');
    for (const name of names) {
      const trust = { keysPem: ROOTS.map(pem), decryptionKeysPem: DEVICES.map(privatePem) };
      const { verified, payload: opened } = openMcuboot(load(name), trust);
      assert.equal(verified.version, '1.2.3+4', name);
      assert.equal(verified.isEncrypted, name.includes('_enc_'), name);
      // The payload of the encrypted ones is filled up to whole blocks; the compressed one is not unpacked.
      if (!name.includes('lzma2')) assert.ok(isEqualBytes(opened.subarray(0, payload.length), payload), name);
      if (!name.includes('lzma2')) assert.ok(opened.length - payload.length < 16, name);
    }
    const facts = await verifyImage(load('ec256_seccnt_auto_bootrecord.bin'), EC);
    assert.ok(facts.format === 'mcuboot' && facts.securityCounter === 0x0102_0003 && facts.algorithm === 'ecdsa-p256');
  });

  test('an encrypted image is never authentic without the key that opens it', async () => {
    for (const [name, key, wrong] of [
      ['ec256_enc_ec256.bin', 'root-ec-p256', 'root-ec-p256'],
      ['rsa2048_enc_rsa2048.bin', 'root-rsa-2048', 'root-rsa-2048'],
      ['ed25519_enc_x25519.bin', 'root-ed25519', ''],
    ] as const) {
      const keysPem = [pem(key)];
      await assert.rejects(verifyMcuboot(load(name), { keysPem }), { code: 'IMAGE_DECRYPTION_KEY_MISSING' }, name);
      const other =
        wrong === ''
          ? generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
          : privatePem(wrong);
      const trust = { keysPem, decryptionKeysPem: [other] };
      await assert.rejects(verifyMcuboot(load(name), trust), { code: 'IMAGE_DECRYPTION_FAILED' }, name);
    }
    const trust = { keysPem: [], decryptionKeysPem: ['no key'] };
    await assert.rejects(verifyMcuboot(load('ec256_enc_ec256.bin'), trust), { code: 'IMAGE_KEY_MALFORMED' });
  });

  test('opens a key that was wrapped with AES key wrap', () => {
    // imgtool cannot make one: the image key of another image is opened and wrapped anew.
    const kek = fromBase64(readFileSync(join(VECTORS, 'keys/enc-aes128kw.b64'), 'utf8').trim());
    const image = load('rsa2048_enc_rsa2048.bin');
    const imageKey = createPrivateKey(privatePem('enc-rsa2048-priv'));
    const at = endOfRegion(image);
    let key: Uint8Array = new Uint8Array();
    editTlvs(image, at, (tlvs) => {
      key = openOaep(imageKey, tlvs.find(([type]) => type === 0x30)?.[1] ?? new Uint8Array());
      return tlvs;
    });
    const wrapped = wrapImageKey({ kek }, key);
    assert.deepEqual([wrapped.type, wrapped.value.length], [0x31, 24]);
    const rewrapped = editTlvs(image, at, (tlvs) =>
      tlvs.map(([type, value]) => (type === 0x30 ? [wrapped.type, wrapped.value] : [type, value])),
    );
    const keysPem = [pem('root-rsa-2048')];
    assert.ok(openMcuboot(rewrapped, { keysPem, decryptionKeks: [new Uint8Array(16), kek] }).verified.isEncrypted);
    assert.throws(() => openMcuboot(rewrapped, { keysPem }), { code: 'IMAGE_DECRYPTION_KEY_MISSING' });
    const wrong = { keysPem, decryptionKeks: [new Uint8Array(16)] };
    assert.throws(() => openMcuboot(rewrapped, wrong), { code: 'IMAGE_DECRYPTION_FAILED' });
    assert.throws(() => openMcuboot(rewrapped, { keysPem, decryptionKeks: [new Uint8Array(5)] }), {
      code: 'IMAGE_DECRYPTION_FAILED',
    });
  });

  test('refuses an ephemeral key of low order', () => {
    // RFC 7748 §6.1: with the point 0 every device has the same shared secret.
    const image = load('ed25519_enc_x25519.bin');
    const edited = editTlvs(image, endOfRegion(image), (tlvs) =>
      tlvs.map(([type, value]) => [type, type === 0x33 ? concat(new Uint8Array(32), value.subarray(32)) : value]),
    );
    const trust = { keysPem: [pem('root-ed25519')], decryptionKeysPem: [privatePem('enc-x25519-priv')] };
    assert.throws(() => openMcuboot(edited, trust), { code: 'IMAGE_DECRYPTION_FAILED' });
  });

  test('refuses every flipped bit and every truncation, of a plain and of an encrypted image', () => {
    const trust = { keysPem: [pem('root-ed25519')], decryptionKeysPem: [privatePem('enc-x25519-priv')] };
    for (const name of ['ed25519_sha512.bin', 'ed25519_enc_x25519.bin']) {
      const image = load(name);
      const end = endOfRegion(image);
      for (let bit = 0; bit < image.length * 8; bit += FLIP_STEP) {
        // The payload is one stretch under one hash: every eighth byte of it will do.
        if (bit >> 3 >= 64 && bit >> 3 < end - 32 && (bit >> 3) % 8 !== 0) continue;
        const flipped = image.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        assert.throws(() => openMcuboot(flipped, trust), { name: 'ImageError' }, `${name} bit ${bit}`);
      }
      for (let length = 0; length < image.length; length += 7) {
        assert.throws(() => openMcuboot(image.subarray(0, length), trust), { name: 'ImageError' }, `length ${length}`);
      }
    }
  });

  test('every flipped bit of an ECDSA signature and of what leads to it is refused', () => {
    const image = load('ec256.bin');
    for (let bit = endOfRegion(image) * 8; bit < image.length * 8; bit += FLIP_STEP) {
      const flipped = image.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => openMcuboot(flipped, EC), { name: 'ImageError' }, `bit ${bit}`);
    }
  });

  test('refuses unsigned images, unknown signers, and keys that do not suit', async () => {
    const refuse = (bytes: Uint8Array, keysPem: string[], code: string): Promise<void> =>
      assert.rejects(verifyMcuboot(bytes, { keysPem }), { code });
    await refuse(load('unsigned_hash_only.bin'), EC.keysPem.slice(), 'IMAGE_UNSIGNED');
    await refuse(load('ec256.bin'), [], 'IMAGE_SIGNER_UNKNOWN');
    await refuse(load('ec256.bin'), [pem('root-ed25519'), pem('root-rsa-2048')], 'IMAGE_SIGNER_UNKNOWN');
    await refuse(load('ec256_pubkey_full.bin'), [pem('root-ed25519')], 'IMAGE_SIGNER_UNKNOWN');
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    await refuse(load('ec256.bin'), [weak.export({ type: 'spki', format: 'pem' }).toString()], 'IMAGE_ALGORITHM_WEAK');
    await refuse(load('ec256.bin'), [privatePem('root-ec-p256')], 'CRYPTO_KEY_MALFORMED');
  });

  test('refuses an image whose unprotected area says another thing than its signature', () => {
    const image = load('ec256.bin');
    const at = endOfRegion(image);
    const refuse = (edit: Parameters<typeof editTlvs>[2], code: string, source = image): void =>
      assert.throws(() => openMcuboot(editTlvs(source, at, edit), { keysPem: ROOTS.map(pem) }), { code });
    refuse((tlvs) => tlvs.filter(([type]) => type !== 0x01), 'IMAGE_MALFORMED');
    refuse((tlvs) => [...tlvs, [0x02, new Uint8Array(91)]], 'IMAGE_MALFORMED');
    refuse((tlvs) => [...tlvs, [0x00a0, new Uint8Array(4)]], 'IMAGE_MALFORMED');
    refuse((tlvs) => [...tlvs, [0x25, Uint8Array.of(1)]], 'IMAGE_MALFORMED');
    refuse((tlvs) => [...tlvs, [0x25, Uint8Array.of(0)]], 'IMAGE_MALFORMED');
    refuse((tlvs) => [...tlvs, [0x24, new Uint8Array(64)]], 'IMAGE_MALFORMED');
    refuse((tlvs) => [...tlvs, [0x31, new Uint8Array(24)]], 'IMAGE_MALFORMED');
    const sha384 = new Uint8Array(createHash('sha384').update(image.subarray(0, at)).digest());
    refuse((tlvs) => tlvs.map(([type, value]) => (type === 0x10 ? [0x11, sha384] : [type, value])), 'IMAGE_MALFORMED');
    refuse((tlvs) => tlvs.map(([type, value]) => [type === 0x22 ? 0x20 : type, value]), 'IMAGE_SIGNATURE_INVALID');
    refuse(
      (tlvs) => tlvs.map(([type, value]) => (type === 0x22 ? [type, new Uint8Array()] : [type, value])),
      'IMAGE_SIGNATURE_INVALID',
    );
  });

  test('takes a signature that old tools filled up with zeros, and no other filling', () => {
    const image = load('ec256.bin');
    const at = endOfRegion(image);
    const pad = (padding: Uint8Array): Uint8Array =>
      editTlvs(image, at, (tlvs) =>
        tlvs.map(([type, value]) => [type, type === 0x22 ? concat(value, padding) : value]),
      );
    assert.equal(openMcuboot(pad(new Uint8Array(2)), EC).verified.algorithm, 'ecdsa-p256');
    for (const padding of [Uint8Array.of(0, 1), new Uint8Array(9)]) {
      assert.throws(() => openMcuboot(pad(padding), EC), { code: 'IMAGE_SIGNATURE_INVALID' });
    }
  });

  test('behind an image stand erased flash and a trailer, or nothing', () => {
    const image = load('ec256.bin');
    assert.ok(openMcuboot(concat(image, new Uint8Array(100).fill(0xff)), EC));
    assert.ok(openMcuboot(concat(image, new Uint8Array(100)), EC));
    for (const rest of [Uint8Array.of(1), Uint8Array.of(0xff, 0), load('payload.bin')]) {
      assert.throws(() => openMcuboot(concat(image, rest), EC), { code: 'IMAGE_MALFORMED' });
    }
    const padded = load('ec256_padded_confirm.bin');
    padded[padded.length - 600] = 7;
    assert.throws(() => openMcuboot(padded, EC), { code: 'IMAGE_MALFORMED' });
  });
});

test('a pure signature needs no image hash beside it, and covers the whole region', async () => {
  const pair = generateKeyPairSync('ed25519');
  const keysPem = [pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()];
  const signer = mcubootSignerFromPem(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const version = { major: 1, minor: 0, revision: 0, build: 0 };
  const signed = await signMcuboot({
    payload: Uint8Array.of(1, 2, 3),
    version,
    signer,
    isPure: true,
    securityCounter: 1,
  });
  const at = endOfRegion(signed);
  const image = editTlvs(signed, at, (tlvs) => tlvs.filter(([type]) => type !== 0x12));
  assert.equal(openMcuboot(image, { keysPem }).verified.securityCounter, 1);
  assert.equal(describeMcuboot(image).isHashChecked, false);
  for (let bit = 0; bit < at * 8; bit += FLIP_STEP) {
    const flipped = image.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => openMcuboot(flipped, { keysPem }), { name: 'ImageError' }, `bit ${bit}`);
  }
  // Without its mark it would be a signature over the hash, which it is not.
  const unmarked = editTlvs(signed, at, (tlvs) => tlvs.filter(([type]) => type !== 0x25));
  assert.throws(() => openMcuboot(unmarked, { keysPem }), { code: 'IMAGE_SIGNATURE_INVALID' });
});

function openOaep(key: ReturnType<typeof createPrivateKey>, value: Uint8Array): Uint8Array {
  return new Uint8Array(privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, value));
}
