/**
 * Vendor and class identifiers: name-based UUIDs, version 5 (RFC 9562 §5.5; draft-ietf-suit-manifest-37 §8.4.8.1).
 * Vendor id = UUIDv5(DNS namespace, vendor domain); class id = UUIDv5(vendor id, class information).
 */
import { createHash } from 'node:crypto';
import { concat, fromHex, utf8 } from '../bytes/index.ts';

const NAMESPACE_DNS = fromHex('6ba7b8109dad11d180b400c04fd430c8');
const UUID_SIZE_BYTES = 16;

function uuidV5(namespace: Uint8Array, name: string): Uint8Array {
  const hash = createHash('sha1')
    .update(concat(namespace, utf8(name)))
    .digest();
  const uuid = new Uint8Array(hash.subarray(0, UUID_SIZE_BYTES));
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x50;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

/** The vendor identifier of a domain name, 16 bytes. */
export function vendorUuid(domain: string): Uint8Array {
  return uuidV5(NAMESPACE_DNS, domain);
}

/** The class identifier of a vendor's model, 16 bytes. */
export function classUuid(vendorId: Uint8Array, info: string): Uint8Array {
  return uuidV5(vendorId, info);
}
