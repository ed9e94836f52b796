/**
 * What a verified bundle shows about the models of a product: each device's signed reports become evidence of what they
 * prove, each release and rollout a record. Takes the result of `verifyBundle`, which throws for anything that fails.
 *
 * A refusal by its code: bytes or authenticity → verify-and-reject; an older counter → anti-rollback. A revert → rollback.
 * An attestation whose verdict follows from its evidence (verdict.ts) → attestation report.
 * What a device signed is *observed*; what the server recorded is *configured*.
 */
import type { BundleEntry, PredicateType } from '@pawl/core/evidence';
import type { EvidenceKind } from '../catalogue/index.ts';
import type { Product } from '../product/index.ts';
import type { Grade } from './grade.ts';
import { shownByVerdict } from './verdict.ts';

type Shown = {
  readonly kind: EvidenceKind;
  readonly title: string;
  readonly grade: Grade;
  /** Which check of the device refused. */
  readonly code?: string;
};

/** Codes of the agent and of the SUIT processor with which firmware that is older is refused. */
const OLDER: ReadonlySet<string> = new Set([
  'AGENT_SECURITY_COUNTER_TOO_LOW',
  'AGENT_SEQUENCE_TOO_OLD',
  'SUIT_SECURITY_COUNTER_TOO_LOW',
  'SUIT_SEQUENCE_TOO_OLD',
]);
/** … and with which firmware is refused that is not genuine, not whole, or not for this device. */
const NOT_GENUINE: ReadonlySet<string> = new Set([
  'AGENT_PAYLOAD_DIGEST_MISMATCH',
  'AGENT_PAYLOAD_SIZE_MISMATCH',
  'AGENT_LISTING_DISAGREES',
  'AGENT_MODEL_MISMATCH',
  'AGENT_IMAGE_CHANGED',
  'CRYPTO_AUTHENTICATION_FAILED',
  'SUIT_KEY_UNKNOWN',
  'SUIT_AUTHENTICATION_MISSING',
  'SUIT_SIGNATURE_INVALID',
  'SUIT_ALGORITHM_MISSING',
  'SUIT_DIGEST_MISMATCH',
  'SUIT_CONDITION_FAILED',
  'TRUST_SIGNATURES_TOO_FEW',
  'TRUST_DIGEST_MISMATCH',
  'TRUST_TARGET_NOT_LISTED',
]);
/** … and with which metadata is refused that is no longer valid, or older than what was seen. */
const NOT_CURRENT: ReadonlySet<string> = new Set(['TRUST_EXPIRED', 'TRUST_VERSION_ROLLBACK']);

