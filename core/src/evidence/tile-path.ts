/**
 * Addresses of tiles (C2SP tlog-tiles v0.1.0): `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`, N in groups of three
 * digits, all but the last with an `x` before them. Each tile has one address; other spellings are none.
 */

/** A tile of 256 hashes or entries is full. */
export const TILE_WIDTH = 256;
/** Levels of the tree within a tile. */
export const TILE_HEIGHT = 8;
const LEVEL_MAX = 63;
const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Which tile: hashes of a level, or entries; its number from the left, and how many it holds. */
export type TileId = { readonly level: number | 'entries'; readonly index: number; readonly width: number };

/** Below the prefix of the ledger, without a slash before it. */
export function tilePath({ level, index, width }: TileId): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/[0-9]{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** The tile at an address; undefined when it is none. */
export function parseTilePath(path: string): TileId | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [, level = '', groups = '', width] = match;
  const tile: TileId = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const isTile = (tile.level === 'entries' || tile.level <= LEVEL_MAX) && tile.width <= TILE_WIDTH;
  // What is written back otherwise had zeroes too many, a full tile called partial, or a number beyond all ledgers.
  return isTile && Number.isSafeInteger(tile.index) && tilePath(tile) === path ? tile : undefined;
}

/** How many hashes or entries a tile of a ledger of `size` entries holds; 0 when there is no such tile. */
export function tileWidth(level: number | 'entries', index: number, size: number): number {
  const hashes = Math.floor(size / 2 ** (TILE_HEIGHT * (level === 'entries' ? 0 : level)));
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}
