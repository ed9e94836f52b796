/** Form: what readers refuse, that what the producer writes reads back the same, and that nothing signed can be bent. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FLIP_STEP } from '../../test/flips.ts';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import type { TrustErrorCode } from './errors.ts';
import { TRUST_LIMITS } from './limits.ts';
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from './parse-metadata.ts';
import { newTargets, nextTargets, withDelegation, withoutTarget, withTarget } from './produce-targets.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, LINE, MemoryPersistence, publicKeys, RepositorySimulator } from './simulator.ts';
import { TrustedMetadata } from './trusted-metadata.ts';

const simulator = await RepositorySimulator.start();

const READERS = {
  '1.root.json': parseRoot,
  'timestamp.json': parseTimestamp,
  '1.snapshot.json': parseSnapshot,
  '1.targets.json': parseTargets,
  '1.hub.json': parseTargets,
} as const;
type File = keyof typeof READERS;

/** Sets (or with undefined removes) the member at a path of names. */
function change(file: File, path: readonly (string | number)[], value: unknown): Uint8Array {
  const document = JSON.parse(fromUtf8(simulator.file(file)));
  let parent = document;
  for (const name of path.slice(0, -1)) parent = parent[name];
  const last = path.at(-1)!;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return utf8(JSON.stringify(document));
}

const rootKeyId = simulator.root.signed.roles.root.keyIds[0]!;
const otherKeyId = simulator.root.signed.roles.timestamp.keyIds[0]!;
const hub = ['signed', 'delegations', 'roles', 0];
const image = ['signed', 'targets', 'hub/1.2.3/envelope.suit'];

type Case = readonly [file: File, path: readonly (string | number)[], value: unknown];
const succinct = (change: object): object => ({
  keyids: [],
  threshold: 1,
  bit_length: 4,
  name_prefix: 'b',
  ...change,
});

