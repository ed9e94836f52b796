/**
 * Cosignatures: the message of the specification's own example, the policy of a verifier, and everything that must not count.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromBase64, toBase64, utf8 } from '../bytes/index.ts';
import { PrivateKey } from '../crypto/index.ts';
import { verifyBundle } from './bundle-verify.ts';
import { writeBundle } from './bundle-write.ts';
import { signCheckpoint } from './checkpoint.ts';
import { cosign, cosignatureOf, verifyCosignatures, withSignatures } from './cosignature.ts';
import { emptyRoot } from './merkle-tree.ts';
import { encodeVkey, encodeWitnessVkey, parseVkey, parseWitnessVkey } from './signed-note.ts';

const ORIGIN = 'pawl.example/ledger';
const ledger = PrivateKey.generate('Ed25519');
const vkey = encodeVkey(ORIGIN, ledger.publicKey);
const note = await signCheckpoint({ origin: ORIGIN, size: 7, root: new Uint8Array(32).fill(5) }, ORIGIN, ledger);
const AT_MS = Date.parse('2026-11-21T10:00:00.000Z');

function newWitness(name: string, algorithm: 'Ed25519' | 'ML-DSA-44' = 'Ed25519') {
  const signer = PrivateKey.generate(algorithm);
  const key = encodeWitnessVkey(name, signer.publicKey);
  return { name, signer, key, cosign: (of = note, atMs = AT_MS) => cosign(of, { name, signer, atMs }) };
}
const [a, b, c] = ['a', 'b', 'c'].map((letter) => newWitness(`${letter}.example/witness`)) as [W, W, W];
type W = ReturnType<typeof newWitness>;

test('an Ed25519 cosignature signs the very bytes of the specification: header, time, and the note without signatures', async () => {
  // tlog-cosignature, format: the example of 20,852,163 entries at 1679315147.
  const body = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
  const example = `${body}\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n`;
  const line = await a.cosign(example, 1_679_315_147_999);
  const bytes = fromBase64(line.split(' ')[2] ?? '');
  assert.deepEqual([bytes.length, line.split(' ')[1]], [4 + 8 + 64, a.name]);
  assert.deepEqual(bytes.slice(0, 4), parseWitnessVkey(a.key).keyHash);
  // The time of the example's own cosignature, as it stands there: 8 bytes, big endian.
  assert.deepEqual(bytes.slice(4, 12), fromBase64('jWbPPwAAAABkGFDL').slice(4));
  a.signer.publicKey.verify(utf8(`cosignature/v1\ntime 1679315147\n${body}`), bytes.slice(12));
});

test('verifies a cosignature that transparency-dev/formats made, under the key that it made', () => {
  const text = 'example.com/log\n30\ntLRjDWx9A5zENRs1bc7qvuYp/7PH+AH4LpPtA/s3r8A=\n';
  const log = 'VPrleZSvcm24nqX6aum9XQZhvADKswxlojoKGaHWQ5hgV7ERQeynFipSzHS17aWTYCAQrz+/mRMHarnPrO2xZ7NyZQk=';
  const witness =
    '9J0lbQAAAABrAeJVUQfxRoLu1JICFE60mB1vFJI1erbpZXD5ZSI5kQDWUF478iRsLl9fmvO61OttPIQNvOqLROviLV7fSee+wsmOCA==';
  const foreign = `${text}\n— example.com/log ${log}\n— w.example/witness ${witness}\n`;
  const logKey = 'example.com/log+54fae579+AcJ9HbWg2ZXYZgXpjAJw81m5NwdVN8B2WyNQSEeqlWTh';
  const witnesses = ['w.example/witness+f49d256d+BJxOBRu7aBsjzq2MapCQJc7x6DeVn5EBQsP0boLhSZAS'];
  assert.deepEqual(verifyCosignatures(foreign, logKey, { witnesses, needed: 1 }), [
    { witness: 'w.example/witness', atMs: 1_795_285_589_000 },
  ]);
});

test('an ML-DSA-44 cosignature signs the structure of the specification, with the name of the witness in it', async () => {
  const d = newWitness('d.example', 'ML-DSA-44');
  const bytes = fromBase64((await d.cosign()).split(' ')[2] ?? '');
  assert.equal(bytes.length, 4 + 8 + 2420);
  const time = bytes.slice(4, 12);
  const zero = new Uint8Array(8);
  const size = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7);
  const names = concat(Uint8Array.of(9), utf8('d.example'), time, Uint8Array.of(ORIGIN.length), utf8(ORIGIN));
  const message = concat(utf8('subtree/v1\n\0'), names, zero, size, new Uint8Array(32).fill(5));
  d.signer.publicKey.verify(message, bytes.slice(12));
  const cosigned = withSignatures(note, [await d.cosign()]);
  assert.deepEqual(verifyCosignatures(cosigned, vkey, { witnesses: [d.key], needed: 1 }), [
    { witness: d.name, atMs: AT_MS },
  ]);
  const long = newWitness('é'.repeat(130), 'ML-DSA-44');
  await assert.rejects(long.cosign(), { code: 'CHECKPOINT_MALFORMED' });
});

test('as many witnesses as the policy needs must have cosigned, whatever their order and whoever else did', async () => {
  const lines = [await c.cosign(), await a.cosign()];
  const cosigned = withSignatures(note, lines);
  assert.equal(withSignatures(cosigned, lines), cosigned);
  const witnesses = [a.key, b.key, c.key];
  assert.deepEqual(
    verifyCosignatures(cosigned, vkey, { witnesses, needed: 2 }).map(({ witness }) => witness),
    [a.name, c.name],
  );
  assert.throws(() => verifyCosignatures(cosigned, vkey, { witnesses, needed: 3 }), {
    code: 'CHECKPOINT_COSIGNATURES_TOO_FEW',
    details: { needed: 3, found: 2, missing: b.name, size: 7 },
  });
  assert.throws(() => verifyCosignatures(note, vkey, { witnesses, needed: 1 }), {
    code: 'CHECKPOINT_COSIGNATURES_TOO_FEW',
  });
});

test('a witness with two keys is one witness', async () => {
  const second = newWitness(a.name, 'ML-DSA-44');
  const cosigned = withSignatures(note, [await a.cosign(), await second.cosign()]);
  const witnesses = [a.key, second.key, b.key];
  assert.equal(verifyCosignatures(cosigned, vkey, { witnesses, needed: 1 }).length, 2);
  assert.throws(() => verifyCosignatures(cosigned, vkey, { witnesses, needed: 2 }), {
    code: 'CHECKPOINT_COSIGNATURES_TOO_FEW',
    details: { needed: 2, found: 1, missing: b.name, size: 7 },
  });
  assert.throws(() => verifyCosignatures(cosigned, vkey, { witnesses, needed: 3 }), { code: 'WITNESS_POLICY_INVALID' });
});

test('a policy that would prove less than it says is refused', () => {
  const twice = encodeWitnessVkey('other.example', a.signer.publicKey);
  const own = encodeWitnessVkey('w.example', ledger.publicKey);
  for (const [witnesses, needed] of [
    [[a.key], 0],
    [[a.key], 2],
    [[a.key], 0.5],
    [[], 1],
    [[a.key, a.key], 1],
    [[a.key, twice], 2],
    [[own], 1],
  ] as const) {
    assert.throws(() => verifyCosignatures(note, vkey, { witnesses, needed }), { code: 'WITNESS_POLICY_INVALID' });
  }
  assert.throws(() => verifyCosignatures(note, vkey, { witnesses: [vkey], needed: 1 }), { code: 'VKEY_MALFORMED' });
});

test('a cosignature of another checkpoint, another time or another key refuses the note, or does not count', async () => {
  const policy = { witnesses: [a.key], needed: 1 };
  const other = await signCheckpoint({ origin: ORIGIN, size: 8, root: new Uint8Array(32).fill(5) }, ORIGIN, ledger);
  const moved = withSignatures(note, [await a.cosign(other)]);
  assert.throws(() => verifyCosignatures(moved, vkey, policy), { code: 'CHECKPOINT_SIGNATURE_INVALID' });
  // One good one does not outweigh it (signed-note, verification).
  const outweighed = withSignatures(moved, [await a.cosign()]);
  assert.throws(() => verifyCosignatures(outweighed, vkey, policy), {
    code: 'CHECKPOINT_SIGNATURE_INVALID',
  });
  const bytes = fromBase64((await a.cosign()).split(' ')[2] ?? '');
  const lineOf = (changed: Uint8Array) => withSignatures(note, [`— ${a.name} ${toBase64(changed)}`]);
  for (const at of [11, 12, bytes.length - 1]) {
    const changed = bytes.map((byte, each) => (each === at ? byte ^ 1 : byte));
    assert.throws(() => verifyCosignatures(lineOf(changed), vkey, policy), { code: 'CHECKPOINT_SIGNATURE_INVALID' });
  }
  for (const changed of [
    bytes.slice(0, 12),
    bytes.slice(0, -1),
    concat(bytes.slice(0, 4), new Uint8Array(8).fill(255), bytes.slice(12)),
  ]) {
    assert.throws(() => verifyCosignatures(lineOf(changed), vkey, policy), { code: 'CHECKPOINT_SIGNATURE_INVALID' });
  }
  // Another key hash is another key: nobody whom the policy knows.
  const unknown = bytes.map((byte, each) => (each === 0 ? byte ^ 1 : byte));
  assert.equal(cosignatureOf(lineOf(unknown), a.key), undefined);
});

test('of several cosignatures of a witness the newest is told', async () => {
  const cosigned = withSignatures(note, [await a.cosign(note, AT_MS), await a.cosign(note, AT_MS + 5000)]);
  assert.deepEqual(cosignatureOf(cosigned, a.key), { witness: a.name, atMs: AT_MS + 5000 });
});

test('cosignatures do not stand in for the signature of the ledger', async () => {
  const [text] = note.split('\n— ');
  const cosigned = `${text}\n${await a.cosign()}\n`;
  assert.throws(() => verifyCosignatures(cosigned, vkey, { witnesses: [a.key], needed: 1 }), {
    code: 'CHECKPOINT_SIGNER_UNKNOWN',
  });
});

test('a key is for a ledger or for a witness, as its type says', () => {
  assert.throws(() => parseVkey(a.key), { code: 'VKEY_MALFORMED' });
  assert.throws(() => parseWitnessVkey(vkey), { code: 'VKEY_MALFORMED' });
  const ecdsa = PrivateKey.generate('ESP256').publicKey;
  assert.throws(() => encodeWitnessVkey('w.example', ecdsa), { code: 'VKEY_MALFORMED' });
  const mlDsa = PrivateKey.generate('ML-DSA-44').publicKey;
  assert.throws(() => encodeVkey('l.example', mlDsa), { code: 'VKEY_MALFORMED' });
});

test('a bundle proves its witnesses when they are asked for, and is refused without them', async () => {
  const checkpoint = await signCheckpoint({ origin: ORIGIN, size: 0, root: emptyRoot() }, ORIGIN, ledger);
  const bundleOf = (of: string) => writeBundle({ kind: 'complete', checkpoint: of, vkey, entries: [] });
  const witnesses = { witnesses: [a.key, b.key], needed: 1 };
  const cosigned = bundleOf(withSignatures(checkpoint, [await b.cosign(checkpoint)]));
  assert.deepEqual(verifyBundle(cosigned, { vkey, witnesses }).cosignatures, [{ witness: b.name, atMs: AT_MS }]);
  assert.equal(verifyBundle(cosigned, { vkey }).cosignatures, undefined);
  assert.throws(() => verifyBundle(bundleOf(checkpoint), { vkey, witnesses }), {
    code: 'CHECKPOINT_COSIGNATURES_TOO_FEW',
  });
});
