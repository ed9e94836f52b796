/**
 * The signing log of a workspace: one statement (`urn:pawl:signing:1`) for each act with a key, written before its signature
 * is released. Each entry names its place and the Merkle root of all before it, so that every entry holds the whole past;
 * a signed checkpoint (C2SP) seals the state, and an entry or two after it are what a power cut may leave. The format of an
 * entry is in docs/formats/signing-log.md.
 */
import { isEqualBytes, toHex } from '../bytes/index.ts';
import type { PublicKey } from '../crypto/index.ts';
import { CUSTODIES, type Custody, KEY_ROLES, type KeyRole } from '../keys/index.ts';
import type { JsonObject, JsonValue } from '../trust/index.ts';
import { expectMembers, expectString } from './canonical-json.ts';
import type { VerifiedCheckpoint } from './checkpoint.ts';
import { type VerifiedStatement, verifyStatement } from './dsse.ts';
import { EvidenceError } from './errors.ts';
import { GrowingTree, leafHash } from './merkle-tree.ts';
import type { MessageKind, SignedMessage } from './signed-message.ts';
import { newStatement, type Statement } from './statement.ts';

const PREDICATE_TYPE = 'urn:pawl:signing:1';
const ACTS = [
  'log-started',
  'sign',
  'sign-failed',
  'key-created',
  'key-imported',
  'key-added',
  'key-resealed',
  'key-resumed',
] as const;
const KINDS: readonly MessageKind[] = [
  'root',
  'targets',
  'snapshot',
  'timestamp',
  'statement',
  'cose',
  'proof',
  'bytes',
];
const MEMBERS = ['act', 'at', 'index', 'key', 'message', 'operator', 'previous'];
const KEY_MEMBERS = ['algorithm', 'custody', 'id', 'name', 'role'];

export type SigningAct = (typeof ACTS)[number];

/** One act with one key. */
export type SigningRecord = {
  readonly index: number;
  readonly act: SigningAct;
  /** RFC 3339, UTC; the clock of the machine that signed. */
  readonly at: string;
  readonly operator: { readonly name: string; readonly source: 'workspace' | 'system' };
  readonly key: {
    readonly id: string;
    readonly name: string;
    readonly role: KeyRole;
    readonly custody: Custody;
    readonly algorithm: string;
  };
  /** SHA-256 of the message that was signed, or of the public key (SPKI) for acts with a key itself. */
  readonly sha256: string;
  /** What was signed; null for acts with a key itself. */
  readonly message: SignedMessage | null;
};

/** The statement of a record that follows `previous`, the root of all entries before it. */
export function encodeSigningRecord(record: SigningRecord, previous: Uint8Array): Statement {
  const { index, act, at, operator, key, sha256, message } = record;
  const predicate: JsonObject = {
    act,
    at,
    index,
    key: { ...key },
    message: message === null ? null : { ...message },
    operator: { ...operator },
    previous: toHex(previous),
  };
  const name = message === null ? 'public key' : 'message';
  return newStatement({ predicateType: PREDICATE_TYPE, subject: [{ name, digest: { sha256 } }], predicate });
}

function broken(index: number, expected: string, cause?: unknown): EvidenceError {
  return new EvidenceError('SIGNING_LOG_BROKEN', { index, expected }, cause);
}

function expectOneOf<T extends string>(value: JsonValue | undefined, values: readonly T[], at: string): T {
  const text = expectString(value, at);
  const found = values.find((name) => name === text);
  if (found === undefined) throw new EvidenceError('STATEMENT_MALFORMED', { expected: values.join(', '), at });
  return found;
}

function parseMessage(value: JsonValue | undefined): SignedMessage | null {
  if (value === null) return null;
  const message = expectMembers(value, ['detail', 'kind'], 'message');
  return {
    kind: expectOneOf(message['kind'], KINDS, 'message.kind'),
    detail: expectString(message['detail'], 'message.detail'),
  };
}

function parseKey(value: JsonValue | undefined): SigningRecord['key'] {
  const key = expectMembers(value, KEY_MEMBERS, 'key');
  return {
    id: expectString(key['id'], 'key.id'),
    name: expectString(key['name'], 'key.name'),
    role: expectOneOf(key['role'], KEY_ROLES, 'key.role'),
    custody: expectOneOf(key['custody'], CUSTODIES, 'key.custody'),
    algorithm: expectString(key['algorithm'], 'key.algorithm'),
  };
}

/**
 * Reads the record of a verified statement.
 * @throws EvidenceError STATEMENT_MALFORMED
 */
