import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { concat, fromUtf8, isCodedError, toBase64, toHex, utf8 } from '../bytes/index.ts';
import { encodeCbor } from '../cbor/index.ts';
import { keyIdOf } from '../cose/index.ts';
import { AgreementKey, createAeadEncryptor, PrivateKey, PublicKey, type SignatureAlgorithm } from '../crypto/index.ts';
import {
  assertNotExpired,
  assertNotTestKey,
  createFileKey,
  encodeKeyFile,
  type FileKeyOptions,
  KEY_ROLE_TABLE,
  KEY_ROLES,
  KEYS_ERRORS,
  type KeyFile,
  loadKeyFile,
  openKeyFile,
  parseKeyFile,
  replaceKeyFile,
  resealKeyFile,
  saveKeyFile,
} from './index.ts';
import { derivePassphraseKey, newRandomSecret } from './passphrase.ts';

const PASSPHRASE = newRandomSecret();
const OPTIONS: FileKeyOptions = {
  role: 'image',
  algorithm: 'ESP256',
  purpose: 'signs hub images',
  createdAt: new Date('2026-05-04T03:02:01.000Z'),
  passphrase: PASSPHRASE,
};

let folder = '';
let file: KeyFile;

async function outcome(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return error.code;
  }
  return 'accepted';
}

