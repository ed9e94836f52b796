import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrivateKey } from '@pawl/core/crypto';
import {
  appendLeaf,
  encodeEnvelope,
  encodeTlogProof,
  encodeVkey,
  inclusionProof,
  leafHash,
  newStatement,
  signCheckpoint,
  signStatement,
  verifyStatement,
  verifyTlogProof,
} from '@pawl/core/evidence';

test('sign a statement, take it into a ledger, and prove it offline', async () => {
  const image = PrivateKey.generate('Ed25519');
  const ledger = PrivateKey.generate('Ed25519');
  const statement = newStatement({
    predicateType: 'urn:pawl:release:1',
    subject: [{ name: 'kettle.bin', digest: { sha256: '00'.repeat(32) } }],
    predicate: { version: '1.2.0' },
  });
  const entry = encodeEnvelope(await signStatement(statement, image));
  assert.deepEqual(verifyStatement(entry, [image.publicKey]).statement.predicate, { version: '1.2.0' });

  // A ledger of one entry; the nodes would lie in a database.
  const getNode = async (): Promise<undefined> => undefined;
  const { size, root } = await appendLeaf(0, leafHash(entry), getNode);
  const checkpoint = await signCheckpoint({ origin: 'kettles.example', size, root }, 'kettles.example', ledger);
  const hashes = await inclusionProof(0, size, getNode);
  const proof = new TextEncoder().encode(encodeTlogProof({ index: 0, hashes, checkpoint }));
  const vkey = encodeVkey('kettles.example', ledger.publicKey);
  assert.deepEqual(verifyTlogProof(proof, entry, vkey), { origin: 'kettles.example', index: 0, size: 1 });
});
