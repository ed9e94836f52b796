import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import { AgreementKey, PrivateKey, PublicKey, type SignatureAlgorithm } from '../crypto/index.ts';
import {
  encodeKeyReference,
  factsOf,
  type KeyReference,
  newExternalSigner,
  openKeyReference,
  parseKeyReference,
  parseSignerAddress,
  signingKeyOf,
} from './index.ts';

const isMissing = spawnSync('openssl', ['version']).error !== undefined;
// With CI=true a missing tool must fail the tests, not skip them.
const skip = isMissing && process.env['CI'] !== 'true' ? 'not installed: openssl' : false;
const env = process.env;
const MESSAGE = utf8('what is signed');
const NOW = new Date('2026-06-01T00:00:00.000Z');

type Exec = { command: readonly string[]; input?: string; format?: string; encoding?: string; timeoutMs?: number };
const addressOf = (exec: Exec) =>
  parseSignerAddress({ kind: 'exec', input: 'message', format: 'raw', encoding: 'binary', timeoutMs: 20_000, ...exec });

async function codeOf(publicKey: PublicKey, exec: Exec): Promise<unknown> {
  try {
    await newExternalSigner(publicKey, addressOf(exec), env).sign(MESSAGE);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.code;
    throw error;
  }
  return 'signed';
}

