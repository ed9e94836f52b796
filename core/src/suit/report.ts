/**
 * SUIT reports (draft-ietf-suit-report-18): what a device did with a manifest, in few bytes, for somebody who has the
 * manifest. A report is signed like anything else: `signSign1` with `REPORT_MEDIA_TYPE`.
 *
 * Reading is strict, and a report proves nothing about a manifest before `verifyReport` found every record at a condition of
 * that manifest, or at a directive whose policy asks for one.
 */
import { isCodedError, isEqualBytes } from '../bytes/index.ts';
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectInt,
  expectMap,
  expectText,
  expectUint,
} from '../cbor/index.ts';
import { LIMITS, MANIFEST_KEYS, REPORT_BITS, SECTIONS } from './constants.ts';
import { digestFromCbor, digestToCbor, type SuitDigest } from './digest.ts';
import { SuitError, type SuitErrorCode } from './errors.ts';
import { type Command, type ComponentId, indexedComponents, type Sequence } from './manifest.ts';
import { codingAs } from './manifest-codec.ts';
import { parametersFromCbor, parametersToCbor } from './parameters.ts';
import type { SuitRecord, SuitRecorder, SystemClaim } from './recorder.ts';
import { offsetOf } from './sequence.ts';
import type { VerifiedManifest } from './verified-manifest.ts';

export const REPORT_MEDIA_TYPE = 'application/suit-report+cose';

const KEYS = { nonce: 2, records: 3, result: 4, code: 5, record: 6, reason: 7, reference: 99 } as const;
const CLAIM_COMPONENT = 0;
const NONCE_SIZE_BYTES_MAX = 64;

/** §4.3, in the order of their numbers. */
const REASONS = [
  'ok',
  'cbor-parse',
  'cose-unsupported',
  'algorithm-unsupported',
  'unauthorized',
  'command-unsupported',
  'component-unsupported',
  'component-unauthorized',
  'parameter-unsupported',
  'severing-unsupported',
  'condition-failed',
  'operation-failed',
  'invoke-pending',
] as const;
export type ReportReason = (typeof REASONS)[number];

const REASON_OF: Readonly<Partial<Record<SuitErrorCode, ReportReason>>> = {
  SUIT_ENVELOPE_MALFORMED: 'cbor-parse',
  SUIT_MANIFEST_MALFORMED: 'cbor-parse',
  SUIT_AUTHENTICATION_MISSING: 'unauthorized',
  SUIT_KEY_UNKNOWN: 'unauthorized',
  SUIT_SIGNATURE_INVALID: 'unauthorized',
  SUIT_ALGORITHM_MISSING: 'unauthorized',
  SUIT_DIGEST_MISMATCH: 'unauthorized',
  SUIT_DIGEST_UNSUPPORTED: 'algorithm-unsupported',
  SUIT_COMMAND_UNSUPPORTED: 'command-unsupported',
  SUIT_ELEMENT_UNSUPPORTED: 'command-unsupported',
  SUIT_COMPONENT_UNSUPPORTED: 'component-unsupported',
  SUIT_COMPONENT_UNAUTHORIZED: 'component-unauthorized',
  SUIT_PARAMETER_UNSUPPORTED: 'parameter-unsupported',
  SUIT_SECTION_MISSING: 'severing-unsupported',
  SUIT_CONDITION_FAILED: 'condition-failed',
  SUIT_SECURITY_COUNTER_TOO_LOW: 'condition-failed',
};

export type ReportFailure = {
  /** For debugging; means something only to the one who wrote it. */
  readonly code: number;
  /** Where it ended; absent when nothing had run. */
  readonly record: SuitRecord;
  readonly reason: ReportReason;
};

export type SuitReport = {
  /** The reference URI of the manifest; empty when it has none. */
  readonly manifestUri: string;
  readonly manifestDigest: SuitDigest;
  readonly nonce?: Uint8Array;
  readonly records: readonly (SuitRecord | SystemClaim)[];
  readonly result: true | ReportFailure;
};

/** The reason for a failure, as other implementations know it. */
function reasonOf(error: unknown): ReportReason {
  const code = isCodedError(error) ? error.code : '';
  const found = Object.entries(REASON_OF).find(([each]) => each === code);
  return found?.[1] ?? 'operation-failed';
}

