import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { skipWithout } from '../../test/bench.ts';
import { FLIP_STEP } from '../../test/flips.ts';
import { concat, fromUtf8, utf8 } from '../bytes/index.ts';
import { readCpio } from './cpio.ts';
import { identifyImage } from './identify.ts';
import { parseSwDescription } from './sw-description.ts';
import { describeSwu, type VerifiedSwu, verifySwu } from './swu.ts';
import { verifyDescriptionSignature } from './swu-signature.ts';

const TOOLS = { openssl: 'openssl', cpio: 'cpio' };
const SWUPDATE = 'swupdate';
const missing = Object.values(TOOLS).filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
// With CI=true a missing tool must fail the tests, not skip them.
const skip = missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const PAYLOAD = 'root file system';
const descriptionOf = (files: readonly (readonly [string, string])[]): string =>
  `software =\n{\n  version = "1.2.0"; // people read this\n  hardware-compatibility: [ "1.0", "#RE:^2" ];\n  images: (\n${files
    .map(([name, digest]) => `    {\n      filename = "${name}";\n      sha256 = "${digest}"; size = 16L;\n    }`)
    .join(',\n')}\n  );\n}\n`;
const DESCRIPTION = descriptionOf([['rootfs.img', sha256(PAYLOAD)]]);

function entry(
  name: string,
  content: string | Uint8Array,
  { mode = 0o100644, checksum = -1, magic = '070702' } = {},
): Uint8Array {
  const data = typeof content === 'string' ? utf8(content) : content;
  const sum = checksum >= 0 ? checksum : data.reduce((total, byte) => total + byte, 0);
  const fields = [1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, utf8(name).length + 1, sum];
  const head = utf8(`${magic}${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`);
  const pad = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
  return concat(pad(head), pad(data));
}
const subjectOf = ({ signer }: VerifiedSwu): string => ('subject' in signer ? signer.subject : '');
const TRAILER = entry('TRAILER!!!', '', { mode: 0, checksum: 0 });

