/**
 * Succinct roles (TAP 15, an extension that foreign repositories use): one delegation stands for 2^n roles with the same
 * keys, the bins `PREFIX-000` … `PREFIX-fff`. A target belongs to the bin that the first n bits of the SHA-256 of its path
 * name, so a client asks exactly one of them, and that one ends the search.
 */

import { utf8 } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { JsonValue } from './json.ts';
import { expectInteger, expectObject, expectString, malformed } from './json-fields.ts';
import { parseRoleKeys, type RoleKeys } from './signed-json.ts';

export type SuccinctRoles = RoleKeys & { readonly bitLength: number; readonly namePrefix: string };

const BIT_LENGTH_MAX = 32;

export function parseSuccinctRoles(value: JsonValue | undefined, at: string): SuccinctRoles {
  const json = expectObject(value, at);
  const bitLength = expectInteger(json['bit_length'], `${at}.bit_length`, 1);
  if (bitLength > BIT_LENGTH_MAX) throw malformed(`${at}.bit_length`, `at most ${BIT_LENGTH_MAX}`);
  return { ...parseRoleKeys(json, at), bitLength, namePrefix: expectString(json['name_prefix'], `${at}.name_prefix`) };
}

/** Hexadecimal digits of the number of the last bin. */
function suffixChars(bitLength: number): number {
  return Math.ceil(bitLength / 4);
}

/** The one bin that may speak for a path. */
export function binOfPath({ bitLength, namePrefix }: SuccinctRoles, path: string): string {
  const bits = Buffer.from(sha256(utf8(path))).readUInt32BE(0) >>> (BIT_LENGTH_MAX - bitLength);
  return `${namePrefix}-${bits.toString(16).padStart(suffixChars(bitLength), '0')}`;
}

/** True for the name of a bin, in the one spelling that `binOfPath` gives. */
export function isBin({ bitLength, namePrefix }: SuccinctRoles, role: string): boolean {
  if (!role.startsWith(`${namePrefix}-`)) return false;
  const suffix = role.slice(namePrefix.length + 1);
  const isForm = suffix.length === suffixChars(bitLength) && /^[0-9a-f]+$/.test(suffix);
  return isForm && Number.parseInt(suffix, 16) < 2 ** bitLength;
}
