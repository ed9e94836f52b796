import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Bench, skipWithout } from '../../test/bench.ts';
import { der, OID, oid } from '../../test/signed-data.ts';
import { concat, fromHex, toHex, utf8 } from '../bytes/index.ts';
import { isEnveloped, openEnvelope, parseEnvelope } from './cms-envelope.ts';
import { verifyVerityTree } from './dm-verity.ts';
import { identifyImage, verifyImage } from './identify.ts';
import { parseRaucManifest } from './rauc-manifest.ts';
import { describeRaucb, verifyRaucb } from './raucb.ts';

const skip = skipWithout('openssl', 'rauc', 'mksquashfs');
const ROOTFS = new Uint8Array(randomBytes(5000));
const ROOTFS_SHA256 = createHash('sha256').update(ROOTFS).digest('hex');
const UPDATE = {
  compatible: 'pawl-board',
  version: '1.2.3',
  description: 'a test',
  hookFile: 'hook.sh',
  images: [
    {
      slot: 'rootfs',
      file: { name: 'rootfs.img', sizeBytes: 5000, sha256: ROOTFS_SHA256 },
      hooks: ['post-install'],
    },
  ],
};

/** The CMS structure of a bundle, and where it begins. */
function signatureOf(bundle: Uint8Array): { at: number; signature: Uint8Array } {
  const size = Number(new DataView(bundle.buffer, bundle.byteOffset).getBigUint64(bundle.length - 8));
  const at = bundle.length - 8 - size;
  return { at, signature: bundle.subarray(at, bundle.length - 8) };
}

function join(payload: Uint8Array, signature: Uint8Array): Uint8Array {
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, BigInt(signature.length));
  return concat(payload, signature, size);
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}