const MALFORMED: readonly Case[] = [
  // The outer form.
  ...Object.keys(READERS).flatMap((file): Case[] => [
    [file as File, ['signatures'], undefined],
    [file as File, ['signatures'], {}],
    [file as File, ['signatures', 0, 'sig'], 7],
    [file as File, ['signatures', 0, 'keyid'], undefined],
    [
      file as File,
      ['signatures'],
      Array.from({ length: TRUST_LIMITS.signaturesMax + 1 }, (_, n) => ({ keyid: `${n}`, sig: '' })),
    ],
    [file as File, ['signed'], undefined],
    [file as File, ['signed'], []],
    [file as File, ['signed', '_type'], 'mirrors'],
    [file as File, ['signed', '_type'], undefined],
    [file as File, ['signed', 'spec_version'], '2.0.0'],
    [file as File, ['signed', 'spec_version'], '1'],
    [file as File, ['signed', 'spec_version'], 1],
    [file as File, ['signed', 'version'], 0],
    [file as File, ['signed', 'version'], '1'],
    [file as File, ['signed', 'version'], undefined],
    [file as File, ['signed', 'version'], 1.5],
    [file as File, ['signed', 'expires'], undefined],
    [file as File, ['signed', 'expires'], 'never'],
    [file as File, ['signed', 'expires'], '2027-02-30T00:00:00Z'],
    [file as File, ['signed', 'expires'], '2027-01-01T00:00:00.000Z'],
    [file as File, ['signed', 'expires'], '2027-01-01T00:00:00+00:00'],
  ]),
  // Root.
  ['1.root.json', ['signed', 'consistent_snapshot'], undefined],
  ['1.root.json', ['signed', 'roles', 'snapshot'], undefined],
  ['1.root.json', ['signed', 'roles', 'mirrors'], { keyids: [], threshold: 1 }],
  ['1.root.json', ['signed', 'roles', 'root', 'threshold'], 0],
  ['1.root.json', ['signed', 'roles', 'root', 'keyids'], [rootKeyId, rootKeyId]],
  ['1.root.json', ['signed', 'roles', 'root', 'keyids'], [7]],
  ['1.root.json', ['signed', 'keys'], []],
  ['1.root.json', ['signed', 'keys', rootKeyId, 'keytype'], 'rsa'],
  ['1.root.json', ['signed', 'keys', rootKeyId, 'scheme'], undefined],
  ['1.root.json', ['signed', 'keys', rootKeyId, 'keyval'], 'x'],
  ['1.root.json', ['signed', 'keys', rootKeyId, 'keyval', 'public'], '00'.repeat(32)],
  [
    '1.root.json',
    ['signed', 'keys', 'abc'],
    JSON.parse(fromUtf8(simulator.file('1.root.json'))).signed.keys[otherKeyId],
  ],
  // Timestamp and snapshot.
  ['timestamp.json', ['signed', 'meta'], undefined],
  ['timestamp.json', ['signed', 'meta', 'snapshot.json'], undefined],
  ['timestamp.json', ['signed', 'meta', 'snapshot.json', 'version'], 0],
  ['timestamp.json', ['signed', 'meta', 'snapshot.json', 'length'], -1],
  ['timestamp.json', ['signed', 'meta', 'snapshot.json', 'hashes'], {}],
  ['timestamp.json', ['signed', 'meta', 'snapshot.json', 'hashes', 'sha256'], 'ab'],
  ['timestamp.json', ['signed', 'meta', 'snapshot.json', 'hashes', 'sha256'], 'A'.repeat(64)],
  ['1.snapshot.json', ['signed', 'meta', 'targets.json'], undefined],
  ['1.snapshot.json', ['signed', 'meta', 'hub'], { version: 1 }],
  // Targets.
  ['1.hub.json', ['signed', 'targets'], undefined],
  ['1.hub.json', [...image, 'length'], undefined],
  ['1.hub.json', [...image, 'length'], '3'],
  ['1.hub.json', [...image, 'hashes'], undefined],
  ['1.hub.json', [...image, 'custom'], 7],
  ...['', '/etc/passwd', '../x', 'a//b', 'a/./b', 'a/..', 'a\\b', 'a\u0000b', 'x'.repeat(513)].map(
    (path): Case => ['1.hub.json', ['signed', 'targets', path], { length: 1, hashes: { sha256: '0'.repeat(64) } }],
  ),
  // Delegations.
  ['1.targets.json', ['signed', 'delegations', 'keys'], undefined],
  ['1.targets.json', ['signed', 'delegations', 'roles'], undefined],
  ['1.targets.json', ['signed', 'delegations', 'succinct_roles'], succinct({})],
  ...[{ keyids: null }, { threshold: 0 }, { bit_length: 0 }, { bit_length: 33 }, { name_prefix: null }].map(
    (change): Case => ['1.targets.json', ['signed', 'delegations'], { keys: {}, succinct_roles: succinct(change) }],
  ),
  ['1.targets.json', [...hub, 'name'], 'root'],
  ['1.targets.json', [...hub, 'name'], 'timestamp'],
  ['1.targets.json', [...hub, 'name'], ''],
  ['1.targets.json', [...hub, 'terminating'], undefined],
  ['1.targets.json', [...hub, 'threshold'], 0],
  ['1.targets.json', [...hub, 'paths'], undefined],
  ['1.targets.json', [...hub, 'path_hash_prefixes'], ['ab']],
  ...['', 'a[bc]', 'a{b,c}', '!a', 'a\\b', 'a\nb'].map(
    (pattern): Case => ['1.targets.json', [...hub, 'paths'], [pattern]],
  ),
  [
    '1.targets.json',
    ['signed', 'delegations', 'roles', 1],
    JSON.parse(fromUtf8(simulator.file('1.targets.json'))).signed.delegations.roles[0],
  ],
];

test('refuses metadata that has not the form of its role', () => {
  for (const [file, path, value] of MALFORMED) {
    const what = `${file}: ${path.join('.')} = ${JSON.stringify(value)?.slice(0, 80)}`;
    assert.throws(() => READERS[file](change(file, path, value)), { code: 'TRUST_METADATA_MALFORMED' }, what);
  }
});

