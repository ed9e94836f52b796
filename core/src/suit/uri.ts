/**
 * Names of payloads. A manifest never gives a path or an address: a payload is a plain file name beside the envelope, or
 * "#name" of an integrated payload, so that a signed manifest cannot send a device anywhere.
 */
import { SuitError } from './errors.ts';

const PAYLOAD_NAME = /^(?!\.)[A-Za-z0-9._-]{1,128}$/;
const INTEGRATED_NAME = /^#[A-Za-z0-9._-]{1,128}$/;

/** True for a plain file name: letters, digits, dot, dash, underscore; no leading dot; at most 128. */
export function isPayloadName(uri: string): boolean {
  return PAYLOAD_NAME.test(uri);
}

/** True for the URI of an integrated payload. */
export function isIntegratedName(uri: string): boolean {
  return INTEGRATED_NAME.test(uri);
}

export function expectPayloadUri(uri: string): void {
  if (!isPayloadName(uri) && !isIntegratedName(uri)) throw new SuitError('SUIT_URI_UNSUPPORTED', { uri });
}
