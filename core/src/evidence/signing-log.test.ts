import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { toHex, utf8 } from '../bytes/index.ts';
import { signSign, signSign1 } from '../cose/index.ts';
import { PrivateKey, type Signer, sha256 } from '../crypto/index.ts';
import { factsOf, KEY_ROLES, type KeyFacts } from '../keys/index.ts';
import { newRoot, newTargets, nextTargets, signMetadata } from '../trust/index.ts';
import {
  type AuditInput,
  auditSignings,
  describeMessage,
  encodeEnvelope,
  encodeSigningRecord,
  encodeVkey,
  leafHash,
  loadSigningLog,
  mayRoleSign,
  newStatement,
  PROOF_START,
  type SigningRecord,
  signCheckpoint,
  signedPartOf,
  signStatement,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifySigningLog,
} from './index.ts';
import { GrowingTree, rootOfLeaves } from './merkle-tree.ts';

/** A signer that keeps what it was given. */
class Spy implements Signer {
  readonly #key = PrivateKey.generate('Ed25519');
  readonly publicKey = this.#key.publicKey;
  readonly seen: Uint8Array[] = [];
  sign(message: Uint8Array): Promise<Uint8Array> {
    this.seen.push(message);
    return this.#key.sign(message);
  }
}

const EXPIRES = new Date('2027-01-01T00:00:00.000Z');

async function seenBy(act: (signer: Signer) => Promise<unknown>): Promise<Uint8Array> {
  const spy = new Spy();
  await act(spy);
  const [message] = spy.seen;
  assert.ok(message);
  return message;
}

test('a message says itself what it is', async () => {
  const key = PrivateKey.generate('Ed25519').publicKey;
  const keys = { root: [key], targets: [key], snapshot: [key], timestamp: [key] };
  const targets = nextTargets(newTargets({ expiresAt: EXPIRES }), { expiresAt: EXPIRES });
  const statement = newStatement({
    predicateType: 'urn:pawl:release:1',
    subject: [{ name: 'x', digest: { sha256: '00'.repeat(32) } }],
    predicate: {},
  });
  const payload = utf8('payload');
  const cases: readonly (readonly [(signer: Signer) => Promise<unknown>, string, string])[] = [
    [(signer) => signMetadata(newRoot({ keys, expiresAt: EXPIRES }), [signer]), 'root', 'version 1'],
    [(signer) => signMetadata(targets, [signer]), 'targets', 'version 2'],
    [(signer) => signStatement(statement, signer), 'statement', 'urn:pawl:release:1'],
    [(signer) => signSign1({ payload, detached: true }, signer), 'cose', 'Signature1'],
    [(signer) => signSign({ payload }, [signer]), 'cose', 'Signature'],
    [(signer) => signer.sign(utf8(`${PROOF_START}x`)), 'proof', ''],
    [(signer) => signer.sign(utf8('{"type":"root"}')), 'bytes', '15 bytes, "{\\"ty"'],
    [(signer) => signer.sign(new Uint8Array()), 'bytes', '0 bytes, ""'],
  ];
  for (const [act, kind, detail] of cases) assert.deepEqual(describeMessage(await seenBy(act)), { kind, detail });
});

test('the message of an envelope is the one that was signed', async () => {
  const spy = new Spy();
  const statement = newStatement({
    predicateType: 'urn:pawl:release:1',
    subject: [{ name: 'x', digest: { sha256: '00'.repeat(32) } }],
    predicate: {},
  });
  const { message, signature } = signedPartOf(encodeEnvelope(await signStatement(statement, spy)));
  assert.deepEqual(message, spy.seen[0]);
  spy.publicKey.verify(message, signature);
});

test('no role signs the metadata of another, and a line key signs nothing', () => {
  for (const kind of ['root', 'targets', 'snapshot', 'timestamp'] as const) {
    const roles = KEY_ROLES.filter((role) => mayRoleSign(role, { kind, detail: '' }));
    assert.deepEqual(roles, [kind === 'targets' ? 'release' : kind]);
  }
  assert.deepEqual(
    KEY_ROLES.filter((role) => mayRoleSign(role, { kind: 'cose', detail: '' })),
    ['image', 'device'],
  );
  assert.ok(!mayRoleSign('line', { kind: 'proof', detail: '' }));
});

test('a tree that grows has the root of all its leaves at every size', () => {
  const tree = new GrowingTree();
  const leaves: Uint8Array[] = [];
  assert.deepEqual(tree.root, rootOfLeaves([]));
  for (let size = 1; size <= 40; size++) {
    const leaf = leafHash(utf8(`leaf ${size}`));
    leaves.push(leaf);
    tree.add(leaf);
    assert.deepEqual([tree.size, toHex(tree.root)], [size, toHex(rootOfLeaves(leaves))]);
  }
});

const logKey = PrivateKey.generate('Ed25519');
const imageKey = PrivateKey.generate('ESP256');
const NAME = 'signing-log.test';
const CREATED = new Date('2026-05-04T00:00:00.000Z');
const image: KeyFacts = factsOf(imageKey.publicKey, {
  role: 'image',
  purpose: 'signs kettles',
  custody: 'file',
  createdAt: CREATED,
  expiresAt: EXPIRES,
});

