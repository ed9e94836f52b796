/**
 * A key ceremony: metadata that several people on several machines sign, each with a key that never leaves its machine.
 * One makes the `Ceremony` (unsigned), each signs a copy (`signCeremony`), one merges the copies (`mergeCeremonies`). The
 * merge believes nothing that a copy says about itself: it judges against the metadata that is published, and refuses
 * copies that differ, signatures of strangers, broken ones, one key that appears as two, and everything that a client
 * would refuse to follow (TUF 1.0.34 §5.3.4, §5.3.5, §6.1). The record says who signed what and when, as they said it.
 */
import { isEqualBytes, toHex, utf8 } from '../bytes/index.ts';
import { type Signer, sha256 } from '../crypto/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import { delegatedKeys, rolesForPath } from './delegation.ts';
import { TrustError } from './errors.ts';
import { verifyListedBytes } from './file-meta.ts';
import { malformed } from './json-fields.ts';
import { TRUST_LIMITS } from './limits.ts';
import { lineKeysPath } from './line-keys.ts';
import type { RoleName, Root, Targets } from './metadata.ts';
import { parseRoot, parseTargets } from './parse-metadata.ts';
import type { Signable } from './sign-metadata.ts';
import {
  type KeyTable,
  type MetadataSignature,
  parseSignedJson,
  type RoleKeys,
  type SignedJson,
  signedJsonForm,
} from './signed-json.ts';
import { checkSuccessor, type Successor, type SuccessorContext } from './successor.ts';
import { encodeTufSignature, isSignedBy, keyIdentity, type TufKey } from './tuf-key.ts';

/** Who signed what, and when: as the signer's machine said it, under no signature. */
export type CeremonyEntry = {
  readonly role: RoleName;
  readonly version: number;
  readonly keyId: string;
  /** SHA-256 of the bytes that were signed; what people read to each other. */
  readonly digest: string;
  readonly who: string;
  readonly at: Date;
};

export type Ceremony = {
  readonly purpose: string;
  /** The new files: `root`, `targets`, or a line; with the signatures so far. */
  readonly metadata: ReadonlyMap<RoleName, SignedJson>;
  /** New key lists, by line. */
  readonly lineKeys: ReadonlyMap<string, Uint8Array>;
  /** Root, targets and the lists as they were, so that a machine without them can tell who may sign, and what changes. */
  readonly from: ReadonlyMap<RoleName, SignedJson>;
  readonly record: readonly CeremonyEntry[];
};

/** What is published: the signed files of root, targets and the lines. Empty before the first ceremony. */
export type TrustBase = ReadonlyMap<RoleName, Uint8Array>;

export type MergedCeremony = {
  /** The signed files, in the order in which they are to be taken. */
  readonly metadata: ReadonlyMap<RoleName, Uint8Array>;
  readonly lineKeys: ReadonlyMap<string, Uint8Array>;
  readonly successors: readonly Successor[];
  readonly record: readonly CeremonyEntry[];
};

export type NewCeremony = {
  readonly purpose: string;
  /** The new files, as the producer functions make them. */
  readonly metadata: ReadonlyMap<RoleName, Signable>;
  readonly lineKeys?: ReadonlyMap<string, Uint8Array>;
  readonly base: TrustBase;
};

/**
 * A ceremony that nobody has signed yet.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export function newCeremony({ purpose, metadata, lineKeys = new Map(), base }: NewCeremony): Ceremony {
  const unsigned = [...metadata].map(([role, { json }]) => [role, { signed: json, signatures: [] }] as const);
  const from = new Map<RoleName, SignedJson>();
  for (const role of new Set(['root', 'targets', ...metadata.keys()])) {
    const bytes = base.get(role);
    if (bytes !== undefined) from.set(role, parseSignedJson(bytes, TRUST_LIMITS.targetsSizeBytesMax));
  }
  return { purpose, metadata: new Map(unsigned), lineKeys, from, record: [] };
}

/** The digest of what is signed, to be compared by voice. */
export function signedDigest({ signed }: Pick<SignedJson, 'signed'>): string {
  return toHex(sha256(encodeCanonicalJson(signed)));
}

/** A file of a ceremony as it would be published. */
export function encodeCeremonyFile(file: SignedJson): Uint8Array {
  return utf8(JSON.stringify(signedJsonForm(file)));
}

/** Root before targets before the lines: each is judged by the one before. */
function inOrder(roles: Iterable<RoleName>): RoleName[] {
  const rank = (role: RoleName): number => (role === 'root' ? 0 : role === 'targets' ? 1 : 2);
  return [...roles].toSorted((a, b) => rank(a) - rank(b));
}

/** Those who say which keys count for a role. */
type Judges = { readonly roots: readonly Root[]; readonly targets: Targets | undefined };

