/** What may be handed in as trust, beyond the first time: repeats, rotations, lines that come and go, names and keys. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { toBase64 } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import { encodeLineKeys, lineKeysPath, newTargets, nextTargets, withDelegation, withTarget } from '@pawl/core/trust';
import { announce, LINE, LineRepository, upload } from './line-repository.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const DAY_MS = 86_400_000;
let server: TestServer;
let repository: LineRepository;
let clock = new Date('2026-03-01T12:00:00Z');
const now = () => clock;

before(async () => {
  server = await startTestServer({ now });
  repository = await LineRepository.of(server.operator, now);
});
after(() => server.close());

const putTrust = (body: object) => server.operator.call('putTrust', { body });
const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const state = async () => {
  const { onlineKeys: _, ...versions } = await server.operator.call('getTrust', {});
  return { ...versions, ledger: (await server.operator.call('getCheckpoint', {})).size };
};

test('the whole repository with all of its roots may be handed in again after a rotation', async () => {
  const first = await repository.handIn(server.operator);
  repository.nextRoot();
  const roots = [...(first.roots ?? []), await repository.signed('root')];
  await putTrust({ ...first, roots });
  const once = await state();
  assert.equal(once.root, 2);
  await putTrust({ ...first, roots });
  assert.deepEqual(await state(), once);
});

test('an older root of other bytes is not taken for a repeat', async () => {
  const before = await state();
  const stranger = await LineRepository.of(server.operator, now);
  await assert.rejects(putTrust({ roots: [await stranger.signed('root')] }), codeIs('TRUST_SIGNATURES_TOO_FEW'));
  assert.deepEqual(await state(), before);
});

test('a published test key is no image key', async () => {
  const before = await state();
  const key = PrivateKey.fromRaw('ML-DSA-65', new Uint8Array(32)).publicKey;
  const bytes = encodeLineKeys({ line: LINE, keys: [key], requiredAlgorithms: ['ML-DSA-65'] });
  await assert.rejects(putTrust({ lineKeys: { [LINE]: toBase64(bytes) } }), codeIs('KEYS_TEST_KEY_BARRED'));
  assert.deepEqual(await state(), before);
});

test('a published test key holds no role, and is in no certificate of a line', async () => {
  const before = await state();
  const rfc8032 = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const known = PrivateKey.fromRaw('Ed25519', new Uint8Array(Buffer.from(rfc8032, 'hex')));
  const targets = nextTargets(repository.targets, { expiresAt: new Date(clock.getTime() + DAY_MS) });
  repository.targets = withDelegation(targets, { role: 'leak', keys: [known.publicKey], paths: ['leak/*/*'] });
  await assert.rejects(putTrust({ targets: await repository.signed('targets') }), codeIs('KEYS_TEST_KEY_BARRED'));
  repository.targets = targets;
  assert.deepEqual(await state(), before);
  const folder = mkdtempSync(join(tmpdir(), 'pawl-cert-'));
  try {
    const pkcs8 = Buffer.from(known.toPkcs8Der());
    writeFileSync(join(folder, 'key.der'), pkcs8);
    const args = [
      'req',
      '-x509',
      '-new',
      '-key',
      'key.der',
      '-keyform',
      'DER',
      '-subj',
      '/CN=leak',
      '-out',
      'cert.pem',
    ];
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    const certificatesPem = [readFileSync(join(folder, 'cert.pem'), 'utf8')];
    const asked = server.operator.call('putLine', { params: { line: 'leak' }, body: { certificatesPem } });
    await assert.rejects(asked, codeIs('KEYS_TEST_KEY_BARRED'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a key list under the name of another line is refused', async () => {
  const before = await state();
  const lineKeys = { other: toBase64(repository.lineKeys) };
  await assert.rejects(putTrust({ lineKeys }), codeIs('TRUST_LINE_KEYS_INVALID'));
  assert.deepEqual(await state(), before);
});

test('a line does not stand for a top-level role', async () => {
  const before = await state();
  repository.nextRoot();
  const root = await repository.signed('root');
  for (const role of ['root', 'targets', 'snapshot', 'timestamp']) {
    await assert.rejects(putTrust({ lines: { [role]: root } }), codeIs('TRUST_ROLE_UNKNOWN'));
  }
  assert.deepEqual(await state(), before);
});

test('snapshot and timestamp rise with what they list; the timestamp alone is renewed by the clock', async () => {
  const before = await state();
  repository.line = nextTargets(repository.line, { expiresAt: repository.afterDays(90) });
  await repository.handInLine(server.operator);
  const after = await state();
  assert.deepEqual(after.lines, { [LINE]: 2 });
  assert.equal(after.snapshot, Number(before.snapshot) + 1);
  assert.equal(after.timestamp, Number(before.timestamp) + 1);
  const restartAfter = async (days: number) => {
    clock = new Date(clock.getTime() + days * DAY_MS);
    await server.running.close();
    server = await startTestServer({ now }, server);
    return (await state()).timestamp;
  };
  assert.equal(await restartAfter(6), after.timestamp);
  assert.equal(await restartAfter(1), Number(after.timestamp) + 1);
  assert.equal((await state()).ledger, after.ledger, 'freshness is no news');
});

test('an image key and the key of a line are replaced together with what they sign', async () => {
  const { image, release } = repository.keys;
  const [newImage, newRelease] = [PrivateKey.generate('ESP256'), PrivateKey.generate('ESP256')];
  const lineKeys = encodeLineKeys({ line: LINE, keys: [newImage.publicKey], requiredAlgorithms: ['ESP256'] });
  const target = { path: lineKeysPath(LINE), sizeBytes: lineKeys.length, sha256: sha256(lineKeys) };
  const before = await state();
  repository.nextTargets();
  const delegation = { role: LINE, keys: [newRelease.publicKey], paths: [`${LINE}/*/*`] };
  repository.targets = withDelegation(withTarget(repository.targets, target), delegation);
  repository.line = nextTargets(repository.line, { expiresAt: repository.afterDays(90) });
  const targets = await repository.signed('targets');
  const [oldLine, newLine] = [await repository.signed('line'), await repository.signed('line', [newRelease])];
  const keys = { [LINE]: toBase64(lineKeys) };
  const halves: readonly (readonly [string, object])[] = [
    ['TRUST_LINE_KEYS_UNLISTED', { targets, lines: { [LINE]: newLine } }],
    ['TRUST_LINE_KEYS_UNLISTED', { lineKeys: keys }],
    ['TRUST_SIGNATURES_TOO_FEW', { targets, lineKeys: keys }],
    ['TRUST_SIGNATURES_TOO_FEW', { targets, lineKeys: keys, lines: { [LINE]: oldLine } }],
  ];
  for (const [code, body] of halves) await assert.rejects(putTrust(body), codeIs(code));
  assert.deepEqual(await state(), before);
  await putTrust({ targets, lineKeys: keys, lines: { [LINE]: newLine } });
  // What the old image key signs is not published any more, even when it is listed.
  const publish = async (signer: PrivateKey, version: string) => {
    const sealed = await repository.seal({ version, signers: [signer] });
    await putTrust({ lines: { [LINE]: await repository.signed('line', [newRelease]) } });
    const id = await announce(server.operator, sealed);
    await upload(server.operator, id, sealed);
    return await server.operator.call('publishRelease', { params: { id }, body: {} });
  };
  await assert.rejects(publish(image, '1.0.0'), codeIs('RELEASE_UNSIGNED'));
  assert.equal((await publish(newImage, '1.0.1')).state, 'published');
  await assert.rejects(
    putTrust({ lines: { [LINE]: await repository.signed('line', [release]) } }),
    codeIs('TRUST_SIGNATURES_TOO_FEW'),
  );
});

test('a line that targets no longer delegates to is withdrawn, and cannot publish', async () => {
  let targets = newTargets({ expiresAt: repository.afterDays(180) });
  while (targets.signed.version <= repository.targets.signed.version) {
    targets = nextTargets(targets, { expiresAt: repository.afterDays(180) });
  }
  const sealed = await repository.seal({ version: '2.0.0' });
  const kept = repository.targets;
  repository.targets = targets;
  await putTrust({ targets: await repository.signed('targets') });
  repository.targets = kept;
  const id = await announce(server.operator, sealed);
  await upload(server.operator, id, sealed);
  const attempt = server.operator.call('publishRelease', { params: { id }, body: {} });
  await assert.rejects(attempt, codeIs('RELEASE_UNLISTED'));
  assert.deepEqual((await state()).lines, {});
});
