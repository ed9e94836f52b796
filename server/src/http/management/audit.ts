/**
 * Every act through the management API leaves an entry: what changes something in the transaction that changes it, what is
 * refused (to somebody the server knows) beside it. Reading is no act. An entry holds who, what, which, when and from where;
 * never a body.
 */
import type { ServerPorts } from '../../acts/ports.ts';
import { appendAudit, type NewAuditEntry } from '../../store/audit.ts';
import type { Database, Trx } from '../../store/database.ts';

export type Act = Omit<NewAuditEntry, 'result'>;

/** What the first transaction of an operation begins and ends with, and what happens when it is on the disk. */
export type Guard = {
  readonly begin?: (trx: Trx) => Promise<void>;
  readonly end?: () => void;
  readonly committed?: () => void;
};

/** Runs an operation that may change something, so that it leaves exactly one entry for what it did. */
export async function audited<T>(
  ports: ServerPorts,
  act: Act,
  run: (ports: ServerPorts) => Promise<T>,
  guards: readonly Guard[] = [],
): Promise<T> {
  const { database } = ports;
  let isRecorded = false;
  const recording: Database = {
    read: database.read,
    isShared: database.isShared,
    write: async (inside) => {
      const isFirst = !isRecorded;
      const result = await database.write(async (trx) => {
        if (!isFirst) return await inside(trx);
        for (const guard of guards) await guard.begin?.(trx);
        const done = await inside(trx);
        for (const guard of guards) guard.end?.();
        await appendAudit(trx, { ...act, result: 'ok' });
        return done;
      });
      isRecorded = true;
      if (isFirst) for (const guard of guards) guard.committed?.();
      return result;
    },
    writeInTurn: (task, inside) => database.writeInTurn(task, inside),
    close: () => database.close(),
  };
  const answer = await run({ ...ports, database: recording });
  if (!isRecorded) await recording.write(() => Promise.resolve());
  return answer;
}

/** Records that an act was refused, or failed. */
export async function recordRefusal(ports: ServerPorts, act: Act, code: string): Promise<void> {
  await ports.database.write((trx) => appendAudit(trx, { ...act, result: code }));
}
