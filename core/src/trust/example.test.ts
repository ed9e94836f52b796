import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '@pawl/core/bytes';
import { PrivateKey, sha256 } from '@pawl/core/crypto';
import {
  newRoot,
  newSnapshot,
  newTargets,
  newTimestamp,
  refreshTrust,
  signMetadata,
  verifyTargetBytes,
  withTarget,
} from '@pawl/core/trust';

const expiresAt = new Date('2027-06-01T00:00:00Z');
const now = new Date('2026-06-01T00:00:00Z');

test('make a repository, and follow it as a device does', async () => {
  const root = PrivateKey.generate('Ed25519');
  const release = PrivateKey.generate('ESP256');
  const online = PrivateKey.generate('Ed25519');
  const artifact = utf8('firmware');

  // Offline: who the others are, and what is released.
  const files = new Map<string, Uint8Array>();
  const keys = {
    root: [root.publicKey],
    targets: [release.publicKey],
    snapshot: [online.publicKey],
    timestamp: [online.publicKey],
  };
  files.set('1.root.json', await signMetadata(newRoot({ keys, expiresAt }), [root]));
  const target = { path: 'kettle/1.2.0/envelope.suit', sizeBytes: artifact.length, sha256: sha256(artifact) };
  const targets = await signMetadata(withTarget(newTargets({ expiresAt }), target), [release]);
  files.set('1.targets.json', targets);

  // Online: freshness only.
  const snapshot = await signMetadata(newSnapshot({ expiresAt, roles: new Map([['targets', targets]]) }), [online]);
  files.set('1.snapshot.json', snapshot);
  files.set('timestamp.json', await signMetadata(newTimestamp({ version: 1, expiresAt, snapshot }), [online]));

  // On the device: from the root that it was made with.
  const kept = new Map<string, Uint8Array>();
  const trusted = await refreshTrust({
    trusted: files.get('1.root.json') ?? new Uint8Array(),
    fetch: async (name) => files.get(name),
    persist: {
      load: async (name) => kept.get(name),
      save: async (name, bytes) => void kept.set(name, bytes),
      remove: async (name) => void kept.delete(name),
    },
    startedAt: now,
  });
  verifyTargetBytes(trusted.requireTarget('kettle/1.2.0/envelope.suit'), artifact);
  assert.throws(() => trusted.requireTarget('kettle/9.9.9/envelope.suit'), { code: 'TRUST_TARGET_NOT_LISTED' });
});
