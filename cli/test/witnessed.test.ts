/** `pawl verify` with a policy of witnesses: enough of those named must have cosigned, or nothing is authentic. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PrivateKey } from '@pawl/core/crypto';
import {
  cosign,
  emptyRoot,
  encodeTlogProof,
  encodeVkey,
  encodeWitnessVkey,
  leafHash,
  signCheckpoint,
  withSignatures,
  writeBundle,
} from '@pawl/core/evidence';
import { Place } from './workspace-fixture.ts';

const AT_MS = Date.parse('2026-11-21T10:00:00.000Z');

test('a bundle and a proof verify with as many witnesses as are needed, and not with fewer', async () => {
  await using place = await Place.make();
  const ledger = PrivateKey.generate('Ed25519');
  const key = encodeVkey('ledger', ledger.publicKey);
  const [one, two] = ['one.example', 'two.example'].map((name) => ({ name, signer: PrivateKey.generate('Ed25519') }));
  if (one === undefined || two === undefined) throw new TypeError('two witnesses');
  const entry = new TextEncoder().encode('{"entry":1}');
  const checkpointOf = async (size: number, root: Uint8Array) => {
    const note = await signCheckpoint({ origin: 'ledger', size, root }, 'ledger', ledger);
    return withSignatures(note, [await cosign(note, { ...one, atMs: AT_MS })]);
  };
  const bundle = writeBundle({
    kind: 'complete',
    checkpoint: await checkpointOf(0, emptyRoot()),
    vkey: key,
    entries: [],
  });
  await writeFile(place.path('b.zip'), bundle);
  await writeFile(place.path('e.json'), entry);
  const checkpoint = await checkpointOf(1, leafHash(entry));
  await writeFile(place.path('p'), encodeTlogProof({ index: 0, hashes: [], checkpoint }));
  await writeFile(place.path('one.vkey'), `${encodeWitnessVkey(one.name, one.signer.publicKey)}\n`);
  const second = encodeWitnessVkey(two.name, two.signer.publicKey);

  for (const what of [['b.zip'], ['p', '--entry', 'e.json']]) {
    const verify = (...words: string[]) => place.pawl('verify', ...what, '--key', key, ...words);
    const good = await verify('--witness', 'one.vkey');
    assert.deepEqual([good.status, good.err], [0, []]);
    assert.ok(good.out.includes('cosigned by one.example at 2026-11-21T10:00:00.000Z'), good.out.join('\n'));
    assert.equal((await verify('--witness', 'one.vkey', '--witness', second, '--witnesses', '1')).status, 0);
    // Without a number, all of them are meant.
    const few = await verify('--witness', 'one.vkey', '--witness', second);
    assert.equal(few.status, 1);
    assert.match(few.err[0] ?? '', /CHECKPOINT_COSIGNATURES_TOO_FEW.*two\.example/);
    assert.match((await verify('--witness', second)).err[0] ?? '', /CHECKPOINT_COSIGNATURES_TOO_FEW/);
    assert.match(
      (await verify('--witness', 'one.vkey', '--witness', 'one.vkey')).err[0] ?? '',
      /WITNESS_POLICY_INVALID/,
    );
    assert.match((await verify('--witness', 'one.vkey', '--witnesses', '0')).err[0] ?? '', /WITNESS_POLICY_INVALID/);
    assert.match((await verify('--witness', key)).err[0] ?? '', /VKEY_MALFORMED/);
    assert.equal((await verify('--witnesses', '1')).status, 2);
  }
  // A file that nobody witnesses does not pass for one that somebody did.
  await writeFile(place.path('raw.bin'), 'an image');
  assert.match((await place.pawl('verify', 'raw.bin', '--witness', 'one.vkey')).err[0] ?? '', /CLI_USAGE/);
});
