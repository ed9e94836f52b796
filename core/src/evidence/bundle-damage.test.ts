/** Bundles with a flipped bit or a missing end. `npm run test:exhaustive` flips every bit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, refuses, resealed, sampleBundles, stored, vkey } from '../../test/sample-ledger.ts';
import { CHECKPOINT, CONTENTS, ENTRIES, PROOFS, TRUST_ROOT, VKEY } from './bundle-format.ts';
import { verifyBundle } from './bundle-verify.ts';

const { complete, partial } = await sampleBundles();

/** Coprime to 8 and below it: touches every byte, and every place in a byte. */
const BIT_STEP = process.env['PAWL_EXHAUSTIVE'] === '1' ? 1 : 29;

test('refuses a flipped bit anywhere in every member', () => {
  for (const [bytes, kind] of [
    [complete, 'complete'],
    [partial, 'partial'],
  ] as const) {
    for (const [name, content] of open(bytes)) {
      for (let bit = 0; bit < content.length * 8; bit += BIT_STEP) {
        const flipped = content.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const members = open(bytes).set(name, flipped);
        const expected =
          name === CONTENTS ? /^BUNDLE_MEMBER_(MALFORMED|MISSING|UNLISTED|MISMATCH)$/ : /^BUNDLE_MEMBER_MISMATCH$/;
        assert.throws(
          () => verifyBundle(stored(members), { vkey }),
          ({ code }) => expected.test(code),
          `${kind} ${name} bit ${bit}`,
        );
      }
    }
  }
});

test('refuses a flipped bit also when the table of contents was made to fit', () => {
  const expected: Readonly<Record<string, RegExp>> = {
    [CHECKPOINT]: /^CHECKPOINT_/,
    [VKEY]: /^BUNDLE_(VKEY_UNEXPECTED|MEMBER_MALFORMED)$/,
    [ENTRIES]: /^BUNDLE_(ROOT_MISMATCH|PROOF_INVALID|ENTRIES_INCOMPLETE|MEMBER_MALFORMED)$/,
    [PROOFS]: /^BUNDLE_(PROOF_INVALID|ENTRIES_INCOMPLETE|MEMBER_MALFORMED|ORDER_INVALID)$/,
    [TRUST_ROOT]: /^BUNDLE_TRUST_ROOT_UNPROVEN$/,
  };
  for (const [bytes, kind] of [
    [complete, 'complete'],
    [partial, 'partial'],
  ] as const) {
    for (const [name, content] of open(bytes)) {
      if (name === CONTENTS) continue;
      for (let bit = 0; bit < content.length * 8; bit += BIT_STEP) {
        const flipped = content.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const forged = resealed(bytes, kind, (members) => members.set(name, flipped));
        assert.throws(
          () => verifyBundle(forged, { vkey }),
          ({ code }) => expected[name]!.test(code),
          `${kind} ${name} bit ${bit}`,
        );
      }
    }
  }
});

test('a flipped bit of the zip itself is refused, or is in what a zip says beyond names and contents', () => {
  const report = verifyBundle(partial, { vkey });
  for (let bit = 0; bit < partial.length * 8; bit += BIT_STEP) {
    const flipped = partial.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    try {
      assert.deepEqual(verifyBundle(flipped, { vkey }), report, `bit ${bit}`);
    } catch (error) {
      assert.match(String((error as { code?: string }).code), /^(BUNDLE_|CHECKPOINT_)/, `bit ${bit}`);
    }
  }
});

test('refuses every truncation of the zip', () => {
  for (let length = 0; length < partial.length; length += 1) {
    refuses(partial.subarray(0, length), 'BUNDLE_ZIP_MALFORMED', `length ${length}`);
  }
});
