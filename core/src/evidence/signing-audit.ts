/**
 * The audit of the signing process: what each key did, by the signing log, and what does not fit together. It judges records
 * that were verified, the keys of the workspace, and the signatures that were found in it; it never repairs.
 */
import type { KeyFacts } from '../keys/index.ts';
import { mayRoleSign } from './signed-message.ts';
import type { SigningRecord } from './signing-log.ts';

/** A signature that lies in the workspace. */
export type FoundSignature = { readonly where: string; readonly keyId: string; readonly sha256: string };

export type AuditInput = {
  readonly records: readonly SigningRecord[];
  readonly keys: readonly (KeyFacts & { readonly name: string })[];
  readonly found: readonly FoundSignature[];
  readonly now: Date;
  /** Report only what was done from then on; everything is judged. */
  readonly since?: Date | undefined;
};

type AnomalyCode =
  | 'signature-without-entry'
  | 'key-without-entry'
  | 'outside-role'
  | 'after-expiry'
  | 'unknown-key'
  | 'facts-differ'
  | 'time-went-back'
  | 'expired'
  | 'unreadable';

export type Anomaly = {
  readonly code: AnomalyCode;
  readonly keyId: string;
  /** The entry that it is about, if there is one. */
  readonly index?: number;
  readonly detail: string;
};

export type AuditedKey = {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly algorithm: string;
  readonly custody: string;
  readonly purpose: string | null;
  readonly createdAt: string | null;
  readonly expiresAt: string | null;
  readonly replaces: string | null;
  /** Whether the workspace has the key now. */
  readonly isPresent: boolean;
  readonly signings: number;
  readonly failures: number;
  readonly firstUsedAt: string | null;
  readonly lastUsedAt: string | null;
  /** How many signatures of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly operators: readonly string[];
};

export type SigningAudit = {
  readonly entries: number;
  readonly keys: readonly AuditedKey[];
  readonly anomalies: readonly Anomaly[];
};

const BIRTHS: ReadonlySet<string> = new Set(['log-started', 'key-created', 'key-imported', 'key-added']);

type Known = ReadonlyMap<string, AuditInput['keys'][number]>;

function judgeRecord(record: SigningRecord, known: Known): Anomaly[] {
  const { index, key, at, message } = record;
  const facts = known.get(key.id);
  const about = (code: AnomalyCode, detail: string): Anomaly => ({ code, keyId: key.id, index, detail });
  const anomalies: Anomaly[] = [];
  if (message !== null && record.act === 'sign') {
    if (!mayRoleSign(key.role, message)) anomalies.push(about('outside-role', `${key.role} signed ${message.kind}`));
    const end = facts?.expiresAt;
    if (end !== undefined && end !== null && at >= end)
      anomalies.push(about('after-expiry', `signed at ${at}, ended at ${end}`));
  }
  if (facts !== undefined && (facts.role !== key.role || facts.custody !== key.custody)) {
    anomalies.push(about('facts-differ', `then ${key.role}, ${key.custody}; now ${facts.role}, ${facts.custody}`));
  }
  return anomalies;
}

function judgeTimes(records: readonly SigningRecord[]): Anomaly[] {
  return records.flatMap((record, at) => {
    const before = records[at - 1];
    if (before === undefined || record.at >= before.at) return [];
    const detail = `${record.at} after ${before.at}`;
    return [{ code: 'time-went-back' as const, keyId: record.key.id, index: record.index, detail }];
  });
}

function judgeKeys({ records, keys, now }: AuditInput, known: Known): Anomaly[] {
  const born = new Set(records.filter(({ act }) => BIRTHS.has(act)).map(({ key }) => key.id));
  const started = records[0]?.at;
  const unborn = keys.filter(({ id, createdAt }) => !born.has(id) && (started === undefined || createdAt >= started));
  const used = new Map(records.filter(({ act }) => act === 'sign').map((record) => [record.key.id, record]));
  const unknown = [...used.values()].filter(({ key }) => !known.has(key.id) && !born.has(key.id));
  const expired = keys.filter(({ expiresAt }) => expiresAt !== null && now.toISOString() >= expiresAt);
  return [
    ...unborn.map(({ id, name }) => ({ code: 'key-without-entry' as const, keyId: id, detail: name })),
    ...unknown.map(({ index, key }) => ({ code: 'unknown-key' as const, keyId: key.id, index, detail: key.name })),
    ...expired.map(({ id, name, expiresAt }) => ({
      code: 'expired' as const,
      keyId: id,
      detail: `${name}, since ${expiresAt}`,
    })),
  ];
}

function judgeFound({ records, found }: AuditInput): Anomaly[] {
  const entered = new Set(records.filter(({ act }) => act === 'sign').map(({ key, sha256 }) => `${key.id} ${sha256}`));
  return found
    .filter(({ keyId, sha256 }) => !entered.has(`${keyId} ${sha256}`))
    .map(({ where, keyId }) => ({ code: 'signature-without-entry', keyId, detail: where }));
}

function countKinds(records: readonly SigningRecord[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { message } of records) if (message !== null) kinds[message.kind] = (kinds[message.kind] ?? 0) + 1;
  return kinds;
}

function auditKey(id: string, records: readonly SigningRecord[], known: Known): AuditedKey {
  const facts = known.get(id);
  const own = records.filter(({ key }) => key.id === id);
  const last = own.at(-1)?.key;
  const signed = own.filter(({ act }) => act === 'sign');
  const failures = own.filter(({ act }) => act === 'sign-failed').length;
  return {
    id,
    name: facts?.name ?? last?.name ?? '',
    role: facts?.role ?? last?.role ?? '',
    algorithm: facts?.algorithm ?? last?.algorithm ?? '',
    custody: facts?.custody ?? last?.custody ?? '',
    purpose: facts?.purpose ?? null,
    createdAt: facts?.createdAt ?? null,
    expiresAt: facts?.expiresAt ?? null,
    replaces: facts?.replaces ?? null,
    isPresent: facts !== undefined,
    // Each attempt is entered before it is made; one that failed released no signature.
    signings: signed.length - failures,
    failures,
    firstUsedAt: signed[0]?.at ?? null,
    lastUsedAt: signed.at(-1)?.at ?? null,
    kinds: countKinds(signed),
    operators: [...new Set(own.map(({ operator }) => operator.name))],
  };
}

/** What the keys did, and what does not fit together. */
export function auditSignings(input: AuditInput): SigningAudit {
  const { records, keys, since } = input;
  const known: Known = new Map(keys.map((key) => [key.id, key]));
  const from = since?.toISOString();
  const reported = from === undefined ? records : records.filter(({ at }) => at >= from);
  const ids = new Set([...keys.map(({ id }) => id), ...reported.map(({ key }) => key.id)]);
  return {
    entries: reported.length,
    keys: [...ids].map((id) => auditKey(id, reported, known)),
    anomalies: [
      ...judgeFound(input),
      ...records.flatMap((record) => judgeRecord(record, known)),
      ...judgeTimes(records),
      ...judgeKeys(input, known),
    ],
  };
}
