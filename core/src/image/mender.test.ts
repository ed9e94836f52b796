import assert from 'node:assert/strict';
import { createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { Bench, skipWithout } from '../../test/bench.ts';
import { concat, toBase64, utf8 } from '../bytes/index.ts';
import { decompressTar } from './decompress.ts';
import { identifyImage, verifyImage } from './identify.ts';
import { describeMender, verifyMender } from './mender.ts';
import { parseHeaderInfo, parseManifest } from './mender-header.ts';
import { readTar } from './tar.ts';

const skip = skipWithout('openssl', 'mender-artifact');
const ROOTFS = new Uint8Array(randomBytes(700));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A ustar entry; fields that are given replace those that belong there. */
function entry(name: string, content: Uint8Array, { type = '0', size = '', prefix = '', magic = 'ustar\x0000' } = {}) {
  const header = new Uint8Array(512);
  const octal = size === '' ? content.length.toString(8).padStart(11, '0') : size;
  for (const [at, text] of [
    [0, name],
    [100, '0000600\0'],
    [124, octal],
    [148, '        '],
    [156, type],
    [257, magic],
    [345, prefix],
  ] as const) {
    header.set(utf8(text), at);
  }
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return concat(header, content, new Uint8Array((512 - (content.length % 512)) % 512));
}
const END = new Uint8Array(1024);
const tar = (files: readonly (readonly [string, Uint8Array])[]): Uint8Array =>
  concat(...files.map(([name, content]) => entry(name, content)), END);
const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
  const flipped = bytes.slice();
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
};

