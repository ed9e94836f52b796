/** Trust metadata and releases over the management API: what is taken, what is refused, and that a refusal leaves nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { toBase64 } from '@pawl/core/bytes';
import { CborTag, decodeCbor, encodeCbor, expectArray, expectBytes } from '@pawl/core/cbor';
import { PrivateKey } from '@pawl/core/crypto';
import { verifyBundle } from '@pawl/core/evidence';
import { encodeLineKeys, metadataFileName, refreshTrust, type TrustedMetadata } from '@pawl/core/trust';
import { announce, LINE, LineRepository, publish, type SealOptions, sha256Hex, upload } from './line-repository.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const DAY_MS = 86_400_000;
let server: TestServer;
let repository: LineRepository;
let deviceToken: string;
let clock = new Date('2026-03-01T12:00:00Z');
const now = () => clock;

before(async () => {
  server = await startTestServer({ now });
  repository = await LineRepository.of(server.operator, now);
  const body = { devices: [{ controllerId: 'reader', model: 'hub' }] };
  deviceToken = (await server.operator.call('addDevices', { body })).devices[0]?.token ?? '';
});
after(() => server.close());

const putTrust = (body: object) => server.operator.call('putTrust', { body });
const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const trustOf = async () => {
  const { onlineKeys: _, ...versions } = await server.operator.call('getTrust', {});
  return versions;
};
const ledgerSize = async () => (await server.operator.call('getCheckpoint', {})).size;

async function fetchFile(name: string): Promise<Uint8Array | undefined> {
  const headers = { authorization: `TargetToken ${deviceToken}` };
  const { status, body } = await exchange(`${server.url}/default/pawl/v1/trust/${name}`, { headers });
  return status === 200 ? new Uint8Array(body) : undefined;
}

/** A device with the first root and nothing else walks the repository. */
async function refresh(): Promise<TrustedMetadata> {
  const trusted = await fetchFile('1.root.json');
  assert.ok(trusted !== undefined);
  const kept = new Map<string, Uint8Array>();
  const persist = {
    load: async (name: string) => kept.get(name),
    save: async (name: string, bytes: Uint8Array) => void kept.set(name, bytes),
    remove: async (name: string) => void kept.delete(name),
  };
  return await refreshTrust({ trusted, fetch: (name) => fetchFile(name), persist, startedAt: clock, roles: [LINE] });
}

test('nothing is taken before a root, and a failed hand-in leaves nothing', async () => {
  // Who came in stands in the ledger already.
  const before = await ledgerSize();
  await assert.rejects(putTrust({ targets: await repository.signed('targets') }), codeIs('TRUST_ROOT_MISSING'));
  const stranger = PrivateKey.generate('ESP256');
  await assert.rejects(
    putTrust({ roots: [await repository.signed('root', [stranger])] }),
    codeIs('TRUST_SIGNATURES_TOO_FEW'),
  );
  await assert.rejects(putTrust({ roots: [toBase64(new Uint8Array(10))] }), codeIs('TRUST_METADATA_MALFORMED'));
  // The root would be good, the targets are not: neither is taken.
  const roots = [await repository.signed('root')];
  const targets = await repository.signed('targets', [stranger]);
  await assert.rejects(putTrust({ roots, targets }), codeIs('TRUST_SIGNATURES_TOO_FEW'));
  assert.deepEqual(await trustOf(), { root: null, targets: null, snapshot: null, timestamp: null, lines: {} });
  assert.equal(await ledgerSize(), before);
  assert.equal(await fetchFile('1.root.json'), undefined);
});

test('targets that list a key file come with it, the very one', async () => {
  const roots = [await repository.signed('root')];
  const targets = await repository.signed('targets');
  await assert.rejects(putTrust({ roots, targets }), codeIs('TRUST_LINE_KEYS_UNLISTED'));
  const other = encodeLineKeys({
    line: LINE,
    keys: [PrivateKey.generate('ESP256').publicKey],
    requiredAlgorithms: ['ESP256'],
  });
  await assert.rejects(
    putTrust({ roots, targets, lineKeys: { [LINE]: toBase64(other) } }),
    codeIs('TRUST_LINE_KEYS_UNLISTED'),
  );
});

test('a repository is taken whole; snapshot and timestamp are signed by the server; a client walks it', async () => {
  const before = await ledgerSize();
  const body = await repository.handIn(server.operator);
  const expected = { root: 1, targets: 1, snapshot: 1, timestamp: 1, lines: { [LINE]: 1 } };
  assert.deepEqual(await trustOf(), expected);
  const trusted = await refresh();
  assert.equal(trusted.findTarget(`keys/${LINE}.cbor`)?.sizeBytes, repository.lineKeys.length);
  const keyFile = await fetchFile(`${sha256Hex(repository.lineKeys)}.${LINE}.cbor`);
  assert.deepEqual(keyFile, repository.lineKeys);
  const size = await ledgerSize();
  assert.equal(size - before, 4, 'root, targets, line and key list are news; freshness is not');
  // The same again is no news: no version moves, nothing is recorded.
  await putTrust(body);
  assert.deepEqual([await trustOf(), await ledgerSize()], [expected, size]);
});

