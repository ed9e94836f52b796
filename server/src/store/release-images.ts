/** What published foreign images say about themselves, as far as the server must know it to offer them. */
import { z } from 'zod';
import type { Db, Trx } from './database.ts';

export type MenderFacts = { readonly artifactName: string; readonly deviceTypes: readonly string[] };
type ReleaseImageRow = { readonly name: string; readonly format: string; readonly facts: object };

const menderFacts = z.object({ artifactName: z.string(), deviceTypes: z.array(z.string()) });

export async function saveReleaseImages(
  trx: Trx,
  releaseId: number,
  images: readonly ReleaseImageRow[],
): Promise<void> {
  if (images.length === 0) return;
  await trx
    .insertInto('release_image')
    .values(
      images.map(({ name, format, facts }) => ({ release_id: releaseId, name, format, facts: JSON.stringify(facts) })),
    )
    .execute();
}

/** The Mender artifacts of a release, by name. */
export async function listMenderArtifacts(db: Db, releaseId: number): Promise<(MenderFacts & { name: string })[]> {
  const rows = await db
    .selectFrom('release_image')
    .selectAll()
    .where('release_id', '=', releaseId)
    .where('format', '=', 'mender')
    .orderBy('name')
    .execute();
  return rows.map(({ name, facts }) => ({ name, ...menderFacts.parse(JSON.parse(facts)) }));
}
