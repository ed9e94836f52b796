import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import type { SignatureAlgorithm } from '../crypto/index.ts';
import {
  findPkcs11KeyId,
  newExternalSigner,
  parseSignerAddress,
  readPkcs11PublicKey,
  type SignerAddress,
} from './index.ts';
import type { Pkcs11Address } from './key-reference.ts';

const MODULE = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so'].find(
  existsSync,
);
const tools = ['pkcs11-tool', 'softhsm2-util', 'openssl'];
const missing = tools.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
// With CI=true a missing tool must fail the tests, not skip them.
const skip = missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;

const PIN = '73519';
const KEYS = [
  ['01', 'EC:prime256v1', 'ESP256'],
  ['02', 'EC:secp384r1', 'ESP384'],
  ['03', 'EC:secp521r1', 'ESP512'],
  ['04', 'EC:edwards25519', 'Ed25519'],
  ['05', 'rsa:2048', 'PS256'],
] as const;

describe('keys in a SoftHSM token', { skip }, () => {
  let folder: string;
  let env: Record<string, string | undefined>;

  const address = (members: Partial<Record<keyof Pkcs11Address, unknown>> = {}): Pkcs11Address => {
    const parsed: SignerAddress = parseSignerAddress({
      kind: 'pkcs11',
      module: MODULE ?? '/none',
      token: 'factory line',
      keyId: '01',
      pin: { file: join(folder, 'pin') },
      hashing: 'host',
      timeoutMs: 20_000,
      ...members,
    });
    assert.ok(parsed.kind === 'pkcs11');
    return parsed;
  };
  const onToken = (...args: string[]): void => {
    const place = ['--module', MODULE ?? '', '--token-label', 'factory line', '--login', '--pin', PIN];
    execFileSync('pkcs11-tool', [...place, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  };
  const initToken = (label: string): void => {
    const pins = ['--pin', PIN, '--so-pin', '24680246'];
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], { env, stdio: 'pipe' });
  };
  const signerOf = async (members: Partial<Record<keyof Pkcs11Address, unknown>>, algorithm?: SignatureAlgorithm) =>
    newExternalSigner(await readPkcs11PublicKey(address(members), { env, algorithm }), address(members), env);
  const refuses = (code: string, run: Promise<unknown>): Promise<void> => assert.rejects(run, { code });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-token-'));
    mkdirSync(join(folder, 'tokens'));
    writeFileSync(
      join(folder, 'softhsm2.conf'),
      `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
    );
    writeFileSync(join(folder, 'pin'), `${PIN}\n`);
    env = { ...process.env, SOFTHSM2_CONF: join(folder, 'softhsm2.conf') };
    initToken('factory line');
    for (const [id, type] of KEYS) onToken('--keypairgen', '--key-type', type, '--label', `key ${id}`, '--id', id);
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const [id, , algorithm] of KEYS) {
    test(`signs with ${algorithm} so that openssl verifies it`, async () => {
      const signer = await signerOf({ keyId: id }, algorithm);
      assert.equal(signer.publicKey.algorithm, algorithm);
      const message = utf8('a message of this length');
      const signature = await signer.sign(message);
      signer.publicKey.verify(message, signature);
      assert.throws(() => signer.publicKey.verify(utf8('another'), signature), { code: 'CRYPTO_SIGNATURE_INVALID' });
      if (algorithm !== 'PS256') return;
      const file = (name: string, bytes: Uint8Array | string): string => {
        writeFileSync(join(folder, name), bytes);
        return join(folder, name);
      };
      const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
      const key = ['-verify', file('pub.pem', signer.publicKey.toSpkiPem()), '-signature', file('sig', signature)];
      execFileSync('openssl', ['dgst', '-sha256', ...key, ...pss, file('message', message)]);
    });
  }

  test('finds a key by its label, takes the PIN from the environment, and signs long messages', async () => {
    const withPin = { ...env, THE_PIN: PIN };
    const place = address({ pin: { env: 'THE_PIN' } });
    const where = { ...place, keyId: await findPkcs11KeyId(place, 'key 02', withPin) };
    assert.equal(where.keyId, '02');
    const publicKey = await readPkcs11PublicKey(where, { env: withPin });
    const message = new Uint8Array(1024 * 1024).fill(7);
    publicKey.verify(message, await newExternalSigner(publicKey, where, withPin).sign(message));
    await refuses('KEYS_PIN_MISSING', newExternalSigner(publicKey, where, env).sign(message));
    await refuses('KEYS_TOKEN_KEY_MISSING', findPkcs11KeyId(place, 'key 77', withPin));
    onToken('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'twin', '--id', '0a');
    onToken('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'twin', '--id', '0b');
    await refuses('KEYS_TOKEN_KEY_MISSING', findPkcs11KeyId(place, 'twin', withPin));
  });

  test('lets the token hash, where it can', async () => {
    const message = new Uint8Array(5000).fill(3);
    const rsa = await signerOf({ keyId: '05', hashing: 'token' }, 'PS256');
    rsa.publicKey.verify(message, await rsa.sign(message));
    // SoftHSM 2.6 has ECDSA over a digest only.
    const ecdsa = await signerOf({ hashing: 'token' });
    await refuses('KEYS_MECHANISM_UNSUPPORTED', ecdsa.sign(message));
  });

  test('refuses an EdDSA message that the tool would send in pieces', async () => {
    const signer = await signerOf({ keyId: '04' });
    signer.publicKey.verify(new Uint8Array(1024), await signer.sign(new Uint8Array(1024)));
    await refuses('KEYS_MESSAGE_TOO_LONG', signer.sign(new Uint8Array(1025)));
  });

  test('says what is missing: token, key, module, tool, PIN', async () => {
    const read = (members: Partial<Record<keyof Pkcs11Address, unknown>>, environment = env) =>
      readPkcs11PublicKey(address(members), { env: environment });
    await refuses('KEYS_TOKEN_MISSING', read({ token: 'another line' }));
    await refuses('KEYS_TOKEN_KEY_MISSING', read({ keyId: '77' }));
    await refuses('KEYS_MODULE_UNUSABLE', read({ module: join(folder, 'none.so') }));
    await refuses('KEYS_TOOL_MISSING', read({}, { ...env, PATH: join(folder, 'tokens') }));
    await refuses('KEYS_PIN_MISSING', read({ pin: { file: join(folder, 'none') } }));
    writeFileSync(join(folder, 'empty'), '\n');
    await refuses('KEYS_PIN_MISSING', read({ pin: { file: join(folder, 'empty') } }));
  });

  test('refuses a wrong PIN without trying it twice, and never shows it', async () => {
    writeFileSync(join(folder, 'wrong'), 'not-the-pin-00\n');
    const publicKey = await readPkcs11PublicKey(address(), { env });
    const signer = newExternalSigner(publicKey, address({ pin: { file: join(folder, 'wrong') } }), env);
    const error: unknown = await signer.sign(utf8('m')).catch((cause: unknown) => cause);
    assert.ok(error instanceof Error && 'code' in error);
    assert.equal(error.code, 'KEYS_PIN_WRONG');
    assert.ok(!JSON.stringify([error.message, Object.entries(error)]).includes('not-the-pin'));
  });

  test('refuses the signature of another key than the one that was asked for', async () => {
    const publicKey = await readPkcs11PublicKey(address({ keyId: '01' }), { env });
    initToken('other line');
    const place = ['--module', MODULE ?? '', '--token-label', 'other line', '--login', '--pin', PIN, '--keypairgen'];
    execFileSync('pkcs11-tool', [...place, '--key-type', 'EC:prime256v1', '--id', '01'], { env, stdio: 'pipe' });
    const signer = newExternalSigner(publicKey, address({ token: 'other line' }), env);
    await refuses('KEYS_SIGNER_MISMATCH', signer.sign(utf8('m')));
  });

  test('has no mechanism for ML-DSA', async () => {
    const { PrivateKey } = await import('../crypto/index.ts');
    const signer = newExternalSigner(PrivateKey.generate('ML-DSA-65').publicKey, address(), env);
    await refuses('KEYS_MECHANISM_UNSUPPORTED', signer.sign(utf8('m')));
  });
});

/** A tool of this name that plays a part, in place of the real one. */
describe('a pkcs11-tool that misbehaves', () => {
  let folder: string;
  const play = async (script: string, timeoutMs = 20_000): Promise<unknown> => {
    writeFileSync(join(folder, 'pkcs11-tool'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const where = parseSignerAddress({
      kind: 'pkcs11',
      module: '/module.so',
      token: 't',
      keyId: '01',
      pin: { env: 'THE_PIN' },
      hashing: 'host',
      timeoutMs,
    });
    const { PrivateKey } = await import('../crypto/index.ts');
    const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, THE_PIN: PIN };
    const signer = newExternalSigner(PrivateKey.generate('ESP256').publicKey, where, env);
    return signer.sign(utf8('m')).catch((error: unknown) => error);
  };
  const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : 'signed');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-tool-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('is ended with its children when it hangs', async () => {
    const started = performance.now();
    assert.equal(codeOf(await play('sleep 60 & sleep 60', 300)), 'KEYS_TOOL_TIMEOUT');
    assert.ok(performance.now() - started < 10_000);
  });

  test('is refused when it says locked, fails, or answers with noise, nothing or too much', async () => {
    assert.equal(codeOf(await play('echo "rv = CKR_PIN_LOCKED (0xa4)" >&2; exit 1')), 'KEYS_PIN_LOCKED');
    assert.equal(codeOf(await play('echo oops >&2; exit 3')), 'KEYS_TOOL_FAILED');
    assert.equal(codeOf(await play('kill -9 $$')), 'KEYS_TOOL_FAILED');
    assert.equal(codeOf(await play('echo noise')), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(codeOf(await play('true')), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(codeOf(await play('head -c 64 /dev/zero')), 'KEYS_SIGNER_MISMATCH');
    assert.equal(codeOf(await play('cat /dev/zero')), 'KEYS_SIGNATURE_MALFORMED');
  });

  test('gets the PIN in its environment only, and an error that quotes it is masked', async () => {
    const error = await play(`tr '\\0' ' ' < /proc/$$/cmdline >&2; echo " pin is $PAWL_PKCS11_PIN" >&2; exit 1`);
    assert.ok(error instanceof Error);
    assert.match(error.message, /pin is \*\*\*/);
    const seen = await play(`case "$*" in *${PIN}*) exit 9;; esac; exit 4`);
    assert.match((seen as Error).message, /status 4/);
  });
});
