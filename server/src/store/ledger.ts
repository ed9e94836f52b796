/**
 * The ledger in the database: entries (DSSE envelopes) and the hashes of complete subtrees. Appending happens in the
 * transaction of what the entry records. Server's own statements are signed by the ledger key.
 */
import type { Signer } from '@pawl/core/crypto';
import {
  encodeEnvelope,
  leafHash,
  type NodePlan,
  newStatement,
  type PredicateType,
  planAppend,
  planRoot,
  type Statement,
  type Subject,
  signStatement,
} from '@pawl/core/evidence';
import type { Db, Trx } from './database.ts';

export type StatementParts = {
  readonly predicateType: PredicateType;
  readonly subject: Subject;
  readonly predicate: Statement['predicate'];
};

/** How many entries there are. */
export async function ledgerSize(db: Db): Promise<number> {
  const last = await db.selectFrom('ledger_entry').select('idx').orderBy('idx', 'desc').limit(1).executeTakeFirst();
  return last === undefined ? 0 : last.idx + 1;
}

/** Reads the nodes of a plan and combines them. */
export async function combinePlan<T>(db: Db, plan: NodePlan<T>): Promise<T> {
  const hashes: (Uint8Array | undefined)[] = [];
  for (const { level, index } of plan.nodes) {
    const row = await db
      .selectFrom('ledger_node')
      .select('hash')
      .where('level', '=', level)
      .where('idx', '=', index)
      .executeTakeFirst();
    hashes.push(row?.hash);
  }
  return plan.combine(hashes);
}

/** The root over the first `size` entries. */
export async function ledgerRoot(db: Db, size: number): Promise<Uint8Array> {
  return await combinePlan(db, planRoot(size));
}

/** Appends an envelope as it stands; the caller has verified it. Returns its index. */
export async function appendEnvelope(
  trx: Trx,
  envelope: Uint8Array,
  row: { readonly predicateType: string; readonly subject: string },
): Promise<number> {
  const index = await ledgerSize(trx);
  const { nodes } = await combinePlan(trx, planAppend(index, leafHash(envelope)));
  await trx
    .insertInto('ledger_entry')
    .values({ idx: index, envelope, predicate_type: row.predicateType, subject: row.subject })
    .execute();
  const values = nodes.map((node) => ({ level: node.level, idx: node.index, hash: node.hash }));
  await trx.insertInto('ledger_node').values(values).execute();
  return index;
}

/** Signs what the server itself states, and appends it. */
export async function appendStatement(trx: Trx, signer: Signer, parts: StatementParts): Promise<number> {
  const { predicateType, subject, predicate } = parts;
  const statement = newStatement({ predicateType, subject: [subject], predicate });
  const envelope = encodeEnvelope(await signStatement(statement, signer));
  return await appendEnvelope(trx, envelope, { predicateType, subject: subject.name });
}

export type LedgerRow = {
  readonly index: number;
  readonly envelope: Uint8Array;
  readonly predicateType: string;
  readonly subject: string;
};

/** Entries from an index on, at most `limit`. */
export async function listLedger(db: Db, from: number, limit: number): Promise<LedgerRow[]> {
  const rows = await db
    .selectFrom('ledger_entry')
    .selectAll()
    .where('idx', '>=', from)
    .orderBy('idx')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    index: row.idx,
    envelope: row.envelope,
    predicateType: row.predicate_type,
    subject: row.subject,
  }));
}
