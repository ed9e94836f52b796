import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { LINE, makeWorkspace, Place } from './workspace-fixture.ts';

const MODULE = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so'].find(
  existsSync,
);
const missing = ['pkcs11-tool', 'softhsm2-util', 'openssl'].filter(
  (tool) => spawnSync(tool, ['-h']).error !== undefined,
);
// With CI=true a missing tool must fail the tests, not skip them.
const skip = missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;
const SEAL = ['seal', 'kettle.bin', '--version', '1.0.0', '--sequence', '1', '--counter', '1'];

function openssl(place: Place, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: place.dir, stdio: 'pipe' });
}

async function sealsWith(place: Place, name: string): Promise<void> {
  await writeFile(place.path('kettle.bin'), 'firmware');
  const sealed = await place.pawl(...SEAL, '--key', name, '--out', `by-${name}`);
  assert.equal(sealed.status, 0, sealed.err.join('\n'));
  assert.equal((await place.pawl('key', 'export', name, '--out', `${name}.pub`)).status, 0);
  const verified = await place.pawl('verify', `by-${name}`, '--key', `${name}.pub`);
  assert.equal(verified.status, 0, verified.err.join('\n'));
}

describe('keys from elsewhere', { skip }, () => {
  test('in a token: are found by label, show no secret, and seal a release', async () => {
    await using place = await Place.make();
    await makeWorkspace(place);
    await mkdir(place.path('tokens'));
    await writeFile(place.path('softhsm2.conf'), `directories.tokendir = ${place.path('tokens')}\n`);
    await writeFile(place.path('pin'), '97531\n');
    place.env['SOFTHSM2_CONF'] = place.path('softhsm2.conf');
    const env = { ...process.env, ...place.env };
    const init = ['--init-token', '--free', '--label', 'line', '--pin', '97531', '--so-pin', '24680246'];
    execFileSync('softhsm2-util', init, { env, stdio: 'pipe' });
    const onToken = ['--module', MODULE ?? '', '--token-label', 'line', '--login', '--pin', '97531'];
    const pair = ['--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'firmware', '--id', '07'];
    execFileSync('pkcs11-tool', [...onToken, ...pair], { env, stdio: 'pipe' });
    const where = ['--pkcs11', MODULE ?? '', '--token', 'line', '--pin-file', 'pin', '--role', 'image'];
    const added = await place.pawl('key', 'add', 'hsm', ...where, '--token-key', 'firmware', '--json');
    assert.equal(added.status, 0, added.err.join('\n'));
    assert.deepEqual([added.json['custody'], added.json['algorithm']], ['hsm', 'ESP256']);
    const stored = JSON.parse(await readFile(place.path('keys', 'hsm.json'), 'utf8')) as { signer: { keyId: string } };
    assert.equal(stored.signer.keyId, '07');
    assert.ok(!JSON.stringify(stored).includes('97531'));
    await sealsWith(place, 'hsm');
    assert.match((await place.pawl('key', 'show', 'hsm')).out.join('\n'), /"kind":"pkcs11"/);
    const refused: readonly (readonly [RegExp, readonly string[], number])[] = [
      [/KEYS_TOKEN_KEY_MISSING/, [...where, '--token-key', 'none'], 1],
      [/CLI_USAGE/, where, 2],
      [/CLI_USAGE/, [...where, '--token-key', 'firmware', '--exec'], 2],
      [/KEYS_FILE_MALFORMED/, [...where, '--token-key-id', '0x7'], 1],
      [/CLI_USAGE/, [...where, '--token-key', 'firmware', '--custody', 'file'], 2],
    ];
    for (const [error, words, status] of refused) {
      const ran = await place.pawl('key', 'add', 'other', ...words);
      assert.match(ran.err[0] ?? '', error);
      assert.equal(ran.status, status);
    }
    assert.match(
      (await place.pawl('key', 'add', 'hsm', ...where, '--token-key', 'firmware')).err[0] ?? '',
      /CLI_FILE_EXISTS/,
    );
    await writeFile(place.path('pin'), '00000\n');
    const wrong = await place.pawl(...SEAL, '--key', 'hsm', '--out', 'x');
    assert.match(wrong.err.join('\n'), /KEYS_PIN_WRONG.*\nhint: .*locks/);
    assert.ok(!existsSync(place.path('x')));
  });

  test('behind a command: seal a release; nothing is written when the command cannot prove the key', async () => {
    await using place = await Place.make();
    await makeWorkspace(place);
    openssl(place, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384', '-out', 'kms.pem');
    openssl(place, 'pkey', '-in', 'kms.pem', '-pubout', '-out', 'kms.pub');
    const add = ['key', 'add', 'kms', '--role', 'image', '--exec', '--public', 'kms.pub'];
    const command = ['--', 'openssl', 'dgst', '-sha384', '-sign', place.path('kms.pem')];
    const added = await place.pawl(...add, ...command);
    assert.equal(added.status, 0, added.err.join('\n'));
    assert.match(added.out[0] ?? '', /added image key kms \(ESP384\)/);
    await sealsWith(place, 'kms');
    await place.pawl('key', 'export', 'image', '--out', 'image.pub');
    const lying = ['key', 'add', 'liar', '--role', 'image', '--exec', '--public', 'image.pub', ...command];
    const refused = await place.pawl(...lying);
    assert.match(refused.err[0] ?? '', /KEYS_SIGNATURE_MALFORMED|KEYS_SIGNER_MISMATCH/);
    assert.equal(refused.status, 3);
    assert.ok(!(await readdir(place.path('keys'))).includes('liar.json'));
    assert.match((await place.pawl(...add)).err[0] ?? '', /CLI_USAGE/);
    assert.match(
      (await place.pawl('key', 'add', 'y', '--role', 'image', '--exec', ...command)).err[0] ?? '',
      /CLI_USAGE/,
    );
    // A reference has no passphrase to change.
    await writeFile(place.path('new'), 'another long passphrase\n');
    const reseal = await place.pawl('key', 'reseal', 'kms', '--new-passphrase-file', 'new');
    assert.match(reseal.err[0] ?? '', /CLI_KEY_MISSING/);
  });

  test('are imported from PKCS#8 with a passphrase, and from a raw seed', async () => {
    await using place = await Place.make();
    await makeWorkspace(place);
    await writeFile(place.path('source'), 'the phrase of before\n');
    const encrypt = ['-aes-256-cbc', '-pass', 'file:source', '-out', 'old.pem'];
    openssl(place, 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', ...encrypt);
    const source = ['--source-passphrase-file', 'source'];
    const ran = await place.pawl(
      'key',
      'import',
      'old',
      'old.pem',
      '--role',
      'image',
      '--offline',
      ...source,
      '--json',
    );
    assert.equal(ran.status, 0, ran.err.join('\n'));
    assert.equal(ran.json['custody'], 'offline');
    await sealsWith(place, 'old');
    assert.match(
      (await place.pawl('key', 'import', 'x', 'old.pem', '--role', 'image')).err[0] ?? '',
      /IMPORT_UNREADABLE/,
    );
    await writeFile(place.path('seed'), new Uint8Array(32).fill(9));
    const raw = ['key', 'import', 'pq', 'seed', '--role', 'image', '--raw', '--algorithm', 'ML-DSA-65'];
    assert.equal((await place.pawl(...raw)).status, 0);
    await sealsWith(place, 'pq');
    assert.match(
      (await place.pawl('key', 'import', 'z', 'seed', '--role', 'image', '--raw')).err[0] ?? '',
      /CLI_USAGE/,
    );
  });
});

test('a key keeps its end and its predecessor, and signs nothing after its end', async () => {
  await using place = await Place.make();
  await makeWorkspace(place);
  const words = ['--role', 'image', '--replaces', 'image', '--expires', '2999-01-31', '--json'];
  const made = await place.pawl('key', 'new', 'next', ...words);
  const image = await place.pawl('key', 'show', 'image', '--json');
  assert.equal(made.json['replaces'], image.json['id']);
  assert.equal(made.json['expiresAt'], '2999-01-31T00:00:00.000Z');
  place.now = new Date('2999-02-01T00:00:00.000Z');
  await writeFile(place.path('kettle.bin'), 'firmware');
  assert.match((await place.pawl(...SEAL, '--key', 'next')).err[0] ?? '', /KEYS_EXPIRED/);
  const refused = await place.pawl('key', 'new', 'late', '--role', 'image', '--expires', 'tomorrow');
  assert.match(refused.err[0] ?? '', /CLI_USAGE/);
});

test('a key is sealed anew under another passphrase', async () => {
  await using place = await Place.make();
  await makeWorkspace(place);
  await writeFile(place.path('new'), 'another long passphrase\n');
  await writeFile(place.path('wrong'), 'not the passphrase at all\n');
  const reseal = ['key', 'reseal', 'image', '--new-passphrase-file', 'new'];
  const before = await readFile(place.path('keys', 'image.json'), 'utf8');
  assert.match((await place.pawl(...reseal, '--passphrase-file', 'wrong')).err[0] ?? '', /KEYS_PASSPHRASE_WRONG/);
  assert.match((await place.pawl('key', 'reseal', 'image')).err[0] ?? '', /CLI_PASSPHRASE_MISSING/);
  assert.equal(await readFile(place.path('keys', 'image.json'), 'utf8'), before);
  assert.equal((await place.pawl(...reseal)).status, 0);
  await writeFile(place.path('kettle.bin'), 'firmware');
  assert.match((await place.pawl(...SEAL)).err[0] ?? '', /KEYS_PASSPHRASE_WRONG/);
  // The key of the signing log has its own file, and keeps the passphrase of before until it is sealed anew as well.
  assert.match((await place.pawl(...SEAL, '--passphrase-file', 'new')).err[0] ?? '', /CLI_SIGNING_LOG_LOCKED/);
  place.env['PAWL_LOG_PASSPHRASE_FILE'] = 'passphrase';
  assert.equal((await place.pawl(...SEAL, '--passphrase-file', 'new')).status, 0);
  assert.equal((await place.pawl('key', 'reseal', 'signing-log', '--new-passphrase-file', 'new')).status, 0);
  place.env['PAWL_LOG_PASSPHRASE_FILE'] = undefined;
  const both = await place.pawl(...SEAL, '--passphrase-file', 'new', '--out', 'again');
  assert.equal(both.status, 0, both.err.join('\n'));
  assert.equal((await place.pawl('key', 'audit')).status, 0);
  assert.deepEqual((await readdir(place.path('keys'))).toSorted(), ['image.json', `line-${LINE}.json`]);
});

test('a published test key is refused, unless the workspace is for development, which warns', async () => {
  await using place = await Place.make();
  await makeWorkspace(place);
  await writeFile(place.path('seed'), new Uint8Array(32));
  await writeFile(place.path('kettle.bin'), 'firmware');
  const words = ['key', 'import', 'zeros', 'seed', '--role', 'image', '--raw', '--algorithm', 'ML-DSA-65'];
  const refused = await place.pawl(...words);
  assert.match(refused.err[0] ?? '', /KEYS_TEST_KEY_BARRED/);
  assert.equal(refused.status, 1);
  const config = JSON.parse(await readFile(place.path('pawl.json'), 'utf8')) as Record<string, unknown>;
  const setProfile = (profile: string) => writeFile(place.path('pawl.json'), JSON.stringify({ ...config, profile }));
  await setProfile('test');
  assert.match((await place.pawl(...words)).err[0] ?? '', /CLI_WORKSPACE_MALFORMED/);
  await setProfile('development');
  const warned = await place.pawl(...words);
  assert.match(warned.err[0] ?? '', /^warning: .*RFC 9964/);
  assert.equal(warned.status, 0);
  assert.match((await place.pawl(...SEAL, '--key', 'zeros')).err[0] ?? '', /^warning:/);
  await place.pawl('key', 'export', 'zeros', '--out', 'zeros.pem');
  const verified = await place.pawl('verify', `releases/${LINE}/1.0.0`, '--key', 'zeros.pem', '--json');
  assert.equal(verified.status, 0, verified.err.join('\n'));
  assert.match(verified.err[0] ?? '', /^warning: [0-9a-f]{64} is a published test key \(RFC 9964/);
  const [warning] = verified.json['warnings'] as { code: string; origin: string }[];
  assert.equal(warning?.code, 'KEYS_TEST_KEY_BARRED');
  // Back in production, the key that is there signs nothing.
  await setProfile('production');
  assert.match((await place.pawl(...SEAL, '--key', 'zeros', '--out', 'x')).err[0] ?? '', /KEYS_TEST_KEY_BARRED/);
  assert.ok(!existsSync(place.path('x')));
});

test('an LMS key signs releases, each with a leaf of its own, and refuses a workspace that was copied', async () => {
  await using place = await Place.make();
  await makeWorkspace(place);
  const words = ['key', 'new', 'rom', '--role', 'image', '--algorithm', 'HSS-LMS', '--lms-height', '5'];
  const made = await place.pawl(...words);
  assert.equal(made.status, 0, made.err.join('\n'));
  await sealsWith(place, 'rom');
  // The envelope and the statement: two leaves.
  assert.match(await readFile(place.path('keys', 'rom.lms'), 'latin1'), /\n0000000002\n$/);
  assert.equal((await place.pawl('key', 'audit')).status, 0);
  await copyFile(place.path('keys', 'rom.lms'), place.path('backup'));
  await rename(place.path('backup'), place.path('keys', 'rom.lms'));
  const again = [...SEAL, '--key', 'rom', '--out', 'again'];
  const refused = await place.pawl(...again);
  assert.match(refused.err.join('\n'), /KEYS_STATE_RESTORED.*\nhint: .*pawl key resume/);
  assert.equal((await place.pawl('key', 'resume', 'rom', '--from', '10')).status, 0);
  assert.equal((await place.pawl(...again)).status, 0);
  assert.match(await readFile(place.path('keys', 'rom.lms'), 'latin1'), /\n0000000012\n$/);
  await writeFile(place.path('new'), 'another long passphrase\n');
  assert.equal((await place.pawl('key', 'reseal', 'rom', '--new-passphrase-file', 'new')).status, 0);
  assert.match((await place.pawl('key', 'resume', 'image', '--from', '10')).err[0] ?? '', /CLI_KEY_MISSING/);
  assert.match((await place.pawl(...words.with(2, 'x').with(-1, '7'))).err[0] ?? '', /CLI_USAGE/);
});
