/** Cosignatures of the ledger, and how it stands with each witness. */
import type { Db, Trx } from './database.ts';
import type { LedgerWitnessTable } from './schema/index.ts';

export async function findWitness(db: Db, witness: string): Promise<LedgerWitnessTable | undefined> {
  return await db.selectFrom('ledger_witness').selectAll().where('witness', '=', witness).executeTakeFirst();
}

/** Puts down what came of asking a witness. */
export async function noteWitness(trx: Trx, row: LedgerWitnessTable): Promise<void> {
  const { witness: _key, ...change } = row;
  await trx
    .insertInto('ledger_witness')
    .values(row)
    .onConflict((conflict) => conflict.column('witness').doUpdateSet(change))
    .execute();
}

/**
 * Takes in a cosignature. Of the older ones only those stay that stand at the newest size of some witness: a ledger grows for
 * years, and nobody asks for who cosigned it in between.
 */
export async function insertCosignature(trx: Trx, row: { size: number; witness: string; line: string }): Promise<void> {
  await trx
    .insertInto('ledger_cosignature')
    .values(row)
    .onConflict((conflict) => conflict.columns(['size', 'witness']).doUpdateSet({ line: row.line }))
    .execute();
  const newest = trx
    .selectFrom('ledger_cosignature')
    .select((eb) => eb.fn.max('size').as('size'))
    .groupBy('witness');
  await trx.deleteFrom('ledger_cosignature').where('size', 'not in', newest).execute();
}

/** Signature lines on the checkpoint of a size. */
export async function cosignaturesAt(db: Db, size: number): Promise<string[]> {
  const rows = await db
    .selectFrom('ledger_cosignature')
    .select('line')
    .where('size', '=', size)
    .orderBy('witness')
    .execute();
  return rows.map(({ line }) => line);
}

/** The newest size that was cosigned, from a size on. */
export async function newestCosigned(db: Db, from: number): Promise<number | undefined> {
  const { size } = await db
    .selectFrom('ledger_cosignature')
    .select((eb) => eb.fn.max('size').as('size'))
    .where('size', '>=', from)
    .executeTakeFirstOrThrow();
  return size ?? undefined;
}
