import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { concat } from '../../bytes/index.ts';
import { describeImage, identifyImage, verifyImage } from '../identify.ts';
import { describeFit } from './describe.ts';
import { parseDeviceTree } from './device-tree.ts';
import { parseFit } from './parse.ts';
import { signedBytes } from './signed-region.ts';
import { verifyFit } from './verify.ts';

const TOOLS = { mkimage: 'mkimage', dtc: 'dtc', openssl: 'openssl', fdtput: 'fdtput' };
const missing = Object.values(TOOLS).filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
// With CI=true a missing tool must fail the tests, not skip them.
const skip = missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;

const KERNEL = Buffer.from(Array.from({ length: 203 }, (_, at) => (at * 7) % 256));
const SCRIPT = Buffer.from('echo hello');

type Source = {
  algo?: string;
  key?: string;
  extra?: string;
  hashes?: string;
  images?: string;
  configurations?: string;
  signed?: string;
};
function source({
  algo = 'sha256,rsa2048',
  key = 'dev',
  extra = '',
  hashes = 'hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; };',
  images = '',
  configurations = '',
  signed = '"kernel", "loadables"',
}: Source = {}): string {
  const signature = `signature-1 { algo = "${algo}"; key-name-hint = "${key}"; sign-images = ${signed}; ${extra} };`;
  return `/dts-v1/; / {
    description = "pump controller"; #address-cells = <1>;
    images {
      kernel-1 { description = "kernel"; data = /incbin/("kernel"); type = "kernel"; arch = "arm64"; os = "linux";
        compression = "none"; load = <0x80000>; entry = <0x80000>; ${hashes} };
      script { data = /incbin/("script"); type = "script"; compression = "none"; hash { algo = "sha512"; }; };
      ${images}
    };
    configurations {
      default = "conf-1";
      conf-1 { description = "board 1"; kernel = "kernel-1"; loadables = "script"; ${signature} };
      ${configurations.replaceAll('SIGNATURE', signature)}
    };
  };`;
}

let folder = '';
const path = (name: string): string => join(folder, name);
const run = (tool: string, ...args: string[]): void => {
  execFileSync(tool, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
};
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(path(name)));
const pem = (name: string): string => readFileSync(path(`keys/${name}.pub`), 'utf8');

