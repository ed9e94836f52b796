/**
 * Changes to the trust as ceremonies that nobody has signed yet: which files change with which keys. A release key stands in
 * the root (for targets) and in the delegations of the lines, so its rotation is three kinds of files at once; a ceremony
 * carries them together. Reads and writes nothing.
 */
import type { PublicKey } from '@pawl/core/crypto';
import { type SignatureAlgorithm, sha256 } from '@pawl/core/crypto';
import {
  type Ceremony,
  encodeLineKeys,
  type KeyChange,
  type LineKeys,
  lineKeysPath,
  newCeremony,
  nextTargets,
  parseRoot,
  parseTargets,
  prepareRoot,
  prepareTargets,
  type RoleName,
  type Signable,
  type TrustBase,
  tufKeyOf,
} from '@pawl/core/trust';
import { CliError } from '../frame/errors.ts';
import { expiryOf } from './trust-store.ts';

type Files = Map<RoleName, Signable>;

function fileOf(base: TrustBase, role: RoleName): Uint8Array {
  const bytes = base.get(role);
  if (bytes === undefined) throw new CliError('CLI_TRUST_MISSING', { role });
  return bytes;
}

const root = (base: TrustBase, roles: Parameters<typeof prepareRoot>[1]['roles'], now: Date): Signable =>
  prepareRoot(fileOf(base, 'root'), { ...(roles === undefined ? {} : { roles }), expiresAt: expiryOf('root', now) });

type TargetsChange = Omit<Parameters<typeof prepareTargets>[1], 'expiresAt'>;
const targets = (base: TrustBase, change: TargetsChange, now: Date): Signable =>
  prepareTargets(fileOf(base, 'targets'), { ...change, expiresAt: expiryOf('targets', now) });

const line = (base: TrustBase, role: RoleName, now: Date): Signable =>
  nextTargets(parseTargets(fileOf(base, role)), { expiresAt: expiryOf(role, now) });

export type Renewal = {
  readonly roles: readonly RoleName[];
  readonly thresholds: ReadonlyMap<string, number>;
  readonly revoke: readonly RoleName[];
};

type Counted = { readonly add?: readonly unknown[]; readonly remove?: readonly unknown[]; readonly threshold?: number };

function countOf({ add = [], remove = [], threshold }: Counted): string {
  return `${add.length} in, ${remove.length} out${threshold === undefined ? '' : `, threshold ${threshold}`}`;
}

/** New versions with a later expiry; with other thresholds for root or targets, or without the delegation of a line. */
export function renew(base: TrustBase, { roles, thresholds, revoke }: Renewal, now: Date): Ceremony {
  const metadata: Files = new Map();
  if (roles.includes('root') || thresholds.size > 0) {
    const changes = [...thresholds].map(([role, threshold]) => [role, { threshold }] as const);
    metadata.set('root', root(base, Object.fromEntries(changes), now));
  }
  if (roles.includes('targets') || revoke.length > 0) {
    metadata.set('targets', targets(base, { revoke, unlist: revoke.map(lineKeysPath) }, now));
  }
  for (const role of roles) if (role !== 'root' && role !== 'targets') metadata.set(role, line(base, role, now));
  if (metadata.size === 0) throw new CliError('CLI_USAGE', { missing: 'ROLE' });
  const words = [
    ...metadata.keys(),
    ...[...thresholds].map(([role, threshold]) => `threshold of ${role} ${threshold}`),
  ];
  return newCeremony({ purpose: [...words, ...revoke.map((role) => `revoke ${role}`)].join(', '), metadata, base });
}

/** Other keys for root, snapshot or timestamp. */
export function rotateTop(
  base: TrustBase,
  role: 'root' | 'snapshot' | 'timestamp',
  change: KeyChange,
  now: Date,
): Ceremony {
  const metadata = new Map([['root', root(base, { [role]: change }, now)]]);
  return newCeremony({ purpose: `rotate ${role}: ${countOf(change)}`, metadata, base });
}

/** The keys with which the server says what is fresh now, and no others. */
export function rotateOnline(
  base: TrustBase,
  online: Readonly<Record<'snapshot' | 'timestamp', PublicKey>>,
  now: Date,
): Ceremony {
  const { roles } = parseRoot(fileOf(base, 'root')).signed;
  const changeOf = (role: 'snapshot' | 'timestamp'): KeyChange => {
    const { keyId } = tufKeyOf(online[role]);
    const isListed = roles[role].keyIds.includes(keyId);
    const remove = roles[role].keyIds.filter((listed) => listed !== keyId);
    return { add: isListed ? [] : [online[role]], remove, threshold: 1 };
  };
  const changes = { snapshot: changeOf('snapshot'), timestamp: changeOf('timestamp') };
  return newCeremony({
    purpose: 'rotate the online keys of the server',
    metadata: new Map([['root', root(base, changes, now)]]),
    base,
  });
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

/** Other release keys: for targets, and for each line that has the same keys. Their lists have to be signed anew. */
export function rotateRelease(base: TrustBase, change: KeyChange, now: Date): Ceremony {
  const released = parseRoot(fileOf(base, 'root')).signed.roles.targets.keyIds;
  const { delegations } = parseTargets(fileOf(base, 'targets')).signed;
  const lines = (delegations?.roles ?? []).filter(({ keyIds }) => isSameSet(keyIds, released)).map(({ name }) => name);
  const metadata: Files = new Map([
    ['root', root(base, { targets: change }, now)],
    ['targets', targets(base, { delegations: new Map(lines.map((name) => [name, change])) }, now)],
  ]);
  for (const name of lines) metadata.set(name, line(base, name, now));
  return newCeremony({ purpose: `rotate release: ${countOf(change)}`, metadata, base });
}

/** Other keys for the list of one line only. */
export function rotateLine(base: TrustBase, name: string, change: KeyChange, now: Date): Ceremony {
  const metadata: Files = new Map([
    ['targets', targets(base, { delegations: new Map([[name, change]]) }, now)],
    [name, line(base, name, now)],
  ]);
  return newCeremony({ purpose: `rotate the list of ${name}: ${countOf(change)}`, metadata, base });
}

export type ImageKeyChange = {
  readonly add: readonly PublicKey[];
  readonly remove: readonly PublicKey[];
  /** Algorithms that must all sign; undefined leaves the list as it is. */
  readonly required: readonly SignatureAlgorithm[] | undefined;
};

/** Another key list of a line: the keys that may sign its envelopes. */
export function rotateImage(base: TrustBase, current: LineKeys, change: ImageKeyChange, now: Date): Ceremony {
  const stranger = change.remove.find((key) => !current.keys.some((listed) => listed.isEqual(key)));
  if (stranger !== undefined) throw new CliError('CLI_KEY_MISSING', { expected: 'a key that the line lists' });
  const kept = current.keys.filter((listed) => !change.remove.some((key) => key.isEqual(listed)));
  const bytes = encodeLineKeys({
    line: current.line,
    keys: [...kept, ...change.add],
    requiredAlgorithms: change.required ?? current.requiredAlgorithms,
  });
  const list = [{ path: lineKeysPath(current.line), sizeBytes: bytes.length, sha256: sha256(bytes) }];
  return newCeremony({
    purpose: `rotate image keys of ${current.line}: ${countOf(change)}`,
    metadata: new Map([['targets', targets(base, { list }, now)]]),
    lineKeys: new Map([[current.line, bytes]]),
    base,
  });
}
