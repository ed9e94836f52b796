/**
 * What the ledger shows about a product line of a tenant, read on from where it was read before: an answer costs what was
 * stated since the last one, not the length of the ledger. Of reports that say the same of the same model on the same day the
 * last one is kept. Statements about other tenants are left out: a device by its key, a document by the tenant that it names.
 *
 * What belongs to a line is decided by its devices and releases of now. While these only grow, by what was not spoken of
 * before, the entries that were passed over stay passed over; when a device leaves the line, changes its key, or comes from
 * another line with a history, all of it is read again. Kept in the memory of this process, for few lines, as long as its
 * database is open; entries never change, so nothing in it can grow stale.
 */
import { fromUtf8 } from '@pawl/core/bytes';
import { type BundleEntry, isPredicateType, type PredicateType, type Statement } from '@pawl/core/evidence';
import { tenantName } from '../../store/access.ts';
import type { Database, Db } from '../../store/database.ts';
import type { LedgerRow } from '../../store/ledger.ts';
import { devicesOfLine, entriesOfTypes, releaseNamesOfLine } from '../../store/ledger-evidence.ts';

const TYPES: readonly PredicateType[] = [
  'urn:pawl:device-enrolled:1',
  'urn:pawl:device-report:1',
  'urn:pawl:attestation-verdict:1',
  'urn:pawl:release:1',
  'urn:pawl:rollout:1',
  'urn:pawl:key-registered:1',
  'urn:pawl:evidence:1',
  'urn:pawl:product:1',
  'urn:pawl:documents:1',
  'urn:pawl:sbom:1',
  'urn:pawl:vulnerability:1',
  'urn:pawl:incident-report:1',
  'urn:pawl:disclosure-policy:1',
  'urn:pawl:inquiry:1',
  'urn:pawl:supplier-answer:1',
  'urn:pawl:test-result:1',
];
const PAGE = 500;

function entryOf({ index, envelope, predicateType }: LedgerRow): BundleEntry {
  const { payload, signatures } = JSON.parse(fromUtf8(envelope)) as {
    payload: string;
    signatures: readonly { keyid: string }[];
  };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
  if (!isPredicateType(predicateType)) throw new TypeError('the ledger holds known statements only');
  const kind = predicateType === 'urn:pawl:device-report:1' ? 'device' : 'ledger';
  const { subject, predicate } = statement;
  return { index, predicateType, subject, predicate, signer: { keyId: signatures[0]?.keyid ?? '', kind } };
}

type Ours = {
  readonly tenant: string;
  /** Subject of a device -> its key. */
  readonly devices: ReadonlyMap<string, string>;
  readonly releases: ReadonlySet<string>;
};

type Belongs = (entry: BundleEntry, ours: Ours) => boolean;

const ofDevice: Belongs = ({ subject: [about] }, { devices }) =>
  about !== undefined && devices.get(about.name) === about.digest.sha256;
const ofTenant: Belongs = ({ predicate }, { tenant }) => predicate['tenant'] === tenant;
const ofRelease: Belongs = ({ subject }, { releases }) => releases.has(subject[0]?.name ?? '');

