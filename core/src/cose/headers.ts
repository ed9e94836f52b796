/**
 * COSE header buckets (RFC 9052 §3): the protected one is a byte string that the signature or the KDF covers, the
 * unprotected one is a map that anybody may change. Nothing security relevant is taken from the unprotected bucket,
 * except where a format fixes it there (AES key wrap, nonces).
 */
import { isEqualBytes } from '../bytes/index.ts';
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectInt,
  expectMap,
} from '../cbor/index.ts';
import { CoseError } from './errors.ts';

export const LABEL_ALG = 1;
const LABEL_CRIT = 2;
export const LABEL_CONTENT_TYPE = 3;
export const LABEL_KID = 4;
export const LABEL_IV = 5;

/** Labels whose meaning is acted upon here, and which a message may therefore mark as critical. */
const LABELS_UNDERSTOOD: ReadonlySet<CborValue> = new Set([LABEL_ALG, LABEL_CONTENT_TYPE, LABEL_KID, LABEL_IV]);

export const NO_BYTES = new Uint8Array(0);

export type HeaderMap = Map<CborValue, CborValue>;

export type Headers = {
  readonly protected: HeaderMap;
  /** The protected bucket as it enters a Sig_structure, Enc_structure or KDF context. */
  readonly protectedBytes: Uint8Array;
  readonly unprotected: HeaderMap;
};

const EMPTY_MAP = Uint8Array.of(0xa0);

/** The protected bucket in the form that is written and covered: an empty map is written as no bytes at all. */
export function encodeProtected(map: HeaderMap): Uint8Array {
  return map.size === 0 ? NO_BYTES : encodeCbor(map);
}

function checkCritical(header: Headers, at: string): void {
  if (header.unprotected.has(LABEL_CRIT)) throw new CoseError('COSE_HEADER_INVALID', { at, label: LABEL_CRIT });
  const critical = header.protected.get(LABEL_CRIT);
  if (critical === undefined && !header.protected.has(LABEL_CRIT)) return;
  const labels = expectArray(critical, `${at}.crit`);
  // RFC 9052 §3.1: crit has at least one label, and each stands in the protected bucket.
  if (labels.length === 0) throw new CoseError('COSE_HEADER_INVALID', { at, label: LABEL_CRIT });
  for (const label of labels) {
    if (!LABELS_UNDERSTOOD.has(label)) {
      throw new CoseError('COSE_CRITICAL_UNKNOWN', {
        at,
        label: typeof label === 'object' ? 'unreadable' : String(label),
      });
    }
    if (!header.protected.has(label)) throw new CoseError('COSE_HEADER_INVALID', { at, label: LABEL_CRIT });
  }
}

function checkLabels(map: HeaderMap, at: string): (number | string)[] {
  return [...map.keys()].map((label) => {
    // RFC 9052 §1.5: label = int / tstr.
    if (typeof label === 'number' || typeof label === 'string') return label;
    throw new CoseError('COSE_HEADER_INVALID', { at, expected: 'integer or text labels' });
  });
}

/** Reads both buckets and refuses what RFC 9052 §3 forbids. */
export function parseHeaders(protectedItem: CborValue, unprotectedItem: CborValue, at: string): Headers {
  const bytes = expectBytes(protectedItem, `${at}.protected`);
  // RFC 9052 §3: an encoded empty map is accepted, and counts as the zero-length string wherever it is covered.
  const isEmpty = bytes.length === 0 || isEqualBytes(bytes, EMPTY_MAP);
  const header: Headers = {
    protected: isEmpty ? new Map() : expectMap(decodeCbor(bytes, { order: 'any' }), `${at}.protected`),
    protectedBytes: isEmpty ? NO_BYTES : bytes,
    unprotected: expectMap(unprotectedItem, `${at}.unprotected`),
  };
  checkLabels(header.protected, `${at}.protected`);
  for (const label of checkLabels(header.unprotected, `${at}.unprotected`)) {
    // RFC 9052 §3: labels must not occur in both buckets.
    if (header.protected.has(label)) throw new CoseError('COSE_LABEL_DUPLICATE', { at, label });
  }
  checkCritical(header, at);
  return header;
}

/** The algorithm of a layer whose algorithm must be protected. */
export function protectedAlg(header: Headers, at: string): number {
  const alg = header.protected.get(LABEL_ALG);
  if (alg === undefined) throw new CoseError('COSE_ALGORITHM_UNPROTECTED', { at });
  // Registered algorithms that exist here all have integer ids; text ones are private to somebody else.
  if (typeof alg === 'string') throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { at, algorithm: alg });
  return expectInt(alg, `${at}.alg`);
}

/** The key id of a layer, from whichever bucket; a hint, never a proof. */
export function kidOf(header: Headers, at: string): Uint8Array | undefined {
  const kid = header.protected.get(LABEL_KID) ?? header.unprotected.get(LABEL_KID);
  return kid === undefined ? undefined : expectBytes(kid, `${at}.kid`);
}

/** The content type (RFC 9052 §3.1: a media type as text, or a CoAP content format). */
export function contentTypeOf(header: Headers, at: string): string | number | undefined {
  const value = header.protected.get(LABEL_CONTENT_TYPE) ?? header.unprotected.get(LABEL_CONTENT_TYPE);
  if (value === undefined || typeof value === 'string') return value;
  return expectInt(value, `${at}.content-type`);
}
