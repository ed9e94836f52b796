import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import { PrivateKey } from '../crypto/index.ts';
import { signCheckpoint } from './checkpoint.ts';
import { cosign, withSignatures } from './cosignature.ts';
import { inclusionProof } from './merkle-proof.ts';
import { appendLeaf, type GetNode, leafHash } from './merkle-tree.ts';
import { encodeVkey, encodeWitnessVkey } from './signed-note.ts';
import { encodeTlogProof, isTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts';

const ROOT = join(import.meta.dirname, '../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'tlog/tessera-testdata-log');
const skip = existsSync(VECTORS) ? false : `the vectors are not at ${VECTORS} (PAWL_VECTORS)`;

/** The complete subtrees over these entries, as a store would hold them. */
async function treeOf(entries: readonly Uint8Array[]): Promise<GetNode> {
  const nodes = new Map<string, Uint8Array>();
  const getNode: GetNode = async (id) => nodes.get(`${id.level}/${id.index}`);
  for (const [index, entry] of entries.entries()) {
    const { nodes: added } = await appendLeaf(index, leafHash(entry), getNode);
    for (const { level, index: at, hash } of added) nodes.set(`${level}/${at}`, hash);
  }
  return getNode;
}

/** Entry bundles of C2SP tlog-tiles: 16-bit length, then the entry. */
function entriesOf(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const length = (bundle[at]! << 8) | bundle[at + 1]!;
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

test('proves every entry of a foreign log by its own checkpoints', { skip }, async () => {
  const vkey = readFileSync(join(VECTORS, 'log.vkey'), 'utf8').trim();
  const entries = entriesOf(new Uint8Array(readFileSync(join(VECTORS, 'tile/entries/000.p/15'))));
  assert.equal(entries.length, 15);
  for (let size = 1; size <= entries.length; size += 1) {
    const getNode = await treeOf(entries.slice(0, size));
    const checkpoint = readFileSync(join(VECTORS, `checkpoint.${size}`), 'utf8');
    for (let index = 0; index < size; index += 1) {
      const hashes = await inclusionProof(index, size, getNode);
      const proof = utf8(encodeTlogProof({ index, hashes, checkpoint }));
      assert.deepEqual(verifyTlogProof(proof, entries[index]!, vkey), {
        origin: 'example.com/log/testdata',
        index,
        size,
      });
      assert.throws(() => verifyTlogProof(proof, utf8('another'), vkey), { code: 'MERKLE_INCLUSION_INVALID' });
    }
  }
});

const NAME = 'pawl.example/ledger';
const key = PrivateKey.generate('Ed25519');
const vkey = encodeVkey(NAME, key.publicKey);
const entry = utf8('entry');
const checkpoint = await signCheckpoint({ origin: NAME, size: 1, root: leafHash(entry) }, NAME, key);
const proof = encodeTlogProof({ index: 0, hashes: [], checkpoint });

test('reads what it writes, and passes over extra data, which nothing authenticates', () => {
  assert.deepEqual(parseTlogProof(utf8(proof)), { index: 0, hashes: [], checkpoint });
  const extra = proof.replace('\n', '\nextra AAAA\n');
  assert.deepEqual(verifyTlogProof(utf8(extra), entry, vkey), { origin: NAME, index: 0, size: 1 });
  assert.ok(isTlogProof(utf8(proof)));
  assert.ok(!isTlogProof(utf8('c2sp.org/other@v1')));
});

test('refuses every single bit flipped in the proof or in the entry, and every truncation', () => {
  const bytes = utf8(proof);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => verifyTlogProof(flipped, entry, vkey), { name: 'EvidenceError' }, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => verifyTlogProof(bytes.subarray(0, length), entry, vkey), { name: 'EvidenceError' });
  }
  assert.throws(() => verifyTlogProof(bytes, concat(entry, entry), vkey), { code: 'MERKLE_INCLUSION_INVALID' });
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['another format', proof.replace('@v1', '@v2')],
  ['no index', proof.replace('index 0\n', '')],
  ['an index with a leading zero', proof.replace('index 0', 'index 00')],
  ['an index beyond 2^53', proof.replace('index 0', 'index 9999999999999999')],
  ['a hash that is no base64', proof.replace('\n\n', '\n?\n\n')],
  ['a hash of another size', proof.replace('\n\n', '\nAAAA\n\n')],
  ['more hashes than any tree has levels', proof.replace('\n\n', `${`\n${'A'.repeat(43)}=`.repeat(54)}\n\n`)],
  ['no checkpoint', proof.slice(0, proof.indexOf('\n\n'))],
  ['too many bytes', proof + ' '.repeat(128 * 1024)],
];

for (const [what, text] of REFUSED) {
  test(`refuses a proof with ${what}`, () => {
    assert.throws(() => verifyTlogProof(utf8(text), entry, vkey), { code: 'PROOF_MALFORMED' });
  });
}

test('refuses bytes that are no text', () => {
  assert.throws(() => parseTlogProof(Uint8Array.of(0xff, 0xfe)), { code: 'PROOF_MALFORMED' });
});

test('a proof carries its witnesses, and is refused when those that are asked for are missing', async () => {
  const key = PrivateKey.generate('Ed25519');
  const vkey = encodeVkey('pawl.example/ledger', key.publicKey);
  const entry = utf8('the only entry');
  const root = leafHash(entry);
  const checkpoint = await signCheckpoint({ origin: 'pawl.example/ledger', size: 1, root }, 'pawl.example/ledger', key);
  const signer = PrivateKey.generate('ML-DSA-44');
  const witnesses = { witnesses: [encodeWitnessVkey('w.example', signer.publicKey)], needed: 1 };
  const line = await cosign(checkpoint, { name: 'w.example', signer, atMs: 1_800_000_000_000 });
  const cosigned = encodeTlogProof({ index: 0, hashes: [], checkpoint: withSignatures(checkpoint, [line]) });
  const facts = { origin: 'pawl.example/ledger', index: 0, size: 1 };
  const cosignatures = [{ witness: 'w.example', atMs: 1_800_000_000_000 }];
  assert.deepEqual(verifyTlogProof(utf8(cosigned), entry, vkey, witnesses), { ...facts, cosignatures });
  const plain = utf8(encodeTlogProof({ index: 0, hashes: [], checkpoint }));
  assert.throws(() => verifyTlogProof(plain, entry, vkey, witnesses), { code: 'CHECKPOINT_COSIGNATURES_TOO_FEW' });
});
