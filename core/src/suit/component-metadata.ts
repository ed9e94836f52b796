/**
 * File metadata of a component (draft-ietf-suit-update-management-14 §5.6): checked strictly and passed to the platform as
 * it stands in the manifest, because what a permission means is the platform's to say.
 */
import { CborTag, type CborValue, decodeCbor, expectMap, expectTag, expectUint } from '../cbor/index.ts';
import { LIMITS } from './constants.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';

const AT = 'component-metadata';
const TAG_EPOCH_TIME = 1;
const TAG_UUID = 37;
/** Bits 0 (execute) to 13 (write extended attributes). */
const PERMISSIONS_MAX = 0x3fff;
const FILE_TYPES = 3;

function malformed(expected: string): SuitError {
  return new SuitError('SUIT_MANIFEST_MALFORMED', { at: AT, expected });
}

function checkPermissions(value: CborValue): void {
  if (expectUint(value, AT) > BigInt(PERMISSIONS_MAX)) throw malformed('permission bits 0 to 13');
}

function checkActor(value: CborValue): void {
  const id = value instanceof CborTag && value.tag === TAG_UUID ? value.value : value;
  const isName = typeof id === 'string' || typeof id === 'number' || id instanceof Uint8Array;
  if (!isName) throw malformed('a UUID, bytes, text or an integer as actor');
}

function checkActors(value: CborValue): void {
  const actors = expectMap(value, AT);
  if (actors.size === 0 || actors.size > LIMITS.metadataEntriesMax) throw malformed('actors, and not too many');
  for (const [actor, permissions] of actors) {
    checkActor(actor);
    checkPermissions(permissions);
  }
}

function checkTime(value: CborValue): void {
  expectUint(expectTag(value, TAG_EPOCH_TIME, AT), AT);
}

const CHECKS: ReadonlyMap<CborValue, (value: CborValue) => void> = new Map([
  [1, checkPermissions],
  [2, checkActors],
  [3, checkActors],
  [4, checkActors],
  [
    5,
    (value: CborValue) => {
      const type = expectUint(value, AT);
      if (type < 1n || type > BigInt(FILE_TYPES)) throw malformed('a file type 1 to 3');
    },
  ],
  [6, checkTime],
  [7, checkTime],
  [8, checkActor],
]);

/** @throws SuitError SUIT_MANIFEST_MALFORMED, SUIT_PARAMETER_UNSUPPORTED; CborError */
export function verifyComponentMetadata(bytes: Uint8Array): void {
  for (const [key, value] of expectMap(decodeCbor(bytes), AT)) {
    const check = CHECKS.get(key);
    if (check === undefined) throw new SuitError('SUIT_PARAMETER_UNSUPPORTED', { at: AT, parameter: labelOf(key) });
    check(value);
  }
}
