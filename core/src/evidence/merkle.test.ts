import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { isEqualBytes, toHex, utf8 } from '../bytes/index.ts';
import {
  consistencyProof,
  inclusionProof,
  planConsistency,
  planInclusion,
  verifyConsistency,
  verifyInclusion,
} from './merkle-proof.ts';
import {
  appendLeaf,
  type GetNode,
  leafHash,
  type NodeId,
  planAppend,
  planGrowth,
  planRoot,
  rootOf,
  rootOfLeaves,
} from './merkle-tree.ts';

const ROOT = join(import.meta.dirname, '../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'tlog');
const skip = existsSync(VECTORS) ? false : `the vectors are not at ${VECTORS} (PAWL_VECTORS)`;

// The oracle: RFC 6962 §2.1, §2.1.1 and §2.1.2 word for word, recursive, over the data itself.
const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const splitAt = (n: number): number => 2 ** Math.ceil(Math.log2(n) - 1);
function mth(data: Uint8Array[]): Uint8Array {
  if (data.length === 0) return sha256();
  if (data.length === 1) return sha256(Uint8Array.of(0), data[0]!);
  const k = splitAt(data.length);
  return sha256(Uint8Array.of(1), mth(data.slice(0, k)), mth(data.slice(k)));
}
function path(m: number, data: Uint8Array[]): Uint8Array[] {
  if (data.length === 1) return [];
  const k = splitAt(data.length);
  return m < k
    ? [...path(m, data.slice(0, k)), mth(data.slice(k))]
    : [...path(m - k, data.slice(k)), mth(data.slice(0, k))];
}
function subproof(m: number, data: Uint8Array[], isOld: boolean): Uint8Array[] {
  if (m === data.length) return isOld ? [] : [mth(data)];
  const k = splitAt(data.length);
  return m <= k
    ? [...subproof(m, data.slice(0, k), isOld), mth(data.slice(k))]
    : [...subproof(m - k, data.slice(k), false), mth(data.slice(0, k))];
}

class Store {
  readonly nodes = new Map<string, Uint8Array>();
  size = 0;
  readonly get = ({ level, index }: NodeId): Uint8Array | undefined => this.nodes.get(`${level}/${index}`);

  async append(data: Uint8Array): Promise<Uint8Array> {
    const { nodes, size, root } = await appendLeaf(this.size, leafHash(data), this.get);
    for (const { level, index, hash } of nodes) {
      assert.ok(!this.nodes.has(`${level}/${index}`), 'a complete node is written once');
      this.nodes.set(`${level}/${index}`, hash);
    }
    this.size = size;
    return root;
  }
}

const dataOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => utf8(`entry ${index}`));

test('roots and proofs of all sizes up to 40 equal those of RFC 6962 read word for word', async () => {
  const store = new Store();
  const data = dataOf(40);
  for (let size = 0; size <= data.length; size += 1) {
    const leaves = data.slice(0, size);
    const root = mth(leaves);
    assert.deepEqual(await rootOf(size, store.get), root);
    assert.deepEqual(rootOfLeaves(leaves.map(leafHash)), root);
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(index, size, store.get);
      assert.deepEqual(proof, path(index, leaves));
      verifyInclusion({ index, size, leafHash: leafHash(leaves[index]!), proof, root });
    }
    for (let oldSize = 1; oldSize <= size; oldSize += 1) {
      const proof = await consistencyProof(oldSize, size, store.get);
      assert.deepEqual(proof, subproof(oldSize, leaves, true));
      verifyConsistency({ oldSize, oldRoot: mth(data.slice(0, oldSize)), size, root, proof });
    }
    if (size < data.length) assert.deepEqual(await store.append(data[size]!), mth(data.slice(0, size + 1)));
  }
});

test('appending stores exactly the complete subtrees, each once', async () => {
  const store = new Store();
  for (const data of dataOf(13)) await store.append(data);
  const expected = [13, 6, 3, 1].flatMap((count, level) => Array.from({ length: count }, (_, i) => `${level}/${i}`));
  assert.deepEqual([...store.nodes.keys()].toSorted(), expected.toSorted());
});

