/** Two exports of a ledger: what goes on, what was cut off, moved, changed or signed twice. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { PrivateKey, sha256 } from '../crypto/index.ts';
import { compareBundles } from './bundle-compare.ts';
import { writeBundle } from './bundle-write.ts';
import { signCheckpoint } from './checkpoint.ts';
import { encodeEnvelope, signStatement } from './dsse.ts';
import { inclusionProof } from './merkle-proof.ts';
import { appendLeaf, leafHash, type NodeId } from './merkle-tree.ts';
import { encodeVkey } from './signed-note.ts';
import { newStatement } from './statement.ts';

const ORIGIN = 'pawl.example/compared';
const key = PrivateKey.generate('Ed25519');
const vkey = encodeVkey(ORIGIN, key.publicKey);
const entries: Uint8Array[] = [];

before(async () => {
  for (let n = 0; n < 9; n += 1) entries.push(await entry(n));
});

async function entry(n: number): Promise<Uint8Array> {
  const subject = [{ name: `tenant/${n}`, digest: { sha256: 'ab'.repeat(32) } }];
  const statement = newStatement({ predicateType: 'urn:pawl:tenant:1', subject, predicate: { n } });
  return encodeEnvelope(await signStatement(statement, key));
}

/** A bundle that the holder of the ledger key signed over these entries; of some of them when indexes are named. */
async function bundleOf(
  list: readonly Uint8Array[],
  indexes?: readonly number[],
  origin = ORIGIN,
): Promise<Uint8Array> {
  const nodes = new Map<string, Uint8Array>();
  const get = ({ level, index }: NodeId): Uint8Array | undefined => nodes.get(`${level}/${index}`);
  let root = sha256(new Uint8Array());
  for (const [at, one] of list.entries()) {
    const appended = await appendLeaf(at, leafHash(one), get);
    for (const node of appended.nodes) nodes.set(`${node.level}/${node.index}`, node.hash);
    root = appended.root;
  }
  const size = list.length;
  const checkpoint = await signCheckpoint({ origin, size, root }, ORIGIN, key);
  if (indexes === undefined) return writeBundle({ kind: 'complete', checkpoint, vkey, entries: list });
  const some = [];
  for (const index of indexes) {
    const hashes = await inclusionProof(index, size, get);
    some.push({ index, envelope: list[index] ?? new Uint8Array(), hashes });
  }
  return writeBundle({ kind: 'partial', checkpoint, vkey, entries: some });
}

const found = (older: Uint8Array, newer: Uint8Array): unknown => {
  const { older: _older, newer: _newer, ...verdict } = compareBundles(older, newer, vkey);
  return verdict;
};

test('every later state of a ledger goes on from every earlier one, whichever part of the earlier one was kept', async () => {
  const whole = await bundleOf(entries);
  for (let size = 0; size <= entries.length; size += 1) {
    const older = await bundleOf(entries.slice(0, size));
    const expected = size === 9 ? { verdict: 'same' } : { verdict: 'grown', added: 9 - size };
    assert.deepEqual(found(older, whole), expected, `${size}`);
  }
  assert.deepEqual(found(await bundleOf(entries.slice(0, 6), [1, 4]), whole), { verdict: 'grown', added: 3 });
});

test('a ledger that lost its end, was put in another order, changed or signed twice is found, and where', async () => {
  const whole = await bundleOf(entries);
  const at = (index: number) => entries[index] ?? assert.fail();
  assert.deepEqual(found(whole, await bundleOf(entries.slice(0, 7))), { verdict: 'truncated', missing: 2 });
  const swapped = entries.with(3, at(5)).with(5, at(3));
  assert.deepEqual(found(whole, await bundleOf(swapped)), { verdict: 'reordered', at: 3 });
  const changed = entries.with(4, await entry(99));
  assert.deepEqual(found(whole, await bundleOf(changed)), { verdict: 'forked', at: 4 });
  // Cut off and gone on with something else: longer than before, and another history.
  const other = [...entries.slice(0, 8), await entry(98), await entry(97)];
  assert.deepEqual(found(whole, await bundleOf(other)), { verdict: 'forked', at: 8 });
  // One entry taken out of the middle moves all that follow.
  assert.deepEqual(found(await bundleOf(entries), await bundleOf(entries.toSpliced(2, 1))), {
    verdict: 'forked',
    at: 2,
  });
  // A part that holds none of what changed: the roots tell that there are two histories, and not where.
  assert.deepEqual(found(await bundleOf(entries, [0]), await bundleOf(changed)), { verdict: 'forked', at: undefined });
  assert.deepEqual(found(await bundleOf(entries, [4]), await bundleOf(changed, [4])), { verdict: 'forked', at: 4 });
});

test('a newer part proves nothing about what it leaves out, and another ledger is no later state', async () => {
  const older = await bundleOf(entries.slice(0, 5));
  assert.deepEqual(found(older, await bundleOf(entries, [2, 8])), { verdict: 'unproven' });
  assert.deepEqual(found(older, await bundleOf(entries.slice(0, 5), [2])), { verdict: 'same' });
  assert.throws(() => found(older, Uint8Array.of(1, 2, 3)), { name: 'EvidenceError' });
});

test('bundles of two ledgers are not compared, whoever signed them', async () => {
  const other = await bundleOf(entries, undefined, 'pawl.example/other');
  const own = await bundleOf(entries);
  assert.throws(() => found(own, other), { code: 'CHECKPOINT_ORIGIN_UNEXPECTED' });
});
