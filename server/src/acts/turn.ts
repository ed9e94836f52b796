import { setImmediate } from 'node:timers/promises';

const TURN = 32;

/**
 * Called for each of many rows in one transaction: now and then others have their turn. Polls are answered, from the state
 * before the transaction.
 */
export async function letOthersRead(index: number): Promise<void> {
  if (index % TURN === TURN - 1) await setImmediate();
}