/** A FIT image, signed by mkimage with the keys of the folder. */
function make(options: Source = {}, ...args: string[]): Uint8Array {
  writeFileSync(path('fit.its'), source(options));
  run(TOOLS.mkimage, '-f', 'fit.its', ...args, '-k', 'keys', '-K', 'board.dtb', '-r', 'fit.itb');
  return load('fit.itb');
}
function unsigned(options: Source = {}): Uint8Array {
  writeFileSync(path('fit.its'), source(options));
  run(TOOLS.mkimage, '-f', 'fit.its', 'fit.itb');
  return load('fit.itb');
}
/** Changes an image with fdtput. */
function put(bytes: Uint8Array, ...args: string[]): Uint8Array {
  writeFileSync(path('put.itb'), bytes);
  const [first = '', ...rest] = args;
  run(TOOLS.fdtput, first, 'put.itb', ...rest);
  return load('put.itb');
}
/** Bytes as the arguments of fdtput. */
const bytesOf = (bytes: Buffer): string[] => bytes.toString('hex').match(/../g) ?? [];
function makeKey(name: string, { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): void {
  // mkimage looks for RSA keys as NAME.key with a certificate beside, for ECDSA keys as NAME.pem.
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  const file = `keys/${name}.${isRsa ? 'key' : 'pem'}`;
  writeFileSync(path(file), privateKey.export({ type: isRsa ? 'pkcs8' : 'sec1', format: 'pem' }));
  writeFileSync(path(`keys/${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  const request = ['req', '-batch', '-new', '-x509', '-subj', '/CN=test', '-key', file];
  if (isRsa) run(TOOLS.openssl, ...request, '-out', `keys/${name}.crt`);
}

describe('FIT images made by mkimage', { skip }, () => {
  let fit: Uint8Array = new Uint8Array();
  const trust = { keysPem: [] as string[] };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-fit-'));
    mkdirSync(path('keys'));
    writeFileSync(path('kernel'), KERNEL);
    writeFileSync(path('script'), SCRIPT);
    writeFileSync(path('board.dts'), '/dts-v1/; / { };');
    run(TOOLS.dtc, '-O', 'dtb', '-o', 'board.dtb', 'board.dts');
    for (const bits of [2048, 3072, 4096]) {
      makeKey(bits === 2048 ? 'dev' : `rsa${bits}`, generateKeyPairSync('rsa', { modulusLength: bits }));
    }
    makeKey('p256', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }));
    makeKey('p384', generateKeyPairSync('ec', { namedCurve: 'secp384r1' }));
    fit = make();
    trust.keysPem.push(pem('dev'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const refuse = async (bytes: Uint8Array, code: string, name = ''): Promise<void> =>
    assert.rejects(verifyFit(bytes, trust), { code }, name);

  test('are described', () => {
    assert.equal(identifyImage(fit), 'fit');
    const described = describeImage(fit);
    assert.ok(described.format === 'fit' && described.timestamp !== undefined);
    assert.deepEqual(
      { ...described, timestamp: 0 },
      {
        format: 'fit',
        sizeBytes: fit.length,
        description: 'pump controller',
        timestamp: 0,
        images: [
          {
            name: 'kernel-1',
            description: 'kernel',
            type: 'kernel',
            architecture: 'arm64',
            os: 'linux',
            compression: 'none',
            sizeBytes: 203,
            isExternal: false,
            hashes: ['sha256', 'crc32'],
            signatures: [],
          },
          {
            name: 'script',
            type: 'script',
            compression: 'none',
            sizeBytes: 10,
            isExternal: false,
            hashes: ['sha512'],
            signatures: [],
          },
        ],
        configurations: [
          {
            name: 'conf-1',
            isDefault: true,
            roles: { kernel: ['kernel-1'], loadables: ['script'] },
            signatures: [{ algorithm: 'sha256,rsa2048', keyName: 'dev' }],
          },
        ],
      },
    );
    assert.deepEqual(describeFit(unsigned()).configurations[0]?.signatures.length, 1);
  });

  test('are authentic with every key, hash and padding that mkimage has', async () => {
    for (const [key, algo, extra] of [
      ['dev', 'sha256,rsa2048', ''],
      ['dev', 'sha512,rsa2048', 'padding = "pkcs-1.5";'],
      ['dev', 'sha256,rsa2048', 'padding = "pss";'],
      ['rsa3072', 'sha384,rsa3072', ''],
      ['rsa4096', 'sha256,rsa4096', 'padding = "pss";'],
      ['p256', 'sha256,ecdsa256', ''],
    ] as const) {
      const bytes = make({ key, algo, extra });
      const verified = await verifyImage(bytes, { keysPem: [pem(key)] });
      assert.ok(verified.format === 'fit');
      assert.deepEqual(
        verified.configurations.map(({ name, algorithm, roles }) => [name, algorithm, roles]),
        [['conf-1', algo, { kernel: ['kernel-1'], loadables: ['script'] }]],
      );
      assert.deepEqual(
        verified.images.map(({ name, sizeBytes }) => [name, sizeBytes]),
        [
          ['kernel-1', 203],
          ['script', 10],
        ],
      );
      await assert.rejects(verifyFit(bytes, { keysPem: [pem('p384')] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    }
  });

  test('may have their data behind the tree, at an offset or a position', async () => {
    for (const args of [['-E'], ['-E', '-p', '0x1000'], ['-E', '-B', '0x200']]) {
      const bytes = make({}, ...args);
      assert.equal((await verifyFit(bytes, trust)).images.length, 2, args.join(' '));
      assert.equal(describeFit(bytes).images[0]?.isExternal, true);
      const at = Buffer.from(bytes).indexOf(KERNEL);
      const changed = bytes.slice();
      changed[at]! ^= 1;
      await refuse(changed, 'IMAGE_DIGEST_MISMATCH', args.join(' '));
      await refuse(bytes.subarray(0, at + 20), 'IMAGE_TRUNCATED', args.join(' '));
      await refuse(concat(bytes, Uint8Array.of(1)), 'IMAGE_MALFORMED', args.join(' '));
      assert.ok(await verifyFit(concat(bytes, new Uint8Array(100)), trust));
    }
  });

  test('may have several configurations, each signed, and images signed for themselves', async () => {
    const two = make({
      configurations: 'conf-2 { kernel = "kernel-1"; SIGNATURE };',
      images:
        'fdt { data = /incbin/("board.dtb"); type = "flat_dt"; compression = "none"; hash-1 { algo = "sha256"; }; signature-1 { algo = "sha256,rsa3072"; key-name-hint = "rsa3072"; }; };',
    });
    await refuse(two, 'IMAGE_FILE_UNLISTED');
    const signed = make({
      configurations: 'conf-2 { kernel = "kernel-1"; fdt = "fdt"; SIGNATURE };',
      signed: '"kernel", "loadables", "fdt"',
      images:
        'fdt { data = /incbin/("kernel"); type = "flat_dt"; compression = "none"; hash-1 { algo = "sha256"; }; signature-1 { algo = "sha256,rsa3072"; key-name-hint = "rsa3072"; }; };',
    });
    await refuse(signed, 'IMAGE_SIGNER_UNKNOWN');
    const both = { keysPem: [pem('dev'), pem('rsa3072')] };
    const { configurations } = await verifyFit(signed, both);
    assert.deepEqual(
      configurations.map(({ name }) => name),
      ['conf-1', 'conf-2'],
    );
    assert.equal(describeFit(signed).images[2]?.signatures[0]?.keyName, 'rsa3072');
  });

  test('are refused when they are not signed, or not by a trusted key', async () => {
    await refuse(unsigned({ algo: 'sha256,rsa2048' }), 'IMAGE_SIGNATURE_MALFORMED', 'no value yet');
    writeFileSync(path('bare.its'), source().replace(/signature-1 \{[^}]*\};/, ''));
    run(TOOLS.mkimage, '-f', 'bare.its', 'bare.itb');
    await refuse(load('bare.itb'), 'IMAGE_UNSIGNED');
    writeFileSync(path('bare.its'), source().replace(/ {4}configurations \{[\s\S]*\n {4}\};/, ''));
    run(TOOLS.mkimage, '-f', 'bare.its', 'bare.itb');
    await refuse(load('bare.itb'), 'IMAGE_UNSIGNED', 'no configurations');
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
    await assert.rejects(verifyFit(fit, { keysPem: [other.toString()] }), { code: 'IMAGE_SIGNATURE_INVALID' });
    await assert.rejects(verifyFit(fit, { keysPem: [] }), { code: 'IMAGE_SIGNER_UNKNOWN' });
    for (const pair of [generateKeyPairSync('rsa', { modulusLength: 1024 }), generateKeyPairSync('ed25519')]) {
      const weak = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      await assert.rejects(verifyFit(fit, { keysPem: [weak] }), { code: 'IMAGE_ALGORITHM_WEAK' });
    }
    await refuse(make({ algo: 'sha1,rsa2048' }), 'IMAGE_ALGORITHM_WEAK');
  });

  test('are refused when a signature leaves an image or its bytes out', async () => {
    await refuse(make({ signed: '"kernel"' }), 'IMAGE_SIGNATURE_INVALID', 'loadables are not signed');
    await refuse(make({ hashes: 'hash-1 { algo = "crc32"; };' }), 'IMAGE_DIGEST_MISSING', 'CRC only');
    await refuse(make({ hashes: 'hash-1 { algo = "sha1"; };' }), 'IMAGE_DIGEST_MISSING', 'SHA-1 only');
    const images = 'other { data = [01]; compression = "none"; hash-1 { algo = "sha256"; }; };';
    await refuse(make({ images }), 'IMAGE_FILE_UNLISTED', 'an image of no configuration');
  });

  test('are refused when anything is mixed, added or moved', async () => {
    const signature = '/configurations/conf-1/signature-1';
    const kernel = '/images/kernel-1';
    const script = '/images/script';
    const digest = createHash('sha256').update(SCRIPT).digest();
    let mixed = put(fit, '-tbx', kernel, 'data', ...bytesOf(SCRIPT));
    await refuse(mixed, 'IMAGE_DIGEST_MISMATCH', 'data only');
    mixed = put(mixed, '-tbx', `${kernel}/hash-1`, 'value', ...bytesOf(digest));
    await refuse(mixed, 'IMAGE_CHECKSUM_MISMATCH', 'data and its SHA-256');
    mixed = put(mixed, '-d', `${kernel}/hash-2`, 'value');
    await refuse(mixed, 'IMAGE_MALFORMED', 'a hash without its value');
    const swapped = put(fit, '-ts', '/configurations/conf-1', 'kernel', 'script');
    await refuse(swapped, 'IMAGE_SIGNATURE_INVALID', 'another kernel');
    await refuse(
      put(fit, '-ts', '/configurations/conf-1', 'fdt', 'script'),
      'IMAGE_MALFORMED',
      'a name that is not signed',
    );
    await refuse(put(fit, '-ts', '/configurations/conf-1', 'kernel', 'absent'), 'IMAGE_MALFORMED', 'no such image');
    await refuse(put(fit, '-ts', kernel, 'os', 'linuz'), 'IMAGE_SIGNATURE_INVALID', 'a property');
    await refuse(put(fit, '-d', kernel, 'os'), 'IMAGE_SIGNATURE_INVALID', 'a property less');
    await refuse(put(fit, '-r', `${kernel}/hash-2`), 'IMAGE_SIGNATURE_INVALID', 'a hash less');
    await refuse(put(fit, '-ts', '/', 'description', 'pump controllez'), 'IMAGE_SIGNATURE_INVALID', 'the root');
    writeFileSync(path('reserved.itb'), fit);
    run(TOOLS.dtc, '-q', '-I', 'dtb', '-O', 'dtb', '-R', '2', '-o', 'reserved.itb', 'reserved.itb');
    const reserved = load('reserved.itb');
    assert.ok(describeFit(reserved));
    reserved.set([0x40], 47);
    await refuse(reserved, 'IMAGE_MALFORMED', 'reserved memory');
    await refuse(put(fit, '-c', '/rogue'), 'IMAGE_MALFORMED', 'a node in the root');
    await refuse(put(fit, '-c', `${kernel}/rogue`), 'IMAGE_MALFORMED', 'a node in an image');
    await refuse(put(fit, '-c', `${kernel}/cipher`), 'IMAGE_SIGNATURE_INVALID', 'a cipher');
    await refuse(put(fit, '-c', '/configurations/conf-1/rogue'), 'IMAGE_MALFORMED', 'a node in a configuration');
    await refuse(put(fit, '-c', `${signature}/rogue`), 'IMAGE_MALFORMED', 'a node in a signature');
    await refuse(put(fit, '-c', '/configurations/conf-2'), 'IMAGE_UNSIGNED', 'a configuration');
    await refuse(put(put(fit, '-c', '/images/rogue'), '-ts', '/images/rogue', 'data', 'x'), 'IMAGE_FILE_UNLISTED');
    await refuse(
      put(put(fit, '-c', '/images/kernel-1@1'), '-ts', '/images/kernel-1@1', 'data', 'x'),
      'IMAGE_MALFORMED',
    );
    await refuse(put(fit, '-tx', kernel, 'data-offset', '0'), 'IMAGE_MALFORMED', 'data in two places');
    await refuse(put(fit, '-d', kernel, 'data'), 'IMAGE_MALFORMED', 'no data');
    await refuse(put(fit, '-ts', '/', 'data', 'x'), 'IMAGE_MALFORMED', 'data of the root');
    await refuse(put(fit, '-tx', script, 'data-size', '9'), 'IMAGE_MALFORMED', 'another size');
    await refuse(put(fit, '-ts', `${script}/hash`, 'algo', 'sha999'), 'IMAGE_SIGNATURE_INVALID', 'another algorithm');
    const inTree = put(
      put(put(fit, '-d', kernel, 'data'), '-tx', kernel, 'data-position', '38'),
      '-tx',
      kernel,
      'data-size',
      '9',
    );
    await refuse(inTree, 'IMAGE_MALFORMED', 'a position in the tree');
    await refuse(put(fit, '-tx', kernel, 'data-position', '1', '2'), 'IMAGE_MALFORMED', 'two numbers');
    await refuse(put(fit, '-ts', signature, 'algo', 'sha256'), 'IMAGE_SIGNATURE_MALFORMED');
    await refuse(put(fit, '-ts', signature, 'padding', 'none'), 'IMAGE_SIGNATURE_MALFORMED');
    await refuse(put(fit, '-ts', signature, 'padding', 'pss'), 'IMAGE_SIGNATURE_INVALID');
    await refuse(put(fit, '-ts', signature, 'padding', 'pss', 'pss'), 'IMAGE_MALFORMED');
    await refuse(put(fit, '-tx', signature, 'padding', '1'), 'IMAGE_MALFORMED');
    await refuse(put(fit, '-tx', signature, 'hashed-strings', '1', '2'), 'IMAGE_MALFORMED');
    await refuse(put(fit, '-tx', signature, 'hashed-strings', '0'), 'IMAGE_MALFORMED');
    await refuse(put(fit, '-tx', signature, 'hashed-strings', '0', 'ffff'), 'IMAGE_MALFORMED');
    await refuse(put(fit, '-tx', signature, 'hashed-strings', '0', '1'), 'IMAGE_MALFORMED');
    await refuse(put(fit, '-d', signature, 'hashed-strings'), 'IMAGE_MALFORMED');
  });

  test('ask for no more work than their bytes are worth', async () => {
    const many = (count: number, one: (index: number) => string): string =>
      Array.from({ length: count }, (_, index) => one(index)).join(' ');
    const images = many(255, (index) => `i${index} { data = [01]; compression = "none"; };`);
    await refuse(unsigned({ images }), 'IMAGE_MALFORMED', 'too many images');
    const hashes = many(9, (index) => `hash-${index} { algo = "sha256"; };`);
    await refuse(unsigned({ hashes }), 'IMAGE_MALFORMED', 'too many hashes');
    // Both images lie at the same place and are longer together than the file.
    let external = put(fit, '-d', '/images/kernel-1', 'data');
    for (const image of ['/images/kernel-1', '/images/script']) {
      external = put(put(external, '-tx', image, 'data-offset', '0'), '-tx', image, 'data-size', '1800');
    }
    await refuse(
      concat(put(external, '-d', '/images/script', 'data'), new Uint8Array(0x2000)),
      'IMAGE_MALFORMED',
      'overlap',
    );
  });

  test('the list of nodes beside the signature is not believed', async () => {
    const signature = '/configurations/conf-1/signature-1';
    // Not signed, and so free to change: what is said beside the signature.
    for (const args of [
      ['-ts', signature, 'hashed-nodes', '/', '/configurations/conf-1'],
      ['-ts', signature, 'signer-name', 'somebody'],
    ]) {
      assert.deepEqual(await verifyFit(put(fit, ...args), trust), await verifyFit(fit, trust));
    }
  });

  test('the default is one of the configurations, or there is none', async () => {
    await refuse(put(fit, '-ts', '/configurations', 'default', 'conf-9'), 'IMAGE_MALFORMED');
    assert.deepEqual(await verifyFit(put(fit, '-d', '/configurations', 'default'), trust), await verifyFit(fit, trust));
  });

  test('no flipped bit changes what is proven', async () => {
    const expected = await verifyFit(fit, trust);
    const { tags } = parseDeviceTree(fit);
    const isFree = (offset: number): boolean => {
      const tag = tags.find((each) => offset >= each.offset && offset < each.end);
      // Outside of the structure: the header and strings that are younger than the signature.
      if (tag === undefined) return true;
      const isSignature = tag.path.startsWith('/configurations/conf-1/signature-1') && tag.kind === 'property';
      const isParent = tag.path === '/configurations' || tag.path === '/images';
      // The last bytes of data are padding, which libfdt leaves as it was.
      const isPadding = tag.name === 'data' && offset >= tag.end - 3;
      return isSignature || (isParent && tag.kind === 'property') || isPadding;
    };
    for (let bit = 0; bit < fit.length * 8; bit += 3) {
      const flipped = fit.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const result = await verifyFit(flipped, trust).catch((error: unknown) => error);
      if (result instanceof Error) {
        assert.equal(result.name, 'ImageError', `bit ${bit}`);
        continue;
      }
      assert.deepEqual(result, expected, `bit ${bit}`);
      assert.ok(isFree(bit >> 3), `bit ${bit}`);
    }
    for (let length = 4; length < fit.length; length += 3) {
      await assert.rejects(verifyFit(fit.subarray(0, length), trust), { name: 'ImageError' }, `length ${length}`);
    }
  });

  test('P-384, which this mkimage does not have, over the same bytes', async () => {
    const parsed = parseFit(fit);
    const [configuration] = parsed.configurations;
    assert.ok(configuration !== undefined);
    // P-256 shows that mkimage and Pawl agree on the bytes and the form; only curve and length differ.
    const renamed = put(fit, '-ts', '/configurations/conf-1/signature-1', 'algo', 'sha384,ecdsa384');
    const strings = configuration.node.children.get('signature-1')?.properties.get('hashed-strings')?.value;
    const size = new DataView(strings?.slice().buffer ?? new ArrayBuffer(8)).getUint32(4);
    const message = signedBytes(fit, parsed, configuration, size);
    const key = createPrivateKey(readFileSync(path('keys/p384.pem')));
    const value = sign('sha384', message, { key, dsaEncoding: 'ieee-p1363' });
    const signed = put(renamed, '-tbx', '/configurations/conf-1/signature-1', 'value', ...bytesOf(value));
    const verified = await verifyFit(signed, { keysPem: [pem('p384')] });
    assert.equal(verified.configurations[0]?.algorithm, 'sha384,ecdsa384');
  });
});