test('refuses path hash prefixes that are not hexadecimal, and takes those that are', () => {
  const withPrefixes = (prefixes: unknown): Uint8Array => {
    const document = JSON.parse(fromUtf8(simulator.file('1.targets.json')));
    const [role] = document.signed.delegations.roles;
    delete role.paths;
    role.path_hash_prefixes = prefixes;
    return utf8(JSON.stringify(document));
  };
  for (const prefixes of [['xyz'], ['AB'], [''], ['ab', 'ab']]) {
    assert.throws(() => parseTargets(withPrefixes(prefixes)), { code: 'TRUST_METADATA_MALFORMED' });
  }
  assert.deepEqual(parseTargets(withPrefixes(['ab'])).signed.delegations?.roles[0]?.pathHashPrefixes, ['ab']);
});

test('refuses a file over the limit of its kind before reading it', () => {
  const limits: [reader: (bytes: Uint8Array) => unknown, sizeBytesMax: number][] = [
    [parseRoot, TRUST_LIMITS.rootSizeBytesMax],
    [parseTimestamp, TRUST_LIMITS.timestampSizeBytesMax],
    [parseSnapshot, TRUST_LIMITS.snapshotSizeBytesMax],
    [parseTargets, TRUST_LIMITS.targetsSizeBytesMax],
  ];
  for (const [reader, sizeBytesMax] of limits) {
    assert.throws(() => reader(new Uint8Array(sizeBytesMax + 1)), { code: 'TRUST_LENGTH_EXCEEDED' });
    assert.throws(() => reader(new Uint8Array(sizeBytesMax)), { code: 'TRUST_METADATA_MALFORMED' });
  }
});

test('keeps members that it does not know, and signs them again', async () => {
  const extra = change('1.hub.json', ['signed', 'x-note'], { by: 'someone' });
  const resigned = parseTargets(await signMetadata(extra, simulator.lineKeys));
  assert.equal(JSON.stringify(resigned.json['x-note']), '{"by":"someone"}');
  assert.equal(JSON.stringify(nextTargets(resigned, { expiresAt: day(9) }).json['x-note']), '{"by":"someone"}');
});

test('reads back what it wrote, whatever is listed', async () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,20}$/);
  const target = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    sizeBytes: fc.nat(),
    sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    custom: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(target, { maxLength: 5 }), async (list) => {
      const made = list.reduce(withTarget, newTargets({ expiresAt: day(1) }));
      const bytes = await signMetadata(made, simulator.lineKeys);
      const read = parseTargets(bytes);
      assert.deepEqual(JSON.stringify([...read.signed.targets]), JSON.stringify([...made.signed.targets]));
      assert.equal(read.signed.expiresAt.getTime(), day(1).getTime());
      assert.deepEqual(await signMetadata(read, []), bytes);
    }),
    { numRuns: 50 },
  );
});

test('lists and unlists targets and delegations without touching what it was given', () => {
  const empty = newTargets({ expiresAt: day(1) });
  const listed = withTarget(empty, { path: '__proto__/a', sizeBytes: 0, sha256: new Uint8Array(32) });
  assert.equal(empty.signed.targets.size, 0);
  assert.equal(listed.signed.targets.size, 1);
  assert.equal(withoutTarget(listed, '__proto__/a').signed.targets.size, 0);
  const { targets } = simulator;
  const oldKeyId = targets.signed.delegations!.roles[0]!.keyIds[0]!;
  const [key] = publicKeys(simulator.keys.root);
  const replaced = withDelegation(targets, { role: LINE, keys: [key!], paths: ['hub/*/*'], terminating: false });
  assert.equal(replaced.signed.delegations?.keys.has(oldKeyId), false);
  assert.equal(replaced.signed.delegations?.roles[0]?.terminating, false);
  const second = withDelegation(targets, { role: 'door', keys: publicKeys(simulator.lineKeys), paths: ['door/*/*'] });
  assert.deepEqual(
    second.signed.delegations?.roles.map(({ name }) => name),
    [LINE, 'door'],
  );
  assert.equal(second.signed.delegations?.keys.size, 1);
});

