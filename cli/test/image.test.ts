import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { makeWorkspace, PASSPHRASE, Place } from './workspace-fixture.ts';

const payload = Buffer.from(Array.from({ length: 999 }, (_, at) => (at * 31) % 256));
type Pair = { publicKey: KeyObject; privateKey: KeyObject };

async function writePair(place: Place, name: string, { publicKey, privateKey }: Pair): Promise<void> {
  await writeFile(place.path(`${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(place.path(`${name}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

test('signs, encrypts, describes, verifies and opens an MCUboot image', async () => {
  await using place = await Place.make();
  await writeFile(place.path('fw.bin'), payload);
  await writePair(place, 'sign', generateKeyPairSync('rsa', { modulusLength: 2048 }));
  await writePair(place, 'device', generateKeyPairSync('x25519'));
  const words = [
    'image sign fw.bin --version 1.2.3+4 --key-file sign.pem --counter 0x10',
    '--vendor kettles.example --class kettle-1 --dependency 1:2.0.1 --header-size 0x200',
    '--encrypt device.pub --aes 256 --hmac sha512 --slot-size 0x4000 --max-align 16 --max-sectors 64 --trailer test',
    '--rom-address 0x8000 --boot-record APP --out fw.signed --json',
  ];
  const signed = await place.pawl(...words.join(' ').split(' '));
  assert.equal(signed.status, 0, signed.err.join('\n'));
  assert.equal((await readFile(place.path('fw.signed'))).length, 0x4000);
  const described = (await place.pawl('image', 'describe', 'fw.signed', '--json')).json;
  assert.deepEqual(
    [described['format'], described['version'], described['securityCounter'], described['flags']],
    ['mcuboot', '1.2.3+4', 16, ['encrypted-aes256', 'rom-fixed']],
  );
  // UUIDv5 of the domain under the DNS namespace, as Python's uuid.uuid5 makes it.
  assert.equal(described['vendorId'], '7cef502a-0cb2-58fa-bd6d-8b96a881a595');
  const verify = ['verify', 'fw.signed', '--key', 'sign.pub'];
  assert.match((await place.pawl(...verify)).err.join(' '), /IMAGE_DECRYPTION_KEY_MISSING/);
  assert.match((await place.pawl(...verify, '--decrypt-key', 'device.pem')).out[0] ?? '', /^authentic MCUboot image$/);
  const open = ['image', 'open', 'fw.signed', '--key', 'sign.pub', '--out', 'opened.bin'];
  assert.equal((await place.pawl(...open)).status, 1);
  const opened = await place.pawl(...open, '--decrypt-key', 'device.pem', '--json');
  assert.deepEqual([opened.status, opened.json['isEncrypted']], [0, true]);
  assert.ok((await readFile(place.path('opened.bin'))).subarray(0, payload.length).equals(payload));
});

test('signs with a key of the workspace, and encrypts with a symmetric key', async () => {
  await using place = await Place.make();
  await makeWorkspace(place);
  await writeFile(place.path('fw.bin'), payload);
  await writeFile(place.path('kek'), `${Buffer.alloc(16, 5).toString('base64')}\n`);
  const sign = ['image', 'sign', 'fw.bin', '--version', '1', '--out', 'fw.signed'];
  assert.equal((await place.pawl(...sign, '--key', 'image', '--full-key', '--encrypt', 'kek')).status, 0);
  await place.pawl('key', 'export', 'image', '--out', 'image.pem');
  const verified = await place.pawl('verify', 'fw.signed', '--key', 'image.pem', '--decrypt-key', 'kek', '--json');
  assert.deepEqual([verified.status, verified.json['isAuthentic'], verified.json['version']], [0, true, '1.0.0+0']);
});

test('an image without a key carries its hash only, and is not authentic', async () => {
  await using place = await Place.make();
  await writeFile(place.path('fw.bin'), payload);
  await writePair(place, 'sign', generateKeyPairSync('ed25519'));
  const sign = ['image', 'sign', 'fw.bin', '--version', '1.0.0', '--out', 'fw.signed'];
  const made = await place.pawl(...sign, '--load-address', '0x1000', '--hash', 'sha512');
  assert.match(made.out.join('\n'), /sha512/);
  assert.match((await place.pawl('verify', 'fw.signed', '--key', 'sign.pub')).err[0] ?? '', /IMAGE_UNSIGNED/);
  assert.equal((await place.pawl(...sign, '--key-file', 'sign.pem', '--pure')).status, 0);
  assert.equal((await place.pawl('verify', 'fw.signed', '--key', 'sign.pub')).status, 0);
  const locked = generateKeyPairSync('ed25519').privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: PASSPHRASE,
  });
  await writeFile(place.path('locked.pem'), locked);
  assert.equal((await place.pawl(...sign, '--key-file', 'locked.pem')).status, 0);
});

test('says what is wrong with the words of a command', async () => {
  await using place = await Place.make();
  await writeFile(place.path('fw.bin'), payload);
  const sign = ['image', 'sign', 'fw.bin', '--out', 'x', '--version'];
  const refused: [string[], RegExp][] = [
    [[...sign, 'one'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--counter', '-1'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--counter', '1e3'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--dependency', '1'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--key', 'a', '--key-file', 'b'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--load-address', '1', '--rom-address', '1'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--trailer', 'test'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--trailer', 'maybe', '--slot-size', '0x4000'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--max-align', '4', '--slot-size', '0x4000'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--class', 'x'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--hash', 'md5'], /CLI_USAGE/],
    [[...sign, '1.0.0', '--slot-size', '10'], /IMAGE_OPTION_INVALID/],
    [['image', 'open', 'fw.bin', '--out', 'x'], /CLI_USAGE/],
    [['image', 'describe', 'absent'], /CLI_FILE_UNREADABLE/],
  ];
  for (const [words, code] of refused) {
    const ran = await place.pawl(...words);
    assert.notEqual(ran.status, 0);
    assert.match(ran.err[0] ?? '', code, words.join(' '));
  }
});

/** A tar of plain files, as POSIX ustar writes them. */
function tar(files: Readonly<Record<string, Buffer>>): Buffer {
  const entries = Object.entries(files).map(([name, content]) => {
    const header = Buffer.alloc(512);
    const size = content.length.toString(8).padStart(11, '0');
    for (const [at, text] of [
      [0, name],
      [124, size],
      [148, '        '],
      [156, '0'],
      [257, 'ustar\x0000'],
    ] as const) {
      header.write(text, at);
    }
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0`, 148);
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
  });
  return Buffer.concat([...entries, Buffer.alloc(1024)]);
}

test('what a file says about itself does not steer the terminal', async () => {
  await using place = await Place.make();
  const info = {
    payloads: [],
    artifact_provides: { artifact_name: '\u001b[2J\u009b31m\n  gone' },
    artifact_depends: { device_type: ['\u007f'] },
  };
  const artifact = tar({
    version: Buffer.from('{"format":"mender","version":3}'),
    manifest: Buffer.alloc(0),
    'header.tar': tar({ 'header-info': Buffer.from(JSON.stringify(info)) }),
  });
  await writeFile(place.path('a.mender'), artifact);
  const described = await place.pawl('image', 'describe', 'a.mender');
  assert.equal(described.status, 0, described.err.join('\n'));
  const lines = described.out.flatMap((line) => line.split('\n'));
  assert.ok(lines.includes('  artifactName     \\u001b[2J\\u009b31m\\u000a  gone'), lines.join('|'));
  assert.ok(lines.every((line) => !/\p{Cc}/u.test(line)));
});
