/**
 * Parameters of the current component (draft-ietf-suit-manifest-37 §8.4.8), one row a parameter: how it is read from CBOR
 * and written. A parameter without a row refuses the manifest.
 */
import { safeSize } from '../bytes/index.ts';
import { type CborValue, expectBytes, expectInt, expectMap, expectText, expectUint } from '../cbor/index.ts';
import { verifyComponentMetadata } from './component-metadata.ts';
import { LIMITS, PARAMETERS } from './constants.ts';
import { decodeDigest, encodeDigest, type SuitDigest } from './digest.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';
import {
  decodeVersionMatch,
  decodeWaitInfo,
  encodeVersionMatch,
  encodeWaitInfo,
  type VersionMatch,
  type WaitInfo,
} from './wait.ts';

export type ParameterValues = {
  readonly vendorId: Uint8Array;
  readonly classId: Uint8Array;
  readonly imageDigest: SuitDigest;
  readonly componentSlot: number;
  readonly strictOrder: boolean;
  readonly softFailure: boolean;
  readonly imageSizeBytes: number;
  readonly content: Uint8Array;
  readonly encryptionInfo: Uint8Array;
  readonly uri: string;
  readonly sourceComponent: number;
  readonly invokeArgs: Uint8Array;
  readonly deviceId: Uint8Array;
  readonly fetchArguments: Uint8Array;
  readonly securityCounter: bigint;
  /** Seconds since 1970. */
  readonly useBefore: bigint;
  /** Milliwatt-hours. */
  readonly minimumBattery: bigint;
  /** The smaller, the more urgent. */
  readonly updatePriority: number;
  readonly version: VersionMatch;
  readonly waitInfo: WaitInfo;
  /** Checked CBOR; what it asks for is the platform's to do. */
  readonly componentMetadata: Uint8Array;
};
export type ParameterName = keyof ParameterValues;
export type Parameters = Partial<ParameterValues>;

type Row<T> = { readonly read: (value: CborValue, at: string) => T; readonly write: (value: T) => CborValue };
const UUID_SIZE_BYTES = 16;
const UINT64_MAX = (1n << 64n) - 1n;

function bytesUpTo(sizeBytesMax: number): Row<Uint8Array> {
  return {
    read: (value, at) => {
      const content = expectBytes(value, at);
      if (content.length > sizeBytesMax) {
        throw new SuitError('SUIT_LIMIT_EXCEEDED', { at, limit: sizeBytesMax, actual: content.length });
      }
      return content;
    },
    write: (value) => value,
  };
}

const bytes = bytesUpTo(LIMITS.contentSizeBytesMax);

const uuid: Row<Uint8Array> = {
  read: (value, at) => {
    // A vendor id may also be a tagged private enterprise number; we know none.
    if (!(value instanceof Uint8Array)) throw new SuitError('SUIT_PARAMETER_UNSUPPORTED', { at, expected: 'UUID' });
    if (value.length !== UUID_SIZE_BYTES) {
      throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: UUID_SIZE_BYTES, actual: value.length });
    }
    return value;
  },
  write: (value) => value,
};

const size: Row<number> = { read: (value, at) => safeSize(expectUint(value, at), at), write: (value) => value };

const flag: Row<boolean> = {
  read: (value, at) => {
    if (typeof value !== 'boolean') throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: 'bool' });
    return value;
  },
  write: (value) => value,
};

const uri: Row<string> = {
  read: (value, at) => {
    const text = expectText(value, at);
    if (text.length > LIMITS.uriCharsMax) {
      throw new SuitError('SUIT_LIMIT_EXCEEDED', { at, limit: LIMITS.uriCharsMax, actual: text.length });
    }
    return text;
  },
  write: (value) => value,
};

const digest: Row<SuitDigest> = {
  read: (value, at) => decodeDigest(expectBytes(value, at), at),
  write: encodeDigest,
};

const counter: Row<bigint> = {
  read: (value, at) => expectUint(value, at),
  write: (value) => {
    if (value < 0n || value > UINT64_MAX) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: 'security-counter' });
    return value;
  },
};

const whole: Row<bigint> = { read: (value, at) => expectUint(value, at), write: (value) => value };

const metadata: Row<Uint8Array> = {
  read: (value, at) => {
    const content = bytes.read(value, at);
    verifyComponentMetadata(content);
    return content;
  },
  write: (value) => value,
};

const ROWS: { readonly [Name in ParameterName]: Row<ParameterValues[Name]> } = {
  vendorId: uuid,
  classId: uuid,
  imageDigest: digest,
  componentSlot: size,
  strictOrder: flag,
  softFailure: flag,
  imageSizeBytes: size,
  content: bytes,
  encryptionInfo: bytesUpTo(LIMITS.encryptionInfoSizeBytesMax),
  uri,
  sourceComponent: size,
  invokeArgs: bytes,
  deviceId: uuid,
  fetchArguments: bytes,
  securityCounter: counter,
  useBefore: whole,
  minimumBattery: whole,
  updatePriority: { read: (value, at) => expectInt(value, at), write: (value) => value },
  version: { read: (value, at) => decodeVersionMatch(bytes.read(value, at), at), write: encodeVersionMatch },
  waitInfo: { read: (value, at) => decodeWaitInfo(bytes.read(value, at)), write: encodeWaitInfo },
  componentMetadata: metadata,
};

const NAMES = Object.keys(ROWS) as ParameterName[];
/** The parameter of a number, if it is one of ours. */
export const NAME_OF: ReadonlyMap<CborValue, ParameterName> = new Map(NAMES.map((name) => [PARAMETERS[name], name]));

function readInto<Name extends ParameterName>(
  target: { -readonly [N in ParameterName]?: ParameterValues[N] },
  name: Name,
  value: CborValue,
): void {
  target[name] = ROWS[name].read(value, name);
}

function writeInto<Name extends ParameterName>(target: Map<CborValue, CborValue>, from: Parameters, name: Name): void {
  const value: ParameterValues[Name] | undefined = from[name];
  if (value !== undefined) target.set(PARAMETERS[name], ROWS[name].write(value));
}

export function parametersFromCbor(value: CborValue, at: string): Parameters {
  const map = expectMap(value, at);
  const parameters: Parameters = {};
  for (const [key, entry] of map) {
    const name = NAME_OF.get(key);
    // §6.3: an unsupported parameter excludes the manifest.
    if (name === undefined) throw new SuitError('SUIT_PARAMETER_UNSUPPORTED', { at, parameter: labelOf(key) });
    readInto(parameters, name, entry);
  }
  return parameters;
}

export function parametersToCbor(parameters: Parameters): CborValue {
  const map = new Map<CborValue, CborValue>();
  for (const name of NAMES) writeInto(map, parameters, name);
  return map;
}
