/**
 * Tiles both ways: addresses by the examples of the specification, the tiles of a real log (Tessera's), trees of sizes around
 * every boundary served by a naive server, and every lie that such a server can tell.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import { verifyCheckpoint } from './checkpoint.ts';
import { inclusionProof } from './merkle-proof.ts';
import { leafHash, rootOfLeaves } from './merkle-tree.ts';
import { parseTilePath, TILE_WIDTH, type TileId, tilePath, tileWidth } from './tile-path.ts';
import { encodeEntryBundle, ProvenTiles, type ReadTile } from './tiles.ts';

const ROOT = join(import.meta.dirname, '../../..');
const VECTORS = join(resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'), 'tlog');
const LOG = `${VECTORS}/tessera-testdata-log`;
const skip = existsSync(VECTORS) ? false : `the vectors are not at ${VECTORS} (PAWL_VECTORS)`;

test('a tile has one address, as the specification writes it', () => {
  const table: readonly (readonly [string, TileId])[] = [
    ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
    ['tile/63/000.p/1', { level: 63, index: 0, width: 1 }],
    ['tile/entries/x273/000.p/112', { level: 'entries', index: 273_000, width: 112 }],
    ['tile/2/999', { level: 2, index: 999, width: 256 }],
  ];
  for (const [path, tile] of table) {
    assert.deepEqual(parseTilePath(path), tile);
    assert.equal(tilePath(tile), path);
  }
  const others = ['tile/00/000', 'tile/64/000', 'tile/0/x000/001', 'tile/0/1', 'tile/0/000.p/0', 'tile/0/000.p/256'];
  const more = ['tile/0/000.p/01', 'tile/0/x1000/000', 'tile/entries', 'tile/0/001/002', 'tile/0/000/', '/tile/0/000'];
  const beyond = `tile/0/${'x999/'.repeat(6)}999`;
  for (const path of [...others, ...more, beyond, 'tile/-1/000', 'tile/0/000.p/999'])
    assert.equal(parseTilePath(path), undefined, path);
});

test('a ledger has the tiles that the specification counts in a tree of 70,000 and of 256', () => {
  assert.equal(tileWidth(0, 272, 70_000), 256);
  assert.deepEqual(
    [tileWidth(0, 273, 70_000), tileWidth('entries', 273, 70_000), tileWidth(0, 274, 70_000)],
    [112, 112, 0],
  );
  assert.deepEqual([tileWidth(1, 0, 70_000), tileWidth(1, 1, 70_000), tileWidth(2, 0, 70_000)], [256, 17, 1]);
  assert.deepEqual([tileWidth(0, 0, 256), tileWidth(0, 1, 256), tileWidth(1, 0, 256)], [256, 0, 1]);
});

const SIZE = 70_000;
const entryOf = (index: number): Uint8Array => utf8(`entry ${index}`);
const leaves: Uint8Array[] = [];
/** Hashes of each level of tiles: those of full tiles below. */
const levels: Uint8Array[][] = [];

before(() => {
  for (let index = 0; index < SIZE; index += 1) leaves.push(leafHash(entryOf(index)));
  levels.push(leaves);
  for (let below = leaves; below.length >= TILE_WIDTH; ) {
    const above: Uint8Array[] = [];
    for (let at = 0; at + TILE_WIDTH <= below.length; at += TILE_WIDTH) {
      above.push(rootOfLeaves(below.slice(at, at + TILE_WIDTH)));
    }
    levels.push(above);
    below = above;
  }
});

/** A server that has every tile of every size, and counts what it is asked for. */
function server(change: (path: string, bytes: Uint8Array) => Uint8Array | undefined = (_, bytes) => bytes) {
  const asked: string[] = [];
  const read: ReadTile = (path) => {
    asked.push(path);
    const { level, index, width } = parseTilePath(path) ?? assert.fail(path);
    const from = index * TILE_WIDTH;
    const bytes =
      level === 'entries'
        ? encodeEntryBundle(Array.from({ length: width }, (_, at) => entryOf(from + at)))
        : concat(...(levels[level] ?? []).slice(from, from + width));
    return Promise.resolve(change(path, bytes));
  };
  return { asked, read };
}
const roots = new Map<number, Uint8Array>();
function headOf(size: number) {
  const root = roots.get(size) ?? rootOfLeaves(leaves.slice(0, size));
  roots.set(size, root);
  return { size, root };
}

