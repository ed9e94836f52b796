import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOfMember, encodeDigest } from './digest.ts';
import {
  commands,
  IMAGE,
  type Item,
  imageDigest,
  installing,
  KEY,
  manifest,
  map,
  OTHER_IMAGE,
  signRaw,
  verified,
} from './fixture.test.ts';
import { verifyIntegratedPayloads } from './integrated.ts';
import { verifyEnvelope } from './verified-manifest.ts';

const fetching = (parameters: Uint8Array): Uint8Array => manifest({ elements: { 20: parameters } });

test('an integrated payload counts when a digest in the manifest speaks for it, wherever that stands', async () => {
  const set = [20, map({ 3: imageDigest(IMAGE), 21: '#a' })] as const;
  const places = [
    commands(...set, 21, 2),
    commands(15, [commands(...set), null], 21, 2),
    commands(32, commands(...set), 21, 2),
    commands(34, map({ 0: map({ 3: imageDigest(IMAGE) }) }), 21, 2),
  ];
  for (const place of places) {
    verifyIntegratedPayloads(await verified(fetching(place), { integrated: new Map([['#a', IMAGE]]) }));
    const changed = await verified(fetching(place), { integrated: new Map([['#a', OTHER_IMAGE]]) });
    assert.throws(() => verifyIntegratedPayloads(changed), { code: 'SUIT_INTEGRATED_UNSIGNED' });
    const added = new Map([
      ['#a', IMAGE],
      ['#b', OTHER_IMAGE],
    ]);
    const more = await verified(fetching(place), { integrated: added });
    assert.throws(() => verifyIntegratedPayloads(more), { code: 'SUIT_INTEGRATED_UNSIGNED' });
  }
});

test('an integrated dependency counts by the digest of its manifest', async () => {
  const inner = manifest();
  const digest = encodeDigest(digestOfMember(inner));
  const outer = fetching(commands(20, map({ 3: digest, 21: '#d' }), 21, 2));
  verifyIntegratedPayloads(await verified(outer, { integrated: new Map([['#d', await signRaw(inner)]]) }));
});

test('many digests do not make one payload long to check', async () => {
  const digests = (row: number): Item =>
    map(
      Object.fromEntries(Array.from({ length: 16 }, (_, at) => [at, map({ 3: imageDigest(Uint8Array.of(row, at)) })])),
    );
  const rows = Array.from({ length: 43 }, (_, row): Item[] => [34, digests(row)]).flat();
  // Slow to read as an envelope: 30,000 items that are none.
  const payload = commands(...Array.from({ length: 30_000 }, () => 0));
  const envelope = await signRaw(installing(16, 12, 0, ...rows), [KEY], { integrated: new Map([['#a', payload]]) });
  const options = { keys: [KEY.publicKey], requiredAlgorithms: ['ESP256'], integratedSizeBytesMax: 65_536 } as const;
  const parsed = verifyEnvelope(envelope, options);
  const startedAt = performance.now();
  assert.throws(() => verifyIntegratedPayloads(parsed), { code: 'SUIT_INTEGRATED_UNSIGNED' });
  assert.ok(performance.now() - startedAt < 1000);
});