const NOWHERE: SuitRecord = {
  path: [],
  section: MANIFEST_KEYS.common,
  offset: 0,
  componentIndex: 0,
  properties: {},
};

/** The report of a procedure, from what was recorded and from the error that ended it, if one did. */
export function buildReport(
  manifest: VerifiedManifest,
  recorder: SuitRecorder,
  outcome: { readonly failure?: unknown; readonly nonce?: Uint8Array } = {},
): SuitReport {
  const { failure, nonce } = outcome;
  const record = recorder.failed ?? NOWHERE;
  return {
    manifestUri: manifest.content.referenceUri ?? '',
    manifestDigest: manifest.digest,
    ...(nonce !== undefined && { nonce }),
    records: recorder.entries,
    result: failure === undefined ? true : { code: 0, record, reason: reasonOf(failure) },
  };
}

function recordToCbor({ path, section, offset, componentIndex, properties }: SuitRecord): CborValue {
  return [[...path], section, offset, componentIndex, parametersToCbor(properties)];
}

function entryToCbor(entry: SuitRecord | SystemClaim): CborValue {
  if ('path' in entry) return recordToCbor(entry);
  const claim = parametersToCbor(entry.properties);
  return new Map<CborValue, CborValue>([[CLAIM_COMPONENT, [...entry.componentId]], ...expectMap(claim, 'claim')]);
}

/** Writes a report, deterministically. */
export function encodeReport(report: SuitReport): Uint8Array {
  const { result, nonce } = report;
  const failure =
    result === true
      ? true
      : new Map<CborValue, CborValue>([
          [KEYS.code, result.code],
          [KEYS.record, recordToCbor(result.record)],
          [KEYS.reason, REASONS.indexOf(result.reason)],
        ]);
  const elements = new Map<CborValue, CborValue>([
    [KEYS.reference, [report.manifestUri, digestToCbor(report.manifestDigest)]],
    [KEYS.records, report.records.map(entryToCbor)],
    [KEYS.result, failure],
  ]);
  if (nonce !== undefined) elements.set(KEYS.nonce, nonce);
  return encodeCbor(elements);
}

function malformed(expected: string): SuitError {
  return new SuitError('SUIT_REPORT_MALFORMED', { expected });
}

function small(value: CborValue): number {
  const number = expectUint(value, 'report');
  if (number > BigInt(LIMITS.envelopeSizeBytesMax)) throw malformed('a small number');
  return Number(number);
}

function recordFromCbor(value: CborValue): SuitRecord {
  const [path, section, offset, component, properties] = expectArray(value, 'record', 5);
  const steps = expectArray(path, 'record').map(small);
  if (steps.length > LIMITS.dependencyDepthMax) throw malformed('a manifest in the tree');
  return {
    path: steps,
    section: expectInt(section, 'record'),
    offset: small(offset),
    componentIndex: small(component),
    properties: parametersFromCbor(properties, 'record'),
  };
}

function entryFromCbor(value: CborValue): SuitRecord | SystemClaim {
  if (!(value instanceof Map)) return recordFromCbor(value);
  const componentId: ComponentId = expectArray(value.get(CLAIM_COMPONENT), 'claim').map((part) =>
    expectBytes(part, 'claim'),
  );
  const properties = new Map([...value].filter(([key]) => key !== CLAIM_COMPONENT));
  if (properties.size === 0) throw malformed('a claim that says something');
  return { componentId, properties: parametersFromCbor(properties, 'claim') };
}

function resultFromCbor(value: CborValue): true | ReportFailure {
  if (value === true) return true;
  const map = expectMap(value, 'result');
  const reason = REASONS[expectInt(map.get(KEYS.reason), 'result')];
  if (reason === undefined || map.size !== 3) throw malformed('code, record and a known reason');
  return { code: expectInt(map.get(KEYS.code), 'result'), record: recordFromCbor(map.get(KEYS.record)), reason };
}

/**
 * Reads a report. Nothing of it is proven: see `verifyReport`.
 * @throws SuitError SUIT_REPORT_MALFORMED, SUIT_PARAMETER_UNSUPPORTED, SUIT_DIGEST_UNSUPPORTED
 */
