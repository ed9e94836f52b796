/**
 * The file in which a ceremony travels between machines (docs/formats/ceremony.md): JSON with the unsigned or partly signed
 * TUF files as they are, key lists in base64, and the record. A person can read it. Reading it checks its form only: who
 * signed is judged by `mergeCeremonies`.
 */
import { fromBase64, toBase64, utf8 } from '../bytes/index.ts';
import type { Ceremony, CeremonyEntry } from './ceremony.ts';
import { type JsonObject, type JsonValue, parseJson } from './json.ts';
import { expectArray, expectInteger, expectObject, expectString, malformed } from './json-fields.ts';
import { TRUST_LIMITS } from './limits.ts';
import type { RoleName } from './metadata.ts';
import { type SignedJson, signedJsonForm, signedJsonOf } from './signed-json.ts';

const FORMAT = 1;

function filesJson(files: ReadonlyMap<RoleName, SignedJson>): JsonObject {
  return Object.fromEntries([...files].map(([role, file]) => [role, signedJsonForm(file)]));
}

/** The file of a ceremony: indented JSON with a line end. */
export function encodeCeremony({ purpose, metadata, lineKeys, from, record }: Ceremony): Uint8Array {
  const document = {
    pawlCeremony: FORMAT,
    purpose,
    metadata: filesJson(metadata),
    lineKeys: Object.fromEntries([...lineKeys].map(([line, bytes]) => [line, toBase64(bytes)])),
    from: filesJson(from),
    record: record.map((entry) => ({ ...entry, at: entry.at.toISOString() })),
  };
  return utf8(`${JSON.stringify(document, undefined, 2)}\n`);
}

function expectText(value: JsonValue | undefined, at: string): string {
  const text = expectString(value, at);
  // It is shown to people who decide by it: no control characters that could draw over what stands there.
  if (text.length > TRUST_LIMITS.ceremonyTextCharsMax || /\p{C}/u.test(text)) throw malformed(at, 'a short plain text');
  return text;
}

function expectTime(value: JsonValue | undefined, at: string): Date {
  const text = expectString(value, at);
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw malformed(at, 'a time');
  return date;
}

function expectBytes(value: JsonValue, at: string): Uint8Array {
  try {
    return fromBase64(expectString(value, at));
  } catch {
    throw malformed(at, 'base64');
  }
}

function mapOf<T>(value: JsonValue | undefined, at: string, read: (item: JsonValue, at: string) => T): Map<string, T> {
  const entries = Object.entries(expectObject(value, at));
  return new Map(entries.map(([name, item]) => [expectText(name, at), read(item, `${at}.${name}`)]));
}

function parseEntry(value: JsonValue, at: string): CeremonyEntry {
  const json = expectObject(value, at);
  return {
    role: expectText(json['role'], `${at}.role`),
    version: expectInteger(json['version'], `${at}.version`, 1),
    keyId: expectText(json['keyId'], `${at}.keyId`),
    digest: expectText(json['digest'], `${at}.digest`),
    who: expectText(json['who'], `${at}.who`),
    at: expectTime(json['at'], `${at}.at`),
  };
}

/**
 * Reads the file of a ceremony.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export function parseCeremony(bytes: Uint8Array): Ceremony {
  const json = expectObject(parseJson(bytes, TRUST_LIMITS.ceremonySizeBytesMax), 'ceremony');
  if (json['pawlCeremony'] !== FORMAT) throw malformed('pawlCeremony', String(FORMAT));
  const metadata = mapOf(json['metadata'], 'metadata', signedJsonOf);
  if (metadata.size === 0) throw malformed('metadata', 'at least one file');
  const entries = expectArray(json['record'], 'record');
  if (entries.length > TRUST_LIMITS.ceremonyEntriesMax) throw malformed('record', 'fewer entries');
  return {
    purpose: expectText(json['purpose'], 'purpose'),
    metadata,
    lineKeys: mapOf(json['lineKeys'], 'lineKeys', expectBytes),
    from: mapOf(json['from'], 'from', signedJsonOf),
    record: entries.map((entry, index) => parseEntry(entry, `record[${index}]`)),
  };
}