describe('artifacts made by mender-artifact', { skip }, () => {
  let bench: Bench;
  let artifact: Uint8Array;
  let keyPem: string;
  const trust: { keysPem: string[] } = { keysPem: [] };
  const publicPem = (name: string): string => bench.pem(name);
  const write = (kind: string, more = '', before_ = ''): Uint8Array => {
    bench.run(
      `mender-artifact${before_} write ${kind} -t board -t other-board -n release-1 -f rootfs.ext4 -o made.mender${more}`,
    );
    return bench.read('made.mender');
  };
  const isGoodForMender = (bytes: Uint8Array, key = 'ec'): boolean => {
    bench.write('checked.mender', bytes);
    return bench.succeeds(`mender-artifact validate -k ${key}.pem checked.mender`);
  };
  const signed = (manifest: Uint8Array): Uint8Array =>
    utf8(toBase64(sign('sha256', manifest, { key: createPrivateKey(keyPem), dsaEncoding: 'ieee-p1363' })));

  before(() => {
    bench = new Bench();
    bench.write('rootfs.ext4', ROOTFS);
    bench.write('ArtifactInstall_Enter_01', '#!/bin/sh\n');
    bench.run('openssl ecparam -genkey -name prime256v1 -noout -out ec.key');
    bench.run('openssl genrsa -traditional -out rsa.key 2048');
    for (const name of ['ec', 'rsa']) bench.run(`openssl pkey -in ${name}.key -pubout -out ${name}.pem`);
    keyPem = Buffer.from(bench.read('ec.key')).toString();
    trust.keysPem = [publicPem('ec')];
    artifact = write('rootfs-image', ' -s ArtifactInstall_Enter_01 -k ec.key');
  });
  after(() => bench.close());

  /** An artifact put together anew: the manifest lists what is there, unless another one is given. */
  function assemble({
    files = [['rootfs.ext4', ROOTFS]] as readonly (readonly [string, Uint8Array])[],
    header = undefined as Uint8Array | undefined,
    manifest = undefined as string | undefined,
    payload = 'data/0000.tar',
    extra = [] as readonly (readonly [string, Uint8Array])[],
  } = {}): Uint8Array {
    const version = utf8('{"format":"mender","version":3}');
    const info = utf8(
      '{"payloads":[{"type":"x"}],"artifact_provides":{"artifact_name":"n"},"artifact_depends":{"device_type":["d"]}}',
    );
    const headerTar =
      header ??
      tar([
        ['header-info', info],
        ['headers/0000/type-info', utf8('{"type":"x"}')],
      ]);
    const listed = [
      ...files.map(([name, content]) => [sha256(content), `data/0000/${name}`]),
      [sha256(headerTar), 'header.tar'],
      [sha256(version), 'version'],
    ];
    const text = utf8(manifest ?? listed.map((line) => `${line.join('  ')}\n`).join(''));
    return tar([
      ['version', version],
      ['manifest', text],
      ['manifest.sig', signed(text)],
      ['header.tar', headerTar],
      [payload, tar(files)],
      ...extra,
    ]);
  }

  test('a signed artifact is identified, described and verified', async () => {
    assert.equal(identifyImage(artifact), 'mender');
    const described = describeMender(artifact);
    const facts = {
      format: 'mender' as const,
      artifactName: 'release-1',
      deviceTypes: ['board', 'other-board'],
      payloadTypes: ['rootfs-image'],
    };
    const { files, ...rest } = described;
    assert.deepEqual(rest, { ...facts, sizeBytes: artifact.length, isSigned: true, isAugmented: false });
    assert.deepEqual(files[0], { name: 'data/0000/rootfs.ext4', sha256: sha256(ROOTFS) });
    const { keySha256, ...verified } = await verifyMender(artifact, trust);
    assert.deepEqual(verified, {
      ...facts,
      scripts: ['ArtifactInstall_Enter_01'],
      files: [{ name: 'data/0000/rootfs.ext4', sizeBytes: 700, sha256: sha256(ROOTFS) }],
    });
    bench.run('openssl pkey -pubin -in ec.pem -outform DER -out spki');
    assert.equal(keySha256, sha256(bench.read('spki')));
  });

  test('RSA keys, no compression, update modules and an empty payload verify too', async () => {
    const both = { keysPem: [publicPem('ec'), publicPem('rsa')] };
    const plain = await verifyMender(write('rootfs-image', ' -k rsa.key', ' --compression none'), both);
    assert.deepEqual(plain.payloadTypes, ['rootfs-image']);
    bench.write('second', 'more');
    const module = await verifyMender(write('module-image', ' -T app -g grp -f second -k rsa.key'), both);
    assert.equal(module.artifactGroup, 'grp');
    assert.deepEqual(
      module.files.map(({ name }) => name),
      ['data/0000/rootfs.ext4', 'data/0000/second'],
    );
    bench.run('mender-artifact write bootstrap-artifact -t board -n empty -o empty.mender -k ec.key');
    const empty = await verifyMender(bench.read('empty.mender'), both);
    assert.deepEqual([empty.payloadTypes, empty.files], [[null], []]);
  });

  test('a signature that a token made, in DER, verifies', async () => {
    const files = readTar(artifact);
    const manifest = files.find(({ name }) => name === 'manifest')?.content ?? new Uint8Array();
    const der = utf8(toBase64(sign('sha256', manifest, createPrivateKey(keyPem))));
    const again = tar(files.map(({ name, content }) => [name, name === 'manifest.sig' ? der : content]));
    assert.equal((await verifyMender(again, trust)).artifactName, 'release-1');
  });

  test('what it assembles for the cases below is an artifact for mender-artifact too', async () => {
    const bytes = assemble();
    assert.equal((await verifyMender(bytes, trust)).artifactName, 'n');
    assert.ok(isGoodForMender(bytes));
  });

  test('refuses what is unsigned, signed by another key, or weakly', async () => {
    await assert.rejects(verifyImage(write('rootfs-image'), trust), { code: 'IMAGE_UNSIGNED' });
    await assert.rejects(verifyMender(artifact, { keysPem: [publicPem('rsa')] }), { code: 'IMAGE_SIGNATURE_INVALID' });
    await assert.rejects(verifyMender(artifact, { keysPem: [] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    await assert.rejects(verifyMender(artifact, { keysPem: ['no key'] }), { code: 'CRYPTO_KEY_MALFORMED' });
    bench.run('openssl genrsa -traditional -out weak.key 1024');
    bench.run('openssl pkey -in weak.key -pubout -out weak.pem');
    const weak = write('rootfs-image', ' -k weak.key');
    await assert.rejects(verifyMender(weak, { keysPem: [publicPem('weak')] }), { code: 'IMAGE_ALGORITHM_WEAK' });
    // The format knows P-256 only.
    bench.run('openssl ecparam -genkey -name secp384r1 -noout -out large.key');
    bench.run('openssl pkey -in large.key -pubout -out large.pem');
    await assert.rejects(verifyMender(artifact, { keysPem: [publicPem('large')] }), {
      code: 'IMAGE_SIGNATURE_INVALID',
    });
    const files = readTar(artifact);
    const replaced = (content: string): Uint8Array =>
      tar(files.map((file) => [file.name, file.name === 'manifest.sig' ? utf8(content) : file.content]));
    await assert.rejects(verifyMender(replaced('no base64!'), trust), { code: 'IMAGE_SIGNATURE_MALFORMED' });
    await assert.rejects(verifyMender(replaced('A'.repeat(4100)), trust), { code: 'IMAGE_SIGNATURE_MALFORMED' });
    await assert.rejects(verifyMender(replaced('AAAA'), trust), { code: 'IMAGE_SIGNATURE_INVALID' });
  });

  test('refuses an augmented artifact: nobody signs what is augmented', async () => {
    bench.write('delta', 'delta');
    const augmented = write('module-image', ' -T app --augment-type delta --augment-file delta -k ec.key');
    assert.equal(describeMender(augmented).isAugmented, true);
    await assert.rejects(verifyMender(augmented, trust), { code: 'IMAGE_FILE_UNLISTED' });
  });

  test('refuses xz, which Node cannot open', async () => {
    const xz = write('rootfs-image', ' -k ec.key', ' --compression lzma');
    await assert.rejects(verifyMender(xz, trust), { code: 'IMAGE_COMPRESSION_UNSUPPORTED' });
    assert.throws(() => describeMender(xz), { code: 'IMAGE_COMPRESSION_UNSUPPORTED' });
  });

  test('refuses files that the manifest does not stand for', async () => {
    const file = ['rootfs.ext4', ROOTFS] as const;
    const lines = Buffer.from(readTar(assemble())[1]?.content ?? '').toString();
    const info = (payloads: string): Uint8Array =>
      tar([
        [
          'header-info',
          utf8(
            `{"payloads":${payloads},"artifact_provides":{"artifact_name":"n"},"artifact_depends":{"device_type":[]}}`,
          ),
        ],
      ]);
    const cases: [string, string, Parameters<typeof assemble>[0]][] = [
      ['IMAGE_FILE_UNLISTED', 'another file', { files: [file, ['x', ROOTFS]], manifest: lines }],
      ['IMAGE_DIGEST_MISMATCH', 'another content', { files: [['rootfs.ext4', utf8('x')]], manifest: lines }],
      ['IMAGE_FILE_MISSING', 'no file', { files: [], manifest: lines }],
      ['IMAGE_FILE_UNLISTED', 'no line for the header', { manifest: lines.replace(/.*header.tar\n/, '') }],
      ['IMAGE_FILE_UNLISTED', 'no line for the version', { manifest: lines.replace(/.*version\n/, '') }],
      ['IMAGE_FILE_UNLISTED', 'a file behind the payload', { extra: [['more', ROOTFS]] }],
      ['IMAGE_FILE_UNLISTED', 'a payload twice', { extra: [['data/0000.tar', END]] }],
      ['IMAGE_MALFORMED', 'a payload that the header does not count', { extra: [['data/0001.tar', END]] }],
      ['IMAGE_MALFORMED', 'a payload of another number', { payload: 'data/0001.tar' }],
      ['IMAGE_MALFORMED', 'a payload where the header has none', { header: info('[]') }],
      ['IMAGE_MALFORMED', 'a header without info', { header: tar([['other', ROOTFS]]) }],
      ['IMAGE_MALFORMED', 'payloads without a type', { header: info('[1]') }],
      ['IMAGE_MALFORMED', 'a payload that is no archive', { payload: 'data/0000.tar.gz' }],
    ];
    for (const [code, name, options] of cases) {
      await assert.rejects(verifyMender(assemble(options), trust), { code }, name);
    }
  });

  test('refuses files in another order, and other versions of the format', () => {
    const [version, manifest, , header] = readTar(assemble()).map(({ name, content }) => [name, content] as const);
    assert.ok(version !== undefined && manifest !== undefined && header !== undefined);
    const other = ['version', utf8('{"format":"mender","version":2}')] as const;
    for (const files of [
      [manifest, version, header],
      [version, header],
      [version, manifest],
      [other, manifest, header],
    ]) {
      assert.throws(() => describeMender(tar(files)), { code: 'IMAGE_MALFORMED' });
    }
    assert.equal(identifyImage(tar([other])), 'mender');
    assert.equal(identifyImage(tar([manifest])), 'raw');
    assert.equal(identifyImage(utf8('version')), 'raw');
    assert.equal(identifyImage(tar([['version', utf8('1.0')]])), 'raw');
  });

  test('agrees with mender-artifact on changes all over an artifact', async () => {
    // In the version, the manifest, the signature, and the content of the header and of the payload.
    const offsets = new Map(readTar(artifact).map(({ name, content }) => [name, content.byteOffset]));
    const at = (name: string): number => (offsets.get(name) ?? 0) - artifact.byteOffset;
    const places = [at('version') + 3, at('manifest'), at('manifest') + 70, at('manifest.sig') + 4];
    places.push(at('header.tar.gz') + 40, at('data/0000.tar.gz') + 400);
    for (const place of places) {
      const changed = flip(artifact, place * 8);
      assert.equal(isGoodForMender(changed), false, `byte ${place}`);
      await assert.rejects(verifyMender(changed, trust), { name: 'ImageError' }, `byte ${place}`);
    }
    assert.ok(isGoodForMender(artifact));
    assert.ok(!isGoodForMender(artifact, 'rsa'));
  });

  test('refuses every truncation, and every flipped bit outside of what holds the payload', async () => {
    // Uncompressed, so that every byte of the files stands there as it is signed.
    const bytes = assemble();
    for (let length = 0; length < bytes.length; length += 5) {
      await assert.rejects(verifyMender(bytes.subarray(0, length), trust), { name: 'ImageError' }, `length ${length}`);
    }
    // Not signed: how the checksum of a tar header ends, in a zero and a space or otherwise.
    const isSpelling = (at: number): boolean => at % 512 === 154 || at % 512 === 155;
    for (let bit = 0; bit < bytes.length * 8; bit += 11) {
      const changed = flip(bytes, bit);
      if (isSpelling(bit >> 3) && [0, 0x20].includes(changed[bit >> 3] ?? 1)) continue;
      await assert.rejects(verifyMender(changed, trust), { name: 'ImageError' }, `bit ${bit}`);
    }
  });
});

test('reads tar archives only of plain files with plain names', () => {
  const content = utf8('x');
  const good = entry('a/b', content);
  assert.deepEqual(
    readTar(concat(good, entry('name', content, { prefix: 'folder', type: '\0' }), END, END)).map(({ name }) => name),
    ['a/b', 'folder/name'],
  );
  const refuses = (code: string, ...parts: Uint8Array[]): void =>
    assert.throws(() => readTar(concat(...parts)), { code }, Buffer.from(parts[0] ?? '').toString('latin1', 0, 260));
  for (const name of ['', '/a', 'a/', '../a', 'a/../b', './a', 'a//b', 'a\\b', 'a\nb']) {
    refuses('IMAGE_MALFORMED', entry(name, content), END);
  }
  for (const type of ['1', '2', '5', 'x', 'g', 'L']) refuses('IMAGE_MALFORMED', entry('a', content, { type }), END);
  for (const size of ['80000000000', 'x', '-1', '\u0080\0\0\0']) {
    refuses('IMAGE_MALFORMED', entry('a', content, { size }), END);
  }
  refuses('IMAGE_MALFORMED', entry('a', content, { magic: 'ustar  \0' }), END);
  refuses('IMAGE_TRUNCATED', entry('a', content, { size: '00000007777' }), END);
  refuses('IMAGE_CHECKSUM_MISMATCH', good.with(1, 0x62), END);
  refuses('IMAGE_MALFORMED', good.with(1023, 1), END);
  refuses('IMAGE_MALFORMED', good, END, content);
  refuses('IMAGE_MALFORMED', good, END.with(600, 1));
  refuses('IMAGE_TRUNCATED', good);
  refuses('IMAGE_TRUNCATED', good, new Uint8Array(512));
  refuses('IMAGE_FILE_UNLISTED', good, good, END);
  refuses('IMAGE_MALFORMED', ...Array.from({ length: 4097 }, (_, index) => entry(`f${index}`, concat())), END);
  const noText = entry('ab', content);
  // Two bytes that are no text and add up to what `ab` does.
  noText.set([0xff, 0xff], 0);
  const sum = noText.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  noText.set(utf8(sum.toString(8).padStart(6, '0')), 148);
  refuses('IMAGE_MALFORMED', noText, END);
});

test('opens compressed archives within a bound', () => {
  const content = new Uint8Array(5000);
  for (const [name, bytes] of [
    ['a.tar', content],
    ['a.tar.gz', gzipSync(content)],
    ['a.tar.zst', zstdCompressSync(content)],
  ] as const) {
    assert.deepEqual(decompressTar(name, bytes, 5000), content);
    if (name !== 'a.tar') assert.throws(() => decompressTar(name, bytes, 4999), { code: 'IMAGE_MALFORMED' });
  }
  assert.deepEqual(new Uint8Array(gunzipSync(gzipSync(content))), content);
  assert.throws(() => decompressTar('a.tar.gz', content, 10), { code: 'IMAGE_MALFORMED' });
  assert.throws(() => decompressTar('a.tar.xz', content, 10), { code: 'IMAGE_COMPRESSION_UNSUPPORTED' });
});

test('reads manifests and headers in one way only', () => {
  const digest = 'ab'.repeat(32);
  assert.deepEqual([...parseManifest(utf8(`${digest}  data/0000/a b\n`))], [['data/0000/a b', digest]]);
  for (const text of [
    `${digest}  a`,
    `${digest} a\n`,
    `${digest}   a\n`,
    `${digest.toUpperCase()}  a\n`,
    `${digest.slice(1)}  a\n`,
    `${digest}  a\n\n`,
    `${digest}  a\n${digest}  a\n`,
    `${digest}  a\n`.repeat(4097),
  ]) {
    assert.throws(() => parseManifest(utf8(text)), { code: 'IMAGE_MALFORMED' }, text.slice(0, 100));
  }
  assert.throws(() => parseManifest(new Uint8Array(1024 * 1024 + 1)), { code: 'IMAGE_MALFORMED' });
  assert.throws(() => parseManifest(Uint8Array.of(0xff)), { code: 'IMAGE_MALFORMED' });
  const info = {
    payloads: [{ type: null }],
    artifact_provides: { artifact_name: 'n' },
    artifact_depends: { device_type: ['d'] },
  };
  assert.deepEqual(parseHeaderInfo(utf8(JSON.stringify(info))).payloadTypes, [null]);
  for (const change of [
    { payloads: {} },
    { payloads: Array(65).fill({ type: null }) },
    { payloads: [{}] },
    { artifact_provides: [] },
    { artifact_provides: { artifact_name: '' } },
    { artifact_provides: { artifact_name: 1 } },
    { artifact_provides: { artifact_name: 'n', artifact_group: 1 } },
    { artifact_depends: null },
    { artifact_depends: { device_type: 'd' } },
    { artifact_depends: { device_type: [1] } },
  ]) {
    assert.throws(() => parseHeaderInfo(utf8(JSON.stringify({ ...info, ...change }))), { code: 'IMAGE_MALFORMED' });
  }
  for (const text of ['', '[]', 'null', '{']) {
    assert.throws(() => parseHeaderInfo(utf8(text)), { code: 'IMAGE_MALFORMED' });
  }
  assert.throws(() => parseHeaderInfo(Uint8Array.of(0xff)), { code: 'IMAGE_MALFORMED' });
});