test('versions only rise, and a line signs only under its own path', async () => {
  const before = await trustOf();
  const same = await repository.signed('line', [repository.keys.release]);
  const withOtherBytes = await (async () => {
    const saved = repository.line;
    repository.line = { ...saved, signed: { ...saved.signed, expiresAt: repository.afterDays(91) } };
    const bytes = await repository.signed('line');
    repository.line = saved;
    return bytes;
  })();
  assert.notEqual(same, withOtherBytes);
  await assert.rejects(putTrust({ lines: { [LINE]: withOtherBytes } }), codeIs('TRUST_VERSION_ROLLBACK'));
  await assert.rejects(putTrust({ lines: { other: same } }), codeIs('TRUST_ROLE_UNKNOWN'));
  const stranger = await repository.signed('line', [repository.keys.image]);
  await assert.rejects(putTrust({ lines: { [LINE]: stranger } }), codeIs('TRUST_SIGNATURES_TOO_FEW'));
  assert.deepEqual(await trustOf(), before);
});

test('a new root follows the old one only', async () => {
  repository.nextRoot();
  const second = await repository.signed('root');
  repository.nextRoot();
  const third = await repository.signed('root');
  await assert.rejects(putTrust({ roots: [third] }), codeIs('TRUST_VERSION_UNEXPECTED'));
  await putTrust({ roots: [second, third] });
  assert.equal((await trustOf()).root, 3);
  for (const version of [1, 2, 3]) assert.ok(await fetchFile(metadataFileName('root', version)));
  await refresh();
});

test('a published release is verified, listed, recorded and never changes', async () => {
  const { image } = repository.keys;
  const sealed = await repository.seal({ version: '1.0.0', securityCounter: 3n, statementBy: image });
  await repository.handInLine(server.operator);
  const id = await announce(server.operator, sealed);
  await assert.rejects(announce(server.operator, sealed), codeIs('RELEASE_EXISTS'));
  const publishIt = () => server.operator.call('publishRelease', { params: { id }, body: {} });
  await assert.rejects(publishIt(), codeIs('RELEASE_INCOMPLETE'));
  await upload(server.operator, id, sealed);
  await upload(server.operator, id, sealed);
  const release = await publishIt();
  assert.deepEqual(
    [release.state, release.sequenceNumber, release.securityCounter, release.artifacts.every((one) => one.isUploaded)],
    ['published', '1', '3', true],
  );
  const size = await ledgerSize();
  assert.equal((await publishIt()).publishedAt, release.publishedAt);
  assert.equal(await ledgerSize(), size, 'publishing again is no news');
  await assert.rejects(upload(server.operator, id, sealed), codeIs('RELEASE_IMMUTABLE'));
  const { items } = await server.operator.call('listReleases', { query: { line: LINE } });
  assert.deepEqual(items, [release]);
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const { counts } = verifyBundle(await server.operator.call('exportBundle', {}), { vkey });
  assert.equal(counts['urn:pawl:release:1'], 2, 'the word of the image key, and that of the server');
  assert.equal(counts['urn:pawl:key-registered:1'], 1);
});

const stranger = PrivateKey.generate('ESP256');
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

/** SUIT_Envelope (107): authentication is member 2, an array of the manifest's digest and the signature blocks. */
function withoutSignature(envelope: Uint8Array): Uint8Array {
  const tag = decodeCbor(envelope);
  assert.ok(tag instanceof CborTag && tag.value instanceof Map);
  const [digest] = expectArray(decodeCbor(expectBytes(tag.value.get(2), 'authentication')), 'blocks');
  tag.value.set(2, encodeCbor([digest]));
  return encodeCbor(tag);
}

type Case = readonly [name: string, code: string, seal: Omit<SealOptions, 'version'>, announced?: object];
/** The code, and for what is not signed the reason. */
const REFUSED: readonly Case[] = [
  ['not listed', 'RELEASE_UNLISTED', { isListed: false }],
  ['signed by an unknown key', 'RELEASE_UNSIGNED SUIT_KEY_UNKNOWN', { signers: [stranger] }],
  ['not signed', 'RELEASE_UNSIGNED SUIT_AUTHENTICATION_MISSING', { changeEnvelope: withoutSignature }],
  [
    'changed after it was signed',
    'RELEASE_UNSIGNED SUIT_DIGEST_MISMATCH',
    { changeEnvelope: (bytes) => flip(bytes, bytes.length - 1) },
  ],
  [
    'cut short',
    'RELEASE_UNSIGNED SUIT_ENVELOPE_MALFORMED',
    { changeEnvelope: (bytes) => bytes.subarray(0, bytes.length / 2) },
  ],
  ['listed under another version', 'RELEASE_DISAGREES', { listedVersion: '9.9.9' }],
  ['naming a payload that was not uploaded', 'RELEASE_DISAGREES', { payloadName: 'other.enc' }],
  ['announced with another counter', 'RELEASE_DISAGREES', {}, { securityCounter: '2' }],
  ['with a statement by an unknown key', 'RELEASE_UNSIGNED STATEMENT_SIGNER_UNKNOWN', { statementBy: stranger }],
];