test('at sizes around every boundary, entries are proven and growth is, from a few tiles', async () => {
  for (const size of [1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, SIZE]) {
    const { asked, read } = server();
    const tiles = new ProvenTiles(headOf(size), read);
    assert.equal(tiles.size, size);
    for (const index of new Set([0, Math.floor(size / 2), size - 1])) {
      const proof = await tiles.proveInclusion(index, entryOf(index));
      if (size > 600) continue;
      const stored = await inclusionProof(index, size, ({ level, index: at }) =>
        rootOfLeaves(leaves.slice(at * 2 ** level, (at + 1) * 2 ** level)),
      );
      assert.deepEqual(proof, stored);
    }
    for (const old of [0, 1, 200, 256, 60_000].filter((each) => each < size)) {
      assert.deepEqual(await tiles.compareWith(headOf(old)), { verdict: 'grown', added: size - old });
    }
    assert.deepEqual(await tiles.compareWith(headOf(size)), { verdict: 'same' });
    assert.ok(asked.length <= 16, `${size}: ${asked.length} tiles`);
  }
});

test('an empty ledger has no tiles, and any ledger goes on from it', async () => {
  const tiles = new ProvenTiles(headOf(0), () => assert.fail('asked for a tile'));
  assert.deepEqual(await tiles.compareWith(headOf(0)), { verdict: 'same' });
  await assert.rejects(tiles.entries(0), { code: 'MERKLE_RANGE_INVALID' });
  const wrong = new ProvenTiles({ size: 0, root: leaves[0] ?? assert.fail() }, () => assert.fail('asked'));
  await assert.rejects(wrong.compareWith(headOf(0)), { code: 'TILE_UNPROVEN' });
});

test('a ledger that has another beginning, or fewer entries, is told', async () => {
  const { read } = server();
  const tiles = new ProvenTiles(headOf(SIZE), read);
  const other = rootOfLeaves(leaves.slice(1, 301));
  assert.deepEqual(await tiles.compareWith({ size: 300, root: other }), { verdict: 'forked', at: undefined });
  assert.deepEqual(await tiles.compareWith({ size: SIZE, root: other }), { verdict: 'forked', at: undefined });
  const shorter = new ProvenTiles(headOf(300), read);
  assert.deepEqual(await shorter.compareWith(headOf(310)), { verdict: 'truncated', missing: 10 });
});

test('every entry is compared with its leaf, and few tiles are kept', async () => {
  const { asked, read } = server();
  const tiles = new ProvenTiles(headOf(SIZE), read);
  for (let bundle = 0; bundle < 70; bundle += 1) {
    const entries = await tiles.entries(bundle);
    assert.deepEqual([entries.length, entries[7]], [256, entryOf(bundle * 256 + 7)]);
  }
  const last = await tiles.entries(273);
  assert.deepEqual([last.length, last.at(-1)], [112, entryOf(SIZE - 1)]);
  const before = asked.length;
  await tiles.entries(69);
  assert.equal(asked.length - before, 1);
  await tiles.entries(0);
  assert.ok(asked.length - before > 2);
});

test('a partial tile that grew into a full one since is read from that', async () => {
  const gone = server((path, bytes) => (path.includes('.p/') ? undefined : bytes));
  const tiles = new ProvenTiles(headOf(200), gone.read);
  assert.equal((await tiles.entries(0)).length, 200);
  await tiles.proveInclusion(199, entryOf(199));
  const none = new ProvenTiles(headOf(200), () => Promise.resolve(undefined));
  await assert.rejects(none.entries(0), { code: 'TILE_MISSING', details: { path: 'tile/0/000.p/200' } });
  const nothing = new ProvenTiles(headOf(512), () => Promise.resolve(undefined));
  await assert.rejects(nothing.entries(0), { code: 'TILE_MISSING' });
});

const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, each) => (each === at ? byte ^ 1 : byte));

