/**
 * The `custom` data of an envelope target: `{"pawl":{"version","sequenceNumber","securityCounter"}}`, numbers as decimal
 * strings because they are 64-bit. Signed by the release role, it lets a device see that a release goes forward before it
 * downloads anything; it must agree with the manifest later on.
 */
import { TrustError } from './errors.ts';
import type { JsonObject } from './json.ts';
import { expectObject, expectString } from './json-fields.ts';

export type ReleaseCustom = {
  readonly version: string;
  readonly sequenceNumber: bigint;
  readonly securityCounter: bigint;
};

const UINT_FORM = /^(?:0|[1-9][0-9]{0,19})$/;
const UINT_MAX = 2n ** 64n - 1n;
const VERSION_CHARS_MAX = 64;

function parseUint(text: string, at: string): bigint {
  const value = UINT_FORM.test(text) ? BigInt(text) : UINT_MAX + 1n;
  if (value > UINT_MAX) throw new TrustError('TRUST_CUSTOM_INVALID', { at, expected: 'a decimal uint64' });
  return value;
}

/** The custom data of an envelope target. */
export function encodeReleaseCustom({ version, sequenceNumber, securityCounter }: ReleaseCustom): JsonObject {
  return {
    pawl: { version, sequenceNumber: sequenceNumber.toString(), securityCounter: securityCounter.toString() },
  };
}

/**
 * Reads the custom data of an envelope target.
 * @throws TrustError TRUST_CUSTOM_INVALID
 */
export function parseReleaseCustom(custom: JsonObject | undefined): ReleaseCustom {
  try {
    const pawl = expectObject(custom?.['pawl'], 'custom.pawl');
    const version = expectString(pawl['version'], 'custom.pawl.version');
    if (version.length > VERSION_CHARS_MAX) {
      throw new TrustError('TRUST_CUSTOM_INVALID', { at: 'custom.pawl.version', expected: 'a semantic version' });
    }
    return {
      version,
      sequenceNumber: parseUint(expectString(pawl['sequenceNumber'], 'sequenceNumber'), 'sequenceNumber'),
      securityCounter: parseUint(expectString(pawl['securityCounter'], 'securityCounter'), 'securityCounter'),
    };
  } catch (error) {
    if (error instanceof TrustError && error.code === 'TRUST_METADATA_MALFORMED') {
      throw new TrustError('TRUST_CUSTOM_INVALID', error.details, error);
    }
    throw error;
  }
}