test('what devices would refuse is not published', async () => {
  for (const [index, [name, code, options, announced]] of REFUSED.entries()) {
    const sealed = await repository.seal({ ...options, version: `2.0.${index}` });
    if (options.isListed !== false) await repository.handInLine(server.operator);
    const id = await announce(server.operator, sealed, announced);
    await upload(server.operator, id, sealed);
    const size = await ledgerSize();
    const attempt = server.operator.call('publishRelease', { params: { id }, body: {} });
    await assert.rejects(
      attempt,
      (error: Error & { code?: string }) => {
        const reason = /reason "(\w+)"/.exec(error.message)?.[1];
        assert.equal([error.code, reason].filter(Boolean).join(' '), code, name);
        return true;
      },
      name,
    );
    assert.equal(await ledgerSize(), size, name);
    const { items } = await server.operator.call('listReleases', { query: {} });
    assert.equal(items.find((one) => one.id === id)?.state, 'draft', name);
    await assert.rejects(
      server.operator.call('createRollout', { body: { name: 'r', releaseId: id, filter: '' } }),
      codeIs('RELEASE_NOT_PUBLISHED'),
    );
  }
});

test('a statement that is about another release is refused', async () => {
  const { image } = repository.keys;
  const first = await repository.seal({ version: '3.0.0', statementBy: image });
  const second = await repository.seal({ version: '3.0.1' });
  await repository.handInLine(server.operator);
  const id = await announce(server.operator, { ...second, statement: first.statement });
  await upload(server.operator, id, second);
  const attempt = server.operator.call('publishRelease', { params: { id }, body: {} });
  await assert.rejects(attempt, codeIs('RELEASE_DISAGREES'));
});

test('an upload that is not what was announced, or of nothing that was announced, is refused', async () => {
  const sealed = await repository.seal({ version: '4.0.0' });
  const id = await announce(server.operator, sealed);
  const put = (name: string, bytes: Uint8Array, release = id) =>
    server.operator.call('putArtifact', { params: { id: release, name }, body: bytes, sizeBytes: bytes.length });
  const payload = sealed.files.get('hub.enc') ?? new Uint8Array();
  await assert.rejects(put('hub.enc', flip(payload, 5)), codeIs('ARTIFACT_MISMATCH'));
  await assert.rejects(put('hub.enc', payload.subarray(1)), codeIs('ARTIFACT_MISMATCH'));
  await assert.rejects(put('other.enc', payload), codeIs('ARTIFACT_UNKNOWN'));
  await assert.rejects(put('hub.enc', payload, 2_000_000_000), codeIs('RELEASE_UNKNOWN'));
  await assert.rejects(
    server.operator.call('publishRelease', { params: { id: 2_000_000_000 }, body: {} }),
    codeIs('RELEASE_UNKNOWN'),
  );
});

test('foreign images need a signature under a certificate of their line', async () => {
  const bytes = new TextEncoder().encode('no archive');
  const artifacts = (name: string) => [{ name, sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  for (const [index, name] of ['image.swu', 'image.raucb'].entries()) {
    const body = { line: 'boxes', version: `1.0.${index}`, kind: 'foreign' as const, artifacts: artifacts(name) };
    const { id } = await server.operator.call('createRelease', { body });
    await server.operator.call('putArtifact', { params: { id, name }, body: bytes, sizeBytes: bytes.length });
    await assert.rejects(
      server.operator.call('publishRelease', { params: { id }, body: {} }),
      codeIs('RELEASE_UNSIGNED'),
    );
  }
});

test('a release that left the list is not published any more', async () => {
  const sealed = await repository.seal({ version: '5.0.0' });
  await repository.handInLine(server.operator);
  const id = await announce(server.operator, sealed);
  await upload(server.operator, id, sealed);
  // Sealed anew under the same version: the list names other bytes now.
  await repository.seal({ version: '5.0.0' });
  await repository.handInLine(server.operator);
  const attempt = server.operator.call('publishRelease', { params: { id }, body: {} });
  await assert.rejects(attempt, codeIs('RELEASE_UNLISTED'));
});

test('a server that starts after its timestamp ran out signs a fresh one; devices come back', async () => {
  const { timestamp } = await trustOf();
  await server.running.close();
  clock = new Date(clock.getTime() + 20 * DAY_MS);
  const again = await startTestServer({ now }, server);
  try {
    assert.equal((await again.operator.call('getTrust', {})).timestamp, Number(timestamp) + 1);
    server = again;
    await refresh();
    await publish(again.operator, repository, { version: '6.0.0' });
  } finally {
    server = again;
  }
});
