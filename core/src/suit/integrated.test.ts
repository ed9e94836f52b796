import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOfMember, encodeDigest } from './digest.ts';
import { commands, IMAGE, imageDigest, manifest, map, OTHER_IMAGE, signRaw, verified } from './fixture.test.ts';
import { verifyIntegratedPayloads } from './integrated.ts';

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
