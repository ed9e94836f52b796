/**
 * Challenges that need no row until they are answered: 16 random bytes, the moment at which they end, and a MAC over both
 * and what they are for. A stranger who asks for a million of them costs nothing but time.
 *
 * base64url(random 16 ‖ expires 8, big-endian ms ‖ HMAC-SHA-256(secret, "pawl-challenge-1" 0x00 purpose 0x00 random ‖ expires)).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const RANDOM_BYTES = 16;
const HEAD_BYTES = RANDOM_BYTES + 8;
const CHALLENGE_BYTES = HEAD_BYTES + 32;
export const CHALLENGE_VALID_MS = 300_000;

function macOf(secret: string, purpose: string, head: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`pawl-challenge-1\0${purpose}\0`).update(head).digest();
}

/** @param random at least 16 bytes that nobody can foresee */
export function newChallenge(secret: string, purpose: string, random: Uint8Array, nowMs: number): string {
  const head = Buffer.alloc(HEAD_BYTES);
  head.set(random.subarray(0, RANDOM_BYTES));
  head.writeBigUInt64BE(BigInt(nowMs + CHALLENGE_VALID_MS), RANDOM_BYTES);
  return Buffer.concat([head, macOf(secret, purpose, head)]).toString('base64url');
}

/** When the challenge ends, if it is ours, for this purpose, and has not ended. */
export function openChallenge(
  secret: string,
  purpose: string,
  challenge: string,
  nowMs: number,
): { readonly expiresMs: number } | undefined {
  const bytes = Buffer.from(challenge, 'base64url');
  if (bytes.length !== CHALLENGE_BYTES || bytes.toString('base64url') !== challenge) return undefined;
  const head = bytes.subarray(0, HEAD_BYTES);
  if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), macOf(secret, purpose, head))) return undefined;
  const expiresMs = Number(head.readBigUInt64BE(RANDOM_BYTES));
  return nowMs < expiresMs ? { expiresMs } : undefined;
}
