/**
 * in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md) in canonical JSON. Closed: no member beyond
 * the four, at least one subject, one SHA-256 digest each, and a predicate type that `predicates.ts` knows.
 */
import type { JsonObject, JsonValue } from '../trust/index.ts';
import {
  canonicalJson,
  expectItems,
  expectMembers,
  expectString,
  isJsonObject,
  parseCanonicalJson,
} from './canonical-json.ts';
import { EvidenceError } from './errors.ts';
import { isPredicateType, type PredicateType } from './predicates.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const SUBJECTS_MAX = 256;

/** What a statement is about: a name and the SHA-256 of the bytes that it means, in lower-case hex. */
export type Subject = { readonly name: string; readonly digest: { readonly sha256: string } };

/** An in-toto statement v1. Not trusted until it comes out of `verifyStatement`. */
export type Statement = {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly Subject[];
  readonly predicateType: PredicateType;
  readonly predicate: JsonObject;
};

/** Makes a statement from its parts. */
export function newStatement(parts: Omit<Statement, '_type'>): Statement {
  return {
    _type: STATEMENT_TYPE,
    subject: parts.subject,
    predicateType: parts.predicateType,
    predicate: parts.predicate,
  };
}

function parseSubject(value: JsonValue, at: string): Subject {
  const subject = expectMembers(value, ['digest', 'name'], at);
  const digest = expectMembers(subject['digest'], ['sha256'], `${at}.digest`);
  const sha256 = expectString(digest['sha256'], `${at}.digest.sha256`);
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: '64 lower-case hex digits', at: `${at}.digest.sha256` });
  }
  const name = expectString(subject['name'], `${at}.name`);
  if (name === '') throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'a name', at: `${at}.name` });
  return { name, digest: { sha256 } };
}

function parsePredicateType(value: JsonValue | undefined): PredicateType {
  const text = expectString(value, 'predicateType');
  if (!isPredicateType(text)) throw new EvidenceError('STATEMENT_PREDICATE_UNKNOWN', { actual: text });
  return text;
}

/** @throws EvidenceError STATEMENT_MALFORMED, STATEMENT_TOO_LARGE, STATEMENT_PREDICATE_UNKNOWN */
export function parseStatement(payload: Uint8Array): Statement {
  const fields = expectMembers(
    parseCanonicalJson(payload),
    ['_type', 'predicate', 'predicateType', 'subject'],
    'statement',
  );
  // in-toto Statement v1: _type identifies the version of the schema.
  if (fields['_type'] !== STATEMENT_TYPE) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: STATEMENT_TYPE, at: '_type' });
  }
  const items = expectItems(fields['subject'], 'subject');
  if (items.length === 0 || items.length > SUBJECTS_MAX) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: `1 to ${SUBJECTS_MAX} subjects`, at: 'subject' });
  }
  const predicate = fields['predicate'];
  if (!isJsonObject(predicate)) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'an object', at: 'predicate' });
  }
  return newStatement({
    predicateType: parsePredicateType(fields['predicateType']),
    subject: items.map((item, index) => parseSubject(item, `subject[${index}]`)),
    predicate,
  });
}

/** The bytes that are signed; what cannot be read back is refused here already. */
export function encodeStatement(statement: Statement): Uint8Array {
  const bytes = canonicalJson(statement as unknown as JsonObject);
  parseStatement(bytes);
  return bytes;
}
