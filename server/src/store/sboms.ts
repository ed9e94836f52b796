/** Bills of materials: the file as it came, and what advisories are matched against. */
import type { SbomComponent } from '@pawl/compliance/vulnerability';
import type { Db, Trx } from './database.ts';
import type { ReleaseTable, SbomTable } from './schema/index.ts';

const INSERT_BATCH = 250;

/** Saves the bill of a release, in place of the one before. */
export async function saveSbom(trx: Trx, row: SbomTable, components: readonly SbomComponent[]): Promise<void> {
  await trx.deleteFrom('sbom_component').where('release_id', '=', row.release_id).execute();
  await trx.deleteFrom('sbom').where('release_id', '=', row.release_id).execute();
  await trx.insertInto('sbom').values(row).execute();
  const rows = components.flatMap(({ packageName, name, version }) =>
    packageName === undefined
      ? []
      : [{ release_id: row.release_id, package_name: packageName, name, version: version ?? null }],
  );
  for (let at = 0; at < rows.length; at += INSERT_BATCH) {
    await trx
      .insertInto('sbom_component')
      .values(rows.slice(at, at + INSERT_BATCH))
      .execute();
  }
}

export async function findSbom(db: Db, releaseId: number): Promise<SbomTable | undefined> {
  return await db.selectFrom('sbom').selectAll().where('release_id', '=', releaseId).executeTakeFirst();
}

export type FoundComponent = {
  readonly release: Pick<ReleaseTable, 'id' | 'line' | 'version'>;
  readonly packageName: string;
  readonly name: string;
  readonly version: string | undefined;
};

/** Components of a tenant's releases that are of these packages. */
export async function findComponents(db: Db, tenantId: number, packages: readonly string[]): Promise<FoundComponent[]> {
  if (packages.length === 0) return [];
  const rows = await db
    .selectFrom('sbom_component')
    .innerJoin('release', 'release.id', 'sbom_component.release_id')
    .select([
      'release.id',
      'release.line',
      'release.version as release_version',
      'sbom_component.package_name',
      'sbom_component.name',
      'sbom_component.version',
    ])
    .where('release.tenant_id', '=', tenantId)
    .where('sbom_component.package_name', 'in', packages)
    .orderBy('sbom_component.id')
    .limit(20_000)
    .execute();
  return rows.map((row) => ({
    release: { id: row.id, line: row.line, version: row.release_version },
    packageName: row.package_name,
    name: row.name,
    version: row.version ?? undefined,
  }));
}

/** How many published releases nobody can match, because they have no bill. */
export async function countWithoutSbom(db: Db, tenantId: number): Promise<number> {
  const { count } = await db
    .selectFrom('release')
    .leftJoin('sbom', 'sbom.release_id', 'release.id')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('release.tenant_id', '=', tenantId)
    .where('release.state', '=', 'published')
    .where('sbom.release_id', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Rollouts that bring a release to devices, or did. */
export async function rolloutsOfRelease(
  db: Db,
  releaseId: number,
): Promise<{ readonly id: number; readonly name: string; readonly state: string }[]> {
  return await db
    .selectFrom('rollout')
    .select(['id', 'name', 'state'])
    .where('release_id', '=', releaseId)
    .orderBy('id')
    .limit(100)
    .execute();
}