const record = (index: number, change: Partial<SigningRecord> = {}): SigningRecord => ({
  index,
  act: 'sign',
  at: new Date(CREATED.getTime() + index * 1000).toISOString(),
  operator: { name: 'ada', source: 'workspace' },
  key: { id: image.id, name: 'image', role: 'image', custody: 'file', algorithm: 'ESP256' },
  sha256: toHex(sha256(utf8(`message ${index}`))),
  message: { kind: 'cose', detail: 'Signature1' },
  ...change,
});
const birth = record(0, { act: 'key-created', message: null });

async function write(records: readonly SigningRecord[], signer: Signer = logKey): Promise<Uint8Array[]> {
  const tree = new GrowingTree();
  const envelopes: Uint8Array[] = [];
  for (const item of records) {
    const envelope = encodeEnvelope(await signStatement(encodeSigningRecord(item, tree.root), signer));
    envelopes.push(envelope);
    tree.add(leafHash(envelope));
  }
  return envelopes;
}

async function checkpointOf(envelopes: readonly Uint8Array[]): Promise<VerifiedCheckpoint> {
  const checkpoint = { origin: NAME, size: envelopes.length, root: rootOfLeaves(envelopes.map(leafHash)) };
  return verifyCheckpoint(await signCheckpoint(checkpoint, NAME, logKey), encodeVkey(NAME, logKey.publicKey));
}

describe('a signing log', () => {
  const records = [birth, record(1), record(2), record(3)];
  let envelopes: Uint8Array[];
  let checkpoint: VerifiedCheckpoint;
  const of = (some: readonly Uint8Array[], at: VerifiedCheckpoint | undefined = checkpoint) => ({
    envelopes: some,
    checkpoint: at,
    logKey: logKey.publicKey,
  });
  const BROKEN = { code: 'SIGNING_LOG_BROKEN' };

  before(async () => {
    envelopes = await write(records);
    checkpoint = await checkpointOf(envelopes);
  });

  test('gives back what was entered', () => {
    assert.deepEqual(verifySigningLog(of(envelopes)), records);
    const { tree, sealedSize } = loadSigningLog(of(envelopes));
    assert.deepEqual([tree.size, sealedSize, tree.root], [4, 4, checkpoint.root]);
  });

  test('is taken up with one entry after its checkpoint, and not with two', async () => {
    const earlier = await checkpointOf(envelopes.slice(0, 3));
    assert.equal(verifySigningLog(of(envelopes, earlier)).length, 4);
    assert.equal(loadSigningLog(of(envelopes, earlier)).sealedSize, 3);
    const older = await checkpointOf(envelopes.slice(0, 2));
    for (const check of [verifySigningLog, loadSigningLog]) assert.throws(() => check(of(envelopes, older)), BROKEN);
    assert.equal(
      loadSigningLog({ envelopes: envelopes.slice(0, 1), checkpoint: undefined, logKey: logKey.publicKey }).tree.size,
      1,
    );
  });

  test('is refused when entries are missing, moved, repeated or of another log', async () => {
    const stranger = await write(records, PrivateKey.generate('Ed25519'));
    const [first, second, third, fourth] = envelopes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const changed = [
      [],
      [first, second, third],
      [second, third, fourth],
      [first, third, second, fourth],
      [first, second, second, fourth],
      stranger,
      [first, second, third, stranger[3]!],
    ];
    for (const some of changed) {
      for (const check of [verifySigningLog, loadSigningLog]) assert.throws(() => check(of(some)), BROKEN);
    }
  });

  test('is refused at every bit and every truncation of an entry, also of the one after the checkpoint', async () => {
    const last = envelopes[3]!;
    const earlier = await checkpointOf(envelopes.slice(0, 3));
    const refuse = (entry: Uint8Array): void => {
      const some = envelopes.with(3, entry);
      assert.throws(() => loadSigningLog(of(some)), BROKEN);
      assert.throws(() => loadSigningLog(of(some, earlier)), BROKEN);
    };
    for (let bit = 0; bit < last.length * 8; bit++) refuse(last.with(bit >> 3, last[bit >> 3]! ^ (1 << (bit & 7))));
    for (let length = 0; length < last.length; length++) refuse(last.subarray(0, length));
  });

  test('is refused when the log key itself skips a place or forgets the past', async () => {
    const skipped = await write([birth, record(2)]);
    assert.throws(() => verifySigningLog(of(skipped, undefined)), BROKEN);
    const sealed = await checkpointOf(skipped);
    assert.throws(() => verifySigningLog(of(skipped, sealed)), BROKEN);
    const forgetful = encodeEnvelope(await signStatement(encodeSigningRecord(record(1), new Uint8Array(32)), logKey));
    const some = [envelopes[0]!, forgetful];
    const over = await checkpointOf(some);
    assert.throws(() => verifySigningLog(of(some, over)), BROKEN);
  });

  test('is refused when its key signed a statement that is no entry', async () => {
    const other = newStatement({
      predicateType: 'urn:pawl:release:1',
      subject: [{ name: 'x', digest: { sha256: '00'.repeat(32) } }],
      predicate: {},
    });
    const valid = encodeSigningRecord(birth, new GrowingTree().root);
    const statements = [
      other,
      { ...valid, predicate: { ...valid.predicate, act: 'sign-twice' } },
      { ...valid, predicate: { ...valid.predicate, index: '0' } },
      { ...valid, predicate: { ...valid.predicate, note: '' } },
      { ...valid, predicate: { ...valid.predicate, key: {} } },
      { ...valid, predicate: { ...valid.predicate, message: { kind: 'letter', detail: '' } } },
      { ...valid, subject: [...valid.subject, ...valid.subject] },
    ];
    for (const statement of statements) {
      const envelope = encodeEnvelope(await signStatement(statement, logKey));
      const sealed = await checkpointOf([envelope]);
      assert.throws(() => verifySigningLog(of([envelope], sealed)), BROKEN);
    }
  });

  test('is held against a checkpoint that was kept elsewhere', async () => {
    const rewritten = await write([birth, record(1, { sha256: '00'.repeat(32) }), record(2), record(3)]);
    const sealed = await checkpointOf(rewritten);
    assert.equal(verifySigningLog(of(rewritten, sealed)).length, 4);
    const kept = await checkpointOf(envelopes.slice(0, 2));
    assert.equal(verifySigningLog(of(envelopes), kept).length, 4);
    assert.throws(() => verifySigningLog(of(rewritten, sealed), kept), BROKEN);
    const short = envelopes.slice(0, 3);
    const shortSealed = await checkpointOf(short);
    assert.throws(() => verifySigningLog(of(short, shortSealed), checkpoint), BROKEN);
  });
});

