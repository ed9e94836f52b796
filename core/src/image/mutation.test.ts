/** Whatever is done to a file, a format answers with an error of its own or not at all: never with one of the runtime. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import { PrivateKey } from '../crypto/index.ts';
import { describeImage, IMAGE_FORMATS, identifyImage } from './identify.ts';
import { signMcuboot } from './mcuboot/sign.ts';
import { mcubootSigner } from './mcuboot/signer.ts';

const ROUNDS = 2500;
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures', name)));

/** A number generator that a printed seed repeats (Numerical Recipes, an LCG of 32 bits). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One change of the kinds that damage and attackers make: a bit, a byte, a length, a cut, a repetition. */
function mutate(bytes: Uint8Array, next: (below: number) => number): Uint8Array {
  const at = next(bytes.length);
  const changed = bytes.slice();
  switch (next(5)) {
    case 0:
      changed[at] = (changed[at] ?? 0) ^ (1 << next(8));
      return changed;
    case 1:
      changed[next(Math.min(64, bytes.length))] = [0, 1, 0x7f, 0x80, 0xff][next(5)] ?? 0;
      return changed;
    case 2:
      return changed.fill(next(2) * 0xff, at, at + 1 + next(8));
    case 3:
      return changed.slice(0, at);
    default:
      return concat(changed.slice(0, at), changed.slice(next(bytes.length)));
  }
}

test('a changed file is described, or refused with a code', async () => {
  const key = PrivateKey.generate('ESP256');
  const version = { major: 1, minor: 2, revision: 3, build: 4 };
  const dependencies = [{ image: 1, versionMin: version }];
  const customTlvs = [{ type: 0xa0, value: utf8('custom') }];
  const options = { payload: utf8('payload'), version, dependencies, customTlvs, securityCounter: 7 };
  const trust = { keysPem: [key.publicKey.toSpkiPem()] };
  const samples: Uint8Array[] = [
    await signMcuboot({ ...options, signer: mcubootSigner(key) }),
    await signMcuboot({ ...options, slot: { sizeBytes: 0x800, writeAlignment: 1, trailer: 'confirmed' } }),
    fixture('counting.uf2'),
    fixture('esp32c3-signed.bin'),
    utf8('S00600004844521B\nS1130000285F245F2212226A000424290008237C2A\nS5030001FB\nS9030000FC\n'),
    utf8(':10010000214601360121470136007EFE09D2190140\n:00000001FF\n'),
  ];
  const seed = randomInt(2 ** 32);
  const next = generator(seed);
  for (let round = 0; round < ROUNDS; round += 1) {
    const sample = samples[next(samples.length)] ?? new Uint8Array();
    const { describe, verify } = IMAGE_FORMATS[identifyImage(sample)];
    let bytes = mutate(sample, next);
    if (bytes.length > 0 && next(2) === 0) bytes = mutate(bytes, next);
    for (const look of [() => describeImage(bytes), () => describe(bytes), () => verify?.(bytes, trust)]) {
      try {
        await look();
      } catch (error) {
        assert.ok(
          error instanceof Error && error.name === 'ImageError',
          `seed ${seed}, round ${round}: ${String(error)}`,
        );
      }
    }
  }
});
