/**
 * Takes signed TUF metadata: all files are checked against what is published and against each other, then the server signs
 * a new snapshot and timestamp, then a client's whole workflow is run over the result – and only then it is committed.
 */
import type { NewTrust, TrustStatus } from '@pawl/contract/management';
import { fromBase64, isEqualBytes, toHex } from '@pawl/core/bytes';
import { sha256 } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import {
  checkSuccessor,
  lineKeysPath,
  metadataFileName,
  newSnapshot,
  newTimestamp,
  nextSnapshot,
  parseLineKeys,
  parseRoot,
  parseSnapshot,
  parseTargets,
  parseTimestamp,
  signMetadata,
  TOP_ROLES,
  TrustError,
  TrustedMetadata,
  tufKeyOf,
} from '@pawl/core/trust';
import { tenantIds } from '../store/access.ts';
import type { Db, Trx } from '../store/database.ts';
import { appendStatement } from '../store/ledger.ts';
import { currentTrustFile, currentTrustFiles, listRoots, saveTrustFile } from '../store/trust-files.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';

const DAY_MS = 86_400_000;
const SNAPSHOT_VALID_MS = 90 * DAY_MS;
const TIMESTAMP_VALID_MS = 14 * DAY_MS;
const TIMESTAMP_RENEW_MS = 7 * DAY_MS;

const KEYS_PREFIX = 'keys/';

/** Role under which the key list of a line is stored. */
export function lineKeysRole(line: string): string {
  return `${KEYS_PREFIX}${line}`;
}

/** TUF consistent snapshot: a target file is named by its digest. Devices ask for the key list under this name. */
function lineKeysFileName(line: string, bytes: Uint8Array): string {
  return `${toHex(sha256(bytes))}.${line}.cbor`;
}

/** The keys that a root or a targets role brings: a published test key signs for everybody who can read. */
function assertOwnKeys(role: string, bytes: Uint8Array): void {
  if (role === 'snapshot' || role === 'timestamp') return;
  const keys = role === 'root' ? parseRoot(bytes).signed.keys : parseTargets(bytes).signed.delegations?.keys;
  for (const { publicKey } of keys?.values() ?? []) if (publicKey !== undefined) assertNotTestKey(publicKey);
}

type Taken = { readonly role: string; readonly bytes: Uint8Array; readonly version: number; readonly name: string };

class TrustChange {
  readonly #current = new Map<string, Uint8Array>();
  readonly #now: Date;
  readonly taken: Taken[] = [];

  constructor(now: Date, current: readonly { readonly role: string; readonly bytes: Uint8Array }[]) {
    this.#now = now;
    for (const { role, bytes } of current) this.#current.set(role, bytes);
  }

  bytesOf(role: string): Uint8Array | undefined {
    return this.#current.get(role);
  }

