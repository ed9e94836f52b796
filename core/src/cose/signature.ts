/** What Sign1 and Sign share: the choice of the key that must have signed, and the signature headers. */
import { isEqualBytes } from '../bytes/index.ts';
import {
  CryptoError,
  type PublicKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  signatureAlgorithmOf,
} from '../crypto/index.ts';
import { coseKeyThumbprint } from './cose-key.ts';
import { CoseError } from './errors.ts';
import { type HeaderMap, LABEL_ALG, LABEL_CONTENT_TYPE, LABEL_KID } from './headers.ts';

export type SignatureToCheck = {
  readonly alg: number;
  readonly kid: Uint8Array | undefined;
  readonly signature: Uint8Array;
};

export type VerifiedSignature = { readonly key: PublicKey; readonly algorithm: SignatureAlgorithm };

/** The protected header of a signature: algorithm, content type, and the signer's thumbprint as key id. */
export function signatureHeader(options: {
  readonly publicKey: PublicKey;
  readonly kid: boolean;
  readonly contentType?: string | number | undefined;
}): HeaderMap {
  const header: HeaderMap = new Map([[LABEL_ALG, SIGNATURE_ALGORITHMS[options.publicKey.algorithm].coseAlg]]);
  if (options.contentType !== undefined) header.set(LABEL_CONTENT_TYPE, options.contentType);
  // In the protected bucket, so that nobody can make a signature point to another key.
  if (options.kid) header.set(LABEL_KID, coseKeyThumbprint(options.publicKey));
  return header;
}

function isVerifiedBy(key: PublicKey, toBeSigned: Uint8Array, signature: Uint8Array): boolean {
  try {
    key.verify(toBeSigned, signature);
    return true;
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'CRYPTO_SIGNATURE_INVALID') return false;
    throw error;
  }
}

/**
 * Finds the accepted key that made this signature. A key id that is the thumbprint of an accepted key settles which one;
 * any other key id is a name in somebody else's scheme, and every accepted key of the algorithm is tried.
 */
export function verifySignature(
  item: SignatureToCheck,
  toBeSigned: Uint8Array,
  keys: readonly PublicKey[],
): VerifiedSignature {
  const algorithm = signatureAlgorithmOf(item.alg);
  if (algorithm === undefined) throw new CoseError('COSE_ALGORITHM_UNSUPPORTED', { algorithm: item.alg });
  const { kid } = item;
  const named = kid === undefined ? undefined : keys.find((key) => isEqualBytes(coseKeyThumbprint(key), kid));
  // The key decides the algorithm; a message that names another one for this key is not believed.
  const candidates = (named === undefined ? keys : [named]).filter((key) => key.algorithm === algorithm);
  const key = candidates.find((candidate) => isVerifiedBy(candidate, toBeSigned, item.signature));
  if (key !== undefined) return { key, algorithm };
  const isUnknown = candidates.length === 0 || (kid !== undefined && named === undefined);
  throw new CoseError(isUnknown ? 'COSE_KEY_UNKNOWN' : 'COSE_SIGNATURE_INVALID', { algorithm });
}

/** The payload that is signed: the attached one, or the one given beside the message, never a choice of two. */
export function payloadToVerify(attached: Uint8Array | null, detached: Uint8Array | undefined): Uint8Array {
  if (attached !== null && detached !== undefined) throw new CoseError('COSE_PAYLOAD_UNEXPECTED');
  const payload = attached ?? detached;
  if (payload === undefined) throw new CoseError('COSE_PAYLOAD_MISSING');
  return payload;
}