test('a tree that goes on from its stored edge makes the nodes of appending one by one', async () => {
  const data = dataOf(40);
  for (const from of [0, 1, 7, 8, 31, 32]) {
    const [store, whole] = [new Store(), new Store()];
    for (const each of data.slice(0, from)) await store.append(each);
    for (const each of data) await whole.append(each);
    const plan = planGrowth(from);
    const tree = plan.combine(plan.nodes.map(store.get));
    for (const each of data.slice(from)) {
      for (const { level, index, hash } of tree.add(leafHash(each))) store.nodes.set(`${level}/${index}`, hash);
    }
    assert.deepEqual([tree.size, tree.root], [40, mth(data)]);
    assert.deepEqual(store.nodes, whole.nodes);
  }
});

test('a plan names its nodes first, so that one query can read them all', async () => {
  const store = new Store();
  for (const data of dataOf(11)) await store.append(data);
  const run = <T>(plan: { nodes: readonly NodeId[]; combine: (hashes: (Uint8Array | undefined)[]) => T }): T =>
    plan.combine(plan.nodes.map(store.get));
  assert.deepEqual(planRoot(11).nodes, [
    { level: 3, index: 0 },
    { level: 1, index: 4 },
    { level: 0, index: 10 },
  ]);
  assert.deepEqual(run(planRoot(11)), await rootOf(11, store.get));
  assert.deepEqual(run(planInclusion(3, 11)), await inclusionProof(3, 11, store.get));
  assert.deepEqual(run(planConsistency(5, 11)), await consistencyProof(5, 11, store.get));
});

test('a missing or damaged node is reported with its place, whether read at once or later', async () => {
  const missing: GetNode = () => undefined;
  const later: GetNode = async () => new Uint8Array(31);
  for (const get of [missing, later]) {
    await assert.rejects(rootOf(3, get), { code: 'MERKLE_NODE_MISSING', details: { level: 1, index: 0 } });
    await assert.rejects(appendLeaf(1, leafHash(utf8('x')), get), { code: 'MERKLE_NODE_MISSING' });
    await assert.rejects(inclusionProof(0, 2, get), { code: 'MERKLE_NODE_MISSING' });
    await assert.rejects(consistencyProof(1, 2, get), { code: 'MERKLE_NODE_MISSING' });
  }
});

test('refuses an index or size outside the ledger', () => {
  for (const [index, size] of [
    [0, 0],
    [3, 3],
    [-1, 3],
    [0.5, 3],
    [0, 2 ** 53],
  ] as const) {
    assert.throws(() => planInclusion(index, size), { code: 'MERKLE_RANGE_INVALID' });
  }
  for (const [oldSize, size] of [
    [0, 3],
    [4, 3],
    [-1, 3],
    [1, Number.NaN],
  ] as const) {
    assert.throws(() => planConsistency(oldSize, size), { code: 'MERKLE_RANGE_INVALID' });
  }
  assert.throws(() => planRoot(-1), { code: 'MERKLE_RANGE_INVALID' });
  assert.throws(() => planAppend(Number.MAX_SAFE_INTEGER, new Uint8Array(32)), { code: 'MERKLE_RANGE_INVALID' });
});

test('coordinates are exact beyond 2^32 entries', () => {
  assert.deepEqual(planRoot(2 ** 40 + 1).nodes, [
    { level: 40, index: 0 },
    { level: 0, index: 2 ** 40 },
  ]);
  // A tree of equal leaves has one hash per level, so proofs at any size can be made without storing it.
  const hashes = [leafHash(utf8('same'))];
  for (let level = 0; level < 53; level += 1) {
    hashes.push(createHash('sha256').update(Uint8Array.of(1)).update(hashes[level]!).update(hashes[level]!).digest());
  }
  const read = (nodes: readonly NodeId[]): Uint8Array[] => nodes.map(({ level }) => hashes[level]!);
  for (const size of [2 ** 31 + 3, 2 ** 32 + 5, 2 ** 45 + 12_345, Number.MAX_SAFE_INTEGER]) {
    const root = planRoot(size).combine(read(planRoot(size).nodes));
    for (const index of [0, 2 ** 31, size - 1]) {
      const plan = planInclusion(index, size);
      const inclusion = { index, size, leafHash: hashes[0]!, proof: plan.combine(read(plan.nodes)), root };
      assert.doesNotThrow(() => verifyInclusion(inclusion));
    }
    const oldSize = 2 ** 31 + 1;
    const oldRoot = planRoot(oldSize).combine(read(planRoot(oldSize).nodes));
    const plan = planConsistency(oldSize, size);
    const proof = plan.combine(read(plan.nodes));
    assert.doesNotThrow(() => verifyConsistency({ oldSize, oldRoot, size, root, proof }));
  }
});

