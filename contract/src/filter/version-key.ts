/**
 * A text for a version whose order byte by byte is the precedence of Semantic Versioning 2.0.0 §11, so that databases compare
 * versions without knowing them. Numbers stand behind the count of their digits; a release stands behind its pre-releases
 * (`~` after `-`); within those a number (`0`) before a word (`1`), and the end of an identifier (`!`) before any letter.
 */
const SEMVER =
  /^(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const VERSION_CHARS_MAX = 128;

function numberKey(digits: string): string {
  return `${String(digits.length).padStart(3, '0')}${digits}`;
}

function identifierKey(identifier: string): string {
  return /^\d+$/.test(identifier) ? `0${numberKey(identifier)}` : `1${identifier}!`;
}

/** Undefined when the text is no semantic version; such a version has no order. */
export function versionKey(version: string): string | undefined {
  const match = version.length > VERSION_CHARS_MAX ? null : SEMVER.exec(version);
  if (match === null) return undefined;
  const [, major = '', minor = '', patch = '', before] = match;
  const end = before === undefined ? '~' : `-${before.split('.').map(identifierKey).join('')}`;
  return `${[major, minor, patch].map(numberKey).join('')}${end}`;
}
