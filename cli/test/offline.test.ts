import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { encodeCoseKey } from '@pawl/core/cose';
import { AgreementKey, PrivateKey } from '@pawl/core/crypto';
import { encodeTlogProof, encodeVkey, leafHash, signCheckpoint } from '@pawl/core/evidence';
import { newSnapshot, newTimestamp, signMetadata } from '@pawl/core/trust';
import { LINE, makeWorkspace, Place } from './workspace-fixture.ts';

const image = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 251));
const seal = ['seal', 'kettle.bin', '--version', '1.2.3', '--sequence', '5', '--counter', '2'];

async function sealed(place: Place): Promise<string> {
  await makeWorkspace(place);
  await writeFile(place.path('kettle.bin'), image);
  const { json, err } = await place.pawl(...seal, '--json');
  assert.deepEqual(err, []);
  return String(json['dir']);
}

describe('keys', () => {
  test('are made sealed, listed and exported as public halves only', async () => {
    await using place = await Place.make();
    await makeWorkspace(place);
    const made = await place.pawl('key', 'new', 'spare', '--role', 'image', '--algorithm', 'ML-DSA-65', '--json');
    assert.equal(made.status, 0, made.err.join());
    assert.match(String(made.json['id']), /^[0-9a-f]{64}$/);
    const path = String(made.json['path']);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.match((await place.pawl('key', 'list')).out.join('\n'), /spare +image +ML-DSA-65/);
    assert.match((await place.pawl('key', 'show', 'spare')).out.join('\n'), /BEGIN PUBLIC KEY/);
    assert.equal((await place.pawl('key', 'export', 'image', '--out', 'image.pem')).status, 0);
    assert.match(await readFile(place.path('image.pem'), 'utf8'), /^-----BEGIN PUBLIC KEY/);
    for (const { out } of [made, await place.pawl('key', 'list', '--json')]) {
      assert.doesNotMatch(out.join(), /PRIVATE|sealed":/);
    }
  });

  test('are refused with a word why', async () => {
    await using place = await Place.make();
    assert.equal(
      (await place.pawl('key', 'list')).err[0],
      `error: CLI_WORKSPACE_MISSING: there is no workspace here (dir "${place.dir}")`,
    );
    await makeWorkspace(place);
    const cases: [string[], RegExp, number][] = [
      [['key', 'new', 'x', '--role', 'cook'], /CLI_USAGE/, 2],
      [['key', 'new', 'x', '--role', 'image', '--algorithm', 'RSA'], /CLI_USAGE/, 2],
      [['key', 'new', '../x', '--role', 'image'], /CLI_USAGE/, 2],
      [['key', 'new', 'image', '--role', 'image'], /CLI_FILE_EXISTS/, 2],
      [['key', 'show', 'none'], /CLI_KEY_MISSING/, 2],
    ];
    for (const [words, code, status] of cases) {
      const ran = await place.pawl(...words);
      assert.match(ran.err[0] ?? '', code);
      assert.equal(ran.status, status);
    }
    await writeFile(place.path('passphrase'), 'short');
    assert.match((await place.pawl('key', 'new', 'x', '--role', 'image')).err[0] ?? '', /CLI_PASSPHRASE_WEAK/);
    await writeFile(place.path('passphrase'), '');
    assert.match((await place.pawl('key', 'new', 'x', '--role', 'image')).err[0] ?? '', /CLI_PASSPHRASE_MISSING/);
    await rm(place.path('trust'), { recursive: true });
    const provision = ['agent', 'provision', '--state', 'device', '--server', 'http://127.0.0.1:9', '--boot', 'true'];
    const factory = ['--image', 'x', '--version', '1.0.0', '--sequence', '1', '--counter', '1'];
    assert.match((await place.pawl(...provision, ...factory)).err[0] ?? '', /CLI_TRUST_MISSING/);
    await writeFile(place.path('pawl.json'), '{');
    assert.match((await place.pawl('key', 'list')).err[0] ?? '', /CLI_WORKSPACE_MALFORMED/);
  });
});

describe('seal and verify', () => {
  test('make a release that verifies under the key that is given', async () => {
    await using place = await Place.make();
    const dir = await sealed(place);
    assert.equal(dir, place.path('releases', LINE, '1.2.3'));
    const payload = await readFile(join(dir, 'image.enc'));
    assert.equal(payload.length, image.length + 16);
    assert.ok(!payload.includes(image.subarray(0, 32)));
    await place.pawl('key', 'export', 'image', '--out', 'image.pem');
    for (const [path, key] of [
      [dir, 'image.pem'],
      [dir, `trust/keys/${LINE}.cbor`],
      [join(dir, 'envelope.suit'), 'image.pem'],
    ]) {
      const ran = await place.pawl('verify', path!, '--key', key!, '--json');
      assert.equal(ran.status, 0, ran.err.join());
      const { version, sequenceNumber, securityCounter, imageSizeBytes, payloads, isAuthentic } = ran.json;
      assert.deepEqual(
        { version, sequenceNumber, securityCounter, imageSizeBytes, payloads, isAuthentic },
        {
          version: '1.2.3',
          sequenceNumber: '5',
          securityCounter: '2',
          imageSizeBytes: image.length,
          payloads: ['image.enc'],
          isAuthentic: true,
        },
      );
    }
  });

  test('need two signatures when two keys are asked for', async () => {
    await using place = await Place.make();
    await sealed(place);
    await place.pawl('key', 'new', 'quantum', '--role', 'image', '--algorithm', 'ML-DSA-65');
    for (const name of ['image', 'quantum']) await place.pawl('key', 'export', name, '--out', `${name}.pem`);
    const both = ['--key', 'image.pem', '--key', 'quantum.pem'];
    const single = await place.pawl('verify', place.path('releases', LINE, '1.2.3'), ...both);
    assert.match(single.err[0] ?? '', /SUIT_ALGORITHM_MISSING/);
    await place.pawl(...seal, '--key', 'image', '--key', 'quantum', '--out', 'hybrid');
    assert.equal((await place.pawl('verify', 'hybrid', ...both)).status, 0);
  });

  test('refuse whatever was changed, and exit with 1', async () => {
    await using place = await Place.make();
    const dir = await sealed(place);
    await place.pawl('key', 'export', 'image', '--out', 'image.pem');
    await place.pawl('key', 'new', 'other', '--role', 'image');
    await place.pawl('key', 'export', 'other', '--out', 'other.pem');
    const refused = async (change: (copy: string) => Promise<void>, code: RegExp, key = 'image.pem'): Promise<void> => {
      const copy = place.path('copy');
      await cp(dir, copy, { recursive: true, force: true });
      await change(copy);
      const ran = await place.pawl('verify', 'copy', '--key', key);
      assert.match(ran.err[0] ?? 'verified', code);
      assert.equal(ran.status, 1);
    };
    const flip = (name: string) => async (copy: string) => {
      const bytes = await readFile(join(copy, name));
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(join(copy, name), bytes);
    };
    const edit = (name: string, from: string, to: string) => async (copy: string) =>
      writeFile(join(copy, name), (await readFile(join(copy, name), 'utf8')).replace(from, to));
    await refused(async () => undefined, /SUIT_KEY_UNKNOWN/, 'other.pem');
    await refused(flip('image.enc'), /CLI_RELEASE_MISMATCH/);
    await refused(flip('envelope.suit'), /CLI_RELEASE_MISMATCH/);
    await refused(edit('release.json', '"1.2.3"', '"9.9.9"'), /CLI_RELEASE_MISMATCH/);
    await refused(edit('release.json', '"5"', '"6"'), /CLI_RELEASE_MISMATCH/);
    await refused(edit('release.json', '{', '['), /CLI_RELEASE_MISMATCH/);
    await refused(edit('release.json', 'image.enc', '../image.enc'), /CLI_RELEASE_MISMATCH/);
    await refused(flip('statement.json'), /STATEMENT_|CLI_RELEASE_MISMATCH/);
  });

  test('say what is wrong with the command line, and never overwrite', async () => {
    await using place = await Place.make();
    const dir = await sealed(place);
    const cases: [string[], RegExp, number][] = [
      [seal, /CLI_FILE_EXISTS/, 2],
      [seal.with(1, 'none.bin'), /CLI_FILE_UNREADABLE/, 2],
      [seal.with(3, 'one'), /CLI_USAGE/, 2],
      [seal.with(5, '-1'), /CLI_USAGE/, 2],
      [[...seal, '--line', 'oven'], /CLI_LINE_UNKNOWN/, 2],
      [[...seal, '--payload', '../x'], /CLI_USAGE/, 2],
      [[...seal, '--out', 'x', '--key', 'none'], /CLI_KEY_MISSING/, 2],
      [['key', 'export', 'image', '--out', 'kettle.bin/image.pem'], /CLI_FILE_UNWRITABLE/, 3],
      [['device', 'list'], /CLI_TOKEN_MISSING/, 2],
      [['verify', dir], /CLI_USAGE/, 2],
      [['verify', 'keys', '--key', 'x'], /CLI_FORMAT_UNKNOWN/, 2],
      [['verify', 'kettle.bin', '--key', 'pawl.json'], /IMAGE_UNSIGNED/, 1],
      [['verify', 'none.suit', '--key', 'x'], /CLI_FILE_UNREADABLE/, 2],
    ];
    for (const [words, code, status] of cases) {
      const ran = await place.pawl(...words);
      assert.match(ran.err[0] ?? '', code, words.join(' '));
      assert.equal(ran.status, status, words.join(' '));
    }
    await writeFile(place.path('passphrase'), 'another passphrase');
    const wrong = await place.pawl(...seal, '--out', 'x');
    assert.match(wrong.err[0] ?? '', /KEYS_PASSPHRASE_WRONG/);
    assert.equal(wrong.status, 1);
    if (process.getuid?.() !== 0) {
      await mkdir(place.path('locked'));
      await chmod(place.path('locked'), 0o500);
      assert.equal((await place.pawl(...seal, '--out', 'locked/x')).status, 3);
    }
  });
});

describe('verify and explain an envelope of somebody else', () => {
  const folder = resolve(import.meta.dirname, '../..', process.env['PAWL_VECTORS'] ?? '../shared/vectors', 'suit');
  const skip = existsSync(folder) ? false : 'the foreign SUIT vectors are not there (PAWL_VECTORS)';
  const hexOf = async (name: string): Promise<Buffer> =>
    Buffer.from((await readFile(join(folder, name), 'utf8')).replace(/\s/g, ''), 'hex');

  test('by a COSE_Key or a PEM, and not by another key', { skip }, async () => {
    await using place = await Place.make();
    await writeFile(place.path('key.cose'), await hexOf('libcsuit/key/trust_anchor_esp256_cose_key_public.cbor.hex'));
    await cp(join(folder, 'libcsuit/key/trust_anchor_secp256r1.pub.pem'), place.path('key.pem'));
    await writeFile(place.path('other.pem'), PrivateKey.generate('ESP256').publicKey.toSpkiPem());
    await cp(join(folder, 'libcsuit/suit_manifest_exp1.suit'), place.path('any-name'));
    await writeFile(place.path('integrated'), await hexOf('trust-domains-11/example2_integrated.hex'));
    for (const [path, key] of [
      ['any-name', 'key.cose'],
      ['any-name', 'key.pem'],
      ['integrated', 'key.pem'],
    ] as const) {
      const ran = await place.pawl('verify', path, '--key', key, '--json');
      assert.equal(ran.status, 0, ran.err.join());
      assert.deepEqual([ran.json['kind'], ran.json['isAuthentic']], ['envelope', true]);
      // Authentic, and nothing that an agent of ours would install.
      assert.match(String(ran.json['notReleaseCode']), /^SUIT_/);
    }
    const other = await place.pawl('verify', 'any-name', '--key', 'other.pem');
    assert.deepEqual([other.status, /SUIT_/.test(other.err[0] ?? '')], [1, true]);
    const bytes = await readFile(place.path('integrated'));
    await writeFile(place.path('integrated'), bytes.with(bytes.length - 3, bytes.at(-3)! ^ 1));
    const changed = await place.pawl('verify', 'integrated', '--key', 'key.pem');
    assert.match(changed.err[0] ?? '', /SUIT_INTEGRATED_UNSIGNED/);
    assert.equal(changed.status, 1);
  });

  test('explain shows what is in it, and says that nothing is verified', { skip }, async () => {
    await using place = await Place.make();
    await writeFile(place.path('e.suit'), await hexOf('manifest-37/example2.signed.hex'));
    const ran = await place.pawl('explain', 'e.suit');
    assert.equal(ran.out[0], 'not verified:');
    assert.ok(ran.out.some((line) => /^ +\d+ +directive fetch/.test(line)));
    await writeFile(place.path('none.suit'), 'no envelope');
    assert.equal((await place.pawl('explain', 'none.suit')).status, 1);
  });
});

test('a proof verifies the entry that is given, and no other', async () => {
  await using place = await Place.make();
  const entry = new TextEncoder().encode('{"entry":1}');
  const ledger = PrivateKey.generate('Ed25519');
  const checkpoint = await signCheckpoint({ origin: 'ledger', size: 1, root: leafHash(entry) }, 'ledger', ledger);
  await writeFile(place.path('e.json'), entry);
  await writeFile(place.path('other.json'), '{}');
  await writeFile(place.path('p'), encodeTlogProof({ index: 0, hashes: [], checkpoint }));
  const key = encodeVkey('ledger', ledger.publicKey);
  const good = await place.pawl('verify', 'p', '--entry', 'e.json', '--key', key, '--json');
  assert.deepEqual([good.status, good.json['isAuthentic'], good.json['index']], [0, true, 0]);
  const other = await place.pawl('verify', 'p', '--entry', 'other.json', '--key', key);
  assert.match(other.err[0] ?? '', /MERKLE_INCLUSION_INVALID/);
  assert.equal(other.status, 1);
  assert.equal((await place.pawl('verify', 'p', '--key', key)).status, 2);
});

test('an agreement key verifies nothing', async () => {
  await using place = await Place.make();
  await writeFile(place.path('agree.cose'), encodeCoseKey(AgreementKey.generate('X25519').publicKey));
  await writeFile(place.path('e.suit'), Buffer.from('d86ba0', 'hex'));
  const ran = await place.pawl('verify', 'e.suit', '--key', 'agree.cose');
  assert.match(ran.err[0] ?? '', /CLI_KEY_UNSUITABLE/);
  assert.equal(ran.status, 2);
});

describe('verify a repository', () => {
  /** The folder of metadata as a server would publish it. */
  async function published(place: Place): Promise<void> {
    const { online } = await makeWorkspace(place);
    const expiresAt = new Date(Date.now() + 86_400_000);
    const read = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(place.path('trust', name)));
    const [targets, line] = [await read('targets.json'), await read(`${LINE}.json`)];
    const roles = new Map([
      ['targets', targets],
      [LINE, line],
    ]);
    const snapshot = await signMetadata(newSnapshot({ expiresAt, roles }), [online]);
    const timestamp = await signMetadata(newTimestamp({ version: 1, expiresAt, snapshot }), [online]);
    await mkdir(place.path('repository'));
    const files = {
      'timestamp.json': timestamp,
      '1.snapshot.json': snapshot,
      '1.targets.json': targets,
      [`1.${LINE}.json`]: line,
    };
    for (const [name, bytes] of Object.entries(files)) await writeFile(place.path('repository', name), bytes);
  }

  test('from a root that is given, down to the line roles', async () => {
    await using place = await Place.make();
    await published(place);
    const { status, json, err } = await place.pawl('verify', 'repository', '--root', 'trust/1.root.json', '--json');
    assert.equal(status, 0, err.join());
    assert.deepEqual([json['rootVersion'], json['roles']], [1, ['targets', LINE]]);
    assert.equal((await place.pawl('verify', 'repository')).status, 2);
  });

  test('and refuse a changed file of any role', async () => {
    await using place = await Place.make();
    await published(place);
    for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json', `1.${LINE}.json`]) {
      const path = place.path('repository', name);
      const before = await readFile(path, 'utf8');
      await writeFile(path, before.replace('"spec_version":"1.0.34"', '"spec_version":"1.0.33"'));
      const ran = await place.pawl('verify', 'repository', '--root', 'trust/1.root.json');
      assert.match(ran.err[0] ?? 'verified', /TRUST_/, name);
      assert.equal(ran.status, 1);
      await writeFile(path, before);
    }
  });
});

test('verify refuses a .swu that is not one', async () => {
  await using place = await Place.make();
  await writeFile(place.path('x.swu'), 'no archive');
  await writeFile(place.path('x.pem'), 'no certificate');
  const ran = await place.pawl('verify', 'x.swu', '--key', 'x.pem');
  assert.match(ran.err[0] ?? 'verified', /IMAGE_/);
  assert.equal(ran.status, 1);
});
