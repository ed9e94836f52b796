/**
 * The ledger in the database: entries (DSSE envelopes) and the hashes of complete subtrees. A statement is written in the
 * transaction of what it records, without a place; places are given afterwards, in batches, by one process at a time, so
 * that transactions do not wait for each other at the end of the ledger. Whoever reads the ledger has places given first:
 * what was acknowledged before is in every answer after it. What one statement could know of another keeps its order.
 */
import type { Signer } from '@pawl/core/crypto';
import {
  encodeEnvelope,
  leafHash,
  type NodePlan,
  newStatement,
  type PredicateType,
  planGrowth,
  planRoot,
  type Statement,
  type Subject,
  signStatement,
} from '@pawl/core/evidence';
import type { Database, Db, Trx } from './database.ts';
import type { LedgerEntryTable } from './schema/index.ts';

export type StatementParts = {
  /** Whose entry it is. */
  readonly tenantId: number;
  readonly predicateType: PredicateType;
  readonly subject: Subject;
  readonly predicate: Statement['predicate'];
};

/** How many entries there are. */
export async function ledgerSize(db: Db): Promise<number> {
  const last = await db.selectFrom('ledger_entry').select('idx').orderBy('idx', 'desc').limit(1).executeTakeFirst();
  return last === undefined ? 0 : last.idx + 1;
}

export async function readNode(db: Db, level: number, index: number): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('ledger_node')
    .select('hash')
    .where('level', '=', level)
    .where('idx', '=', index)
    .executeTakeFirst();
  return row?.hash;
}

/** Hashes of nodes side by side, at most `limit`. */
export async function listNodes(
  db: Db,
  { level, from, limit }: { readonly level: number; readonly from: number; readonly limit: number },
): Promise<Uint8Array[]> {
  const rows = await db
    .selectFrom('ledger_node')
    .select('hash')
    .where('level', '=', level)
    .where('idx', '>=', from)
    .where('idx', '<', from + limit)
    .orderBy('idx')
    .execute();
  return rows.map(({ hash }) => hash);
}

/** Reads the nodes of a plan, in one query, and combines them. */
export async function combinePlan<T>(db: Db, plan: NodePlan<T>): Promise<T> {
  if (plan.nodes.length === 0) return plan.combine([]);
  const byLevel = Map.groupBy(plan.nodes, ({ level }) => level);
  const rows = await db
    .selectFrom('ledger_node')
    .selectAll()
    .where((eb) =>
      eb.or(
        [...byLevel].map(([level, nodes]) =>
          eb.and([
            eb('level', '=', level),
            eb(
              'idx',
              'in',
              nodes.map(({ index }) => index),
            ),
          ]),
        ),
      ),
    )
    .execute();
  const found = new Map(rows.map(({ level, idx, hash }) => [`${level}/${idx}`, hash]));
  return plan.combine(plan.nodes.map(({ level, index }) => found.get(`${level}/${index}`)));
}

/** The root over the first `size` entries. */
export async function ledgerRoot(db: Db, size: number): Promise<Uint8Array> {
  return await combinePlan(db, planRoot(size));
}

/** Writes an envelope as it stands; the caller has verified it. */
export async function appendEnvelope(
  trx: Trx,
  envelope: Uint8Array,
  row: { readonly tenantId: number; readonly predicateType: string; readonly subject: string },
): Promise<void> {
  await trx
    .insertInto('ledger_pending')
    .values({ envelope, tenant_id: row.tenantId, predicate_type: row.predicateType, subject: row.subject })
    .execute();
}

const SEQUENCE_BATCH = 500;
const INSERT_BATCH = 250;

async function insertInBatches<T>(
  rows: readonly T[],
  insert: (batch: readonly T[]) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < rows.length; at += INSERT_BATCH) await insert(rows.slice(at, at + INSERT_BATCH));
}

/** Gives the oldest statements without a place theirs; in a turn of `ledger`. */
export async function sequencePending(trx: Trx): Promise<void> {
  const pending = await trx.selectFrom('ledger_pending').selectAll().orderBy('id').limit(SEQUENCE_BATCH).execute();
  const size = await ledgerSize(trx);
  const tree = await combinePlan(trx, planGrowth(size));
  const entries = pending.map(({ id: _id, ...row }, index) => ({ ...row, idx: size + index }));
  const made = entries.flatMap(({ envelope }) => tree.add(leafHash(envelope)));
  const nodes = made.map(({ level, index: idx, hash }) => ({ level, idx, hash }));
  await insertInBatches(entries, (batch) => trx.insertInto('ledger_entry').values(batch).execute());
  await insertInBatches(nodes, (batch) => trx.insertInto('ledger_node').values(batch).execute());
  // One by one: a statement that was committed since, with a number below the last, is not among them.
  await insertInBatches(pending, (batch) =>
    trx
      .deleteFrom('ledger_pending')
      .where(
        'id',
        'in',
        batch.map(({ id }) => id),
      )
      .execute(),
  );
}

/** Gives every statement that was committed before this call its place. */
export async function settleLedger(database: Database): Promise<void> {
  const { read } = database;
  const { last } = await read
    .selectFrom('ledger_pending')
    .select((eb) => eb.fn.max('id').as('last'))
    .executeTakeFirstOrThrow();
  if (last === null) return;
  const next = read.selectFrom('ledger_pending').select('id').where('id', '<=', last).limit(1);
  while ((await next.executeTakeFirst()) !== undefined) await database.writeInTurn('ledger', sequencePending);
}

/** Whether a statement about a subject was made, with a place or without. */
export async function isStated(db: Db, subject: string): Promise<boolean> {
  for (const table of ['ledger_pending', 'ledger_entry'] as const) {
    const row = await db.selectFrom(table).select('subject').where('subject', '=', subject).limit(1).executeTakeFirst();
    if (row !== undefined) return true;
  }
  return false;
}

/** Signs what the server itself states, and writes it. */
export async function appendStatement(trx: Trx, signer: Signer, parts: StatementParts): Promise<void> {
  const { tenantId, predicateType, subject, predicate } = parts;
  const statement = newStatement({ predicateType, subject: [subject], predicate });
  const envelope = encodeEnvelope(await signStatement(statement, signer));
  await appendEnvelope(trx, envelope, { tenantId, predicateType, subject: subject.name });
}

export type LedgerRow = {
  readonly index: number;
  /** Null for entries of a time when they were not told apart. */
  readonly tenantId: number | null;
  readonly envelope: Uint8Array;
  readonly predicateType: string;
  readonly subject: string;
};

export function ledgerRow({ idx, tenant_id, envelope, predicate_type, subject }: LedgerEntryTable): LedgerRow {
  return { index: idx, tenantId: tenant_id, envelope, predicateType: predicate_type, subject };
}

/** Entries from an index on, at most `limit`; those of one tenant, or all. */
export async function listLedger(db: Db, from: number, limit: number, tenantId?: number): Promise<LedgerRow[]> {
  const all = db.selectFrom('ledger_entry').selectAll().where('idx', '>=', from).orderBy('idx').limit(limit);
  const rows = await (tenantId === undefined ? all : all.where('tenant_id', '=', tenantId)).execute();
  return rows.map(ledgerRow);
}