function judgesOf(old: ReadonlyMap<RoleName, Uint8Array>, next: ReadonlyMap<RoleName, Uint8Array>): Judges {
  const roots = [old.get('root'), next.get('root')].flatMap((bytes) =>
    bytes === undefined ? [] : parseRoot(bytes).signed,
  );
  const targets = next.get('targets') ?? old.get('targets');
  return { roots, targets: targets === undefined ? undefined : parseTargets(targets).signed };
}

function keysIn(keys: KeyTable, { keyIds }: RoleKeys): TufKey[] {
  return keyIds.flatMap((keyId) => keys.get(keyId) ?? []);
}

/** Every key that may sign this role: for a root those of the old and of the new one. */
function signersOf(role: RoleName, { roots, targets }: Judges): TufKey[] {
  if (role === 'root') return roots.flatMap(({ keys, roles }) => keysIn(keys, roles.root));
  const root = roots.at(-1);
  if (role === 'targets') return root === undefined ? [] : keysIn(root.keys, root.roles.targets);
  const delegations = targets?.delegations;
  const roleKeys = delegations && delegatedKeys(delegations, role);
  return delegations === undefined || roleKeys === undefined ? [] : keysIn(delegations.keys, roleKeys);
}

function encodeAll(files: ReadonlyMap<RoleName, SignedJson>): Map<RoleName, Uint8Array> {
  return new Map([...files].map(([role, file]) => [role, encodeCeremonyFile(file)]));
}

/**
 * Metadata does not say for which role it is, and one key may hold several: under the name of a line nobody signs what would
 * be a root or the targets to others. The list of a line delegates nothing, and stays within its paths.
 */
function verifyLineList(role: RoleName, file: SignedJson, { targets }: Judges): void {
  const list = parseTargets(encodeCeremonyFile(file)).signed;
  if (list.delegations !== undefined) throw malformed('delegations', 'no delegations in the list of a line');
  for (const path of list.targets.keys()) {
    const isOwn = targets?.delegations && rolesForPath(targets.delegations, path).some(({ name }) => name === role);
    if (isOwn !== true) throw new TrustError('TRUST_TARGET_OUTSIDE_DELEGATION', { role, path });
  }
}

export type CeremonySigner = { readonly signer: Signer; readonly who: string; readonly at: Date };

/**
 * Adds the signature of one key to every file of the ceremony that it may sign. An earlier one of the same key is replaced.
 * @throws TrustError TRUST_SIGNER_UNKNOWN when there is no such file, TRUST_TARGET_OUTSIDE_DELEGATION,
 *   TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export async function signCeremony(ceremony: Ceremony, { signer, who, at }: CeremonySigner): Promise<Ceremony> {
  const judges = judgesOf(encodeAll(ceremony.from), encodeAll(ceremony.metadata));
  const metadata = new Map(ceremony.metadata);
  const entries: CeremonyEntry[] = [];
  for (const [role, file] of ceremony.metadata) {
    const key = signersOf(role, judges).find(({ publicKey }) => publicKey?.isEqual(signer.publicKey) === true);
    if (key === undefined) continue;
    if (role !== 'root' && role !== 'targets') verifyLineList(role, file, judges);
    const { keyId } = key;
    const sig = encodeTufSignature(signer.publicKey, await signer.sign(encodeCanonicalJson(file.signed)));
    const others = file.signatures.filter((other) => other.keyId !== keyId);
    metadata.set(role, { signed: file.signed, signatures: [...others, { keyId, sig }] });
    entries.push({ role, version: Number(file.signed['version']), keyId, digest: signedDigest(file), who, at });
  }
  if (entries.length === 0)
    throw new TrustError('TRUST_SIGNER_UNKNOWN', { roles: inOrder(metadata.keys()).join(', ') });
  const isReplaced = (old: CeremonyEntry): boolean =>
    entries.some(({ role, keyId }) => role === old.role && keyId === old.keyId);
  return { ...ceremony, metadata, record: [...ceremony.record.filter((old) => !isReplaced(old)), ...entries] };
}

function differs(role: string): TrustError {
  return new TrustError('TRUST_PARTS_DIFFER', { role });
}

function verifySame(first: Ceremony, other: Ceremony): void {
  for (const role of new Set([...first.metadata.keys(), ...other.metadata.keys()])) {
    const [a, b] = [first.metadata.get(role), other.metadata.get(role)];
    if (a === undefined || b === undefined || signedDigest(a) !== signedDigest(b)) throw differs(role);
  }
  for (const line of new Set([...first.lineKeys.keys(), ...other.lineKeys.keys()])) {
    const [a, b] = [first.lineKeys.get(line), other.lineKeys.get(line)];
    if (a === undefined || b === undefined || !isEqualBytes(a, b)) throw differs(lineKeysPath(line));
  }
}

/** The signatures of one role from all copies: each valid, by a key that may sign, and each key once. */
function collectSignatures(
  role: RoleName,
  files: readonly SignedJson[],
  signers: readonly TufKey[],
): MetadataSignature[] {
  const kept = new Map<string, MetadataSignature>();
  for (const { signed, signatures } of files) {
    const message = encodeCanonicalJson(signed);
    for (const signature of signatures) {
      const { keyId, sig } = signature;
      const key = signers.find((candidate) => candidate.keyId === keyId);
      if (key?.publicKey === undefined) throw new TrustError('TRUST_SIGNER_UNKNOWN', { role, keyId });
      if (!isSignedBy(key, message, sig)) throw new TrustError('TRUST_SIGNATURE_INVALID', { role, keyId });
      const identity = keyIdentity(key.publicKey);
      const known = kept.get(identity);
      // The same signature comes again with every later copy; another one under the same key is not a second signer.
      if (known !== undefined && (known.keyId !== keyId || known.sig !== sig)) {
        throw new TrustError('TRUST_SIGNER_REPEATED', { role, keyId });
      }
      kept.set(identity, signature);
    }
  }
  return [...kept.values()];
}