function parseSigningRecord({ statement }: VerifiedStatement): SigningRecord & { readonly previous: string } {
  const [subject] = statement.subject;
  if (statement.predicateType !== PREDICATE_TYPE || subject === undefined || statement.subject.length !== 1) {
    throw new EvidenceError('STATEMENT_MALFORMED', { expected: PREDICATE_TYPE });
  }
  const fields = expectMembers(statement.predicate, MEMBERS, 'predicate');
  const operator = expectMembers(fields['operator'], ['name', 'source'], 'operator');
  const { index } = fields;
  if (typeof index !== 'number') throw new EvidenceError('STATEMENT_MALFORMED', { expected: 'a number', at: 'index' });
  return {
    index,
    act: expectOneOf(fields['act'], ACTS, 'act'),
    at: expectString(fields['at'], 'at'),
    operator: {
      name: expectString(operator['name'], 'operator.name'),
      source: expectOneOf(operator['source'], ['workspace', 'system'], 'operator.source'),
    },
    key: parseKey(fields['key']),
    sha256: subject.digest.sha256,
    message: parseMessage(fields['message']),
    previous: expectString(fields['previous'], 'previous'),
  };
}

function verifyEntry(envelope: Uint8Array, tree: GrowingTree, logKey: PublicKey): SigningRecord {
  const index = tree.size;
  let record: SigningRecord & { readonly previous: string };
  try {
    record = parseSigningRecord(verifyStatement(envelope, [logKey]));
  } catch (cause) {
    if (!(cause instanceof EvidenceError)) throw cause;
    throw broken(index, 'a statement that the key of the log signed', cause);
  }
  const { previous, ...rest } = record;
  if (record.index !== index) throw broken(index, 'its own index');
  if (previous !== toHex(tree.root)) throw broken(index, 'the root of the entries before it');
  return rest;
}

/** The bytes of a log: its envelopes in order, and the checkpoint that was last signed, already verified. */
type LogBytes = {
  readonly envelopes: readonly Uint8Array[];
  /** Undefined only for a log whose first entry was just written. */
  readonly checkpoint: VerifiedCheckpoint | undefined;
  readonly logKey: PublicKey;
};

/** A power cut leaves at most the entry whose checkpoint was not written. */
const UNSEALED_MAX = 1;

function assertSealed({ envelopes, checkpoint }: LogBytes): number {
  const size = checkpoint?.size ?? 0;
  if (envelopes.length < size || envelopes.length > size + UNSEALED_MAX) {
    throw broken(envelopes.length, `${size} entries, as the checkpoint says`);
  }
  return size;
}

function assertRoot(tree: GrowingTree, checkpoint: VerifiedCheckpoint | undefined): void {
  if (checkpoint === undefined || tree.size !== checkpoint.size) return;
  if (!isEqualBytes(tree.root, checkpoint.root)) throw broken(tree.size, 'the root of the checkpoint');
}

export type LoadedSigningLog = { readonly tree: GrowingTree; readonly sealedSize: number };

/**
 * Loads a log to append to it: the checkpoint proves what it covers, an entry after it is verified by itself.
 * @throws EvidenceError SIGNING_LOG_BROKEN
 */
export function loadSigningLog(log: LogBytes): LoadedSigningLog {
  const sealedSize = assertSealed(log);
  const tree = new GrowingTree();
  for (const envelope of log.envelopes) {
    if (tree.size >= sealedSize) verifyEntry(envelope, tree, log.logKey);
    tree.add(leafHash(envelope));
    assertRoot(tree, log.checkpoint);
  }
  return { tree, sealedSize };
}

/**
 * Verifies every entry of a log, its chain and its checkpoint, and gives back what it says. An older checkpoint that was kept
 * elsewhere proves that nothing of what it covers was changed since.
 * @throws EvidenceError SIGNING_LOG_BROKEN
 */
export function verifySigningLog(log: LogBytes, kept?: VerifiedCheckpoint): SigningRecord[] {
  assertSealed(log);
  if (kept !== undefined && kept.size > log.envelopes.length) {
    throw broken(log.envelopes.length, `${kept.size} entries, as the checkpoint that was kept says`);
  }
  const tree = new GrowingTree();
  return log.envelopes.map((envelope) => {
    const record = verifyEntry(envelope, tree, log.logKey);
    tree.add(leafHash(envelope));
    assertRoot(tree, log.checkpoint);
    assertRoot(tree, kept);
    return record;
  });
}
