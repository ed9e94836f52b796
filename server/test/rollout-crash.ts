/** A server that is cut off: the n-th transaction ends right before its commit. */
import type { Database } from '../src/store/database.ts';

export class Crash extends Error {}

export function crashing(database: Database, n: number): Database {
  let left = n;
  const write: Database['write'] = (act) =>
    database.write(async (trx) => {
      const result = await act(trx);
      left -= 1;
      if (left === 0) throw new Crash();
      return result;
    });
  return {
    isShared: database.isShared,
    read: database.read,
    write,
    writeInTurn: (task, act) => database.writeInTurn(task, act),
    close: () => database.close(),
  };
}
