/** Challenges of this server: made without a row, answered once. */
import { createHash } from 'node:crypto';
import { newChallenge, openChallenge } from '../../domain/challenge.ts';
import { spendChallenge } from '../../store/challenges.ts';
import type { Trx } from '../../store/database.ts';
import type { ServerPorts } from '../ports.ts';

export function challengeFor(ports: ServerPorts, purpose: string): string {
  const random = Buffer.from(ports.newSecret(), 'base64url');
  return newChallenge(ports.challengeSecret, purpose, random, ports.now().getTime());
}

/** Whether the challenge is ours, for this purpose, in time, and answered the first time. */
export async function isFirstAnswer(
  trx: Trx,
  ports: ServerPorts,
  purpose: string,
  challenge: string,
): Promise<boolean> {
  const nowMs = ports.now().getTime();
  const opened = openChallenge(ports.challengeSecret, purpose, challenge, nowMs);
  if (opened === undefined) return false;
  const sha256 = new Uint8Array(createHash('sha256').update(challenge).digest());
  return spendChallenge(trx, sha256, { nowMs, expiresMs: opened.expiresMs });
}