function contextOf(role: RoleName, files: TrustBase, now: Date): SuccessorContext {
  const [root, targets] = [files.get('root'), files.get('targets')];
  return { role, now, ...(root === undefined ? {} : { root }), ...(targets === undefined ? {} : { targets }) };
}

/** What stays published must still be trusted under what is new: or clients would stop at the first file that is not. */
function verifyStillTrusted(base: TrustBase, next: ReadonlyMap<RoleName, Uint8Array>, now: Date): void {
  const all = new Map([...base, ...next]);
  const targets = all.get('targets');
  const delegations = targets === undefined ? undefined : parseTargets(targets).signed.delegations;
  for (const [role, bytes] of base) {
    const isWithdrawn =
      role !== 'targets' && (delegations === undefined || delegatedKeys(delegations, role) === undefined);
    if (role === 'root' || next.has(role) || isWithdrawn) continue;
    checkSuccessor(undefined, bytes, contextOf(role, all, now));
  }
}

function verifyLineKeysListed(lineKeys: ReadonlyMap<string, Uint8Array>, targets: Uint8Array | undefined): void {
  for (const [line, bytes] of lineKeys) {
    const path = lineKeysPath(line);
    const file = targets === undefined ? undefined : parseTargets(targets).signed.targets.get(path);
    if (file === undefined) throw new TrustError('TRUST_TARGET_NOT_LISTED', { path });
    verifyListedBytes(path, file, bytes);
  }
}

function recordOf(role: RoleName, file: SignedJson, copies: readonly Ceremony[]): CeremonyEntry[] {
  const entries = copies.flatMap(({ record }) => record);
  const digest = signedDigest(file);
  return file.signatures.flatMap(
    ({ keyId }) =>
      entries.find((entry) => entry.role === role && entry.keyId === keyId && entry.digest === digest) ?? [],
  );
}

/**
 * Puts the copies together, when they are enough: files that may follow what is published, signed by all who must.
 * @throws TrustError TRUST_PARTS_DIFFER, TRUST_SIGNER_UNKNOWN, TRUST_SIGNATURE_INVALID, TRUST_SIGNER_REPEATED,
 *   TRUST_SIGNATURES_TOO_FEW, TRUST_TARGET_NOT_LISTED, and those of `checkSuccessor`
 */
export function mergeCeremonies(
  copies: readonly [Ceremony, ...Ceremony[]],
  base: TrustBase,
  now: Date,
): MergedCeremony {
  const [first] = copies;
  for (const copy of copies) verifySame(first, copy);
  const judges = judgesOf(base, encodeAll(first.metadata));
  const metadata = new Map<RoleName, Uint8Array>();
  const successors: Successor[] = [];
  const record: CeremonyEntry[] = [];
  for (const role of inOrder(first.metadata.keys())) {
    const files = copies.flatMap((copy) => copy.metadata.get(role) ?? []);
    const [{ signed } = { signed: {} }] = files;
    const merged = { signed, signatures: collectSignatures(role, files, signersOf(role, judges)) };
    const bytes = encodeCeremonyFile(merged);
    successors.push(checkSuccessor(base.get(role), bytes, contextOf(role, new Map([...base, ...metadata]), now)));
    metadata.set(role, bytes);
    record.push(...recordOf(role, merged, copies));
  }
  verifyStillTrusted(base, metadata, now);
  verifyLineKeysListed(first.lineKeys, metadata.get('targets') ?? base.get('targets'));
  return { metadata, lineKeys: first.lineKeys, successors, record };
}