/** Statements of other kinds name a line and no tenant. */
const BELONGS: Readonly<Partial<Record<PredicateType, Belongs>>> = {
  'urn:pawl:device-enrolled:1': ofDevice,
  'urn:pawl:attestation-verdict:1': ofDevice,
  'urn:pawl:device-report:1': ({ subject, signer }, { devices }) =>
    devices.get(subject[0]?.name ?? '') === signer.keyId,
  'urn:pawl:release:1': ofRelease,
  'urn:pawl:rollout:1': ofRelease,
  'urn:pawl:evidence:1': ofTenant,
  'urn:pawl:product:1': ofTenant,
  'urn:pawl:vulnerability:1': ofTenant,
  'urn:pawl:incident-report:1': ofTenant,
  'urn:pawl:documents:1': ofTenant,
  'urn:pawl:disclosure-policy:1': ofTenant,
  'urn:pawl:sbom:1': ({ subject }, { releases }) =>
    releases.has((subject[0]?.name ?? '').replace(/^sbom\//, 'release/')),
  'urn:pawl:inquiry:1': ofTenant,
  'urn:pawl:supplier-answer:1': ofTenant,
  'urn:pawl:test-result:1': ofTenant,
};

/** Of these there are as many as devices. */
const DEVICES_SAY: ReadonlySet<PredicateType> = new Set<PredicateType>([
  'urn:pawl:device-report:1',
  'urn:pawl:attestation-verdict:1',
]);

/** What makes a report say the same as another one. */
function sameness(
  { index, predicateType, subject, predicate }: BundleEntry,
  models: ReadonlyMap<string, unknown>,
): string {
  if (!DEVICES_SAY.has(predicateType)) return `entry ${index}`;
  const { state = predicate['verdict'], version, code = predicate['reasons'], at } = predicate;
  const day = typeof at === 'string' ? at.slice(0, 10) : '';
  return JSON.stringify([predicateType, models.get(subject[0]?.name ?? ''), state, version, code, day]);
}

const LINES_MAX = 32;

async function oursOf(db: Db, tenantId: number, line: string): Promise<Ours> {
  const devices = await devicesOfLine(db, tenantId, line);
  return {
    tenant: await tenantName(db, tenantId),
    devices: new Map(devices.map(({ controller_id, key_id }) => [`device/${controller_id}`, key_id])),
    releases: new Set(await releaseNamesOfLine(db, tenantId, line)),
  };
}

/** The entries of one line. */
export class LineEvidence {
  readonly #tenantId: number;
  readonly #line: string;
  #ours: Ours | undefined;
  #from = 0;
  #models = new Map<string, unknown>();
  #kept = new Map<string, BundleEntry>();
  /** Whom entries were about that were none of this line. */
  #passedOver = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(tenantId: number, line: string) {
    this.#tenantId = tenantId;
    this.#line = line;
  }

  /** All that belongs to the line, in the order of the ledger. One reads on at a time. */
  read(db: Db): Promise<BundleEntry[]> {
    const run = this.#turn.then(() => this.#readOn(db));
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #readOn(db: Db): Promise<BundleEntry[]> {
    const ours = await oursOf(db, this.#tenantId, this.#line);
    if (!this.#goesOn(ours)) this.#forget();
    this.#ours = ours;
    for (let isMore = true; isMore; ) {
      const at = { tenantId: this.#tenantId, from: this.#from, limit: PAGE };
      const rows = await entriesOfTypes(db, TYPES, at);
      for (const row of rows) this.#take(entryOf(row), ours);
      this.#from = (rows.at(-1)?.index ?? this.#from - 1) + 1;
      isMore = rows.length === PAGE;
    }
    return [...this.#kept.values()].toSorted((a, b) => a.index - b.index);
  }

  /** Whether what was kept and passed over would be again. */
  #goesOn(now: Ours): boolean {
    const before = this.#ours;
    if (before === undefined || before.tenant !== now.tenant) return false;
    for (const [name, key] of before.devices) if (now.devices.get(name) !== key) return false;
    for (const name of before.releases) if (!now.releases.has(name)) return false;
    const added = [...now.devices.keys(), ...now.releases].filter(
      (name) => !before.devices.has(name) && !before.releases.has(name),
    );
    return !added.some((name) => this.#passedOver.has(name));
  }

  #forget(): void {
    this.#from = 0;
    this.#models = new Map();
    this.#kept = new Map();
    this.#passedOver = new Set();
  }

  #take(entry: BundleEntry, ours: Ours): void {
    const name = entry.subject[0]?.name ?? '';
    if (BELONGS[entry.predicateType]?.(entry, ours) === false) {
      this.#passedOver.add(name.replace(/^sbom\//, 'release/'));
      return;
    }
    if (entry.predicateType === 'urn:pawl:device-enrolled:1') this.#models.set(name, entry.predicate['model']);
    this.#kept.set(sameness(entry, this.#models), entry);
  }
}

const known = new WeakMap<Database, Map<string, LineEvidence>>();

/** What the ledger shows about a line, by what this process read of it before. */
export async function entriesOfLine(database: Database, tenantId: number, line: string): Promise<BundleEntry[]> {
  const lines = known.get(database) ?? new Map<string, LineEvidence>();
  known.set(database, lines);
  const name = `${tenantId}/${line}`;
  const found = lines.get(name) ?? new LineEvidence(tenantId, line);
  // The one that was asked for last stands last; the first goes when there are too many.
  lines.delete(name);
  lines.set(name, found);
  const [oldest] = lines.keys();
  if (lines.size > LINES_MAX && oldest !== undefined) lines.delete(oldest);
  return await found.read(database.read);
}
