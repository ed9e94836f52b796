import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Bench, skipWithout } from '../../test/bench.ts';
import { FLIP_STEP } from '../../test/flips.ts';
import { der, OID, oid, signEd25519 } from '../../test/signed-data.ts';
import { concat, fromHex, utf8 } from '../bytes/index.ts';
import { describeEfi, verifyEfi } from './efi.ts';
import { describeImage, identifyImage, verifyImage } from './identify.ts';

const STUB = '/usr/lib/systemd/boot/efi/linuxx64.efi.stub';
const skip =
  skipWithout('openssl', 'objcopy', 'sbsign', 'sbverify') ||
  (existsSync(STUB) || process.env['CI'] === 'true' ? false : 'not installed: systemd-boot-efi');

const HEADERS = 0x200;
const OPTIONAL = 64 + 24;
const SECTION_TABLE = OPTIONAL + 240;

/** A PE32+ program of two sections, the second at `secondAt`, and some bytes behind them. */
function build({ secondAt = HEADERS + 64, tail = 0, subsystem = 10 } = {}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(secondAt + 64 + tail).fill(0x5a, HEADERS);
  bytes.fill(0, HEADERS + 64, secondAt);
  const view = new DataView(bytes.buffer);
  bytes.set(utf8('MZ'));
  view.setUint32(0x3c, 64, true);
  bytes.set(utf8('PE\0\0'), 64);
  view.setUint16(68, 0x8664, true);
  view.setUint16(70, 2, true);
  view.setUint16(84, 240, true);
  view.setUint16(86, 0x0022, true);
  view.setUint16(OPTIONAL, 0x20b, true);
  view.setUint32(OPTIONAL + 32, 64, true);
  view.setUint32(OPTIONAL + 36, 64, true);
  view.setUint32(OPTIONAL + 60, HEADERS, true);
  view.setUint16(OPTIONAL + 68, subsystem, true);
  view.setUint16(OPTIONAL + 70, 0x0100, true);
  view.setUint32(OPTIONAL + 108, 16, true);
  for (const [index, [name, offset]] of (
    [
      ['.text', HEADERS],
      ['.data', secondAt],
    ] as const
  ).entries()) {
    const at = SECTION_TABLE + index * 40;
    bytes.set(utf8(name), at);
    view.setUint32(at + 8, 60, true);
    view.setUint32(at + 12, 0x1000 * (index + 1), true);
    view.setUint32(at + 16, 64, true);
    view.setUint32(at + 20, offset, true);
  }
  return bytes;
}

