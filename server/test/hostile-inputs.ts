/** What hostile clients send, for the suites over the operations of every API; and what must not come of it. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';

/** Content codings that nobody undoes, true and false. */
export const CODINGS: readonly (readonly [string, Uint8Array])[] = [
  ['gzip', gzipSync('{}')],
  ['gzip', Buffer.from('{}')],
  ['br', Buffer.from('{}')],
  ['identity, gzip', Buffer.from('{}')],
];

const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;

/** No strict JSON, whatever an operation takes. */
export const NO_STRICT_JSON: readonly (readonly [string, string | Uint8Array])[] = [
  ['nothing', ''],
  ['half an object', '{"a":'],
  ['a repeated member', '{"label":"a","label":"b"}'],
  ['a member repeated by an escape', '{"label":"a","l\\u0061bel":"b"}'],
  ['nesting of 16 in an object', nested(16)],
  ['nesting of 100,000', nested(100_000)],
  ['100,000 quotes', '"'.repeat(100_000)],
  ['a byte order mark', '\ufeff{}'],
  ['UTF-16, little-endian', Buffer.from('\ufeff{}', 'utf16le')],
  ['UTF-16 without a mark', Buffer.from('{}', 'utf16le')],
  ['UTF-32', Uint8Array.of(0, 0, 0, 0x7b, 0, 0, 0, 0x7d)],
  ['gzip that does not say so', gzipSync('{}')],
  ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d)],
];

/** Strict JSON that no operation of the management API takes; others may take some of it. */
export const NO_BODY_OF_OURS: readonly (readonly [string, string])[] = [
  ['no object', '7'],
  ['null', 'null'],
  ['an array', '[]'],
  ['an unknown member', '{"there is no such member":1}'],
  ['a prototype', '{"__proto__":{"role":"admin"}}'],
  ['U+0000', '{"\\u0000":"\\u0000"}'],
];

/** A value of each type and spelling that JSON has. */
export const OF_EACH_TYPE = [null, true, -1, 2 ** 53, '\u0000', 'x'.repeat(20_000), [null], { a: 1 }];

/** What an answer never shows: lines of a stack, files of the server, words of its database. */
export const INSIDES = /\\n\s+at |\.[jt]s:\d|node_modules|SQLITE|SELECT |pawl-server-/;

/**
 * Every row of every table, as one digest; but not what a refused request leaves too: when a token was last used, and the
 * audit.
 */
export function databaseDigest(folder: string): string {
  const db = new DatabaseSync(`${folder}/data/pawl.db`, { readOnly: true });
  try {
    const hash = createHash('sha256');
    for (const table of db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit' ORDER BY name")
      .all()) {
      const rows = db.prepare(`SELECT * FROM "${String(table['name'])}"`).all();
      hash.update(JSON.stringify([table['name'], rows.map((row) => ({ ...row, last_used_ms: null }))]));
    }
    return hash.digest('hex');
  } finally {
    db.close();
  }
}
