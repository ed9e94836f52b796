/**
 * `keys/<line>.cbor`, the signed target that says which image keys speak for a product line and which algorithms must
 * *all* sign an envelope (docs/formats/line-keys.md). Rotating or revoking an image key is a new version of this target.
 * At most 64 KiB; each key once; a key for every required algorithm, or no envelope could ever be authentic.
 */
import { isCodedError, toHex } from '../bytes/index.ts';
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectInt,
  expectMap,
  expectText,
} from '../cbor/index.ts';
import { coseKeyThumbprint, decodeCoseKey, encodeCoseKey } from '../cose/index.ts';
import {
  PublicKey,
  SIGNATURE_ALGORITHM_NAMES,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
} from '../crypto/index.ts';
import { TrustError } from './errors.ts';
import { TRUST_LIMITS } from './limits.ts';

export type LineKeys = {
  readonly line: string;
  readonly keys: readonly PublicKey[];
  readonly requiredAlgorithms: readonly SignatureAlgorithm[];
};

const LINE_FORM = /^[a-z0-9][a-z0-9-]{0,62}$/;
const MEMBERS = 3;

/** True for a product line name: `[a-z0-9][a-z0-9-]{0,62}`. */
export function isLineName(text: string): boolean {
  return LINE_FORM.test(text);
}

/** The target path of the key list of a line. */
export function lineKeysPath(line: string): string {
  return `keys/${line}.cbor`;
}

function invalid(expected: string, cause?: unknown): TrustError {
  return new TrustError('TRUST_LINE_KEYS_INVALID', { expected }, cause);
}

function verifyLineKeys({ line, keys, requiredAlgorithms }: LineKeys): void {
  if (!isLineName(line)) throw invalid('a product line name');
  if (keys.length === 0) throw invalid('at least one key');
  if (new Set(keys.map((key) => toHex(coseKeyThumbprint(key)))).size !== keys.length) throw invalid('each key once');
  if (requiredAlgorithms.length === 0) throw invalid('at least one required algorithm');
  if (new Set(requiredAlgorithms).size !== requiredAlgorithms.length) throw invalid('each required algorithm once');
  for (const algorithm of requiredAlgorithms) {
    if (!keys.some((key) => key.algorithm === algorithm)) throw invalid(`a key for ${algorithm}`);
  }
}

/**
 * Writes the key list of a product line.
 * @throws TrustError TRUST_LINE_KEYS_INVALID
 */
export function encodeLineKeys(lineKeys: LineKeys): Uint8Array {
  verifyLineKeys(lineKeys);
  return encodeCbor(
    new Map<CborValue, CborValue>([
      ['line', lineKeys.line],
      ['keys', lineKeys.keys.map(encodeCoseKey)],
      ['required', lineKeys.requiredAlgorithms.map((name) => SIGNATURE_ALGORITHMS[name].coseAlg)],
    ]),
  );
}

/** Only the number that is written is read here, so that a list has one spelling. */
function parseAlgorithm(coseAlg: number): SignatureAlgorithm {
  const found = SIGNATURE_ALGORITHM_NAMES.find((name) => SIGNATURE_ALGORITHMS[name].coseAlg === coseAlg);
  if (found === undefined) throw invalid('a signature algorithm that is supported');
  return found;
}

function decodeLineKeys(bytes: Uint8Array): LineKeys {
  const map = expectMap(
    decodeCbor(bytes, { depthMax: 4, sizeBytesMax: TRUST_LIMITS.lineKeysSizeBytesMax }),
    'key list',
  );
  if (map.size !== MEMBERS) throw invalid('line, keys and required, and nothing else');
  const keys = expectArray(map.get('keys'), 'keys').map((item) => {
    const key = decodeCoseKey(expectBytes(item, 'keys'));
    if (!(key instanceof PublicKey)) throw invalid('signature keys');
    return key;
  });
  const required = expectArray(map.get('required'), 'required').map((item) =>
    parseAlgorithm(expectInt(item, 'required')),
  );
  return { line: expectText(map.get('line'), 'line'), keys, requiredAlgorithms: required };
}

/**
 * Reads the key list of a product line; the bytes must already be those of the signed target.
 * @throws TrustError TRUST_LINE_KEYS_INVALID
 */
export function parseLineKeys(bytes: Uint8Array, line: string): LineKeys {
  let lineKeys: LineKeys;
  try {
    lineKeys = decodeLineKeys(bytes);
  } catch (error) {
    if (error instanceof TrustError || !isCodedError(error)) throw error;
    throw invalid('the CBOR of a key list', error);
  }
  verifyLineKeys(lineKeys);
  // The list of one line must not be taken for that of another, whatever path it was found under.
  if (lineKeys.line !== line) throw invalid('the name of the line in its path');
  return lineKeys;
}
