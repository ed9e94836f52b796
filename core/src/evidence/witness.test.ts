/** The judgement of a witness, answer by answer as tlog-witness orders it, over two histories that one key signed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import { PrivateKey } from '../crypto/index.ts';
import { signCheckpoint } from './checkpoint.ts';
import { consistencyProof } from './merkle-proof.ts';
import { leafHash, type NodeId, rootOfLeaves } from './merkle-tree.ts';
import { encodeVkey } from './signed-note.ts';
import {
  ADD_CHECKPOINT_LIMITS,
  encodeAddCheckpoint,
  encodeSizeAnswer,
  judgeCheckpoint,
  parseAddCheckpoint,
  parseSizeAnswer,
  unseenLedger,
  type WitnessedLedger,
} from './witness.ts';

const ORIGIN = 'pawl.example/ledger';
const key = PrivateKey.generate('Ed25519');
const vkey = encodeVkey(ORIGIN, key.publicKey);
const MAIN = Array.from({ length: 40 }, (_, at) => leafHash(utf8(`entry ${at}`)));
/** The same until the 20th entry. */
const FORK = MAIN.map((leaf, at) => (at < 20 ? leaf : leafHash(utf8(`another ${at}`))));

const rootAt = (leaves: readonly Uint8Array[], size: number) => rootOfLeaves(leaves.slice(0, size));
const noteAt = (leaves: readonly Uint8Array[], size: number, by = key) =>
  signCheckpoint({ origin: ORIGIN, size, root: rootAt(leaves, size) }, ORIGIN, by);
const proofOf = (leaves: readonly Uint8Array[], oldSize: number, size: number) =>
  oldSize === 0
    ? []
    : consistencyProof(oldSize, size, ({ level, index }: NodeId) =>
        rootOfLeaves(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
      );
async function requestOf(leaves: readonly Uint8Array[], oldSize: number, size: number) {
  const proof = oldSize < size ? await proofOf(leaves, oldSize, size) : [];
  return { oldSize, proof, note: await noteAt(leaves, size) };
}
const seen = (size: number): WitnessedLedger => ({ vkey, origin: ORIGIN, size, root: rootAt(MAIN, size) });
const judge = (request: Awaited<ReturnType<typeof requestOf>>, known: WitnessedLedger) =>
  judgeCheckpoint(request, (origin) => (origin === ORIGIN ? known : undefined));

test('a request reads back as it was written, in the form of the specification', async () => {
  const request = await requestOf(MAIN, 7, 40);
  const text = encodeAddCheckpoint(request);
  assert.match(text, /^old 7\n(?:[A-Za-z0-9+/]{43}=\n)+\npawl\.example\/ledger\n40\n/);
  assert.deepEqual(parseAddCheckpoint(utf8(text)), request);
  const first = await requestOf(MAIN, 0, 40);
  assert.match(encodeAddCheckpoint(first), /^old 0\n\npawl/);
  assert.deepEqual(parseAddCheckpoint(utf8(encodeAddCheckpoint(first))), first);
});

test('what is no request is refused', async () => {
  const good = encodeAddCheckpoint(await requestOf(MAIN, 7, 40));
  const hash = good.split('\n')[1] ?? '';
  for (const text of [
    '',
    'old 7',
    good.replace('old 7', 'old 07'),
    good.replace('old 7', 'old -1'),
    good.replace('old 7', 'old 9999999999999999'),
    good.replace('old 7', 'OLD 7'),
    good.replace(hash, `${hash} `),
    good.replace(hash, hash.slice(4)),
    good.replace(hash, 'AAAA'),
    good.replace(hash, Array.from({ length: 64 }, () => hash).join('\n')),
    'x'.repeat(ADD_CHECKPOINT_LIMITS.sizeBytesMax + 1),
  ]) {
    assert.throws(() => parseAddCheckpoint(utf8(text)), { code: 'WITNESS_REQUEST_MALFORMED' }, text.slice(0, 40));
  }
  assert.throws(() => parseAddCheckpoint(Uint8Array.of(0xff, 0x0a, 0x0a)), { code: 'WITNESS_REQUEST_MALFORMED' });
});

test('a ledger that goes on is cosigned, from nothing on, and at the same size again', async () => {
  for (const [oldSize, size] of [
    [0, 1],
    [0, 40],
    [1, 40],
    [20, 33],
    [32, 40],
    [40, 40],
  ] as const) {
    const known = oldSize === 0 ? unseenLedger(vkey, ORIGIN) : seen(oldSize);
    const judged = judge(await requestOf(MAIN, oldSize, size), known);
    assert.deepEqual(judged, { status: 200, checkpoint: { origin: ORIGIN, size, root: rootAt(MAIN, size) } });
  }
});

test('each request that is wrong gets the answer of the specification', async () => {
  const good = await requestOf(MAIN, 20, 40);
  const empty = { oldSize: 0, proof: [], note: await noteAt(MAIN, 0) };
  const other = PrivateKey.generate('Ed25519');
  const statusOf = (request: typeof good, known = seen(20)) => judge(request, known).status;
  assert.equal(judgeCheckpoint(good, () => undefined).status, 404);
  assert.equal(statusOf({ ...good, note: good.note.replace(ORIGIN, 'x.example/ledger') }), 404);
  assert.equal(statusOf({ ...good, note: 'no note' }), 404);
  assert.equal(statusOf({ ...good, note: `${ORIGIN}\nno note` }), 400);
  assert.equal(statusOf({ ...good, note: await noteAt(MAIN, 40, other) }), 403);
  assert.equal(statusOf({ ...good, note: good.note.replace('\n40\n', '\n41\n') }), 403);
  assert.equal(statusOf(await requestOf(MAIN, 40, 20), seen(40)), 400);
  assert.equal(statusOf({ ...good, proof: good.proof.slice(1) }), 422);
  assert.equal(statusOf({ ...good, proof: [] }), 422);
  assert.equal(statusOf({ ...(await requestOf(MAIN, 40, 40)), proof: good.proof }, seen(40)), 422);
  assert.equal(statusOf({ ...good, oldSize: 0 }, unseenLedger(vkey, ORIGIN)), 422);
  assert.equal(statusOf(empty, unseenLedger(vkey, ORIGIN)), 200);
  const hollow = {
    ...empty,
    note: await signCheckpoint({ origin: ORIGIN, size: 0, root: rootAt(MAIN, 1) }, ORIGIN, key),
  };
  assert.equal(statusOf(hollow, unseenLedger(vkey, ORIGIN)), 422);
});

test('a ledger that was set back or forked is never cosigned', async () => {
  // The size that the witness has seen is told, so that whoever asked can prove from there, if it can.
  assert.deepEqual(judge(await requestOf(MAIN, 20, 30), seen(33)), { status: 409, size: 33, isFork: false });
  assert.deepEqual(judge(await requestOf(FORK, 33, 33), seen(33)), { status: 409, size: 33, isFork: true });
  assert.equal(judge(await requestOf(FORK, 33, 40), seen(33)).status, 422);
  // A fork from before: what both histories share is no fault of it.
  assert.equal(judge(await requestOf(FORK, 20, 40), seen(20)).status, 200);
});

test('a size stands in an answer as digits and a newline, and in no other way', () => {
  for (const size of [0, 7, 20_852_014]) assert.equal(parseSizeAnswer(encodeSizeAnswer(size)), size);
  for (const body of ['', '7', '07\n', '-1\n', '7 \n', '7\n\n', '9999999999999999\n', 'seven\n']) {
    assert.equal(parseSizeAnswer(body), undefined, body);
  }
});