function textOf(entry: BundleEntry, key: string): string {
  const value = entry.predicate[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function refusal(code: string): Shown[] {
  if (OLDER.has(code))
    return [{ kind: 'anti-rollback-test', title: `older firmware was refused (${code})`, grade: 'observed', code }];
  if (NOT_GENUINE.has(code))
    return [
      {
        kind: 'verify-reject-test',
        title: `firmware that is not genuine was refused (${code})`,
        grade: 'observed',
        code,
      },
    ];
  if (NOT_CURRENT.has(code))
    return [
      {
        kind: 'verify-reject-test',
        title: `metadata that is not current was refused (${code})`,
        grade: 'observed',
        code,
      },
    ];
  return [];
}

function shownByReport(entry: BundleEntry): Shown[] {
  const version = textOf(entry, 'version');
  const code = textOf(entry, 'code');
  switch (textOf(entry, 'state')) {
    case 'confirmed':
      return [
        { kind: 'signed-release', title: `a device verified and confirmed ${version}`, grade: 'observed' },
        { kind: 'campaign-record', title: `${version} was confirmed by a device`, grade: 'observed' },
        { kind: 'inventory-record', title: `a device runs ${version}`, grade: 'observed' },
      ];
    case 'reverted':
      return [
        {
          kind: 'rollback-test',
          title: `a device went back after ${version} did not start (${code})`,
          grade: 'observed',
        },
      ];
    case 'refused':
      return refusal(code);
    default:
      return [];
  }
}

type Shows = (entry: BundleEntry) => Shown;

/** Evidence about a line, whichever device it is about. Statements that are not here show nothing of themselves. */
const SHOWN_OF_LINE: Readonly<Partial<Record<PredicateType, Shows>>> = {
  'urn:pawl:release:1': (entry) => ({
    kind: 'signed-release',
    title: `release ${textOf(entry, 'version')} was ${textOf(entry, 'act') === 'publish' ? 'published' : 'signed'}`,
    grade: 'configured',
  }),
  'urn:pawl:sbom:1': (entry) => ({
    kind: 'sbom',
    title: `bill of materials of ${textOf(entry, 'version')}: ${textOf(entry, 'format')} ${textOf(entry, 'specVersion')}, ${textOf(entry, 'components')} components`,
    grade: 'configured',
  }),
  'urn:pawl:rollout:1': (entry) => ({
    kind: 'campaign-record',
    title: `rollout: ${textOf(entry, 'act')}`,
    grade: 'configured',
  }),
  'urn:pawl:key-registered:1': () => ({
    kind: 'key-management-record',
    title: 'an image key was registered',
    grade: 'configured',
  }),
};

function isOfLine(entry: BundleEntry, line: string): boolean {
  return textOf(entry, 'line') === line || (entry.subject[0]?.name ?? '').startsWith(`release/${line}/`);
}

/** What one entry shows: about which model (undefined: the whole product), and who says it. */
export type EntryEvidence = Shown & {
  readonly index: number;
  readonly model: string | undefined;
  readonly issuer: string;
  /** Day. */
  readonly issuedOn: string;
};

/** Who signed: the server with the key of the ledger, or a key that it knows by its id. */
function issuerOf({ kind, keyId }: BundleEntry['signer']): string {
  return kind === 'ledger' ? 'update server' : `${kind} key ${keyId.slice(0, 16)}`;
}

/** Reads the entries of a verified bundle in ledger order. */
export function evidenceOfEntries(entries: readonly BundleEntry[], product: Product): EntryEvidence[] {
  const modelByDevice = new Map<string, string>();
  /** Subject of a device -> the key that it enrolled last. */
  const keyByDevice = new Map<string, string>();
  return entries.flatMap((entry): EntryEvidence[] => {
    const { index, predicateType, signer } = entry;
    // The statement that sealing makes has its own word for the time.
    const issuedOn = (textOf(entry, 'at') || textOf(entry, 'sealedAt')).slice(0, 10);
    if (predicateType === 'urn:pawl:device-enrolled:1') {
      const isOurs = textOf(entry, 'line') === product.line;
      const model = product.models.find(
        ({ id, controllerModel }) => (controllerModel ?? id) === textOf(entry, 'model'),
      );
      if (isOurs && model !== undefined) modelByDevice.set(`device/${textOf(entry, 'controllerId')}`, model.id);
      keyByDevice.set(`device/${textOf(entry, 'controllerId')}`, textOf(entry, 'publicKey'));
      return [];
    }
    if (predicateType === 'urn:pawl:attestation-verdict:1') {
      const issuer = entry.subject[0]?.name ?? '';
      const model = modelByDevice.get(issuer);
      const title = shownByVerdict(entry, keyByDevice.get(issuer) ?? '');
      if (model === undefined || title === undefined) return [];
      return [{ kind: 'attestation-report', title, grade: 'observed', index, model, issuer, issuedOn }];
    }
    if (predicateType === 'urn:pawl:device-report:1') {
      const issuer = entry.subject[0]?.name ?? '';
      const model = modelByDevice.get(issuer);
      if (model === undefined) return [];
      return shownByReport(entry).map((shown) => ({ ...shown, index, model, issuer, issuedOn }));
    }
    const shown = isOfLine(entry, product.line) ? SHOWN_OF_LINE[predicateType]?.(entry) : undefined;
    return shown === undefined ? [] : [{ ...shown, index, model: undefined, issuer: issuerOf(signer), issuedOn }];
  });
}
