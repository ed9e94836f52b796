/**
 * What one file says about another: version, length, digests (TUF 1.0.34 §4.4, METAFILES; §4.5, TARGETS). Every listed
 * digest of a metadata file must match, so one that cannot be computed refuses the file: to pass it over would let a
 * list look stronger than it is.
 */
import { createHash } from 'node:crypto';
import { TrustError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { expectInteger, expectObject, expectString, malformed } from './json-fields.ts';

export type FileMeta = {
  readonly version: number;
  readonly sizeBytes: number | undefined;
  readonly digests: ReadonlyMap<string, string>;
};

/** Hex characters of the digests that are known here. */
const DIGEST_CHARS: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

function digestChars(algorithm: string): number | undefined {
  return Object.hasOwn(DIGEST_CHARS, algorithm) ? DIGEST_CHARS[algorithm] : undefined;
}

export function parseDigests(value: JsonValue | undefined, at: string): ReadonlyMap<string, string> {
  const entries = Object.entries(expectObject(value, at)).map(([algorithm, item]): [string, string] => {
    const hex = expectString(item, `${at}.${algorithm}`);
    const chars = digestChars(algorithm);
    if (!/^[0-9a-f]+$/.test(hex) || (chars !== undefined && hex.length !== chars)) {
      throw malformed(`${at}.${algorithm}`, 'a digest in lower-case hexadecimal');
    }
    return [algorithm, hex];
  });
  if (entries.length === 0) throw malformed(at, 'at least one digest');
  return new Map(entries);
}

export function parseFileMeta(value: JsonValue | undefined, at: string): FileMeta {
  const json = expectObject(value, at);
  return {
    version: expectInteger(json['version'], `${at}.version`, 1),
    sizeBytes: json['length'] === undefined ? undefined : expectInteger(json['length'], `${at}.length`, 1),
    digests: json['hashes'] === undefined ? new Map() : parseDigests(json['hashes'], `${at}.hashes`),
  };
}

export type ListedFile = { readonly sizeBytes?: number | undefined; readonly digests: ReadonlyMap<string, string> };

/** Refuses bytes that are not those that are listed under this name. */
export function verifyListedBytes(name: string, { sizeBytes, digests }: ListedFile, bytes: Uint8Array): void {
  if (sizeBytes !== undefined && bytes.length > sizeBytes) {
    throw new TrustError('TRUST_LENGTH_EXCEEDED', { name, allowed: sizeBytes, actual: bytes.length });
  }
  if (sizeBytes !== undefined && bytes.length < sizeBytes) {
    throw new TrustError('TRUST_LENGTH_MISMATCH', { name, expected: sizeBytes, actual: bytes.length });
  }
  for (const [algorithm, expected] of digests) {
    if (digestChars(algorithm) === undefined) throw new TrustError('TRUST_DIGEST_UNSUPPORTED', { name, algorithm });
    const actual = createHash(algorithm).update(bytes).digest('hex');
    if (actual !== expected) throw new TrustError('TRUST_DIGEST_MISMATCH', { name, algorithm, expected, actual });
  }
}
