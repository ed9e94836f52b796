import assert from 'node:assert/strict';
import { linkSync, mkdirSync, truncateSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Bench, skipWithout } from '../../test/bench.ts';
import { concat } from '../bytes/index.ts';
import { Squashfs } from './squashfs.ts';

const MKSQUASHFS = 'mksquashfs';
const skip = skipWithout(MKSQUASHFS);

describe('file systems made by mksquashfs', { skip }, () => {
  let bench: Bench;
  let small: Uint8Array;
  const files = new Map<string, Uint8Array>();
  // With its search for duplicates, mksquashfs 4.5 sometimes writes fragments that its own unsquashfs cannot read either.
  const make = (options: string, folder = 'in'): Uint8Array => {
    bench.run(`${MKSQUASHFS} ${folder} out -no-duplicates -noappend -quiet -no-progress ${options}`);
    return bench.read('out');
  };
  const contentOf = (bytes: Uint8Array, name: string): Uint8Array | undefined => {
    const file = new Squashfs(bytes).file(name);
    return file === undefined ? undefined : concat(...file.blocks());
  };
  const put = (name: string, content: Uint8Array): void => {
    bench.write(`in/${name}`, content);
    files.set(name, content);
  };

  before(() => {
    bench = new Bench();
    mkdirSync(bench.path('in'));
    mkdirSync(bench.path('in/folder'));
    mkdirSync(bench.path('few'));
    bench.write('few/a', 'first');
    bench.write('few/b', 'x'.repeat(5000));
    small = make('-b 4096', 'few');
    // No two blocks alike, so that none is shared.
    const noise = (size: number): Uint8Array =>
      Uint8Array.from({ length: size }, (_, at) => (at * 7919 + (at >> 8)) & 0xff);
    put('empty', new Uint8Array());
    put('tail', noise(100));
    put('block', noise(4096));
    put('blocks-and-tail', noise(10_000));
    put('large', noise(700_000));
    put('linked', noise(5000));
    linkSync(bench.path('in/linked'), bench.path('in/link'));
    put('sparse', new Uint8Array(50_000));
    truncateSync(bench.path('in/sparse'), 0);
    truncateSync(bench.path('in/sparse'), 50_000);
    for (let index = 0; index < 700; index += 1) put(`many-${index}-${'n'.repeat(40)}`, noise(index % 90));
  });
  after(() => bench.close());

  test('reads every file, in each form of block, fragment and table', () => {
    for (const options of [
      '-b 4096',
      '-b 131072',
      '-b 4096 -comp zstd',
      '-b 4096 -no-fragments',
      '-b 4096 -always-use-fragments',
      '-b 4096 -noI -noD -noF',
    ]) {
      const bytes = make(options);
      for (const [name, content] of files) {
        assert.deepEqual(contentOf(bytes, name), content, `${options}: ${name}`);
        if (options !== '-b 4096' && name.startsWith('many')) break;
      }
      assert.deepEqual(contentOf(bytes, 'link'), files.get('linked'));
      assert.equal(contentOf(bytes, 'not-there'), undefined);
      assert.throws(() => contentOf(bytes, 'folder'), { code: 'IMAGE_MALFORMED' });
    }
  });

  test('refuses compressors that it does not have, other versions and other block sizes', () => {
    assert.throws(() => new Squashfs(make('-comp xz')), { code: 'IMAGE_COMPRESSION_UNSUPPORTED' });
    const changed = (at: number, value: number): Uint8Array => small.with(at, value);
    assert.throws(() => new Squashfs(changed(0, 0)), { code: 'IMAGE_MALFORMED' });
    assert.throws(() => new Squashfs(changed(20, 99)), { code: 'IMAGE_COMPRESSION_UNSUPPORTED' });
    assert.throws(() => new Squashfs(changed(22, 11)), { code: 'IMAGE_MALFORMED' });
    assert.throws(() => new Squashfs(changed(22, 21)), { code: 'IMAGE_MALFORMED' });
    assert.throws(() => new Squashfs(changed(28, 3)), { code: 'IMAGE_MALFORMED' });
    assert.throws(() => new Squashfs(changed(46, 1)), { code: 'IMAGE_TRUNCATED' });
    assert.throws(() => new Squashfs(small.subarray(0, 50)), { code: 'IMAGE_TRUNCATED' });
  });

  test('whatever is changed or cut, it reads something or refuses, and comes to an end', () => {
    const plain = make('-b 4096 -noI -noD -noF', 'few');
    const codes = new Set<string>();
    for (const bytes of [small, plain]) {
      const used = Number(new DataView(bytes.buffer).getBigUint64(40, true));
      for (let bit = 0; bit < used * 8; bit += 1) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        // Every bit of the tables; of the data, which is the longest part, some.
        if (bit > 96 * 8 && bit < (used - 600) * 8 && bit % 61 !== 0) continue;
        for (const name of ['a', 'b']) {
          try {
            contentOf(flipped, name);
          } catch (error) {
            assert.equal((error as Error).name, 'ImageError', `bit ${bit}: ${String(error)}`);
            codes.add((error as { code: string }).code);
          }
        }
      }
      for (let length = 0; length < used; length += 7) {
        assert.throws(() => contentOf(bytes.subarray(0, length), 'a'), { name: 'ImageError' }, `length ${length}`);
      }
    }
    assert.deepEqual([...codes].toSorted(), ['IMAGE_COMPRESSION_UNSUPPORTED', 'IMAGE_MALFORMED', 'IMAGE_TRUNCATED']);
  });
});
