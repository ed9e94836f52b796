/** The fuzzer finds what it is there to find, and what it found before stays harmless. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CodedError } from '@pawl/core/bytes';
import { Coverage } from './coverage.ts';
import { fuzz, runInput, type Target } from './fuzzer.ts';
import { mutate, randomFrom } from './mutate.ts';
import { targetsWith, vectorsIn } from './targets.ts';

const CORPUS = join(import.meta.dirname, 'corpus');
const refused = new CodedError('TEST_REFUSED', { message: 'refused', advice: 'none', status: 400 }, {});

/** Three checks, one behind the other: blind guessing needs millions of tries, coverage some thousands. */
const planted: Target = {
  name: 'planted',
  seeds: async () => [new Uint8Array(8)],
  run: (input) => {
    if (input[0] !== 0xff) throw refused;
    if (input[1] !== 0x80) throw refused;
    if (input[2] !== 0x1f) throw refused;
    throw new RangeError('planted');
  },
};

test('finds a defect that only the way into the code leads to', async () => {
  const coverage = new Coverage('/lab/fuzz/fuzz.test.ts');
  try {
    const options = { corpus: [], coverage, seed: 7, runsMax: 20_000, nowMs: () => 0, durationMs: 1 };
    const { finding, runs } = await fuzz(planted, options);
    assert.match(finding?.what ?? 'nothing', /RangeError: planted/);
    assert.ok(runs > 10);
  } finally {
    coverage.close();
  }
});

test('a coded error is a refusal, anything else and slowness are findings', async () => {
  let now = 0;
  const target = (run: () => unknown): Target => ({ name: 't', seeds: async () => [], run });
  const nowMs = (): number => now;
  assert.equal(
    await runInput(
      target(() => {
        throw refused;
      }),
      new Uint8Array(1),
      nowMs,
    ),
    undefined,
  );
  assert.match(
    (await runInput(
      target(() => {
        throw new TypeError('x');
      }),
      new Uint8Array(1),
      nowMs,
    )) ?? '',
    /TypeError/,
  );
  const slow = target(() => {
    now += 10_000;
  });
  assert.match((await runInput(slow, new Uint8Array(1), nowMs)) ?? '', /slow/);
});

test('the same seed gives the same mutations, within the size', () => {
  const run = (seed: number): string[] => {
    const options = { random: randomFrom(seed), other: new Uint8Array(100).fill(1), sizeBytesMax: 64 };
    return Array.from({ length: 200 }, () => mutate(new Uint8Array(60), options)).map((bytes) => {
      assert.ok(bytes.length <= 64);
      return bytes.join();
    });
  };
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1), run(2));
});

describe('every input that was kept is still refused or read as it should be', () => {
  const targets = targetsWith('/no/vectors/needed');
  const folders = readdirSync(CORPUS);
  test('and every target has some', () => {
    assert.deepEqual(folders.toSorted(), targets.map(({ name }) => name).toSorted());
  });
  for (const target of targets) {
    test(target.name, async () => {
      const inputs = vectorsIn(join(CORPUS, target.name), /^[0-9a-f]{16}$/);
      assert.ok(inputs.length > 0);
      for (const input of inputs) assert.equal(await runInput(target, input, () => 0), undefined);
    });
  }
});
