/**
 * A whole repository in memory, for the tests of this part: real keys, real signatures, every published version kept, and
 * every way to publish something wrong. Clients see it through `fetch`; `requests` says what they asked for. Nothing but
 * tests imports it.
 */
import { PrivateKey, type PublicKey } from '../crypto/index.ts';
import type { JsonObject } from './json.ts';
import type { Metadata, RoleName, Root, Signed, Snapshot, Targets, Timestamp, TopRole } from './metadata.ts';
import { newSnapshot, newTimestamp, nextSnapshot } from './produce-freshness.ts';
import { newRoot, nextRoot } from './produce-root.ts';
import { newTargets, nextTargets, withDelegation, withTarget } from './produce-targets.ts';
import { metadataFileName, type RefreshTrust, refreshTrust, type TrustPersistence } from './refresh.ts';
import { signMetadata } from './sign-metadata.ts';
import type { TrustedMetadata } from './trusted-metadata.ts';

const DAY_MS = 86_400_000;
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** A point in time, in days after the repository was made. */
export function day(days: number): Date {
  return new Date(EPOCH_MS + days * DAY_MS);
}

/** What a client keeps, in memory. */
export class MemoryPersistence implements TrustPersistence {
  readonly files = new Map<string, Uint8Array>();

  async load(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name);
  }
  async save(name: string, bytes: Uint8Array): Promise<void> {
    this.files.set(name, bytes.slice());
  }
  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }
}

/** The same metadata with some members of `signed` replaced (null removes one), and no signatures. */
export function edited<T extends Signed>(metadata: Metadata<T>, members: JsonObject): Metadata<T> {
  const kept = Object.entries({ ...metadata.json, ...members }).filter(([, value]) => value !== null);
  return { ...metadata, json: Object.fromEntries(kept), signatures: [] };
}

export function publicKeys(keys: readonly PrivateKey[]): PublicKey[] {
  return keys.map(({ publicKey }) => publicKey);
}

export const LINE = 'hub';
export const IMAGE_PATH = 'hub/1.2.3/envelope.suit';

export class RepositorySimulator {
  readonly files = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  readonly keys: Record<TopRole, PrivateKey[]>;
  lineKeys: PrivateKey[];
  root: Metadata<Root>;
  targets: Metadata<Targets>;
  line: Metadata<Targets>;
  snapshot: Metadata<Snapshot> | undefined;
  timestamp: Metadata<Timestamp> | undefined;

  constructor(thresholds: Partial<Record<TopRole, number>> = {}) {
    const generate = (role: TopRole) =>
      Array.from({ length: thresholds[role] ?? 1 }, () => PrivateKey.generate('Ed25519'));
    this.keys = {
      root: generate('root'),
      timestamp: generate('timestamp'),
      snapshot: generate('snapshot'),
      targets: generate('targets'),
    };
    this.lineKeys = [PrivateKey.generate('Ed25519')];
    this.root = newRoot({ keys: this.publicKeys(), thresholds, expiresAt: day(365) });
    this.targets = withDelegation(newTargets({ expiresAt: day(180) }), {
      role: LINE,
      keys: publicKeys(this.lineKeys),
      paths: [`${LINE}/*/*`],
    });
    this.line = withTarget(newTargets({ expiresAt: day(180) }), {
      path: IMAGE_PATH,
      sizeBytes: 3,
      sha256: new Uint8Array(32).fill(7),
      custom: { note: 'kept as it is' },
    });
  }

  publicKeys(): Record<TopRole, PublicKey[]> {
    return {
      root: publicKeys(this.keys.root),
      timestamp: publicKeys(this.keys.timestamp),
      snapshot: publicKeys(this.keys.snapshot),
      targets: publicKeys(this.keys.targets),
    };
  }

  /** A repository with everything published once, at day 0. */
  static async start(thresholds: Partial<Record<TopRole, number>> = {}): Promise<RepositorySimulator> {
    const simulator = new RepositorySimulator(thresholds);
    await simulator.publishRoot(simulator.keys.root);
    await simulator.publishTargets();
    await simulator.publishLine();
    await simulator.publishFreshness(0);
    return simulator;
  }

  file(name: string): Uint8Array {
    const bytes = this.files.get(name);
    if (bytes === undefined) throw new Error(`the simulator has no ${name}`);
    return bytes;
  }

  async publishRoot(signers: readonly PrivateKey[]): Promise<void> {
    const name = metadataFileName('root', this.root.signed.version);
    this.files.set(name, await signMetadata(this.root, signers));
  }

  /** The next root after `change` was made to the keys, signed by the old and the new root keys. */
  async rotate(change: Partial<Record<TopRole, PrivateKey[]>>, days = 0): Promise<void> {
    const old = this.keys.root;
    Object.assign(this.keys, change);
    this.root = nextRoot(this.root, { keys: this.publicKeys(), expiresAt: day(365 + days) });
    await this.publishRoot([...new Set([...old, ...this.keys.root])]);
  }

  async publishTargets(): Promise<void> {
    const name = metadataFileName('targets', this.targets.signed.version);
    this.files.set(name, await signMetadata(this.targets, this.keys.targets));
  }

  async publishLine(): Promise<void> {
    const name = metadataFileName(LINE, this.line.signed.version);
    this.files.set(name, await signMetadata(this.line, this.lineKeys));
  }

  currentRoles(): Map<RoleName, Uint8Array> {
    return new Map([
      ['targets', this.file(metadataFileName('targets', this.targets.signed.version))],
      [LINE, this.file(metadataFileName(LINE, this.line.signed.version))],
    ]);
  }

  /** The next snapshot and timestamp over what is published. */
  async publishFreshness(days: number): Promise<void> {
    const content = { expiresAt: day(days + 14), roles: this.currentRoles() };
    this.snapshot = this.snapshot === undefined ? newSnapshot(content) : nextSnapshot(this.snapshot, content);
    await this.publishSnapshot(this.snapshot);
    await this.publishTimestamp(days);
  }

  async publishSnapshot(snapshot: Metadata<Snapshot>): Promise<void> {
    const name = metadataFileName('snapshot', Number(snapshot.json['version']));
    this.snapshot = snapshot;
    this.files.set(name, await signMetadata(snapshot, this.keys.snapshot));
  }

  /** A timestamp over the snapshot file of the current version. */
  async publishTimestamp(days: number, members: JsonObject = {}): Promise<void> {
    const version = (this.timestamp?.signed.version ?? 0) + 1;
    const name = metadataFileName('snapshot', this.snapshot?.signed.version);
    this.timestamp = newTimestamp({ version, expiresAt: day(days + 7), snapshot: this.file(name) });
    this.files.set('timestamp.json', await signMetadata(edited(this.timestamp, members), this.keys.timestamp));
  }

  /** A new version of the line's list, published with everything that vouches for it. */
  async release(days: number): Promise<void> {
    this.line = nextTargets(this.line, { expiresAt: day(days + 180) });
    await this.publishLine();
    await this.publishFreshness(days);
  }

  readonly fetch = async (name: string): Promise<Uint8Array | undefined> => {
    this.requests.push(name);
    return this.files.get(name);
  };

  /** What a client does that was given root 1. */
  async refresh(persist: TrustPersistence, days: number, more: Partial<RefreshTrust> = {}): Promise<TrustedMetadata> {
    return await refreshTrust({
      trusted: this.file('1.root.json'),
      fetch: this.fetch,
      persist,
      startedAt: day(days),
      roles: [LINE],
      ...more,
    });
  }
}