describe('openssl in the part of a KMS', { skip }, () => {
  let folder: string;
  const make = (algorithm: SignatureAlgorithm, ...how: string[]): PublicKey => {
    const key = join(folder, `${algorithm}.pem`);
    execFileSync('openssl', ['genpkey', '-algorithm', ...how, '-out', key], { stdio: 'pipe' });
    execFileSync('openssl', ['pkey', '-in', key, '-pubout', '-out', `${key}.pub`]);
    return PublicKey.fromSpki(readFileSync(`${key}.pub`, 'utf8'), algorithm);
  };
  const keyFile = (algorithm: SignatureAlgorithm): string => join(folder, `${algorithm}.pem`);

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-kms-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  test('signs ECDSA over the message and over its digest, in DER and in base64', async () => {
    const publicKey = make('ESP256', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
    const ofMessage = ['openssl', 'dgst', '-sha256', '-sign', keyFile('ESP256')];
    const ofDigest = ['openssl', 'pkeyutl', '-sign', '-inkey', keyFile('ESP256')];
    const base64 = ['sh', '-c', 'openssl dgst -sha256 -sign "$1" | base64 -w 20', 'sh', keyFile('ESP256')];
    assert.equal(await codeOf(publicKey, { command: ofMessage, format: 'der' }), 'signed');
    assert.equal(await codeOf(publicKey, { command: ofDigest, format: 'der', input: 'digest' }), 'signed');
    assert.equal(await codeOf(publicKey, { command: base64, format: 'der', encoding: 'base64' }), 'signed');
    // The settings do not fit what the command does.
    assert.equal(
      await codeOf(publicKey, { command: ofMessage, format: 'der', input: 'digest' }),
      'KEYS_SIGNER_MISMATCH',
    );
    assert.equal(await codeOf(publicKey, { command: ofMessage }), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(await codeOf(publicKey, { command: base64, format: 'der' }), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(await codeOf(publicKey, { command: ofMessage, encoding: 'base64' }), 'KEYS_SIGNATURE_MALFORMED');
    // Another key answers.
    const other = PrivateKey.generate('ESP256').publicKey;
    assert.equal(await codeOf(other, { command: ofMessage, format: 'der' }), 'KEYS_SIGNER_MISMATCH');
  });

  test('signs with P-384, Ed25519 and RSA-PSS', async () => {
    const p384 = make('ESP384', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384');
    const sha384 = ['openssl', 'dgst', '-sha384', '-sign', keyFile('ESP384')];
    assert.equal(await codeOf(p384, { command: sha384, format: 'der' }), 'signed');
    const rsa = make('PS256', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048');
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
    assert.equal(
      await codeOf(rsa, { command: ['openssl', 'dgst', '-sha256', '-sign', keyFile('PS256'), ...pss] }),
      'signed',
    );
    const ed25519 = make('Ed25519', 'ed25519');
    // openssl needs a file for it.
    const script = `cat > ${folder}/m && openssl pkeyutl -sign -rawin -inkey ${keyFile('Ed25519')} -in ${folder}/m`;
    assert.equal(await codeOf(ed25519, { command: ['sh', '-c', script] }), 'signed');
    const digest = await codeOf(ed25519, { command: ['sh', '-c', script], input: 'digest' });
    assert.equal(digest, 'KEYS_MECHANISM_UNSUPPORTED');
  });
});

describe('a command that misbehaves', () => {
  const { publicKey } = PrivateKey.generate('ESP256');
  const sh = (script: string, more: Partial<Exec> = {}): Promise<unknown> =>
    codeOf(publicKey, { command: ['sh', '-c', script], ...more });

  test('is missing, hangs, fails, or answers with noise', async () => {
    assert.equal(await codeOf(publicKey, { command: ['/none/kms'] }), 'KEYS_TOOL_MISSING');
    assert.equal(await sh('sleep 60', { timeoutMs: 200 }), 'KEYS_TOOL_TIMEOUT');
    assert.equal(await sh('trap "" TERM INT HUP; sleep 60', { timeoutMs: 200 }), 'KEYS_TOOL_TIMEOUT');
    // It has ended, but a child of another session holds its output open.
    assert.equal(await sh('setsid sleep 5 & exit 0', { timeoutMs: 300 }), 'KEYS_TOOL_TIMEOUT');
    assert.equal(await sh('exit 1'), 'KEYS_TOOL_FAILED');
    assert.equal(await sh('cat'), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(await sh('head -c 64 /dev/urandom'), 'KEYS_SIGNER_MISMATCH');
    assert.equal(await sh('head -c 72 /dev/urandom', { format: 'der' }), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(await sh('echo "not base64!"', { encoding: 'base64' }), 'KEYS_SIGNATURE_MALFORMED');
    assert.equal(await sh('yes'), 'KEYS_SIGNATURE_MALFORMED');
  });

  test('is quoted by the end of what it said, cut, on one line', async () => {
    const script = 'i=0; while [ $i -lt 3000 ]; do echo "line $i of noise" >&2; i=$((i+1)); done; exit 7';
    const signer = newExternalSigner(publicKey, addressOf({ command: ['sh', '-c', script] }), env);
    const error: unknown = await signer.sign(MESSAGE).catch((cause: unknown) => cause);
    assert.ok(error instanceof Error);
    assert.ok(error.message.length < 300 && !error.message.includes('\n'), error.message);
    assert.match(error.message, /status 7/);
  });

  test('cannot reach a terminal', async () => {
    assert.equal(await sh('exec 3</dev/tty || exit 5; cat <&3'), 'KEYS_TOOL_FAILED');
  });
});

describe('key references', () => {
  const { publicKey } = PrivateKey.generate('ESP256');
  const intent = { role: 'image', purpose: 'signs kettles', createdAt: new Date('2026-05-04T03:02:01.000Z') } as const;
  const reference: KeyReference = {
    ...factsOf(publicKey, { ...intent, custody: 'kms', expiresAt: new Date('2027-01-01T00:00:00.000Z') }),
    signer: addressOf({ command: ['kms', 'sign', '--key', 'kettle'], input: 'digest', format: 'der' }),
  };
  const pkcs11 = {
    kind: 'pkcs11',
    module: '/usr/lib/module.so',
    token: 'factory',
    keyId: '01',
    pin: { env: 'PIN' },
    hashing: 'host',
    timeoutMs: 1000,
  };
  const withMembers = (members: Record<string, unknown>): Uint8Array => {
    const json = JSON.parse(new TextDecoder().decode(encodeKeyReference(reference))) as Record<string, unknown>;
    return utf8(JSON.stringify({ ...json, ...members }));
  };

  test('are read as they were written', () => {
    assert.deepEqual(parseKeyReference(encodeKeyReference(reference)), reference);
    assert.ok(signingKeyOf(reference).isEqual(publicKey));
    assert.deepEqual(parseKeyReference(withMembers({ signer: pkcs11 })).signer, pkcs11);
  });

  test('keep the digest of an RSA key, which the key itself does not say', () => {
    const rsa = PrivateKey.generate('PS384').publicKey;
    const made = { ...reference, ...factsOf(rsa, { ...intent, custody: 'kms' }) };
    assert.equal(signingKeyOf(parseKeyReference(encodeKeyReference(made))).algorithm, 'PS384');
  });

  test('sign nothing after their end', () => {
    const after = new Date('2027-01-01T00:00:00.000Z');
    assert.throws(() => openKeyReference(reference, { env, now: after }), { code: 'KEYS_EXPIRED' });
    assert.ok(openKeyReference(reference, { env, now: NOW }).publicKey.isEqual(publicKey));
  });

  test('are of keys that sign', () => {
    const line = factsOf(AgreementKey.generate('ECDH-P256').publicKey, { ...intent, role: 'line', custody: 'kms' });
    assert.throws(() => signingKeyOf(line), { code: 'KEYS_NOT_A_SIGNING_KEY' });
    const bytes = encodeKeyReference({ ...line, signer: reference.signer });
    assert.throws(() => parseKeyReference(bytes), { code: 'KEYS_FILE_MALFORMED' });
  });

  test('are refused when they are not what they should be', () => {
    const exec = { ...reference.signer };
    const malformed: Readonly<Record<string, Record<string, unknown>>> = {
      'a newer version': { pawlKeyReference: 2 },
      'a member too many': { pinCode: '1234' },
      'another id': { id: '00'.repeat(32) },
      'the custody of a file': { custody: 'file' },
      'an unknown kind': { signer: { ...exec, kind: 'cloud' } },
      'no command': { signer: { ...exec, command: [] } },
      'an empty command': { signer: { ...exec, command: [''] } },
      'a NUL in a word': { signer: { ...exec, command: ['kms', 'a\0b'] } },
      'a command that is text': { signer: { ...exec, command: 'kms sign' } },
      'too many words': { signer: { ...exec, command: Array.from({ length: 65 }, () => 'x') } },
      'an unknown format': { signer: { ...exec, format: 'pem' } },
      'a member too many in the signer': { signer: { ...exec, shell: true } },
      'no end to wait for': { signer: { ...exec, timeoutMs: 1e9 } },
      'a relative module': { signer: { ...pkcs11, module: 'softhsm.so' } },
      'a token label with a line end': { signer: { ...pkcs11, token: 'a\nb' } },
      'a long token label': { signer: { ...pkcs11, token: 'x'.repeat(33) } },
      'no key id': { signer: { ...pkcs11, keyId: '' } },
      'a key id that is no hex': { signer: { ...pkcs11, keyId: '0x01' } },
      'half a byte of a key id': { signer: { ...pkcs11, keyId: '011' } },
      'a PIN in the file': { signer: { ...pkcs11, pin: { value: '1234' } } },
      'a PIN file that is relative': { signer: { ...pkcs11, pin: { file: 'pin' } } },
      'a PIN variable that is none': { signer: { ...pkcs11, pin: { env: 'A=B' } } },
      'another hashing': { signer: { ...pkcs11, hashing: 'nobody' } },
    };
    for (const [what, members] of Object.entries(malformed)) {
      assert.throws(() => parseKeyReference(withMembers(members)), { code: 'KEYS_FILE_MALFORMED' }, what);
    }
  });

  test('are refused at every truncation', () => {
    const bytes = encodeKeyReference(reference);
    for (let length = 0; length < bytes.length - 1; length++) {
      assert.throws(() => parseKeyReference(bytes.subarray(0, length)), { code: 'KEYS_FILE_MALFORMED' });
    }
  });
});
