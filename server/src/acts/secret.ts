import { createHash } from 'node:crypto';

/** What is stored of a token or claim. High entropy, so a plain digest is enough. */
export function secretSha256(secret: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}
