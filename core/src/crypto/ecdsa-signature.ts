/**
 * ECDSA signatures in their two spellings: raw `r || s` (COSE, RFC 9053 §2.1) and DER `SEQUENCE { r, s }` (TUF, CMS).
 * The DER reader is strict, so that a signature has exactly one DER form.
 */
import { concat } from '../bytes/index.ts';
import { CryptoError } from './errors.ts';

const TAG_SEQUENCE = 0x30;
const TAG_INTEGER = 0x02;
const LENGTH_SHORT_MAX = 0x7f;
const LENGTH_ONE_BYTE = 0x81;

function invalid(reason: string): CryptoError {
  return new CryptoError('CRYPTO_SIGNATURE_INVALID', { reason });
}

function encodeLength(length: number): Uint8Array {
  return length <= LENGTH_SHORT_MAX ? Uint8Array.of(length) : Uint8Array.of(LENGTH_ONE_BYTE, length);
}

function encodeInteger(fixed: Uint8Array): Uint8Array {
  let start = 0;
  while (start < fixed.length - 1 && fixed[start] === 0) start++;
  const significant = fixed.subarray(start);
  const isHighBitSet = ((significant[0] ?? 0) & 0x80) !== 0;
  const body = isHighBitSet ? concat(Uint8Array.of(0), significant) : significant;
  return concat(Uint8Array.of(TAG_INTEGER), encodeLength(body.length), body);
}

/**
 * Raw `r || s` to DER.
 * @throws CryptoError CRYPTO_SIGNATURE_INVALID
 */
export function ecdsaRawToDer(raw: Uint8Array): Uint8Array {
  if (raw.length === 0 || raw.length % 2 !== 0 || raw.length > 132)
    throw invalid('a raw signature is two equal halves');
  const half = raw.length / 2;
  const body = concat(encodeInteger(raw.subarray(0, half)), encodeInteger(raw.subarray(half)));
  return concat(Uint8Array.of(TAG_SEQUENCE), encodeLength(body.length), body);
}

function readElement(der: Uint8Array, offset: number, tag: number): { body: Uint8Array; end: number } {
  if (der[offset] !== tag) throw invalid('not a DER ECDSA signature');
  const first = der[offset + 1] ?? 0;
  const isLong = first === LENGTH_ONE_BYTE;
  const length = isLong ? (der[offset + 2] ?? 0) : first;
  // X.690 §10.1: the length takes the fewest octets.
  if (isLong ? length <= LENGTH_SHORT_MAX : length > LENGTH_SHORT_MAX) throw invalid('a DER length is not minimal');
  const start = offset + (isLong ? 3 : 2);
  if (start + length > der.length) throw invalid('the DER signature is cut');
  return { body: der.subarray(start, start + length), end: start + length };
}

function decodeInteger(body: Uint8Array, sizeBytes: number): Uint8Array {
  const [first, second] = body;
  // X.690 §8.3.2: the shortest two's complement form; r and s are positive.
  if (first === undefined || (first & 0x80) !== 0) throw invalid('a DER integer is empty or negative');
  if (first === 0 && second !== undefined && (second & 0x80) === 0) throw invalid('a DER integer is padded');
  const significant = first === 0 ? body.subarray(1) : body;
  if (significant.length > sizeBytes) throw invalid('a DER integer is too long');
  const fixed = new Uint8Array(sizeBytes);
  fixed.set(significant, sizeBytes - significant.length);
  return fixed;
}

/**
 * DER to raw `r || s`, each `sizeBytes` long (32 for P-256, 48 for P-384).
 * @throws CryptoError CRYPTO_SIGNATURE_INVALID
 */
export function ecdsaDerToRaw(der: Uint8Array, sizeBytes: number): Uint8Array {
  const sequence = readElement(der, 0, TAG_SEQUENCE);
  if (sequence.end !== der.length) throw invalid('bytes follow the DER signature');
  const r = readElement(sequence.body, 0, TAG_INTEGER);
  const s = readElement(sequence.body, r.end, TAG_INTEGER);
  if (s.end !== sequence.body.length) throw invalid('bytes follow the DER integers');
  return concat(decodeInteger(r.body, sizeBytes), decodeInteger(s.body, sizeBytes));
}
