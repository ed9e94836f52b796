/**
 * What the hostile relay can do to traffic, as data. An attack is switched on by one JSON line and stays until the next.
 *
 * `flip-byte` changes one bit of a file in transit, at an absolute offset, also when the file comes in ranges.
 * `swap-release` rewrites the deployment that the server offers into another version, and serves that version's files
 * from a folder of the relay's own. `throttle` limits every answer to so many bytes a second; it goes with any attack.
 */
export type Attack =
  | { readonly kind: 'none' }
  | { readonly kind: 'flip-byte'; readonly fileSuffix: string; readonly offset: number }
  | { readonly kind: 'swap-release'; readonly version: string; readonly dir: string };

export type RelaySetting = { readonly attack: Attack; readonly bytesPerS: number | undefined };

export const HARMLESS: RelaySetting = { attack: { kind: 'none' }, bytesPerS: undefined };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseAttack(value: unknown): Attack {
  if (!isRecord(value)) throw new TypeError('attack: expected an object');
  const { kind, fileSuffix, offset, version, dir } = value;
  if (kind === 'none') return { kind };
  if (kind === 'flip-byte' && typeof fileSuffix === 'string' && Number.isSafeInteger(offset)) {
    return { kind, fileSuffix, offset: Number(offset) };
  }
  if (kind === 'swap-release' && typeof version === 'string' && typeof dir === 'string') return { kind, version, dir };
  throw new TypeError('attack: expected none, flip-byte {fileSuffix, offset} or swap-release {version, dir}');
}

/** Reads one control line: `{"attack": {"kind": ...}, "bytesPerS": 100000}`; both members are optional. */
export function parseSetting(line: string): RelaySetting {
  const value: unknown = JSON.parse(line);
  if (!isRecord(value)) throw new TypeError('expected a JSON object');
  const { attack, bytesPerS } = value;
  if (bytesPerS !== undefined && !(Number.isSafeInteger(bytesPerS) && Number(bytesPerS) > 0)) {
    throw new TypeError('bytesPerS: expected a whole number above zero');
  }
  return {
    attack: attack === undefined ? { kind: 'none' } : parseAttack(attack),
    bytesPerS: bytesPerS === undefined ? undefined : Number(bytesPerS),
  };
}