async function refuses(code: string, run: () => unknown): Promise<void> {
  assert.equal(await outcome(run), code);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-keys-'));
  file = (await createFileKey(OPTIONS)).file;
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('makes a key for every role with its default algorithm, and opens it again', async () => {
  for (const role of KEY_ROLES) {
    const algorithm = KEY_ROLE_TABLE[role].algorithms[0]!;
    const made = await createFileKey({ ...OPTIONS, role, algorithm });
    const parsed = parseKeyFile(encodeKeyFile(made.file));
    assert.deepEqual(parsed, made.file);
    assert.equal(parsed.id, keyIdOf(made.key.publicKey));
    const opened = await openKeyFile(parsed, PASSPHRASE);
    assert.equal(opened instanceof AgreementKey, role === 'line');
    assert.deepEqual(opened.toPkcs8Der(), made.key.toPkcs8Der());
  }
});

test('keeps every signature algorithm', async () => {
  for (const algorithm of ['ESP256', 'ESP384', 'Ed25519', 'ML-DSA-65'] as const satisfies SignatureAlgorithm[]) {
    const made = await createFileKey({ ...OPTIONS, algorithm });
    const opened = await openKeyFile(made.file, PASSPHRASE);
    assert.ok(opened instanceof PrivateKey);
    const signature = await opened.sign(utf8('m'));
    PublicKey.fromSpki(made.file.public).verify(utf8('m'), signature);
  }
});

test('writes facts that can be read without the passphrase, and no secret', async () => {
  const { file: made, key } = await createFileKey({ ...OPTIONS, role: 'ledger', algorithm: 'Ed25519' });
  const text = fromUtf8(encodeKeyFile(made));
  const json = JSON.parse(text) as Record<string, unknown>;
  const names = 'pawlKey id role algorithm purpose custody createdAt expiresAt replaces public kdf sealed'.split(' ');
  assert.deepEqual(Object.keys(json), names);
  assert.equal(json['createdAt'], '2026-05-04T03:02:01.000Z');
  const seed = Buffer.from(key.toPkcs8Der().subarray(-32));
  for (const form of [seed.toString('hex'), seed.toString('base64'), PASSPHRASE]) assert.ok(!text.includes(form));
  assert.ok(!Buffer.from(made.sealed).includes(seed));
});

test('refuses a wrong passphrase', async () => {
  await refuses('KEYS_PASSPHRASE_WRONG', () => openKeyFile(file, 'correct horse batterz'));
  await refuses('KEYS_PASSPHRASE_WRONG', () => openKeyFile(file, ''));
});

test('opens with the passphrase in another Unicode form', async () => {
  const made = await createFileKey({ ...OPTIONS, passphrase: 'caf\u00e9 cr\u00e8me br\u00fbl\u00e9e' });
  const opened = await openKeyFile(made.file, 'cafe\u0301 cre\u0300me bru\u0302le\u0301e');
  assert.equal(keyIdOf(opened.publicKey), made.file.id);
});

test('what a person types costs what RFC 9106 recommends, 256 random bits the least, and both open again', async () => {
  const costOf = async (passphrase: string) => {
    const { file: made, key } = await createFileKey({ ...OPTIONS, passphrase });
    assert.equal(
      keyIdOf((await openKeyFile(parseKeyFile(encodeKeyFile(made)), passphrase)).publicKey),
      keyIdOf(key.publicKey),
    );
    return [made.kdf.memoryKiB, made.kdf.passes];
  };
  const secret = newRandomSecret();
  assert.notEqual(secret, newRandomSecret());
  assert.deepEqual(await costOf(secret), [8192, 1]);
  for (const typed of ['correct horse battery', secret.slice(0, -1), `${secret}A`, ` ${secret}`, secret.slice(5)]) {
    assert.deepEqual(await costOf(typed), [65_536, 3], typed);
  }
});

test('refuses short passphrases, long purposes and algorithms that the role does not have', async () => {
  await refuses('KEYS_PASSPHRASE_TOO_SHORT', () => createFileKey({ ...OPTIONS, passphrase: '1234567' }));
  await refuses('KEYS_FILE_MALFORMED', () => createFileKey({ ...OPTIONS, purpose: 'x'.repeat(257) }));
  const barred = [
    ['image', 'ECDH-P256'],
    ['line', 'ESP256'],
    ['ledger', 'ESP256'],
  ] as const;
  for (const [role, algorithm] of barred) {
    await refuses('KEYS_ALGORITHM_NOT_ALLOWED', () => createFileKey({ ...OPTIONS, role, algorithm }));
  }
});

test('refuses to open a file whose public facts or sealed bytes were changed', async () => {
  const other = (await createFileKey(OPTIONS)).file;
  const changed: KeyFile[] = [
    { ...file, role: 'root' },
    { ...file, purpose: 'signs everything' },
    { ...file, custody: 'offline' },
    { ...file, expiresAt: '2099-01-01T00:00:00.000Z' },
    { ...file, replaces: '00'.repeat(32) },
    { ...file, format: 1 },
    { ...file, createdAt: '2020-01-01T00:00:00.000Z' },
    { ...file, id: other.id, public: other.public },
    { ...file, kdf: { ...file.kdf, passes: 2 } },
    { ...file, sealed: other.sealed },
    { ...file, sealed: file.sealed.with(20, file.sealed[20]! ^ 1) },
    { ...file, sealed: file.sealed.with(-1, file.sealed.at(-1)! ^ 1) },
    { ...file, sealed: file.sealed.subarray(0, -1) },
  ];
  for (const item of changed) await refuses('KEYS_PASSPHRASE_WRONG', () => openKeyFile(item, PASSPHRASE));
  await refuses('KEYS_FILE_MALFORMED', () => openKeyFile({ ...file, sealed: new Uint8Array(27) }, PASSPHRASE));
});

type Json = Record<string, unknown>;

/** The bytes of the key file with members changed; undefined removes one. */
function withMembers(members: Json, kdf: Json = {}): Uint8Array {
  const json = JSON.parse(fromUtf8(encodeKeyFile(file))) as Json;
  return utf8(JSON.stringify({ ...json, kdf: { ...(json['kdf'] as Json), ...kdf }, ...members }));
}

test('refuses key files that are not what they should be', async () => {
  const p384 = PrivateKey.generate('ESP384').publicKey;
  const malformed: Readonly<Record<string, Uint8Array>> = {
    nothing: utf8(''),
    'no JSON': utf8('{'),
    'no UTF-8': Uint8Array.of(0x22, 0xff, 0x22),
    'an array': utf8('[]'),
    null: utf8('null'),
    'too large': new Uint8Array(64 * 1024 + 1).fill(0x20),
    'a newer version': withMembers({ pawlKey: 3 }),
    'an older version with newer members': withMembers({ pawlKey: 1 }),
    'the custody of a token': withMembers({ custody: 'hsm' }),
    'an unknown custody': withMembers({ custody: 'pocket' }),
    'an end that is no time': withMembers({ expiresAt: 'soon' }),
    'a predecessor that is no key id': withMembers({ replaces: 'root' }),
    'a member too many': withMembers({ comment: '' }),
    'a member too few': withMembers({ purpose: undefined }),
    'an unknown role': withMembers({ role: 'owner' }),
    'a role of the prototype': withMembers({ role: 'toString' }),
    'a role that is a number': withMembers({ role: 1 }),
    'another algorithm': withMembers({ algorithm: 'Ed25519' }),
    'another public key': withMembers({ public: p384.toSpkiPem(), algorithm: 'ESP384' }),
    'another id': withMembers({ id: '00'.repeat(32) }),
    'an unreadable public key': withMembers({ public: 'PEM' }),
    'a long purpose': withMembers({ purpose: 'x'.repeat(257) }),
    'a local time': withMembers({ createdAt: '2026-05-04T03:02:01' }),
    'no time': withMembers({ createdAt: 'yesterday' }),
    'unpadded base64': withMembers({ sealed: 'AAA' }),
    'an oversized sealed part': withMembers({ sealed: 'A'.repeat(12_000) }),
    'another KDF': withMembers({}, { name: 'argon2i' }),
    'a KDF member too many': withMembers({}, { pepper: 1 }),
    'a short salt': withMembers({}, { salt: 'AAAA' }),
    'a KDF that is no object': withMembers({ kdf: 3 }),
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    assert.equal(await outcome(() => parseKeyFile(bytes)), 'KEYS_FILE_MALFORMED', what);
  }
  await refuses('KEYS_ALGORITHM_NOT_ALLOWED', () => parseKeyFile(withMembers({ role: 'ledger' })));
});

test('refuses a passphrase cost that would exhaust the machine, before paying it', async () => {
  const costs: Json[] = [
    { memoryKiB: 256 * 1024 + 1 },
    { memoryKiB: 2 ** 32 },
    { memoryKiB: 1 },
    { memoryKiB: 65536.5 },
    { memoryKiB: '65536' },
    { passes: 17 },
    { passes: 0 },
    { lanes: 5 },
    { lanes: -1 },
  ];
  for (const cost of costs) await refuses('KEYS_FILE_MALFORMED', () => parseKeyFile(withMembers({}, cost)));
});

test('takes every truncation of a key file for malformed', async () => {
  const bytes = encodeKeyFile(file);
  // The last byte is a line feed, which JSON does not need.
  for (let length = 0; length < bytes.length - 1; length++) {
    await refuses('KEYS_FILE_MALFORMED', () => parseKeyFile(bytes.subarray(0, length)));
  }
});

test('saves for the owner only, leaves nothing else behind, and loads the same', async () => {
  const path = join(folder, 'image.json');
  await saveKeyFile(path, file);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ['image.json']);
  assert.deepEqual(await loadKeyFile(path), file);
  await rm(path);
});