  get roles(): string[] {
    return [...this.#current.keys()].filter((role) => !role.startsWith(KEYS_PREFIX));
  }

  take(role: string, bytes: Uint8Array): void {
    const root = this.bytesOf('root');
    const targets = this.bytesOf('targets');
    if (role !== 'root' && root === undefined) throw new ServerError('TRUST_ROOT_MISSING', { role });
    const { version } = checkSuccessor(this.bytesOf(role), bytes, {
      role,
      now: this.#now,
      ...(root === undefined ? {} : { root }),
      ...(targets === undefined ? {} : { targets }),
    });
    assertOwnKeys(role, bytes);
    this.keep({ role, bytes, version, name: metadataFileName(role, role === 'timestamp' ? undefined : version) });
  }

  keep(file: Taken): void {
    this.#current.set(file.role, file.bytes);
    this.taken.push(file);
  }

  takeLineKeys(line: string, bytes: Uint8Array): void {
    for (const key of parseLineKeys(bytes, line).keys) assertNotTestKey(key);
    this.keep({ role: lineKeysRole(line), bytes, version: 1, name: lineKeysFileName(line, bytes) });
  }

  /** Every key list that the targets metadata lists must be at hand, and be the very one that is listed. */
  verifyLineKeys(): void {
    const targets = this.bytesOf('targets');
    if (targets === undefined) return;
    const { signed } = parseTargets(targets);
    for (const [path, target] of signed.targets) {
      const line = /^keys\/(.+)\.cbor$/.exec(path)?.[1];
      if (line === undefined) continue;
      const bytes = this.bytesOf(lineKeysRole(line));
      const isListed = bytes !== undefined && target.digests.get('sha256') === toHex(sha256(bytes));
      if (!isListed) throw new ServerError('TRUST_LINE_KEYS_UNLISTED', { line });
    }
    for (const { role } of this.taken.filter((file) => file.role.startsWith(KEYS_PREFIX))) {
      const line = role.slice(KEYS_PREFIX.length);
      if (!signed.targets.has(lineKeysPath(line))) throw new ServerError('TRUST_LINE_KEYS_UNLISTED', { line });
    }
  }
}

/** Signs snapshot (when a listed file changed) and timestamp anew. */
async function freshen(change: TrustChange, ports: ServerPorts): Promise<void> {
  const now = ports.now().getTime();
  const top: readonly string[] = TOP_ROLES;
  const listed = change.roles.filter((role) => role === 'targets' || !top.includes(role));
  const changed = new Map(
    listed.flatMap((role) => {
      const bytes = change.bytesOf(role);
      return bytes === undefined ? [] : [[role, bytes] as const];
    }),
  );
  if (!changed.has('targets')) return;
  const before = change.bytesOf('snapshot');
  const expiresAt = new Date(now + SNAPSHOT_VALID_MS);
  const snapshot =
    before === undefined
      ? newSnapshot({ expiresAt, roles: changed })
      : nextSnapshot(parseSnapshot(before), { expiresAt, roles: changed });
  const bytes = await signMetadata(snapshot, [ports.keys.snapshot]);
  const { version } = snapshot.signed;
  change.keep({ role: 'snapshot', bytes, version, name: metadataFileName('snapshot', version) });
  await stamp(change, ports);
}

async function stamp(change: TrustChange, ports: ServerPorts): Promise<void> {
  const snapshot = change.bytesOf('snapshot');
  if (snapshot === undefined) return;
  const before = change.bytesOf('timestamp');
  const version = before === undefined ? 1 : parseTimestamp(before).signed.version + 1;
  const expiresAt = new Date(ports.now().getTime() + TIMESTAMP_VALID_MS);
  const timestamp = newTimestamp({ version, expiresAt, snapshot });
  const bytes = await signMetadata(timestamp, [ports.keys.timestamp]);
  change.keep({ role: 'timestamp', bytes, version, name: metadataFileName('timestamp') });
}

/** The lines to which targets delegates. One that was withdrawn keeps its file in the snapshot, and nobody trusts it. */
function delegatedRoles(targets: Uint8Array | undefined): ReadonlySet<string> {
  if (targets === undefined) return new Set();
  return new Set(parseTargets(targets).signed.delegations?.roles.map(({ name }) => name));
}

function load(change: Pick<TrustChange, 'bytesOf'>, now: Date): TrustedMetadata {
  const root = change.bytesOf('root');
  if (root === undefined) throw new ServerError('TRUST_ROOT_MISSING');
  const trusted = TrustedMetadata.fromRoot(root, now);
  const [timestamp, snapshot, targets] = ['timestamp', 'snapshot', 'targets'].map((role) => change.bytesOf(role));
  if (timestamp === undefined || snapshot === undefined || targets === undefined) return trusted;
  trusted.updateTimestamp(timestamp);
  trusted.updateSnapshot(snapshot);
  trusted.updateTargets(targets);
  for (const role of delegatedRoles(targets)) {
    const bytes = change.bytesOf(role);
    if (bytes !== undefined) trusted.updateDelegated(bytes, role, 'targets');
  }
  return trusted;
}

async function save(trx: Trx, ports: ServerPorts, tenantId: number, taken: readonly Taken[]): Promise<void> {
  for (const file of taken) {
    await saveTrustFile(trx, tenantId, file);
    // What the server signs by itself is freshness, not news: it is in the repository and not in the ledger.
    if (file.role === 'snapshot' || file.role === 'timestamp') continue;
    await appendStatement(trx, ports.keys.ledger, {
      tenantId,
      predicateType: 'urn:pawl:trust-updated:1',
      subject: { name: `trust/${file.name}`, digest: { sha256: toHex(sha256(file.bytes)) } },
      predicate: { role: file.role, version: file.version, at: ports.now().toISOString() },
    });
  }
}

/** Versions of what is published. */
export async function trustStatus(db: Db, ports: ServerPorts, tenantId: number): Promise<TrustStatus> {
  const files = await currentTrustFiles(db, tenantId);
  const version = (role: string): number | null => files.find((file) => file.role === role)?.version ?? null;
  const delegated = delegatedRoles(files.find(({ role }) => role === 'targets')?.bytes);
  const lines = files.filter(({ role }) => delegated.has(role));
  return {
    root: version('root'),
    targets: version('targets'),
    snapshot: version('snapshot'),
    timestamp: version('timestamp'),
    lines: Object.fromEntries(lines.map((file) => [file.role, file.version])),
    onlineKeys: {
      snapshot: ports.keys.snapshot.publicKey.toSpkiPem(),
      timestamp: ports.keys.timestamp.publicKey.toSpkiPem(),
    },
  };
}

/** A file that is already published, byte for byte, is no news: handing it in again is allowed. */
function isNews(change: TrustChange, role: string, bytes: Uint8Array): boolean {
  const current = change.bytesOf(role);
  return current === undefined || !isEqualBytes(current, bytes);
}

type Given = readonly [role: string, bytes: Uint8Array];

/** A line is a delegated role: under the name of a top-level one, a file would be checked by the rules of another. */
function givenLines(lines: Readonly<Record<string, string>>): Given[] {
  const top: readonly string[] = TOP_ROLES;
  return Object.entries(lines).map(([line, text]) => {
    if (top.includes(line)) throw new TrustError('TRUST_ROLE_UNKNOWN', { role: line, at: 'lines' });
    return [line, fromBase64(text)];
  });
}

/** The roots that are not published yet: an operator hands in the whole chain, of which most is known. */
function newRoots(roots: readonly string[], published: readonly Uint8Array[]): Given[] {
  return roots
    .map((text) => fromBase64(text))
    .filter((bytes) => !published.some((known) => isEqualBytes(known, bytes)))
    .map((bytes) => ['root', bytes]);
}

/**
 * Takes new metadata, or refuses all of it.
 * @throws TrustError of the successor rules and of the client workflow; ServerError TRUST_ROOT_MISSING,
 *   TRUST_LINE_KEYS_UNLISTED; BytesError
 */
export function putTrust(ports: ServerPorts, tenantId: number, input: NewTrust): Promise<TrustStatus> {
  return ports.database.write(async (trx) => {
    const now = ports.now();
    const change = new TrustChange(now, await currentTrustFiles(trx, tenantId));
    const files: Given[] = [
      ...newRoots(input.roots ?? [], await listRoots(trx, tenantId)),
      ...(input.targets === undefined ? [] : [['targets', fromBase64(input.targets)] as const]),
      ...givenLines(input.lines ?? {}),
    ];
    for (const [role, bytes] of files) if (isNews(change, role, bytes)) change.take(role, bytes);
    for (const [line, text] of Object.entries(input.lineKeys ?? {})) {
      const bytes = fromBase64(text);
      if (isNews(change, lineKeysRole(line), bytes)) change.takeLineKeys(line, bytes);
    }
    if (change.taken.length > 0) {
      change.verifyLineKeys();
      await freshen(change, ports);
      load(change, now);
      await save(trx, ports, tenantId, change.taken);
    }
    return await trustStatus(trx, ports, tenantId);
  });
}

/** The repository as a client sees it now. */
export async function loadTrust(db: Db, tenantId: number, now: Date): Promise<TrustedMetadata> {
  return load(new TrustChange(now, await currentTrustFiles(db, tenantId)), now);
}

/** Whether the root names the keys that this server has: after they were made anew it does not, until there is a next root. */
function isKnownToRoot(change: TrustChange, { keys }: ServerPorts): boolean {
  const root = change.bytesOf('root');
  if (root === undefined) return false;
  const { roles } = parseRoot(root).signed;
  return (['snapshot', 'timestamp'] as const).every((role) =>
    roles[role].keyIds.includes(tufKeyOf(keys[role].publicKey).keyId),
  );
}

/**
 * Signs the timestamp anew when it nears its end, and the snapshot with it. Not under keys that the root does not name: every
 * device would refuse that, and what is there still holds for some days.
 */
async function renewTimestamp(ports: ServerPorts, tenantId: number): Promise<boolean> {
  const current = await currentTrustFile(ports.database.read, tenantId, 'timestamp');
  if (current === undefined) return false;
  const { expiresAt } = parseTimestamp(current.bytes).signed;
  const leftMs = expiresAt.getTime() - ports.now().getTime();
  // One that holds longer than any was signed by a clock that went wrong since: it would vouch for this state far too long.
  if (leftMs > TIMESTAMP_RENEW_MS && leftMs <= TIMESTAMP_VALID_MS + DAY_MS) return false;
  return ports.database.write(async (trx) => {
    const change = new TrustChange(ports.now(), await currentTrustFiles(trx, tenantId));
    if (!isKnownToRoot(change, ports)) return false;
    await freshen(change, ports);
    await save(trx, ports, tenantId, change.taken);
    return true;
  });
}

/** The same for every tenant. */
export async function renewTimestamps(ports: ServerPorts): Promise<void> {
  for (const tenantId of await tenantIds(ports.database.read)) await renewTimestamp(ports, tenantId);
}
