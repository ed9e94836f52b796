/**
 * Versions as integers (draft-ietf-suit-update-management-14): one to three numbers, then perhaps -1 (release candidate),
 * -2 (beta) or -3 (alpha) and numbers after it: 1.2.3-alpha.4 is [1, 2, 3, -3, 4]. Build metadata and other pre-release
 * names cannot be written and are refused, so that one version has one spelling.
 */
import { LIMITS } from './constants.ts';
import { SuitError } from './errors.ts';

const PRE_RELEASES = { rc: -1, beta: -2, alpha: -3 } as const;
const NAME_OF: ReadonlyMap<number, string> = new Map(Object.entries(PRE_RELEASES).map(([name, code]) => [code, name]));
const NUMBER = '(?:0|[1-9][0-9]{0,8})';
const SEMVER = new RegExp(`^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(?:-(alpha|beta|rc)((?:\\.${NUMBER})*))?$`);
const PART_MAX = 999_999_999;

/**
 * The integers that stand in a manifest for a semantic version.
 * @throws SuitError SUIT_VERSION_INVALID
 */
export function encodeVersion(version: string): number[] {
  const match = SEMVER.exec(version);
  if (match === null) throw new SuitError('SUIT_VERSION_INVALID', { version });
  const [, major, minor, patch, name, rest] = match;
  const parts = [Number(major), Number(minor), Number(patch)];
  if (name !== undefined) {
    const numbers = (rest ?? '').split('.').slice(1).map(Number);
    parts.push(PRE_RELEASES[name as keyof typeof PRE_RELEASES], ...numbers);
  }
  if (parts.length > LIMITS.versionPartsMax) throw new SuitError('SUIT_VERSION_INVALID', { version });
  return parts;
}

function isNumber(part: number): boolean {
  return part >= 0 && part <= PART_MAX;
}

/**
 * The semantic version that the integers stand for.
 * @throws SuitError SUIT_VERSION_INVALID when they are not a full MAJOR.MINOR.PATCH
 */
export function decodeVersion(parts: readonly number[]): string {
  const [major, minor, patch, preRelease, ...rest] = parts;
  const release = [major, minor, patch].filter((part): part is number => part !== undefined && isNumber(part));
  const name = preRelease === undefined ? '' : NAME_OF.get(preRelease);
  if (release.length !== 3 || name === undefined || !rest.every(isNumber) || parts.length > LIMITS.versionPartsMax) {
    throw new SuitError('SUIT_VERSION_INVALID', { version: parts.join(',') });
  }
  const tail = [name, ...rest].join('.');
  return release.join('.') + (tail === '' ? '' : `-${tail}`);
}

/** The version, or undefined when the integers are not one of ours (a foreign numbering scheme, "1.2"). */
export function versionOf(parts: readonly number[] | undefined): string | undefined {
  if (parts === undefined) return undefined;
  try {
    return decodeVersion(parts);
  } catch (error) {
    if (error instanceof SuitError) return undefined;
    throw error;
  }
}
