/**
 * Takes objects that nobody needs out of the store (acts/retention.ts). Looks through all objects once a day, in one process
 * of several; deletes whenever it is called. Objects of no release come from crashes between the upload and its row.
 */

import type { ServerPorts } from '../acts/ports.ts';
import { carryOut, decideEnd, markUnneeded, TAKE_OVER_MS } from '../acts/retention.ts';
import { graceEnd, type RetentionRules } from '../domain/retention.ts';
import { dueObjects, takeListing } from '../store/doomed-objects.ts';

const DAY_MS = 86_400_000;

/** Marks what nobody needs, once a day. */
async function markObjects(
  { database, blobs, now }: ServerPorts,
  rules: RetentionRules,
  isClosing: () => boolean,
): Promise<void> {
  if (!(await database.write((trx) => takeListing(trx, now().getTime(), DAY_MS)))) return;
  for await (const { sha256, writtenMs } of blobs.list()) {
    if (isClosing()) return;
    if (writtenMs < now().getTime() - DAY_MS) await markUnneeded({ database, blobs, now }, sha256, rules);
  }
}

/** Marks and deletes; returns the names of the objects that are gone. */
export async function collectObjects(
  ports: ServerPorts,
  rules: RetentionRules,
  isClosing: () => boolean = () => false,
): Promise<string[]> {
  await markObjects(ports, rules, isClosing);
  const nowMs = ports.now().getTime();
  const gone: string[] = [];
  const before = { markedMs: graceEnd(nowMs, rules), deletingMs: nowMs - TAKE_OVER_MS };
  for (const sha256 of await dueObjects(ports.database.read, before)) {
    if (isClosing()) break;
    const sinceMs = await decideEnd(ports, sha256, rules);
    if (sinceMs !== undefined && (await carryOut(ports, sha256, sinceMs))) gone.push(sha256);
  }
  return gone;
}