type InclusionVector = {
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
};
type ConsistencyVector = {
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  desc: string;
  wantErr: boolean;
};
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64'));
const load = <T>(name: string): T => JSON.parse(readFileSync(`${VECTORS}/${name}`, 'utf8')) as T;

function judge(name: string, wantErr: boolean, code: string, run: () => void): void {
  if (wantErr) assert.throws(run, { code }, name);
  else assert.doesNotThrow(run, name);
}

test('judges the inclusion vectors of transparency-dev as they say', { skip }, () => {
  const vectors = load<InclusionVector[]>('merkle_inclusion.json');
  assert.equal(vectors.length, 98);
  for (const v of vectors) {
    judge(`${v.leafIdx}/${v.treeSize} ${v.desc}`, v.wantErr, 'MERKLE_INCLUSION_INVALID', () =>
      verifyInclusion({
        index: v.leafIdx,
        size: v.treeSize,
        leafHash: bytesOf(v.leafHash),
        proof: (v.proof ?? []).map(bytesOf),
        root: bytesOf(v.root),
      }),
    );
  }
});

test('judges the consistency vectors of transparency-dev as they say', { skip }, () => {
  const vectors = load<ConsistencyVector[]>('merkle_consistency.json');
  assert.equal(vectors.length, 98);
  for (const v of vectors) {
    judge(`${v.size1}/${v.size2} ${v.desc}`, v.wantErr, 'MERKLE_CONSISTENCY_INVALID', () =>
      verifyConsistency({
        oldSize: v.size1,
        size: v.size2,
        oldRoot: bytesOf(v.root1),
        root: bytesOf(v.root2),
        proof: (v.proof ?? []).map(bytesOf),
      }),
    );
  }
});

test('refuses every single-bit flip of a proof, a longer and a shorter one', async () => {
  const store = new Store();
  const data = dataOf(7);
  const roots: Uint8Array[] = [];
  for (const each of data) roots.push(await store.append(each));
  const inclusion = {
    index: 4,
    size: 7,
    leafHash: leafHash(data[4]!),
    root: roots[6]!,
    proof: await inclusionProof(4, 7, store.get),
  };
  const consistency = {
    oldSize: 6,
    oldRoot: roots[5]!,
    size: 7,
    root: roots[6]!,
    proof: await consistencyProof(6, 7, store.get),
  };
  const variants = (proof: Uint8Array[]): Uint8Array[][] => [
    proof.slice(1),
    proof.slice(0, -1),
    [...proof, proof[0]!],
    [...proof, new Uint8Array(32)],
    ...proof.flatMap((hash, at) =>
      Array.from({ length: 256 }, (_, bit) =>
        proof.with(
          at,
          hash.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)),
        ),
      ),
    ),
  ];
  for (const proof of variants(inclusion.proof)) {
    assert.throws(() => verifyInclusion({ ...inclusion, proof }), { code: 'MERKLE_INCLUSION_INVALID' });
  }
  for (const proof of variants(consistency.proof)) {
    assert.throws(() => verifyConsistency({ ...consistency, proof }), { code: 'MERKLE_CONSISTENCY_INVALID' });
  }
  assert.throws(() => verifyInclusion({ ...inclusion, leafHash: new Uint8Array(31) }), {
    code: 'MERKLE_INCLUSION_INVALID',
  });
});

test('rebuilds the tiled log of tessera from its entries', { skip }, async () => {
  const log = `${VECTORS}/tessera-testdata-log`;
  const bundle = new Uint8Array(readFileSync(`${log}/tile/entries/000.p/15`));
  const store = new Store();
  for (let at = 0; at < bundle.length; ) {
    const length = new DataView(bundle.buffer, bundle.byteOffset).getUint16(at);
    const root = await store.append(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    const [, size, encoded] = readFileSync(`${log}/checkpoint.${store.size}`, 'utf8').split('\n');
    assert.equal(Number(size), store.size);
    assert.ok(isEqualBytes(root, bytesOf(encoded!)), `size ${size}`);
  }
  assert.equal(store.size, 15);
  const tile = readFileSync(`${log}/tile/0/000.p/15`);
  for (let index = 0; index < 15; index += 1) {
    assert.equal(toHex(store.get({ level: 0, index })!), tile.subarray(index * 32, index * 32 + 32).toString('hex'));
  }
});
