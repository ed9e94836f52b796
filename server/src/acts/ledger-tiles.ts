/** Tiles of the ledger (C2SP tlog-tiles), each from the rows of its own nodes or entries. */
import { concat } from '@pawl/core/bytes';
import { encodeEntryBundle, TILE_HEIGHT, TILE_WIDTH, type TileId } from '@pawl/core/evidence';
import type { Db } from '../store/database.ts';
import { listLedger, listNodes } from '../store/ledger.ts';

/** The bytes of a tile; undefined when the ledger has not grown to it. What is there never changes. */
export async function tileOf(db: Db, { level, index, width }: TileId): Promise<Uint8Array | undefined> {
  const from = index * TILE_WIDTH;
  if (level === 'entries') {
    const rows = await listLedger(db, from, width);
    return rows.length === width ? encodeEntryBundle(rows.map(({ envelope }) => envelope)) : undefined;
  }
  const hashes = await listNodes(db, { level: TILE_HEIGHT * level, from, limit: width });
  return hashes.length === width ? concat(...hashes) : undefined;
}