export function parseReport(bytes: Uint8Array): SuitReport {
  return codingAs('SUIT_REPORT_MALFORMED', () => {
    const elements = expectMap(decodeCbor(bytes), 'report');
    const known: readonly CborValue[] = [KEYS.reference, KEYS.nonce, KEYS.records, KEYS.result];
    if ([...elements.keys()].some((key) => !known.includes(key))) throw malformed('elements of a report only');
    const [uri, digest] = expectArray(elements.get(KEYS.reference), 'reference', 2);
    const records = expectArray(elements.get(KEYS.records), 'records');
    if (records.length > LIMITS.recordsMax) throw malformed(`at most ${LIMITS.recordsMax} records`);
    const nonceItem = elements.get(KEYS.nonce);
    const nonce = nonceItem === undefined ? undefined : expectBytes(nonceItem, 'nonce');
    if (nonce !== undefined && nonce.length > NONCE_SIZE_BYTES_MAX) throw malformed('a nonce of at most 64 bytes');
    return {
      manifestUri: expectText(uri, 'reference'),
      manifestDigest: digestFromCbor(digest, 'reference'),
      ...(nonce !== undefined && { nonce }),
      records: records.map(entryFromCbor),
      result: resultFromCbor(elements.get(KEYS.result)),
    };
  });
}

type RecordedCommand = Extract<Command, { readonly policy: number }>;
type CommandsByOffset = Map<number, RecordedCommand>;

/** The conditions and directives of a sequence by their offsets. */
function commandsByOffset(sequence: Sequence, found: CommandsByOffset = new Map()): CommandsByOffset {
  for (const command of sequence) {
    if (command.kind === 'run-sequence') commandsByOffset(command.sequence, found);
    else if (command.kind === 'try-each') for (const branch of command.sequences) commandsByOffset(branch, found);
    else if ('policy' in command) found.set(offsetOf(command) ?? -1, command);
  }
  return found;
}

/** draft-ietf-suit-report-18: a record stands at a condition, or at a directive whose policy asks for it. */
function isRecordable({ kind, policy }: RecordedCommand): boolean {
  return kind === 'condition' || (policy & (REPORT_BITS.recordSuccess | REPORT_BITS.recordFailure)) !== 0;
}

/**
 * Holds a report against the manifest that it speaks of: digest, reference URI, and for every record of this manifest (not
 * of its dependencies) a component, and a command at that very place that leaves records. Where it ended may be any command.
 * @throws SuitError SUIT_REPORT_MISMATCH
 */
export function verifyReport(report: SuitReport, manifest: VerifiedManifest): void {
  const { content, digest } = manifest;
  const mismatch = (at: string): SuitError => new SuitError('SUIT_REPORT_MISMATCH', { at });
  const isSameDigest =
    report.manifestDigest.algorithm === digest.algorithm && isEqualBytes(report.manifestDigest.bytes, digest.bytes);
  if (!isSameDigest) throw mismatch('manifest digest');
  if (report.manifestUri !== (content.referenceUri ?? '')) throw mismatch('reference uri');
  const commands = new Map<number, CommandsByOffset>([
    [MANIFEST_KEYS.common, commandsByOffset(content.sharedSequence ?? [])],
    ...[...content.sections].map(([name, section]): [number, CommandsByOffset] => [
      SECTIONS[name].key,
      commandsByOffset(section.value ?? []),
    ]),
  ]);
  const componentCount = indexedComponents(content).length;
  const failed = report.result === true ? [] : [report.result.record];
  for (const entry of [...report.records, ...failed]) {
    if (!('path' in entry) || entry.path.length > 0) continue;
    // Where nothing ran, the place is the beginning of common.
    const isEnd = failed.includes(entry);
    const isNowhere = entry.section === MANIFEST_KEYS.common && entry.offset === 0 && isEnd;
    const command = commands.get(entry.section)?.get(entry.offset);
    const isFound = command !== undefined && (isEnd || isRecordable(command));
    if (entry.componentIndex >= componentCount || !(isNowhere || isFound)) {
      throw mismatch(`section ${entry.section}, offset ${entry.offset}, component ${entry.componentIndex}`);
    }
  }
}