test('refuses to make what clients would refuse, or read in different ways', () => {
  const empty = newTargets({ expiresAt: day(1) });
  const sha256 = new Uint8Array(32);
  const keys = publicKeys(simulator.lineKeys);
  const refused: [code: TrustErrorCode, make: () => unknown][] = [
    ['TRUST_METADATA_MALFORMED', () => withTarget(empty, { path: '../a', sizeBytes: 1, sha256 })],
    ['TRUST_METADATA_MALFORMED', () => withTarget(empty, { path: 'a', sizeBytes: -1, sha256 })],
    ['TRUST_METADATA_MALFORMED', () => withTarget(empty, { path: 'a', sizeBytes: 1, sha256: sha256.subarray(1) })],
    ['TRUST_METADATA_MALFORMED', () => withDelegation(empty, { role: 'root', keys, paths: ['a/*'] })],
    ['TRUST_METADATA_MALFORMED', () => withDelegation(empty, { role: 'r', keys, paths: ['.a/*'] })],
    ['TRUST_METADATA_MALFORMED', () => withDelegation(empty, { role: 'r', keys, paths: ['/a'] })],
    ['TRUST_METADATA_MALFORMED', () => withDelegation(empty, { role: 'r', keys, paths: ['[a]'] })],
    ['TRUST_THRESHOLD_INVALID', () => withDelegation(empty, { role: 'r', keys, paths: ['a'], threshold: 2 })],
    ['TRUST_THRESHOLD_INVALID', () => withDelegation(empty, { role: 'r', keys: [], paths: ['a'] })],
    [
      'TRUST_THRESHOLD_INVALID',
      () => withDelegation(empty, { role: 'r', keys: [...keys, ...keys], paths: ['a'], threshold: 2 }),
    ],
  ];
  for (const [code, make] of refused) assert.throws(make, { code }, make.toString());
});

test('refuses flipped bits and every truncation of signed metadata', async () => {
  // Without digests in timestamp and snapshot, so that the signature alone has to hold.
  const small = await RepositorySimulator.start();
  const { json } = small.snapshot!;
  await small.publishSnapshot({
    ...small.snapshot!,
    signatures: [],
    json: { ...json, meta: { 'targets.json': { version: 1 }, 'hub.json': { version: 1 } } },
  });
  small.timestamp = undefined;
  await small.publishTimestamp(0, { meta: { 'snapshot.json': { version: 1 } } });
  await small.refresh(new MemoryPersistence(), 1);
  // What is refused leaves no trace, so one state serves for all the refusals of a step.
  const upTo = (count: number) => {
    const trusted = TrustedMetadata.fromRoot(small.file('1.root.json'), day(1));
    if (count > 0) trusted.updateTimestamp(small.file('timestamp.json'));
    if (count > 1) trusted.updateSnapshot(small.file('1.snapshot.json'));
    if (count > 2) trusted.updateTargets(small.file('1.targets.json'));
    return trusted;
  };
  const [afterRoot, afterTimestamp, afterSnapshot, afterTargets] = [upTo(0), upTo(1), upTo(2), upTo(3)];
  const steps: [name: string, take: (bytes: Uint8Array) => unknown][] = [
    ['1.root.json', (bytes) => TrustedMetadata.fromRoot(bytes, day(1))],
    ['timestamp.json', (bytes) => afterRoot.updateTimestamp(bytes)],
    ['1.snapshot.json', (bytes) => afterTimestamp.updateSnapshot(bytes)],
    ['1.targets.json', (bytes) => afterSnapshot.updateTargets(bytes)],
    ['1.hub.json', (bytes) => afterTargets.updateDelegated(bytes, 'hub', 'targets')],
  ];
  for (const [name, take] of steps) {
    const bytes = small.file(name);
    for (let bit = 0; bit < bytes.length * 8; bit += FLIP_STEP) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => take(flipped), { name: 'TrustError' }, `${name}, bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => take(bytes.subarray(0, length)), { name: 'TrustError' }, `${name}, cut to ${length}`);
    }
    take(bytes);
  }
});