test('never overwrites a file', async () => {
  const path = join(folder, 'taken.json');
  await writeFile(path, 'precious');
  await refuses('KEYS_FILE_EXISTS', () => saveKeyFile(path, file));
  assert.equal(await readFile(path, 'utf8'), 'precious');
  assert.deepEqual(await readdir(folder), ['taken.json']);
  await refuses('KEYS_FILE_MALFORMED', () => loadKeyFile(path));
  await rm(path);
});

test('lets only one of several writers of the same name win', async () => {
  const path = join(folder, 'race.json');
  const results = await Promise.all(Array.from({ length: 8 }, () => outcome(() => saveKeyFile(path, file))));
  assert.equal(results.filter((result) => result === 'accepted').length, 1);
  assert.equal(results.filter((result) => result === 'KEYS_FILE_EXISTS').length, 7);
  assert.deepEqual(await loadKeyFile(path), file);
  await rm(path);
});

test('says when a key file cannot be read or written', async () => {
  await refuses('KEYS_FILE_UNREADABLE', () => loadKeyFile(join(folder, 'absent.json')));
  await refuses('KEYS_FILE_UNREADABLE', () => loadKeyFile(folder));
  await refuses('KEYS_FILE_UNWRITABLE', () => saveKeyFile(join(folder, 'absent', 'key.json'), file));
});

test('bars published test keys', async () => {
  // A seed of zeros, and the first test key of RFC 8032.
  const zeros = PrivateKey.fromRaw('Ed25519', new Uint8Array(32));
  await refuses('KEYS_TEST_KEY_BARRED', () => assertNotTestKey(zeros.publicKey));
  const rfc8032 = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  await refuses('KEYS_TEST_KEY_BARRED', () => assertNotTestKey(PublicKey.fromRaw('Ed25519', rfc8032)));
  const one = new Uint8Array(32);
  one[31] = 1;
  await refuses('KEYS_TEST_KEY_BARRED', () => assertNotTestKey(AgreementKey.fromRaw(one).publicKey));
  assert.equal(await outcome(() => assertNotTestKey(PrivateKey.generate('ESP256').publicKey)), 'accepted');
});

test('never puts the passphrase or the key into an error', async () => {
  const { file: made, key } = await createFileKey({ ...OPTIONS, algorithm: 'Ed25519' });
  const secret = toHex(key.toPkcs8Der().subarray(-32));
  const error: unknown = await openKeyFile(made, 'swordfish swordfish').catch((cause: unknown) => cause);
  assert.ok(isCodedError(error));
  assert.ok(!/swordfish/.test(`${error.message}${JSON.stringify(error.details)}`));
  assert.ok(!`${error.stack}`.includes(secret));
});