describe('EFI programs signed by sbsign', { skip }, () => {
  let bench: Bench;
  const trust: { keysPem: string[] } = { keysPem: [] };
  const sign = (bytes: Uint8Array, signer = 'maker'): Uint8Array => {
    bench.write('plain.efi', bytes);
    bench.run(`sbsign --key ${signer}.key --cert ${signer}.pem --output signed.efi plain.efi`);
    return bench.read('signed.efi');
  };
  const isGoodForSbverify = (bytes: Uint8Array, signer = 'maker'): boolean => {
    bench.write('checked.efi', bytes);
    return bench.succeeds(`sbverify --cert ${signer}.pem checked.efi`);
  };
  const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    return flipped;
  };

  before(() => {
    bench = new Bench();
    bench.selfSigned('maker');
    bench.selfSigned('other');
    trust.keysPem = [bench.pem('maker')];
  });
  after(() => bench.close());

  /** A unified kernel image, as the manual of systemd-stub builds it with objcopy. */
  function buildUki(): Uint8Array {
    const texts: Readonly<Record<string, string>> = {
      osrel: '# a system\nID=pawl\nNAME="Pawl \\"Linux\\""\nVERSION_ID=\'1.2\'\nIMAGE_ID=hub\nIMAGE_VERSION=7\n',
      uname: '6.1.0-1-amd64',
      cmdline: 'console=ttyS0 ro',
      linux: 'MZ kernel'.repeat(500),
      initrd: 'initrd'.repeat(700),
    };
    const places = ['0x20000', '0x30000', '0x40000', '0x50000', '0x60000'];
    const words = Object.entries(texts).flatMap(([name, text], index) => {
      bench.write(name, text);
      return ['--add-section', `.${name}=${name}`, '--change-section-vma', `.${name}=${places[index]}`];
    });
    bench.run('objcopy', ...words, STUB, 'uki.efi');
    return bench.read('uki.efi');
  }

  test('a unified kernel image is described and verified', async () => {
    const uki = buildUki();
    const signed = sign(uki);
    assert.equal(identifyImage(signed), 'efi');
    const described = describeEfi(signed);
    assert.equal(described.machine, 'x86-64');
    assert.equal(described.subsystem, 'application');
    assert.ok(described.isUki);
    assert.deepEqual(described.osRelease, {
      name: 'Pawl "Linux"',
      id: 'pawl',
      versionId: '1.2',
      imageId: 'hub',
      imageVersion: '7',
    });
    assert.equal(described.kernelRelease, '6.1.0-1-amd64');
    assert.equal(described.commandLine, 'console=ttyS0 ro');
    assert.deepEqual(described.sbat?.slice(0, 2), [
      { component: 'sbat', generation: 1 },
      { component: 'systemd', generation: 1 },
    ]);
    assert.deepEqual(
      described.sections.filter(({ name }) => ['.linux', '.initrd', '.cmdline'].includes(name)),
      [
        { name: '.cmdline', sizeBytes: 16 },
        { name: '.linux', sizeBytes: 4500 },
        { name: '.initrd', sizeBytes: 4200 },
      ],
    );
    assert.equal(described.signatureCount, 1);
    const verified = await verifyEfi(signed, trust);
    assert.deepEqual(
      verified.signers.map(({ subject }) => subject),
      ['CN=maker'],
    );
    assert.deepEqual(verified.digest, { algorithm: 'sha256', value: described.sha256 });
    assert.equal(verified.commandLine, 'console=ttyS0 ro');
    await assert.rejects(verifyImage(uki, trust), { code: 'IMAGE_UNSIGNED' });
    assert.equal(describeEfi(uki).signatureCount, 0);
  });

  test('agrees with sbverify on changes all over a unified kernel image', async () => {
    const signed = sign(buildUki());
    const view = new DataView(signed.buffer);
    const pe = view.getUint32(0x3c, true);
    const optional = pe + 24;
    const table = view.getUint32(optional + 112 + 32, true);
    const count = view.getUint16(pe + 6, true);
    const starts = Array.from({ length: count }, (_, index) => {
      const at = optional + view.getUint16(pe + 20, true) + index * 40;
      return view.getUint32(at + 20, true);
    });
    assert.ok(starts.length >= 13);
    // In the DOS stub, the COFF header, the optional header, the section table, each section, and behind the last one.
    const bits = [
      2,
      0x40,
      pe + 8,
      optional + 16,
      optional + 250,
      ...starts,
      ...starts.map((at) => at + 40),
      table - 100,
    ];
    for (const at of bits) {
      const changed = flip(signed, at * 8);
      assert.equal(isGoodForSbverify(changed), false, `byte ${at}`);
      await assert.rejects(verifyEfi(changed, trust), { name: 'ImageError' }, `byte ${at}`);
    }
    // The checksum is the linker's; firmware does not look at it, and signing tools write it anew.
    const checksum = flip(signed, (optional + 64) * 8);
    assert.ok(isGoodForSbverify(checksum));
    assert.equal((await verifyEfi(checksum, trust)).signers.length, 1);
    assert.ok(!isGoodForSbverify(signed, 'other'));
    await assert.rejects(verifyEfi(signed, { keysPem: [bench.pem('other')] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    assert.ok(isGoodForSbverify(signed));
  });

  test('one of two signatures by a registered signer is enough, whichever it is', async () => {
    const twice = sign(sign(build({ tail: 5 })), 'other');
    assert.equal(describeEfi(twice).signatureCount, 2);
    for (const name of ['maker', 'other']) {
      const { signers } = await verifyEfi(twice, { keysPem: [bench.pem(name)] });
      assert.deepEqual(
        signers.map(({ subject }) => subject),
        [`CN=${name}`],
      );
      assert.ok(isGoodForSbverify(twice, name));
    }
    const both = await verifyEfi(twice, { keysPem: [bench.pem('maker'), bench.pem('other')] });
    assert.equal(both.signers.length, 2);
    bench.selfSigned('third');
    await assert.rejects(verifyEfi(twice, { keysPem: [bench.pem('third')] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
  });

  test('a signer under a registered CA is trusted, a weak one is not', async () => {
    bench.issued('worker', 'maker');
    const signed = sign(build(), 'worker');
    assert.equal((await verifyEfi(signed, trust)).signers[0]?.subject, 'CN=worker');
    bench.selfSigned('weak', 'rsa:1024');
    await assert.rejects(verifyEfi(sign(build(), 'weak'), { keysPem: [bench.pem('weak')] }), {
      code: 'IMAGE_ALGORITHM_WEAK',
    });
  });

  test('programs of 32 bits and the boot loader of this machine verify too', async () => {
    const small = build();
    const view = new DataView(small.buffer);
    view.setUint16(68, 0x14c, true);
    view.setUint16(OPTIONAL, 0x10b, true);
    view.setUint32(OPTIONAL + 92, 16, true);
    view.setUint32(OPTIONAL + 108, 0, true);
    const loader = new Uint8Array(readFileSync('/usr/lib/systemd/boot/efi/systemd-bootx64.efi'));
    for (const [machine, plain] of [
      ['x86', small],
      ['x86-64', loader],
    ] as const) {
      const signed = sign(plain);
      assert.ok(isGoodForSbverify(signed));
      const verified = await verifyEfi(signed, trust);
      assert.equal(verified.machine, machine);
      const changed = flip(signed, (plain.length - 3) * 8);
      assert.ok(!isGoodForSbverify(changed));
      await assert.rejects(verifyEfi(changed, trust), { code: 'IMAGE_DIGEST_MISMATCH' });
    }
  });

  test('zeros between sections are passed over as sbsign does, anything else there is refused', async () => {
    const signed = sign(build({ secondAt: HEADERS + 128, tail: 16 }));
    assert.ok(isGoodForSbverify(signed));
    assert.equal((await verifyEfi(signed, trust)).signers.length, 1);
    const changed = flip(signed, (HEADERS + 70) * 8);
    // sbverify does not see it: the digest of Authenticode leaves it out.
    assert.ok(isGoodForSbverify(changed));
    await assert.rejects(verifyEfi(changed, trust), { code: 'IMAGE_MALFORMED' });
  });

  test('refuses a signature that stands for another file, or for a file in another way', async () => {
    const signed = sign(build());
    const other = sign(build({ subsystem: 11 }));
    const table = new DataView(signed.buffer).getUint32(OPTIONAL + 112 + 32, true);
    const swapped = concat(signed.subarray(0, table), other.subarray(table));
    await assert.rejects(verifyEfi(swapped, trust), { code: 'IMAGE_DIGEST_MISMATCH' });
  });

  test('refuses a signature over something else than the digest of a PE file', async () => {
    bench.selfSigned('edward', 'ed25519');
    const [pem, keyPem] = [bench.pem('edward'), Buffer.from(bench.read('edward.key')).toString()];
    const contentType = '2b060104018237020104';
    const plain = build();
    const wrap = (signature: Uint8Array): Uint8Array => {
      const entry = concat(new Uint8Array(8), signature, new Uint8Array(7));
      const wrapped = concat(plain, entry.subarray(0, entry.length - (entry.length % 8)));
      const view = new DataView(wrapped.buffer);
      view.setUint32(plain.length, wrapped.length - plain.length, true);
      view.setUint32(plain.length + 4, 0x0002_0200, true);
      view.setUint32(OPTIONAL + 144, plain.length, true);
      view.setUint32(OPTIONAL + 148, wrapped.length - plain.length, true);
      return wrapped;
    };
    const parts = (kind: string, digestOid: string, name: 'sha256' | 'sha512'): Uint8Array => {
      // The digest leaves out the checksum and the entry of the table.
      const digest = createHash(name)
        .update(plain.subarray(0, OPTIONAL + 64))
        .update(plain.subarray(OPTIONAL + 68, OPTIONAL + 144))
        .update(plain.subarray(OPTIONAL + 152))
        .digest();
      return concat(der(0x30, oid(kind)), der(0x30, der(0x30, oid(digestOid), fromHex('0500')), der(0x04, digest)));
    };
    const signed = (message: Uint8Array, value = der(0x30, message), type = contentType): Uint8Array =>
      wrap(signEd25519({ pem, keyPem, message }, { contentType: type, value }));
    const peImage = '2b06010401823702010f';
    const good = await verifyEfi(signed(parts(peImage, OID.sha512, 'sha512')), { keysPem: [pem] });
    assert.equal(good.digest.algorithm, 'sha512');
    const right = parts(peImage, OID.sha512, 'sha512');
    for (const bytes of [
      signed(parts('2b06010401823702010e', OID.sha512, 'sha512')),
      signed(parts(peImage, OID.sha256, 'sha256')),
      signed(concat(right, fromHex('0500'))),
      signed(right, der(0x04, right)),
      signed(right, der(0x30, right), OID.data),
    ]) {
      await assert.rejects(verifyEfi(bytes, { keysPem: [pem] }), { code: 'IMAGE_SIGNATURE_MALFORMED' });
    }
  });

  test('refuses certificate tables of another form', async () => {
    const signed = sign(build());
    const table = new DataView(signed.buffer).getUint32(OPTIONAL + 112 + 32, true);
    const length = signed.length - table;
    const cases: [string, string, (view: DataView) => void][] = [
      ['IMAGE_MALFORMED', 'an entry of no length', (view) => view.setUint32(table, 0, true)],
      ['IMAGE_MALFORMED', 'an entry that is too long', (view) => view.setUint32(table, length + 1, true)],
      ['IMAGE_MALFORMED', 'another revision', (view) => view.setUint16(table + 4, 0x300, true)],
      ['IMAGE_MALFORMED', 'another type', (view) => view.setUint16(table + 6, 1, true)],
      ['IMAGE_MALFORMED', 'a table at no multiple of 8', (view) => view.setUint32(OPTIONAL + 144, table - 4, true)],
      ['IMAGE_TRUNCATED', 'a table behind the end', (view) => view.setUint32(OPTIONAL + 148, length + 8, true)],
      ['IMAGE_MALFORMED', 'a table that ends early', (view) => view.setUint32(OPTIONAL + 148, length - 8, true)],
      ['IMAGE_MALFORMED', 'a table in a section', (view) => view.setUint32(OPTIONAL + 144, HEADERS, true)],
      ['IMAGE_UNSIGNED', 'no table', (view) => view.setBigUint64(OPTIONAL + 144, 0n, true)],
      ['IMAGE_UNSIGNED', 'no entry for the table', (view) => view.setUint32(OPTIONAL + 108, 4, true)],
    ];
    for (const [code, name, change] of cases) {
      const changed = signed.slice();
      change(new DataView(changed.buffer));
      await assert.rejects(verifyEfi(changed, trust), { code }, name);
    }
    const grow = (extra: Uint8Array): Uint8Array => {
      const grown = concat(signed, extra);
      new DataView(grown.buffer).setUint32(OPTIONAL + 148, length + extra.length, true);
      return grown;
    };
    await assert.rejects(verifyEfi(concat(signed, new Uint8Array(8)), trust), { code: 'IMAGE_MALFORMED' });
    await assert.rejects(verifyEfi(grow(new Uint8Array(4)), trust), { code: 'IMAGE_MALFORMED' });
    const entries = Array<Uint8Array>(16).fill(signed.subarray(table));
    await assert.rejects(verifyEfi(grow(concat(...entries)), trust), { code: 'IMAGE_MALFORMED' });
    assert.equal((await verifyEfi(grow(concat(...entries.slice(1))), trust)).signers.length, 16);
    const noPadding = grow(new Uint8Array(8));
    new DataView(noPadding.buffer).setUint32(table, length + 8, true);
    await assert.rejects(verifyEfi(noPadding, trust), { code: 'IMAGE_MALFORMED' });
  });

  test('refuses every truncation and every flipped bit that the signature covers', async () => {
    const signed = sign(build({ tail: 8 }));
    const table = new DataView(signed.buffer).getUint32(OPTIONAL + 112 + 32, true);
    for (let length = 64; length < signed.length; length += 1) {
      await assert.rejects(verifyEfi(signed.subarray(0, length), trust), { name: 'ImageError' }, `length ${length}`);
    }
    const checksumAt = OPTIONAL + 64;
    for (let bit = 0; bit < table * 8; bit += FLIP_STEP) {
      if (bit >> 5 === checksumAt >> 2) continue;
      await assert.rejects(verifyEfi(flip(signed, bit), trust), { name: 'ImageError' }, `bit ${bit}`);
    }
  });
});

test('identifies only PE files of EFI', () => {
  assert.equal(identifyImage(build()), 'efi');
  for (const subsystem of [0, 2, 3, 9, 14]) assert.equal(identifyImage(build({ subsystem })), 'raw');
  assert.equal(identifyImage(build().subarray(0, 150)), 'raw');
  const noPe = build();
  noPe[64] = 0;
  assert.equal(identifyImage(noPe), 'raw');
  assert.throws(() => describeEfi(build({ subsystem: 3 })), { code: 'IMAGE_MALFORMED' });
});

test('refuses malformed headers and sections, each with its code', () => {
  const second = SECTION_TABLE + 40;
  const cases: [string, string, (view: DataView, bytes: Uint8Array) => void][] = [
    ['IMAGE_MALFORMED', 'another magic', (view) => view.setUint8(0, 0)],
    ['IMAGE_TRUNCATED', 'a header behind the end', (view) => view.setUint32(0x3c, 0xffff, true)],
    ['IMAGE_MALFORMED', 'another signature', (view) => view.setUint8(64, 0)],
    ['IMAGE_MALFORMED', 'another optional header', (view) => view.setUint16(OPTIONAL, 0x107, true)],
    ['IMAGE_TRUNCATED', 'a short optional header', (view) => view.setUint16(84, 100, true)],
    ['IMAGE_TRUNCATED', 'fewer directories than said', (view) => view.setUint16(84, 200, true)],
    ['IMAGE_MALFORMED', 'too many directories', (view) => view.setUint32(OPTIONAL + 108, 17, true)],
    ['IMAGE_MALFORMED', 'too many sections', (view) => view.setUint16(70, 513, true)],
    ['IMAGE_TRUNCATED', 'more sections than fit', (view) => view.setUint16(70, 100, true)],
    ['IMAGE_MALFORMED', 'sections behind the headers', (view) => view.setUint32(OPTIONAL + 60, 0x150, true)],
    ['IMAGE_TRUNCATED', 'headers behind the end', (view) => view.setUint32(OPTIONAL + 60, 0xffff, true)],
    ['IMAGE_MALFORMED', 'a section in the headers', (view) => view.setUint32(second + 20, 8, true)],
    ['IMAGE_TRUNCATED', 'a section behind the end', (view) => view.setUint32(second + 16, 0x1000, true)],
    ['IMAGE_MALFORMED', 'an overlap in the file', (view) => view.setUint32(second + 20, HEADERS + 63, true)],
    ['IMAGE_MALFORMED', 'an overlap in memory', (view) => view.setUint32(second + 12, 0x103b, true)],
    ['IMAGE_TRUNCATED', 'a table behind the end', (view) => view.setBigUint64(OPTIONAL + 144, 8n << 40n, true)],
    ['IMAGE_MALFORMED', 'a table in the headers', (view) => view.setBigUint64(OPTIONAL + 144, 8n, true)],
    ['IMAGE_MALFORMED', 'SBAT without a generation', (_, bytes) => bytes.set(utf8('.sbat\0'), second)],
    [
      'IMAGE_MALFORMED',
      'a release that is no text',
      (_, bytes) => {
        bytes.set(utf8('.uname'), second);
        bytes.fill(0xff, HEADERS + 64);
      },
    ],
  ];
  for (const [code, name, change] of cases) {
    const bytes = build();
    change(new DataView(bytes.buffer), bytes);
    assert.throws(() => describeEfi(bytes), { code }, name);
  }
  // Sections of zeros in memory have no bytes in the file; a header of 32 bits has its table elsewhere.
  const empty = build();
  const view = new DataView(empty.buffer);
  view.setUint32(second + 16, 0, true);
  view.setUint16(68, 0x1234, true);
  assert.equal(describeImage(empty).format, 'efi');
  assert.equal(describeEfi(empty).machine, 'machine 0x1234');
  assert.equal(describeEfi(empty).sections[1]?.sizeBytes, 0);
});

test('bounds the text of a section and the rows of SBAT', () => {
  const withText = (name: string, text: string): Uint8Array => {
    const bytes = concat(build().subarray(0, HEADERS + 64), utf8(text));
    const view = new DataView(bytes.buffer);
    const at = SECTION_TABLE + 40;
    bytes.set(utf8(`${name}\0\0`), at);
    view.setUint32(at + 8, text.length, true);
    view.setUint32(at + 16, text.length, true);
    view.setUint32(at + 20, HEADERS + 64, true);
    return bytes;
  };
  assert.deepEqual(describeEfi(withText('.sbat', 'a,1,x\n\nb,22')).sbat, [
    { component: 'a', generation: 1 },
    { component: 'b', generation: 22 },
  ]);
  for (const [name, text] of [
    ['.uname', 'x'.repeat(65_537)],
    ['.sbat', 'a,1\n'.repeat(65)],
    ['.sbat', 'a,0'],
    ['.sbat', ',1'],
  ] as const) {
    assert.throws(() => describeEfi(withText(name, text)), { code: 'IMAGE_MALFORMED' });
  }
  assert.deepEqual(describeEfi(withText('.osrel', 'NAME=a b\nID="x\nnonsense\nID=y')).osRelease, {
    name: 'a b',
    id: 'y',
  });
});

test('describes the boot loader of this machine', { skip }, () => {
  const bytes = new Uint8Array(readFileSync(STUB));
  assert.equal(describeEfi(bytes).signatureCount, 0);
});
