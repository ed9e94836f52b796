/**
 * Both ways against imgtool, MCUboot's own tool: what it signs verifies here, what is signed here it verifies. Debian has no
 * package of it, so these tests are skipped where neither PAWL_IMGTOOL names it nor PATH holds it, in CI too.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isEqualBytes, utf8 } from '../../bytes/index.ts';
import { describeMcuboot } from './describe.ts';
import { type McubootSignOptions, signMcuboot } from './sign.ts';
import { mcubootSignerFromPem } from './signer.ts';
import { openMcuboot } from './verify.ts';

const IMGTOOL = (process.env['PAWL_IMGTOOL'] ?? 'imgtool').split(' ');
const imgtool = (...args: string[]): string =>
  execFileSync(IMGTOOL[0] ?? '', [...IMGTOOL.slice(1), ...args], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
const skip =
  spawnSync(IMGTOOL[0] ?? '', [...IMGTOOL.slice(1), 'version']).status === 0
    ? false
    : 'imgtool is not there (PAWL_IMGTOOL)';

type Pair = { publicKey: KeyObject; privateKey: KeyObject };
const KEYS: Readonly<Record<string, () => Pair>> = {
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa3072: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  ed25519: () => generateKeyPairSync('ed25519'),
};
/** imgtool wants the signing key of the same kind as that of the device. */
const SIGNS_FOR: Readonly<Record<string, string>> = { rsa2048: 'rsa2048', p256: 'p256', x25519: 'ed25519' };
const DEVICES: Readonly<Record<string, () => Pair>> = {
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  p256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  x25519: () => generateKeyPairSync('x25519'),
};
const PAYLOAD = utf8('the payload of an image, '.repeat(9));
const VERSION = { major: 2, minor: 1, revision: 7, build: 9 };
const COMMON = ['--pad-header', '-H', '0x40', '-S', '0x8000', '--align', '8', '-v', '2.1.7+9'];

describe('imgtool', { skip }, () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);
  const write = (name: string, pair: Pair): { pem: string; publicPem: string } => {
    const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    writeFileSync(path(`${name}.pem`), pem);
    writeFileSync(path(`${name}.pub`), publicPem);
    return { pem, publicPem };
  };
  const signWith = (name: string, ...args: string[]): Uint8Array => {
    imgtool('sign', '-k', path(`${name}.pem`), ...COMMON, ...args, path('payload'), path('theirs'));
    return new Uint8Array(readFileSync(path('theirs')));
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-imgtool-'));
    writeFileSync(path('payload'), PAYLOAD);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [name, make] of Object.entries(KEYS)) {
    test(`${name}: each verifies what the other signed`, async () => {
      const { pem, publicPem } = write(name, make());
      const signer = mcubootSignerFromPem(pem);
      const variants: [args: string[], options: Partial<McubootSignOptions>][] = [
        [[], {}],
        [['--public-key-format', 'full', '-s', '77'], { publicKey: 'full', securityCounter: 77 }],
      ];
      if (name === 'ed25519') variants.push([['--pure'], { isPure: true }], [['--sha', '512'], { hash: 'sha512' }]);
      for (const [args, options] of variants) {
        const theirs = signWith(name, ...args);
        assert.ok(isEqualBytes(openMcuboot(theirs, { keysPem: [publicPem] }).payload, PAYLOAD));
        const ours = await signMcuboot({
          payload: PAYLOAD,
          version: VERSION,
          headerSizeBytes: 0x40,
          signer,
          ...options,
        });
        writeFileSync(path('ours'), ours);
        assert.match(imgtool('verify', '-k', path(`${name}.pem`), path('ours')), /correctly validated/);
        assert.deepEqual(
          describeMcuboot(ours).tlvs.map((tlv) => tlv.name),
          describeMcuboot(theirs).tlvs.map((tlv) => tlv.name),
        );
        // Ed25519 is deterministic: all of the image is the same.
        if (name === 'ed25519') assert.ok(isEqualBytes(ours, theirs), args.join(' '));
      }
    });
  }

  for (const [name, make] of Object.entries(DEVICES)) {
    test(`what imgtool encrypts for ${name} opens`, () => {
      const { publicPem } = write('root', (KEYS[SIGNS_FOR[name] ?? ''] ?? assert.fail)());
      const device = write(`device-${name}`, make());
      const macs = name === 'x25519' ? ['256', '512'] : ['auto'];
      for (const mac of macs) {
        for (const bits of ['128', '256']) {
          const args = ['-E', path(`device-${name}.pub`), '--encrypt-keylen', bits, '--hmac-sha', mac];
          const image = signWith('root', ...args);
          const trust = { keysPem: [publicPem], decryptionKeysPem: [device.pem] };
          const { verified, payload } = openMcuboot(image, trust);
          assert.equal(verified.isEncrypted, true);
          assert.ok(isEqualBytes(payload.subarray(0, PAYLOAD.length), PAYLOAD));
        }
      }
      const clear = signWith('root', '-E', path(`device-${name}.pub`), '--clear');
      assert.equal(openMcuboot(clear, { keysPem: [publicPem] }).verified.isEncrypted, false);
    });
  }

  test('an image with everything is the same as that of imgtool, byte for byte', async () => {
    const { pem } = write('all', (KEYS['ed25519'] ?? assert.fail)());
    const theirs = signWith(
      'all',
      '--security-counter=auto',
      '--dependencies=(1, 3.4.5+6),(2, 0.1.0)',
      '--boot-record=APP',
      '--load-addr=0x20000000',
      '--confirm',
      '--max-align=16',
      '--custom-tlv',
      '0x1a0',
      'mine',
    );
    const ours = await signMcuboot({
      payload: PAYLOAD,
      version: VERSION,
      headerSizeBytes: 0x40,
      signer: mcubootSignerFromPem(pem),
      securityCounter: 0x0201_0007,
      dependencies: [
        { image: 1, versionMin: { major: 3, minor: 4, revision: 5, build: 6 } },
        { image: 2, versionMin: { major: 0, minor: 1, revision: 0, build: 0 } },
      ],
      bootRecord: 'APP',
      customTlvs: [{ type: 0x1a0, value: utf8('mine') }],
      load: { address: 0x2000_0000, isRomFixed: false },
      slot: { sizeBytes: 0x8000, writeAlignment: 8, alignment: 16, trailer: 'confirmed' },
    });
    assert.ok(isEqualBytes(ours, theirs));
    assert.equal(describeMcuboot(theirs).trailer?.alignmentBytes, 16);
  });
});