test('keeps custody, end and predecessor of a key, and reads files of format 1, which had none', async () => {
  const replaces = file.id;
  const facts = { custody: 'offline', expiresAt: new Date('2027-05-04T00:00:00.000Z'), replaces } as const;
  const made = (await createFileKey({ ...OPTIONS, ...facts })).file;
  const parsed = parseKeyFile(encodeKeyFile(made));
  assert.equal(parsed.custody, 'offline');
  assert.equal(parsed.expiresAt, '2027-05-04T00:00:00.000Z');
  assert.equal(parsed.replaces, replaces);
  await refuses('KEYS_EXPIRED', () => assertNotExpired(parsed, new Date('2027-05-04T00:00:00.000Z')));
  assert.equal(await outcome(() => assertNotExpired(parsed, new Date('2027-05-03T23:59:59.999Z'))), 'accepted');
  await refuses('KEYS_FILE_MALFORMED', () => createFileKey({ ...OPTIONS, expiresAt: OPTIONS.createdAt }));
});

test('reads and opens files of format 1, and writes them back as they were', async () => {
  const key = PrivateKey.generate('Ed25519');
  const facts = { id: keyIdOf(key.publicKey), role: 'image', algorithm: 'Ed25519', purpose: 'old' } as const;
  const createdAt = '2026-05-04T03:02:01.000Z';
  const salt = new Uint8Array(16).fill(7);
  const kdf = { name: 'argon2id', memoryKiB: 8192, passes: 1, lanes: 1 } as const;
  const iv = new Uint8Array(12).fill(9);
  const encryptor = createAeadEncryptor({
    algorithm: 3,
    key: await derivePassphraseKey(PASSPHRASE, { ...kdf, salt }),
    iv,
    aad: encodeCbor(['pawl key file 1', facts.id, facts.role, facts.algorithm, facts.purpose, createdAt]),
  });
  const sealed = toBase64(concat(iv, encryptor.update(key.toPkcs8Der()), encryptor.final()));
  const spki = key.publicKey.toSpkiPem();
  const json = { pawlKey: 1, ...facts, createdAt, public: spki, kdf: { ...kdf, salt: toBase64(salt) }, sealed };
  const text = `${JSON.stringify(json, null, 2)}\n`;
  const old = parseKeyFile(utf8(text));
  assert.deepEqual([old.custody, old.expiresAt, old.replaces], ['file', null, null]);
  assert.deepEqual((await openKeyFile(old, PASSPHRASE)).toPkcs8Der(), key.toPkcs8Der());
  assert.equal(fromUtf8(encodeKeyFile(old)), text);
  const made = await resealKeyFile(old, { old: PASSPHRASE, new: 'new passphrase' });
  assert.equal(made.format, 2);
  assert.equal(keyIdOf((await openKeyFile(made, 'new passphrase')).publicKey), old.id);
});

test('seals a key anew under another passphrase, and keeps the old file until the new one has opened', async () => {
  const path = join(folder, 'reseal.json');
  await saveKeyFile(path, file);
  const prove = (passphrase: string) => async (written: KeyFile) => {
    assert.equal(keyIdOf((await openKeyFile(written, passphrase)).publicKey), file.id);
  };
  await refuses('KEYS_PASSPHRASE_WRONG', () => resealKeyFile(file, { old: 'not this one', new: 'new passphrase' }));
  await refuses('KEYS_PASSPHRASE_TOO_SHORT', () => resealKeyFile(file, { old: PASSPHRASE, new: 'short' }));
  const made = await resealKeyFile(file, { old: PASSPHRASE, new: 'new passphrase' });
  // The proof fails: the old file is still there, and nothing else.
  await refuses('KEYS_PASSPHRASE_WRONG', () => replaceKeyFile(path, made, prove('another passphrase')));
  assert.deepEqual(await loadKeyFile(path), file);
  await replaceKeyFile(path, made, prove('new passphrase'));
  assert.deepEqual(await readdir(folder), ['reseal.json']);
  const written = await loadKeyFile(path);
  await refuses('KEYS_PASSPHRASE_WRONG', () => openKeyFile(written, PASSPHRASE));
  await openKeyFile(written, 'new passphrase');
  assert.deepEqual({ ...written, kdf: 0, sealed: 0 }, { ...file, kdf: 0, sealed: 0 });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await refuses('KEYS_FILE_UNWRITABLE', () => replaceKeyFile(join(folder, 'no', 'x.json'), made, prove('')));
  await rm(path);
});

test('has a test in this folder for each of its codes', () => {
  const texts = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
  assert.deepEqual(
    Object.keys(KEYS_ERRORS).filter((code) => !texts.some((text) => text.includes(`'${code}'`))),
    [],
  );
});