describe('bundles made by rauc', { skip }, () => {
  let bench: Bench;
  const bundles: Record<string, Uint8Array> = {};
  const bundle = (name: string): Uint8Array => bundles[name] ?? new Uint8Array();
  const trust: { keysPem: string[] } = { keysPem: [] };
  const keyPem = (name: string): string => Buffer.from(bench.read(`${name}.key`)).toString();
  /** Whether rauc takes the signature and, where it must unpack, the payload. */
  const isGoodForRauc = (bytes: Uint8Array): boolean => {
    bench.write('checked.raucb', bytes);
    rmSync(bench.path('out'), { recursive: true, force: true });
    return bench.succeeds('rauc --keyring=maker.pem extract checked.raucb out');
  };

  before(() => {
    bench = new Bench();
    bench.selfSigned('maker');
    bench.selfSigned('device');
    bench.selfSigned('other');
    trust.keysPem = [bench.pem('maker')];
    for (const format of ['plain', 'verity', 'crypt']) {
      rmSync(bench.path('in'), { recursive: true, force: true });
      mkdirSync(bench.path('in'));
      bench.write('in/rootfs.img', ROOTFS);
      bench.write('in/hook.sh', '#!/bin/sh\n');
      bench.write(
        'in/manifest.raucm',
        `[update]\ncompatible=pawl-board\nversion=1.2.3\ndescription=a test\n\n[bundle]\nformat=${format}\n\n` +
          '[hooks]\nfilename=hook.sh\n\n[image.rootfs]\nfilename=rootfs.img\nhooks=post-install\n',
      );
      bench.run(`rauc --cert maker.pem --key maker.key bundle in ${format}.raucb`);
      bundles[format] = bench.read(`${format}.raucb`);
    }
    bench.run('rauc encrypt --to other.pem --to device.pem --keyring maker.pem crypt.raucb encrypted.raucb');
    bundles['encrypted'] = bench.read('encrypted.raucb');
  });
  after(() => bench.close());

  test('a plain bundle is described and verified; its manifest is in the squashfs', async () => {
    const bytes = bundle('plain');
    assert.equal(identifyImage(bytes), 'raucb');
    const payloadSizeBytes = signatureOf(bytes).at;
    assert.deepEqual(describeRaucb(bytes), {
      format: 'raucb',
      sizeBytes: bytes.length,
      payloadSizeBytes,
      bundleFormat: 'plain',
      update: UPDATE,
    });
    const { signer, ...facts } = await verifyRaucb(bytes, trust);
    assert.equal(signer.subject, 'CN=maker');
    assert.deepEqual(facts, {
      format: 'raucb',
      payloadSizeBytes,
      isEncrypted: false,
      bundleFormat: 'plain',
      boundBy: 'signature',
      update: UPDATE,
      areImagesChecked: true,
    });
  });

  test('a verity bundle is described and verified, and so is a crypt one that stays closed', async () => {
    for (const bundleFormat of ['verity', 'crypt']) {
      const bytes = bundle(bundleFormat);
      assert.equal(identifyImage(bytes), 'raucb');
      assert.deepEqual(describeRaucb(bytes).update, UPDATE);
      const { signer, ...facts } = await verifyRaucb(bytes, trust);
      assert.equal(signer.subject, 'CN=maker');
      assert.deepEqual(facts, {
        format: 'raucb',
        payloadSizeBytes: signatureOf(bytes).at,
        isEncrypted: false,
        bundleFormat,
        boundBy: 'hash-tree',
        update: UPDATE,
        areImagesChecked: bundleFormat === 'verity',
      });
      assert.ok(!JSON.stringify([facts, describeRaucb(bytes)]).includes('crypt-key'));
    }
  });

  test('an encrypted signature is opened with the key of a device, and only with that', async () => {
    const bytes = bundle('encrypted');
    assert.equal(identifyImage(bytes), 'raucb');
    const { update, bundleFormat, recipientCount } = describeRaucb(bytes);
    assert.deepEqual([update, bundleFormat, recipientCount], [undefined, 'crypt', 2]);
    const verified = await verifyRaucb(bytes, { ...trust, decryptionKeysPem: [keyPem('device')] });
    assert.equal(verified.isEncrypted, true);
    assert.deepEqual(verified.update, UPDATE);
    for (const [code, decryptionKeysPem] of [
      ['IMAGE_DECRYPTION_KEY_MISSING', []],
      ['IMAGE_DECRYPTION_FAILED', [keyPem('maker')]],
      ['IMAGE_KEY_MALFORMED', ['no key']],
    ] as const) {
      await assert.rejects(verifyRaucb(bytes, { ...trust, decryptionKeysPem }), { code });
    }
    await assert.rejects(verifyRaucb(bytes, trust), { code: 'IMAGE_DECRYPTION_KEY_MISSING' });
    // It is still the signature inside that counts.
    const decryptionKeysPem = [keyPem('other')];
    await assert.rejects(verifyRaucb(bytes, { keysPem: [bench.pem('other')], decryptionKeysPem }), {
      code: 'IMAGE_SIGNER_UNKNOWN',
    });
    await assert.rejects(verifyRaucb(flip(bytes, 8 * 100), { ...trust, decryptionKeysPem }), {
      code: 'IMAGE_DIGEST_MISMATCH',
    });
  });

  test('an encrypted signature of another format is refused', async () => {
    for (const [name, code] of [
      ['plain', 'IMAGE_SIGNATURE_MALFORMED'],
      ['verity', 'IMAGE_MALFORMED'],
    ] as const) {
      const { at, signature } = signatureOf(bundle(name));
      bench.write('inner', signature);
      bench.run('openssl cms -encrypt -in inner -out outer -outform DER -binary -aes-256-cbc -recip device.pem');
      const bytes = join(bundle(name).subarray(0, at), bench.read('outer'));
      await assert.rejects(verifyRaucb(bytes, { ...trust, decryptionKeysPem: [keyPem('device')] }), { code });
    }
  });

  test('opens what openssl encrypts, in each cipher and padding', () => {
    bench.write('inner', der(0x30, utf8('content')));
    bench.selfSigned('curve', 'ec -pkeyopt ec_paramgen_curve:prime256v1');
    const encrypt = (...args: string[]): Uint8Array => {
      bench.run('openssl cms -encrypt -in inner -out outer -outform DER -binary', ...args);
      return bench.read('outer');
    };
    const oaep = ['-recip', 'device.pem', '-keyopt', 'rsa_padding_mode:oaep'];
    for (const args of [
      ['-aes-128-cbc', '-recip', 'device.pem'],
      ['-aes-192-cbc', '-recip', 'device.pem'],
      ['-aes-256-cbc', ...oaep],
      ['-aes-256-cbc', ...oaep, '-keyopt', 'rsa_oaep_md:sha256', '-keyopt', 'rsa_mgf1_md:sha256'],
      // A recipient with key agreement is passed over.
      ['-aes-256-cbc', '-recip', 'curve.pem', '-recip', 'device.pem'],
    ]) {
      const opened = openEnvelope(encrypt(...args), [keyPem('device')]);
      assert.deepEqual(opened, bench.read('inner'), args.join(' '));
    }
    assert.throws(() => openEnvelope(encrypt('-aes-256-cbc', ...oaep), [keyPem('maker')]), {
      code: 'IMAGE_DECRYPTION_FAILED',
    });
    const refuses = (bytes: Uint8Array): void =>
      assert.throws(() => openEnvelope(bytes, [keyPem('device')]), { code: 'IMAGE_SIGNATURE_MALFORMED' });
    refuses(encrypt('-des3', '-recip', 'device.pem'));
    refuses(encrypt('-aes-256-cbc', ...oaep, '-keyopt', 'rsa_oaep_md:sha256', '-keyopt', 'rsa_mgf1_md:sha512'));
    assert.throws(() => openEnvelope(encrypt('-recip', 'curve.pem', '-aes-128-cbc'), [keyPem('device')]), {
      code: 'IMAGE_DECRYPTION_FAILED',
    });
    assert.throws(() => openEnvelope(encrypt('-recip', 'curve.pem', '-aes-128-cbc'), [keyPem('curve')]), {
      code: 'IMAGE_DECRYPTION_KEY_MISSING',
    });
  });

  test('agrees with rauc on changes all over a verity bundle', async () => {
    const bytes = bundle('verity');
    const { at, signature } = signatureOf(bytes);
    assert.ok(isGoodForRauc(bytes));
    const inManifest = at + Buffer.from(signature).indexOf('pawl-board');
    const tree = at - 4096;
    for (const place of [0, 96, 5000, tree - 1, tree, tree + 40, tree + 4000, at - 1, inManifest, bytes.length - 20]) {
      const changed = flip(bytes, place * 8);
      assert.equal(isGoodForRauc(changed), false, `byte ${place}`);
      await assert.rejects(verifyRaucb(changed, trust), { name: 'ImageError' }, `byte ${place}`);
    }
    await assert.rejects(verifyRaucb(bytes, { keysPem: [bench.pem('other')] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
  });

  test('refuses flipped bits all over the payload and each truncation, in every format', async () => {
    for (const name of ['plain', 'verity', 'crypt']) {
      const bytes = bundle(name);
      const { at } = signatureOf(bytes);
      for (let place = 0; place < at; place += 17) {
        const changed = flip(bytes, place * 8 + (place % 8));
        await assert.rejects(verifyRaucb(changed, trust), { name: 'ImageError' }, `${name}, byte ${place}`);
      }
      for (let bit = (bytes.length - 8) * 8; bit < bytes.length * 8; bit += 1) {
        await assert.rejects(verifyRaucb(flip(bytes, bit), trust), { name: 'ImageError' }, `${name}, bit ${bit}`);
      }
      for (let length = 0; length < bytes.length; length += 11) {
        const cut = bytes.subarray(0, length);
        await assert.rejects(verifyRaucb(cut, trust), { name: 'ImageError' }, `${name}, length ${length}`);
      }
      for (let blocks = 0; blocks < at / 4096; blocks += 1) {
        const cut = concat(bytes.subarray(0, blocks * 4096), bytes.subarray(at));
        await assert.rejects(verifyRaucb(cut, trust), { name: 'ImageError' }, `${name}, ${blocks} blocks`);
      }
    }
  });

  test('images that are not as the signed manifest says are refused; a closed squashfs is told', async () => {
    const sign = (payload: Uint8Array): Uint8Array => {
      bench.write('content', payload);
      bench.run('openssl cms -sign -in content -out sig -signer maker.pem -inkey maker.key -outform DER -binary');
      return join(payload, bench.read('sig'));
    };
    const image = (digest = ROOTFS_SHA256, size = 5000, more = ''): string =>
      `[update]\ncompatible=x\n[image.rootfs]\nfilename=rootfs.img\nsha256=${digest}\nsize=${size}\n${more}`;
    const pack = (manifest: string | undefined, compressor = 'gzip'): Uint8Array => {
      rmSync(bench.path('pack'), { recursive: true, force: true });
      rmSync(bench.path('squashfs'), { force: true });
      mkdirSync(bench.path('pack'));
      bench.write('pack/rootfs.img', ROOTFS);
      if (manifest !== undefined) bench.write('pack/manifest.raucm', manifest);
      bench.run(`mksquashfs pack squashfs -quiet -no-progress -comp ${compressor}`);
      return sign(bench.read('squashfs'));
    };
    const good = await verifyRaucb(pack(image()), trust);
    assert.deepEqual([good.update?.images.length, good.areImagesChecked], [1, true]);
    const hook = await verifyRaucb(pack('[update]\ncompatible=x\n[image.rootfs]\nhooks=install\n'), trust);
    assert.equal(hook.areImagesChecked, true);
    const converted = await verifyRaucb(pack(image(undefined, undefined, 'convert=tar-extract\n')), trust);
    assert.equal(converted.areImagesChecked, false);
    for (const [code, manifest] of [
      ['IMAGE_DIGEST_MISMATCH', image('ab'.repeat(32))],
      ['IMAGE_DIGEST_MISMATCH', image(ROOTFS_SHA256, 5001)],
      ['IMAGE_FILE_MISSING', image().replace('rootfs.img', 'other.img')],
      ['IMAGE_FILE_MISSING', undefined],
      ['IMAGE_MALFORMED', `${image()}[bundle]\nformat=verity\n`],
      ['IMAGE_MALFORMED', image() + '#'.repeat(256 * 1024)],
    ] as const) {
      await assert.rejects(verifyRaucb(pack(manifest), trust), { code }, manifest?.slice(0, 100));
    }
    const closed = pack(image(), 'xz');
    assert.ok(!('update' in describeRaucb(closed)));
    const { update, areImagesChecked } = await verifyRaucb(closed, trust);
    assert.deepEqual([update, areImagesChecked], [undefined, false]);
  });

  test('refuses signed payloads that are no squashfs, and signatures that bind nothing', async () => {
    const sign = (content: string | Uint8Array, ...args: string[]): Uint8Array => {
      bench.write('content', content);
      bench.run(
        'openssl cms -sign -in content -out sig -signer maker.pem -inkey maker.key -outform DER -binary',
        ...args,
      );
      return bench.read('sig');
    };
    const zeros = new Uint8Array(4096);
    await assert.rejects(verifyImage(join(zeros, sign(zeros)), trust), { code: 'IMAGE_MALFORMED' });
    const salt = new Uint8Array(32);
    const root = toHex(createHash('sha256').update(salt).update(zeros).digest());
    const manifest = (format: string): string =>
      `[update]\ncompatible=x\n[bundle]\nformat=${format}\nverity-hash=${root}\nverity-salt=${toHex(salt)}\nverity-size=0\ncrypt-key=${root}\n`;
    for (const [code, format] of [
      ['IMAGE_MALFORMED', 'verity'],
      ['IMAGE_MALFORMED', 'plain'],
    ] as const) {
      const bytes = join(zeros, sign(manifest(format), '-nodetach'));
      await assert.rejects(verifyRaucb(bytes, trust), { code }, format);
    }
    // The payload of a crypt bundle is noise; one block is its own root.
    const closed = await verifyRaucb(join(zeros, sign(manifest('crypt'), '-nodetach')), trust);
    assert.deepEqual(closed.update, { compatible: 'x', images: [] });
    const tooLong = manifest('crypt').replace('verity-size=0', 'verity-size=8192');
    await assert.rejects(verifyRaucb(join(zeros, sign(tooLong, '-nodetach')), trust), { code: 'IMAGE_TRUNCATED' });
  });
});

test('identifies bundles only by a CMS structure behind whole blocks', () => {
  const signature = concat(fromHex('3082012c'), oid(OID.signedData), new Uint8Array(289));
  const block = new Uint8Array(4096);
  assert.equal(identifyImage(join(block, signature)), 'raucb');
  const large = concat(fromHex('3083012345'), oid(OID.signedData), new Uint8Array(0x12345));
  assert.equal(identifyImage(join(block, large)), 'raucb');
  for (const bytes of [
    join(block.subarray(1), signature),
    join(new Uint8Array(), signature),
    join(block, signature.with(0, 0x31)),
    join(block, signature.with(8, 0)),
    concat(block, signature),
    concat(block, signature, fromHex('ffffffffffffffff')),
    concat(block, signature, fromHex('0000000000040001')),
    new Uint8Array(8),
    new Uint8Array(7),
  ]) {
    assert.notEqual(identifyImage(bytes), 'raucb');
  }
  assert.throws(() => describeRaucb(new Uint8Array(7)), { code: 'IMAGE_TRUNCATED' });
});

test('a hash tree is checked over whole blocks, in its place and to its end', () => {
  const [data, salt] = [new Uint8Array(2 * 4096), new Uint8Array(32)];
  const hash = (block: Uint8Array): Uint8Array => createHash('sha256').update(salt).update(block).digest();
  const tree = new Uint8Array(4096);
  tree.set(hash(data.subarray(4096)));
  tree.set(hash(data.subarray(4096)), 32);
  const rootHash = hash(tree);
  verifyVerityTree(data, tree, { rootHash, salt });
  for (let bit = 0; bit < data.length * 8; bit += 37) {
    assert.throws(() => verifyVerityTree(flip(data, bit), tree, { rootHash, salt }), { code: 'IMAGE_DIGEST_MISMATCH' });
  }
  for (let bit = 0; bit < tree.length * 8; bit += 13) {
    assert.throws(() => verifyVerityTree(data, flip(tree, bit), { rootHash, salt }), { code: 'IMAGE_DIGEST_MISMATCH' });
  }
  const refuses = (code: string, ...[bytes, levels]: [Uint8Array, Uint8Array]): void =>
    assert.throws(() => verifyVerityTree(bytes, levels, { rootHash, salt }), { code });
  refuses('IMAGE_MALFORMED', data.subarray(1), tree);
  refuses('IMAGE_MALFORMED', new Uint8Array(), tree);
  refuses('IMAGE_DIGEST_MISMATCH', data.with(5, 1), tree);
  refuses('IMAGE_DIGEST_MISMATCH', data, tree.with(4095, 1));
  refuses('IMAGE_DIGEST_MISMATCH', data, concat(tree, tree));
});

test('reads manifests in one way only', () => {
  const digest = 'ab'.repeat(32);
  const head = `[bundle]\nformat=verity\nverity-hash=${digest}\nverity-salt=${digest}\nverity-size=4096\n`;
  const parse = (text: string) => parseRaucManifest(utf8(text)).update;
  const full = parse(
    `# comment\n[update]\ncompatible = a\\sb\\n\\\\ \nbuild=\n\n${head}[handler]\nfilename=run.sh\nargs=-x\n[image.a/b.c]\nfilename=f\nsha256=${digest}\nsize=0\n[image.empty]\ntype=emptyfs\n[meta.x]\ny=1\n`,
  );
  assert.deepEqual(full, {
    compatible: 'a b\n\\ ',
    build: '',
    handlerFile: 'run.sh',
    images: [
      { slot: 'a/b.c', file: { name: 'f', sizeBytes: 0, sha256: digest }, hooks: [] },
      { slot: 'empty', hooks: [] },
    ],
  });
  const update = '[update]\ncompatible=x\n';
  for (const text of [
    '',
    update,
    head,
    `[update]\ncompatible=\n${head}`,
    `x=1\n${update}${head}`,
    `${update}${update}${head}`,
    `${update}compatible=y\n${head}`,
    `${update}nonsense\n${head}`,
    `${update}version=\\x\n${head}`,
    `${update}version=\\`,
    `${update}${head.replace('verity\n', 'crypt\n')}`,
    `${update}${head.replace('format=verity', 'format=plain')}`,
    `${update}${head.replace(`hash=${digest}`, 'hash=ab')}`,
    `${update}${head.replace('size=4096', 'size=-1')}`,
    `${update}${head.replace('size=4096', 'size=99999999999999999999')}`,
    `${update}${head}[image.x]\nfilename=../f\nsha256=${digest}\nsize=1\n`,
    `${update}${head}[image.x]\nfilename=\nsha256=${digest}\nsize=1\n`,
    `${update}${head}[image.x]\nfilename=f\nsize=1\n`,
    `${update}${head}[image.x]\nfilename=f\nsha256=${digest}\n`,
    `${update}${head}${Array.from({ length: 257 }, (_, index) => `[image.${index}]\n`).join('')}`,
  ]) {
    assert.throws(() => parse(text), { code: 'IMAGE_MALFORMED' }, text);
  }
  assert.throws(() => parseRaucManifest(fromHex('ff')), { code: 'IMAGE_MALFORMED' });
});

test('refuses envelopes that are not as RFC 5652 says', () => {
  const rsa = der(0x30, oid('2a864886f70d010101'), fromHex('0500'));
  const recipient = (algorithm = rsa): Uint8Array =>
    der(0x30, fromHex('020100'), der(0x30), algorithm, der(0x04, utf8('key')));
  const aes = (iv = new Uint8Array(16)): Uint8Array => der(0x30, oid('60864801650304012a'), der(0x04, iv));
  const envelope = (recipients: Uint8Array, cipher = aes()): Uint8Array => {
    const content = der(0x30, oid(OID.data), cipher, der(0x80, new Uint8Array(16)));
    const data = der(0x30, fromHex('020100'), der(0x31, recipients), content);
    return der(0x30, oid('2a864886f70d010703'), der(0xa0, data));
  };
  assert.ok(isEnveloped(envelope(recipient())));
  assert.equal(parseEnvelope(envelope(recipient())).recipients.length, 1);
  for (const bytes of [
    envelope(recipient(der(0x30, oid('2a864886f70d01010a')))),
    envelope(recipient(), aes(new Uint8Array(12))),
    envelope(concat(...Array<Uint8Array>(4097).fill(fromHex('a100')))),
    envelope(
      recipient(
        der(
          0x30,
          oid('2a864886f70d010107'),
          der(0x30, der(0xa0, der(0x30, oid(OID.sha256))), der(0xa1, der(0x30, oid(OID.data)))),
        ),
      ),
    ),
  ]) {
    assert.throws(() => parseEnvelope(bytes), { code: 'IMAGE_SIGNATURE_MALFORMED' });
  }
});