describe('SWUpdate images made by openssl and cpio', { skip }, () => {
  let folder: string;
  let swu: Uint8Array;
  let signature: Uint8Array;
  const trust: { keysPem: string[] } = { keysPem: [] };

  const openssl = (...args: string[]): void => {
    execFileSync(TOOLS.openssl, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const pem = (name: string): string => readFileSync(join(folder, `${name}.pem`), 'utf8');
  const selfSigned = (name: string, ...keyArgs: readonly string[]): void =>
    openssl(
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      ...keyArgs,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
      '-days',
      '1',
    );
  const issued = (name: string, issuer: string): void => {
    openssl(
      'req',
      '-new',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${issuer}.pem`,
      '-CAkey',
      `${issuer}.key`,
      '-CAcreateserial',
      '-out',
      `${name}.pem`,
      '-days',
      '1',
    );
  };
  const sign = (content: string | Uint8Array, signer: string, ...args: string[]): Uint8Array => {
    writeFileSync(join(folder, 'content'), content);
    openssl(
      'cms',
      '-sign',
      '-in',
      'content',
      '-out',
      'content.sig',
      '-signer',
      `${signer}.pem`,
      '-inkey',
      `${signer}.key`,
      '-outform',
      'DER',
      '-nosmimecap',
      '-binary',
      ...args,
    );
    return new Uint8Array(readFileSync(join(folder, 'content.sig')));
  };
  const pack = (files: Readonly<Record<string, string | Uint8Array>>, format = 'crc'): Uint8Array => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const input = `${Object.keys(files).join('\n')}\n`;
    return new Uint8Array(execFileSync(TOOLS.cpio, ['-o', '-H', format, '--quiet'], { cwd: folder, input }));
  };
  const signed = (
    description: string,
    files: Readonly<Record<string, string>>,
    signer = 'maker',
    ...args: string[]
  ): Uint8Array =>
    pack({ 'sw-description': description, 'sw-description.sig': sign(description, signer, ...args), ...files });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-swu-'));
    selfSigned('maker', 'rsa:2048');
    signature = sign(DESCRIPTION, 'maker');
    swu = pack({ 'sw-description': DESCRIPTION, 'sw-description.sig': signature, 'rootfs.img': PAYLOAD });
    trust.keysPem = [pem('maker')];
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('a signed image is identified, described and verified, in both cpio formats', async () => {
    for (const bytes of [
      swu,
      pack({ 'sw-description': DESCRIPTION, 'sw-description.sig': signature, 'rootfs.img': PAYLOAD }, 'newc'),
    ]) {
      assert.equal(identifyImage(bytes), 'swu');
      assert.deepEqual(describeSwu(bytes), {
        format: 'swu',
        sizeBytes: bytes.length,
        isSigned: true,
        files: [{ name: 'rootfs.img', sizeBytes: 16 }],
      });
      const verified = await verifySwu(bytes, trust);
      assert.equal(verified.version, '1.2.0');
      assert.deepEqual(verified.files, [{ name: 'rootfs.img', sizeBytes: 16, sha256: sha256(PAYLOAD) }]);
      assert.ok('subject' in verified.signer);
      assert.equal(verified.signer.subject, 'CN=maker');
      assert.match(verified.signer.certificateSha256, /^[0-9a-f]{64}$/);
    }
  });

  test('ECDSA signers, key identifiers, absent attributes and absent certificates verify too', async () => {
    selfSigned('curve', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1');
    const files = { 'rootfs.img': PAYLOAD };
    for (const [signer, ...args] of [
      ['curve'],
      ['curve', '-md', 'sha384'],
      ['maker', '-keyid'],
      ['maker', '-noattr'],
      ['maker', '-nocerts'],
    ] as const) {
      const keysPem = [pem('maker'), pem('curve')];
      const verified = await verifySwu(signed(DESCRIPTION, files, signer, ...args), { keysPem });
      assert.equal(subjectOf(verified), `CN=${signer}`, args.join(' '));
    }
  });

  test('a signer under a registered CA is trusted, one under another certificate is not', async () => {
    selfSigned('authority', 'rsa:2048');
    issued('worker', 'authority');
    // The maker's certificate is turned into no CA, and must not vouch for others.
    openssl(
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-keyout',
      'plain.key',
      '-out',
      'plain.pem',
      '-subj',
      '/CN=plain',
      '-days',
      '1',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    );
    issued('pretender', 'plain');
    const files = { 'rootfs.img': PAYLOAD };
    const byWorker = signed(DESCRIPTION, files, 'worker');
    assert.equal(subjectOf(await verifySwu(byWorker, { keysPem: [pem('authority')] })), 'CN=worker');
    assert.equal(subjectOf(await verifySwu(byWorker, { keysPem: [pem('worker')] })), 'CN=worker');
    await assert.rejects(verifySwu(byWorker, trust), { code: 'IMAGE_SIGNER_UNKNOWN' });
    await assert.rejects(verifySwu(byWorker, { keysPem: [] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    await assert.rejects(verifySwu(signed(DESCRIPTION, files, 'worker', '-nocerts'), trust), {
      code: 'IMAGE_SIGNER_UNKNOWN',
    });
    const byPretender = signed(DESCRIPTION, files, 'pretender');
    await assert.rejects(verifySwu(byPretender, { keysPem: [pem('plain')] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    // A certificate in the signature proves nothing, even with the registered one's name.
    openssl(
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-keyout',
      'imposter.key',
      '-out',
      'imposter.pem',
      '-subj',
      '/CN=maker',
      '-days',
      '1',
    );
    await assert.rejects(verifySwu(signed(DESCRIPTION, files, 'imposter'), trust), { code: 'IMAGE_SIGNER_UNKNOWN' });
  });

  test('refuses an unsigned image, and one whose signature is not in its place', async () => {
    const files = { 'rootfs.img': PAYLOAD };
    await assert.rejects(verifySwu(pack({ 'sw-description': DESCRIPTION, ...files }), trust), {
      code: 'IMAGE_UNSIGNED',
    });
    const late = pack({ 'sw-description': DESCRIPTION, ...files, 'sw-description.sig': signature });
    await assert.rejects(verifySwu(late, trust), { code: 'IMAGE_UNSIGNED' });
    const first = pack({ ...files, 'sw-description': DESCRIPTION, 'sw-description.sig': signature });
    await assert.rejects(verifySwu(first, trust), { code: 'IMAGE_MALFORMED' });
    assert.equal(describeSwu(pack({ 'sw-description': DESCRIPTION })).isSigned, false);
  });

  test('refuses a changed description and a signature over something else', async () => {
    const files = { 'rootfs.img': PAYLOAD };
    for (const [description, sig] of [
      [DESCRIPTION.replace('1.2.0', '1.2.1'), signature],
      [DESCRIPTION, sign('other', 'maker')],
      [DESCRIPTION, sign('other', 'maker', '-noattr')],
    ] as const) {
      const bytes = pack({ 'sw-description': description, 'sw-description.sig': sig, ...files });
      await assert.rejects(verifySwu(bytes, trust), { code: 'IMAGE_SIGNATURE_INVALID' });
    }
  });

  test('refuses signatures of another form and weak ones', async () => {
    selfSigned('weak', 'rsa:1024');
    selfSigned('second', 'rsa:2048');
    const refuses = async (sig: Uint8Array, code: string, keysPem = trust.keysPem): Promise<void> => {
      const bytes = pack({ 'sw-description': DESCRIPTION, 'sw-description.sig': sig, 'rootfs.img': PAYLOAD });
      await assert.rejects(verifySwu(bytes, { keysPem }), { code });
    };
    await refuses(utf8('junk'), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(new Uint8Array(), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(new Uint8Array(300_000), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(signature.slice(0, -1), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(sign(DESCRIPTION, 'maker', '-nodetach'), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(sign(DESCRIPTION, 'maker', '-econtent_type', '1.2.3.4'), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(
      sign(DESCRIPTION, 'maker', '-signer', 'second.pem', '-inkey', 'second.key'),
      'IMAGE_SIGNATURE_MALFORMED',
    );
    openssl('cms', '-digest_create', '-in', 'content', '-out', 'digested', '-outform', 'DER', '-binary');
    await refuses(new Uint8Array(readFileSync(join(folder, 'digested'))), 'IMAGE_SIGNATURE_MALFORMED');
    await refuses(sign(DESCRIPTION, 'maker', '-md', 'sha1'), 'IMAGE_ALGORITHM_WEAK');
    await refuses(sign(DESCRIPTION, 'weak'), 'IMAGE_ALGORITHM_WEAK', [pem('weak')]);
    await refuses(signature, 'IMAGE_CERTIFICATE_MALFORMED', ['no certificate']);
  });

  test('a bare RSA signature verifies under a public key, PKCS #1 v1.5 and PSS', async () => {
    const files = { 'rootfs.img': PAYLOAD };
    writeFileSync(join(folder, 'content'), DESCRIPTION);
    const bare = (key: string, ...args: string[]): Uint8Array => {
      openssl('dgst', '-sha256', '-sign', `${key}.key`, '-out', 'content.sig', ...args, 'content');
      return pack({
        'sw-description': DESCRIPTION,
        'sw-description.sig': new Uint8Array(readFileSync(join(folder, 'content.sig'))),
        ...files,
      });
    };
    const publicPem = (key: string): string => {
      openssl('pkey', '-in', `${key}.key`, '-pubout', '-out', `${key}.pub`);
      return readFileSync(join(folder, `${key}.pub`), 'utf8');
    };
    const keysPem = [publicPem('maker')];
    openssl('pkey', '-pubin', '-in', 'maker.pub', '-outform', 'DER', '-out', 'spki');
    const keySha256 = createHash('sha256')
      .update(readFileSync(join(folder, 'spki')))
      .digest('hex');
    const pss = ['-sigopt', 'rsa_padding_mode:pss'];
    for (const [padding, ...args] of [
      ['pkcs1'],
      ['pss', ...pss, '-sigopt', 'rsa_pss_saltlen:-2'],
      ['pss', ...pss, '-sigopt', 'rsa_pss_saltlen:-1'],
    ]) {
      const bytes = bare('maker', ...args);
      assert.deepEqual((await verifySwu(bytes, { keysPem })).signer, { keySha256, padding });
      // With certificates registered too, the form of the signature says which of them count.
      assert.deepEqual((await verifySwu(bytes, { keysPem: [...keysPem, pem('maker')] })).signer, {
        keySha256,
        padding,
      });
      await assert.rejects(verifySwu(bytes, trust), { code: 'IMAGE_SIGNATURE_MALFORMED' });
      selfSigned('stranger', 'rsa:2048');
      await assert.rejects(verifySwu(bytes, { keysPem: [publicPem('stranger')] }), { code: 'IMAGE_SIGNATURE_INVALID' });
    }
    const withBoth = await verifySwu(swu, { keysPem: [...keysPem, pem('maker')] });
    assert.equal(subjectOf(withBoth), 'CN=maker');
    await assert.rejects(verifySwu(swu, { keysPem }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    selfSigned('feeble', 'rsa:1024');
    await assert.rejects(verifySwu(bare('feeble'), { keysPem: [publicPem('feeble')] }), {
      code: 'IMAGE_ALGORITHM_WEAK',
    });
    openssl('dgst', '-sha1', '-sign', 'maker.key', '-out', 'content.sig', 'content');
    const old = new Uint8Array(readFileSync(join(folder, 'content.sig')));
    const bytes = pack({ 'sw-description': DESCRIPTION, 'sw-description.sig': old, ...files });
    await assert.rejects(verifySwu(bytes, { keysPem }), { code: 'IMAGE_SIGNATURE_INVALID' });
    writeFileSync(join(folder, 'content'), DESCRIPTION);
    openssl('dgst', '-sha256', '-sign', 'maker.key', '-out', 'content.sig', 'content');
    const signatureBytes = new Uint8Array(readFileSync(join(folder, 'content.sig')));
    const text = utf8(DESCRIPTION);
    assert.ok('keySha256' in verifyDescriptionSignature(text, signatureBytes, keysPem));
    for (let bit = 0; bit < signatureBytes.length * 8; bit += FLIP_STEP) {
      const flipped = signatureBytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => verifyDescriptionSignature(text, flipped, keysPem), { code: 'IMAGE_SIGNATURE_INVALID' });
    }
    for (let length = 0; length < signatureBytes.length; length += 1) {
      const cut = signatureBytes.subarray(0, length);
      assert.throws(() => verifyDescriptionSignature(text, cut, keysPem), { code: 'IMAGE_SIGNATURE_INVALID' });
    }
  });

  test('agrees with swupdate on what it checks', { skip: skipWithout(SWUPDATE) }, async () => {
    // swupdate looks at the purpose of the certificate; here it is told, not decided.
    const mail = ['-addext', 'extendedKeyUsage=emailProtection', '-addext', 'keyUsage=digitalSignature'];
    for (const name of ['mailer', 'other-mailer']) selfSigned(name, 'rsa:2048', ...mail);
    const keysPem = [pem('mailer')];
    const file = `{ filename = "rootfs.img"; path = "${folder}/out"; sha256 = "${sha256(PAYLOAD)}"; }`;
    const text = `software = { version = "1.0"; hardware-compatibility: [ "1.0" ]; files: ( ${file} ); }`;
    const files = { 'rootfs.img': PAYLOAD };
    const isGoodForSwupdate = (bytes: Uint8Array): boolean => {
      writeFileSync(join(folder, 'checked.swu'), bytes);
      const args = ['-c', '-H', 'board:1.0', '-k', 'mailer.pem', '-i', 'checked.swu'];
      // It keeps its sockets in TMPDIR, where another one that runs would meet them.
      const env = { PATH: process.env['PATH'], TMPDIR: folder };
      const isTaken = (): boolean => spawnSync(SWUPDATE, args, { cwd: folder, stdio: 'ignore', env }).status === 0;
      // On a busy machine its own threads may miss each other; what it refuses three times, it refuses.
      return isTaken() || isTaken() || isTaken();
    };
    const good = signed(text, files, 'mailer');
    const cases: [boolean, string, Uint8Array][] = [
      [true, 'as it was signed', good],
      [false, 'another signer', signed(text, files, 'other-mailer')],
      [false, 'another content', signed(text, { 'rootfs.img': 'another file sys' }, 'mailer')],
      [
        false,
        'another description',
        pack({
          'sw-description': text.replace('1.0', '1.1'),
          'sw-description.sig': sign(text, 'mailer'),
          ...files,
        }),
      ],
    ];
    for (const [isGood, name, bytes] of cases) {
      assert.equal(isGoodForSwupdate(bytes), isGood, name);
      if (isGood) await verifySwu(bytes, { keysPem });
      else await assert.rejects(verifySwu(bytes, { keysPem }), { name: 'ImageError' }, name);
    }
    const { signer } = await verifySwu(good, { keysPem });
    assert.deepEqual('purposes' in signer && signer.purposes, ['emailProtection']);
  });

  test('encrypted files are named; their digest is over what lies there', async () => {
    const digest = sha256(PAYLOAD);
    for (const [encrypted, expected] of [
      ['encrypted = true;', { isEncrypted: true }],
      ['encrypted = "aes-cbc"; ivt = "00";', { isEncrypted: true }],
      ['encrypted = false;', {}],
    ] as const) {
      const text = `software = { images: ( { filename = "rootfs.img"; sha256 = "${digest}"; ${encrypted} } ); }`;
      const { files } = await verifySwu(signed(text, { 'rootfs.img': PAYLOAD }), trust);
      assert.deepEqual(files, [{ name: 'rootfs.img', sizeBytes: 16, sha256: digest, ...expected }]);
    }
  });

  test('refuses files that the description does not stand for', async () => {
    const cases: [string, string, Record<string, string>][] = [
      ['IMAGE_DIGEST_MISMATCH', DESCRIPTION, { 'rootfs.img': 'another file sys' }],
      ['IMAGE_FILE_UNLISTED', DESCRIPTION, { 'rootfs.img': PAYLOAD, 'extra.sh': 'x' }],
      ['IMAGE_FILE_MISSING', DESCRIPTION, {}],
      ['IMAGE_DIGEST_MISSING', 'software = { images: ( { filename = "rootfs.img"; } ); }', { 'rootfs.img': PAYLOAD }],
      ['IMAGE_DIGEST_MISSING', descriptionOf([['rootfs.img', 'abc']]), { 'rootfs.img': PAYLOAD }],
      [
        'IMAGE_DIGEST_MISMATCH',
        descriptionOf([
          ['rootfs.img', sha256(PAYLOAD)],
          ['rootfs.img', sha256('x')],
        ]),
        { 'rootfs.img': PAYLOAD },
      ],
      ['IMAGE_MALFORMED', 'software = ', { 'rootfs.img': PAYLOAD }],
    ];
    for (const [code, description, files] of cases) {
      await assert.rejects(verifySwu(signed(description, files), trust), { code }, description);
    }
  });

  test('refuses every truncation, and every flipped bit of a file or its header', async () => {
    const end = swu.length - swu.findLastIndex((byte) => byte !== 0) - 1;
    for (let length = 0; length < swu.length - end - 16; length += 37) {
      await assert.rejects(verifySwu(swu.subarray(0, length), trust), { code: 'IMAGE_TRUNCATED' }, `length ${length}`);
    }
    const start = Buffer.from(swu).indexOf(PAYLOAD);
    for (let bit = start * 8; bit < (start + PAYLOAD.length) * 8; bit += FLIP_STEP) {
      const flipped = swu.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(verifySwu(flipped, trust), { code: 'IMAGE_CHECKSUM_MISMATCH' }, `bit ${bit}`);
    }
    const at = Buffer.from(swu).indexOf('software');
    for (let bit = at * 8; bit < (at + DESCRIPTION.length) * 8; bit += 7) {
      const flipped = swu.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(verifySwu(flipped, trust), { code: 'IMAGE_CHECKSUM_MISMATCH' }, `bit ${bit}`);
    }
  });
});

test('reads cpio archives only of plain files with plain names', () => {
  const file = entry('sw-description', 'x');
  assert.deepEqual(
    readCpio(concat(file, TRAILER, new Uint8Array(512))).map(({ name }) => name),
    ['sw-description'],
  );
  const refuses = (code: string, ...parts: Uint8Array[]): void =>
    assert.throws(() => readCpio(concat(...parts)), { code }, fromUtf8(parts[0] ?? new Uint8Array()).slice(0, 130));
  for (const name of ['../x', '/x', 'a/b', '.hidden', '', '-x', 'a b', 'x\n', 'é', 'x'.repeat(256)]) {
    refuses('IMAGE_MALFORMED', entry(name, 'x'), TRAILER);
  }
  refuses('IMAGE_MALFORMED', entry('link', 'x', { mode: 0o120777 }), TRAILER);
  refuses('IMAGE_MALFORMED', entry('folder', '', { mode: 0o040755 }), TRAILER);
  refuses('IMAGE_MALFORMED', entry('x', 'x', { magic: '070707' }), TRAILER);
  refuses('IMAGE_MALFORMED', file, TRAILER, utf8('junk'));
  refuses('IMAGE_FILE_UNLISTED', file, file, TRAILER);
  refuses('IMAGE_CHECKSUM_MISMATCH', entry('x', 'x', { checksum: 1 }), TRAILER);
  refuses('IMAGE_TRUNCATED', file);
  const many = Array.from({ length: 4097 }, (_, index) => entry(`f${index}`, ''));
  refuses('IMAGE_MALFORMED', ...many, TRAILER);
  const noEnd = entry('xxx', 'x');
  noEnd[113] = 0x78;
  refuses('IMAGE_MALFORMED', noEnd, TRAILER);
  const notText = entry('xxx', 'x');
  notText[111] = 0xff;
  assert.throws(() => readCpio(concat(notText, TRAILER)), { code: 'IMAGE_MALFORMED' });
});

test('reads descriptions in libconfig and in JSON', () => {
  const digest = sha256('x');
  const libconfig = `# comment\nsoftware: { /* a */ version = "1" ".2"; n = 0xFFL; on = true; f = 1.5e3\n board = { files: ( { filename = "a\\x2eimg"; sha256 = "${digest.toUpperCase()}"; }, ) } };`;
  assert.deepEqual(parseSwDescription(utf8(libconfig)), { version: '1.2', files: [{ name: 'a.img', sha256: digest }] });
  const json = JSON.stringify({
    software: { version: '2', images: [{ filename: 'b\u0001.img', sha256: digest }], on: null },
  });
  assert.deepEqual(parseSwDescription(utf8(json)), { version: '2', files: [{ name: 'b\u0001.img', sha256: digest }] });
  assert.deepEqual(parseSwDescription(utf8('software = { };')), { files: [] });
});

test('refuses descriptions that cannot be read one way only', () => {
  const cases = [
    '',
    'software = 1;',
    'hardware = { };',
    'software = { a = 1; a = 2; };',
    'software = { a 1; };',
    'software = { a = ; };',
    'software = { a = "x; };',
    'software = { a = [1, 2; };',
    'software = { a = {;',
    '@include "x"',
    '{ "software": {} } junk',
    `software = ${'{ a = '.repeat(40)}1${'}'.repeat(40)};`,
    `software = { a = ${'('.repeat(100_000)}`,
  ];
  for (const text of cases) {
    assert.throws(() => parseSwDescription(utf8(text)), { code: 'IMAGE_MALFORMED' }, text.slice(0, 40));
  }
  assert.throws(() => parseSwDescription(Uint8Array.of(0xff)), { code: 'IMAGE_MALFORMED' });
  assert.throws(() => parseSwDescription(new Uint8Array(1024 * 1024 + 1).fill(32)), { code: 'IMAGE_MALFORMED' });
});