describe('the audit', () => {
  const named = { ...image, name: 'image' };
  const judge = (change: Partial<AuditInput>) =>
    auditSignings({ records: [birth, record(1)], keys: [named], found: [], now: CREATED, ...change });
  const codesOf = (change: Partial<AuditInput>) => judge(change).anomalies.map(({ code }) => code);

  test('counts what each key did', () => {
    const failed = record(3, { act: 'sign-failed' });
    const statement = record(2, {
      message: { kind: 'statement', detail: 'x' },
      operator: { name: 'bob', source: 'system' },
    });
    const { keys, entries, anomalies } = judge({ records: [birth, record(1), statement, failed] });
    assert.deepEqual([entries, anomalies], [4, []]);
    const [only] = keys;
    assert.deepEqual([only?.signings, only?.failures], [1, 1]);
    assert.deepEqual(only?.kinds, { cose: 1, statement: 1 });
    assert.deepEqual(only?.operators, ['ada', 'bob']);
    assert.deepEqual([only?.firstUsedAt, only?.lastUsedAt], [record(1).at, record(2).at]);
    assert.deepEqual([only?.custody, only?.purpose], ['file', 'signs kettles']);
  });

  test('finds a signature without its entry', () => {
    const { sha256: digest } = record(1);
    assert.deepEqual(codesOf({ found: [{ where: 'x', keyId: image.id, sha256: digest }] }), []);
    assert.deepEqual(codesOf({ found: [{ where: 'x', keyId: image.id, sha256: '00'.repeat(32) }] }), [
      'signature-without-entry',
    ]);
    assert.deepEqual(codesOf({ found: [{ where: 'x', keyId: '00'.repeat(32), sha256: digest }] }), [
      'signature-without-entry',
    ]);
  });

  test('finds a key outside its role, after its end, from nowhere, changed, and a clock that went back', () => {
    const root = { kind: 'root', detail: 'version 2' } as const;
    assert.deepEqual(codesOf({ records: [birth, record(1, { message: root })] }), ['outside-role']);
    assert.deepEqual(codesOf({ records: [birth, record(1, { at: EXPIRES.toISOString() })] }), ['after-expiry']);
    assert.deepEqual(codesOf({ records: [birth, record(1, { at: '2026-05-03T00:00:00.000Z' })] }), ['time-went-back']);
    assert.deepEqual(codesOf({ keys: [] }), []);
    assert.deepEqual(codesOf({ records: [record(1)], keys: [] }), ['unknown-key']);
    assert.deepEqual(codesOf({ records: [record(0)], keys: [{ ...named, createdAt: '2026-06-01T00:00:00.000Z' }] }), [
      'key-without-entry',
    ]);
    assert.deepEqual(codesOf({ keys: [{ ...named, custody: 'offline' }] }), ['facts-differ', 'facts-differ']);
    assert.deepEqual(codesOf({ now: EXPIRES }), ['expired']);
  });

  test('judges everything, and reports from a day on', () => {
    const late = record(1, { message: { kind: 'root', detail: '' } });
    const { entries, anomalies, keys } = judge({ records: [birth, late], since: EXPIRES });
    assert.deepEqual([entries, keys[0]?.signings], [0, 0]);
    assert.deepEqual(
      anomalies.map(({ code }) => code),
      ['outside-role'],
    );
  });
});
