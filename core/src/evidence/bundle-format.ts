/**
 * The files of an evidence bundle, format 1:
 *
 *   bundle.json     canonical JSON: kind, and name, size and digest of every other file
 *   checkpoint      the signed note of the ledger's state
 *   ledger.vkey     the verification key, one line; compared with the one that the reader trusts
 *   entries.jsonl   the DSSE envelopes, byte for byte, one a line (canonical JSON holds no line break)
 *   proofs.jsonl    only in a partial bundle: index and inclusion proof of each entry, one a line
 *   trust/root.json optional: the newest TUF root; its digest must be the subject of a trust-updated entry
 *
 * The table of contents is not signed. It names what was damaged; what proves the entries is the checkpoint.
 */
import { fromBase64, isCodedError, toBase64, toHex } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { JsonValue } from '../trust/index.ts';
import type { Members } from './bundle-zip.ts';
import { canonicalJson, expectItems, expectMembers, expectString, parseCanonicalJson } from './canonical-json.ts';
import { EvidenceError } from './errors.ts';
import { HASH_SIZE_BYTES } from './merkle-tree.ts';

export type BundleKind = 'complete' | 'partial';

const FORMAT = 1;
const LINE_FEED = 0x0a;

export const CONTENTS = 'bundle.json';
export const CHECKPOINT = 'checkpoint';
export const VKEY = 'ledger.vkey';
export const ENTRIES = 'entries.jsonl';
export const PROOFS = 'proofs.jsonl';
export const TRUST_ROOT = 'trust/root.json';

export const MEMBER_NAMES: readonly string[] = [CONTENTS, CHECKPOINT, VKEY, ENTRIES, PROOFS, TRUST_ROOT];

const REQUIRED: Readonly<Record<BundleKind, readonly string[]>> = {
  complete: [CONTENTS, CHECKPOINT, VKEY, ENTRIES],
  partial: [CONTENTS, CHECKPOINT, VKEY, ENTRIES, PROOFS],
};

/** Bounds of a bundle; the total applies to the file and to what it inflates to. */
export const BUNDLE_LIMITS = { sizeBytesMax: 256 * 1024 * 1024 } as const;

function describe(name: string, bytes: Uint8Array): { [field: string]: JsonValue } {
  return { name, sizeBytes: bytes.length, sha256: toHex(sha256(bytes)) };
}

/** The table of contents over the other members. */
export function encodeContents(kind: BundleKind, members: Members): Uint8Array {
  const listed = [...members].map(([name, bytes]) => describe(name, bytes));
  return canonicalJson({ pawlBundle: FORMAT, kind, members: listed });
}

/** Reads with `parse`; what it refuses is reported as a malformed member. */
export function readMember<T>(member: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new EvidenceError('BUNDLE_MEMBER_MALFORMED', { member }, cause);
  }
}

export function requireMember(members: Members, member: string): Uint8Array {
  const bytes = members.get(member);
  if (bytes === undefined) throw new EvidenceError('BUNDLE_MEMBER_MISSING', { member });
  return bytes;
}

function parseContents(bytes: Uint8Array): { kind: BundleKind; listed: ReadonlyMap<string, JsonValue> } {
  return readMember(CONTENTS, () => {
    const fields = expectMembers(parseCanonicalJson(bytes), ['kind', 'members', 'pawlBundle'], CONTENTS);
    const kind = fields['kind'];
    if (fields['pawlBundle'] !== FORMAT || (kind !== 'complete' && kind !== 'partial')) {
      throw new EvidenceError('BUNDLE_MEMBER_MALFORMED', { member: CONTENTS, expected: 'a kind and format 1' });
    }
    const items = expectItems(fields['members'], 'members').map((item): [string, JsonValue] => {
      const row = expectMembers(item, ['name', 'sha256', 'sizeBytes'], 'members');
      return [expectString(row['name'], 'members.name'), row];
    });
    const listed = new Map(items);
    if (listed.size !== items.length) {
      throw new EvidenceError('BUNDLE_MEMBER_MALFORMED', { member: CONTENTS, expected: 'each name once' });
    }
    return { kind, listed };
  });
}

/**
 * Checks the members against the table of contents: nothing missing, nothing more, nothing changed.
 * @throws EvidenceError BUNDLE_MEMBER_MALFORMED, BUNDLE_MEMBER_MISSING, BUNDLE_MEMBER_UNLISTED, BUNDLE_MEMBER_MISMATCH
 */
export function checkContents(members: Members): BundleKind {
  const { kind, listed } = parseContents(requireMember(members, CONTENTS));
  for (const name of REQUIRED[kind]) requireMember(members, name);
  for (const name of listed.keys()) requireMember(members, name);
  for (const [name, bytes] of members) {
    if (name === CONTENTS) continue;
    const row = listed.get(name);
    if (row === undefined || (name === PROOFS && kind === 'complete')) {
      throw new EvidenceError('BUNDLE_MEMBER_UNLISTED', { member: name });
    }
    if (toHex(canonicalJson(row)) !== toHex(canonicalJson(describe(name, bytes)))) {
      throw new EvidenceError('BUNDLE_MEMBER_MISMATCH', { member: name });
    }
  }
  return kind;
}

/** Lines, each ended by a line feed. */
export function encodeLines(lines: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lines.reduce((total, line) => total + line.length + 1, 0));
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
    bytes[at] = LINE_FEED;
    at += 1;
  }
  return bytes;
}

/** Views of the lines; the last one must be ended too. */
export function splitLines(member: string, bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) throw new EvidenceError('BUNDLE_MEMBER_MALFORMED', { member, expected: 'a line feed at the end' });
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}

/** Where an entry stands in the ledger, and the hashes that prove it. */
export type EntryProof = { readonly index: number; readonly hashes: readonly Uint8Array[] };

export function encodeProof({ index, hashes }: EntryProof): Uint8Array {
  return canonicalJson({ index, hashes: hashes.map(toBase64) });
}

export function parseProof(line: Uint8Array): EntryProof {
  return readMember(PROOFS, () => {
    const fields = expectMembers(parseCanonicalJson(line), ['hashes', 'index'], PROOFS);
    const index = fields['index'];
    const hashes = expectItems(fields['hashes'], 'hashes').map((hash) => fromBase64(expectString(hash, 'hashes')));
    if (typeof index !== 'number' || index < 0 || hashes.some((hash) => hash.length !== HASH_SIZE_BYTES)) {
      throw new EvidenceError('BUNDLE_MEMBER_MALFORMED', {
        member: PROOFS,
        expected: 'an index and hashes of 32 bytes',
      });
    }
    return { index, hashes };
  });
}
