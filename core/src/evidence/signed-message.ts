/**
 * What a message is that a key is asked to sign, read from the message itself: a signing log that believed its caller would
 * say what the caller wants. And which role may sign what: a key has one role, and no role does the work of another.
 */
import { quote } from '../bytes/index.ts';
import type { KeyRole } from '../keys/index.ts';

export type MessageKind = 'root' | 'targets' | 'snapshot' | 'timestamp' | 'statement' | 'cose' | 'proof' | 'bytes';

export type SignedMessage = {
  readonly kind: MessageKind;
  /** More than the kind says: a version, a predicate type; cut, and safe to show. */
  readonly detail: string;
};

const METADATA_KINDS = ['root', 'targets', 'snapshot', 'timestamp'] as const;
/** Canonical JSON of TUF sorts its members: the type comes first, the version last. */
const METADATA_END = /"version":(\d{1,16})\}$/;
/** DSSE protocol.md: "DSSEv1" SP LEN SP type SP LEN SP body. */
const PRE_AUTH = /^DSSEv1 \d{1,9} (\S{1,128}) \d{1,9} /;
const PREDICATE_TYPE = /"predicateType":"([\x21\x23-\x5b\x5d-\x7e]{1,128})"/;
/** RFC 9052 §4.4: Sig_structure = [context, …], four items for COSE_Sign1 and five for COSE_Sign. */
const COSE_STARTS: readonly (readonly [context: string, start: string])[] = [
  ['Signature1', '\x84\x6aSignature1'],
  ['Signature', '\x85\x69Signature'],
];
/** What `pawl key add` lets a key sign, to see that it can be asked. */
export const PROOF_START = 'pawl key proof 1\n';

/** The signatures of each role. `bytes` is anything else: images of foreign formats. */
const SIGNED_BY: Readonly<Record<KeyRole, readonly MessageKind[]>> = {
  root: ['root', 'statement', 'proof'],
  release: ['targets', 'statement', 'proof'],
  image: ['cose', 'bytes', 'statement', 'proof'],
  snapshot: ['snapshot', 'proof'],
  timestamp: ['timestamp', 'proof'],
  ledger: ['statement', 'bytes', 'proof'],
  device: ['statement', 'cose', 'bytes', 'proof'],
  line: [],
};

/** Whether a key of this role may sign such a message. */
export function mayRoleSign(role: KeyRole, { kind }: SignedMessage): boolean {
  return SIGNED_BY[role].includes(kind);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Says what a message is. Anything that is not recognised is `bytes`. */
export function describeMessage(message: Uint8Array): SignedMessage {
  const start = latin1(message.subarray(0, 512));
  const cose = COSE_STARTS.find(([, bytes]) => start.startsWith(bytes));
  if (cose !== undefined) return { kind: 'cose', detail: cose[0] };
  if (start.startsWith(PROOF_START)) return { kind: 'proof', detail: '' };
  const [, payloadType] = PRE_AUTH.exec(start) ?? [];
  if (payloadType !== undefined) {
    const [, predicateType] = PREDICATE_TYPE.exec(latin1(message)) ?? [];
    return { kind: 'statement', detail: predicateType ?? payloadType };
  }
  const kind = METADATA_KINDS.find((name) => start.startsWith(`{"_type":"${name}",`));
  if (kind !== undefined) {
    const [, version] = METADATA_END.exec(latin1(message.subarray(-64))) ?? [];
    return { kind, detail: version === undefined ? '' : `version ${version}` };
  }
  return { kind: 'bytes', detail: `${message.length} bytes, ${quote(start.slice(0, 4))}` };
}
