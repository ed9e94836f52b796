/** What the documents for machines have in common: names that are the same for the same records, and text on one line. */
import { createHash } from 'node:crypto';

/** RFC 9562 §5.5: a version 5 UUID in the URL namespace, so that equal names give equal identifiers. */
const URL_NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

export function uuidOf(...names: readonly string[]): string {
  const hash = createHash('sha1')
    .update(URL_NAMESPACE)
    .update(`urn:pawl:paper:${names.map(encodeURIComponent).join('/')}`)
    .digest()
    .subarray(0, 16);
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** One line of text without controls and marks of direction; never empty. */
export function plain(text: string): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\p{Cf}/gu, '\uFFFD')
    .trim();
  return line === '' ? 'not stated' : line;
}

/** Midnight, UTC, of a day. */
export function instantOf(day: string): string {
  return `${day}T00:00:00Z`;
}

export function jsonFile(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