test('each lie of whoever serves the tiles is found at its tile', async () => {
  const lies: readonly (readonly [string, (path: string, bytes: Uint8Array) => Uint8Array, string])[] = [
    ['a changed full tile', (path, bytes) => (path === 'tile/0/000' ? flip(bytes, 700) : bytes), 'TILE_UNPROVEN'],
    ['a changed parent', (path, bytes) => (path === 'tile/1/000' ? flip(bytes, 1) : bytes), 'TILE_UNPROVEN'],
    ['a changed edge', (path, bytes) => (path === 'tile/0/273.p/112' ? flip(bytes, 5) : bytes), 'TILE_UNPROVEN'],
    ['a changed top', (path, bytes) => (path === 'tile/2/000.p/1' ? flip(bytes, 0) : bytes), 'TILE_UNPROVEN'],
    ['a hash too few', (path, bytes) => (path === 'tile/0/000' ? bytes.slice(0, -32) : bytes), 'TILE_MALFORMED'],
    [
      'a hash too many',
      (path, bytes) => (path.endsWith('/112') ? concat(bytes, bytes.slice(0, 32)) : bytes),
      'TILE_MALFORMED',
    ],
    [
      'half a hash',
      (path, bytes) => (path === 'tile/1/001.p/17' ? bytes.slice(0, 17 * 32 - 1) : bytes),
      'TILE_MALFORMED',
    ],
    ['nothing', () => new Uint8Array(), 'TILE_MALFORMED'],
  ];
  for (const [what, lie, code] of lies) {
    const tiles = new ProvenTiles(headOf(SIZE), server(lie).read);
    await assert.rejects(tiles.entries(0), { code }, what);
    await assert.rejects(tiles.proveInclusion(3, entryOf(3)), { code }, what);
  }
  const tiles = new ProvenTiles(headOf(SIZE), server().read);
  await assert.rejects(tiles.proveInclusion(3, entryOf(4)), { code: 'MERKLE_INCLUSION_INVALID' });
});

test('an entry that was changed, left out, put in or cut off is found', async () => {
  const lies: readonly (readonly [(bytes: Uint8Array) => Uint8Array, string])[] = [
    [(bytes) => flip(bytes, 4), 'TILE_UNPROVEN'],
    [(bytes) => bytes.slice(0, -1), 'TILE_MALFORMED'],
    [(bytes) => concat(bytes, Uint8Array.of(0)), 'TILE_MALFORMED'],
    [(bytes) => concat(bytes, Uint8Array.of(0, 0)), 'TILE_MALFORMED'],
    [(bytes) => bytes.slice(2 + entryOf(0).length), 'TILE_MALFORMED'],
    [(bytes) => concat(bytes.slice(9), bytes.slice(0, 9)), 'TILE_UNPROVEN'],
  ];
  for (const [lie, code] of lies) {
    const { read } = server((path, bytes) => (path.startsWith('tile/entries') ? lie(bytes) : bytes));
    await assert.rejects(new ProvenTiles(headOf(SIZE), read).entries(0), { code });
  }
  assert.throws(() => encodeEntryBundle([new Uint8Array(65_536)]), { code: 'TILE_MALFORMED' });
});

test('reads the tiles of a Tessera log at each of its sizes, and writes the very same ones', { skip }, async () => {
  const vkey = readFileSync(`${LOG}/log.vkey`, 'utf8').trim();
  const read: ReadTile = (path) =>
    Promise.resolve(existsSync(`${LOG}/${path}`) ? new Uint8Array(readFileSync(`${LOG}/${path}`)) : undefined);
  let older: { size: number; root: Uint8Array } = { size: 0, root: new Uint8Array(32) };
  for (let size = 1; size <= 15; size += 1) {
    const checkpoint = verifyCheckpoint(readFileSync(`${LOG}/checkpoint.${size}`, 'utf8'), vkey);
    const tiles = new ProvenTiles(checkpoint, read);
    assert.deepEqual(await tiles.compareWith(older), { verdict: 'grown', added: size - older.size });
    const entries = await tiles.entries(0);
    for (const [index, entry] of entries.entries()) await tiles.proveInclusion(index, entry);
    const path = tilePath({ level: 'entries', index: 0, width: size });
    assert.deepEqual(encodeEntryBundle(entries), new Uint8Array(readFileSync(`${LOG}/${path}`)));
    older = { size, root: checkpoint.root };
  }
});
