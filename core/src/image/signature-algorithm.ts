/**
 * Signature algorithms as certificates and CMS name them (RFC 5754; RSASSA-PSS: RFC 4055 §3.1, RFC 4056; Ed25519: RFC 8410,
 * RFC 8419). Only SHA-2 of 256 bits and more, RSA from 2048 bits, elliptic curves from 256 bits; all else is refused.
 */
import { constants, type KeyObject, verify } from 'node:crypto';
import { type DerReader, malformedDer, TAG } from './der.ts';
import { ImageError } from './errors.ts';

const RSA_BITS_MIN = 2048;
const SALT_LENGTH_MAX = 512;
const CURVES = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
]);

export type DigestName = 'sha256' | 'sha384' | 'sha512';

const DIGESTS: ReadonlyMap<string, DigestName> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

const RSASSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

type Scheme = 'rsa' | 'rsa-pss' | 'ecdsa' | 'ed25519';

/** The scheme of each object identifier, and the digest where the identifier names it. */
const SIGNATURES: ReadonlyMap<string, readonly [scheme: Scheme, digest?: DigestName]> = new Map([
  ['1.2.840.113549.1.1.1', ['rsa']],
  ['1.2.840.113549.1.1.11', ['rsa', 'sha256']],
  ['1.2.840.113549.1.1.12', ['rsa', 'sha384']],
  ['1.2.840.113549.1.1.13', ['rsa', 'sha512']],
  [RSASSA_PSS, ['rsa-pss']],
  ['1.2.840.10045.4.3.2', ['ecdsa', 'sha256']],
  ['1.2.840.10045.4.3.3', ['ecdsa', 'sha384']],
  ['1.2.840.10045.4.3.4', ['ecdsa', 'sha512']],
  ['1.3.101.112', ['ed25519', 'sha512']],
]);

export type SignatureAlgorithm = {
  readonly scheme: Scheme;
  /** Absent for plain RSA in CMS, where the digest stands beside it. */
  readonly digest?: DigestName;
  readonly saltLength?: number;
};

function weak(details: Readonly<Record<string, string | number>>): ImageError {
  return new ImageError('IMAGE_ALGORITHM_WEAK', details);
}

/** An AlgorithmIdentifier that names a digest; its parameters are absent or NULL (RFC 5754 §2). */
export function parseDigestAlgorithm(algorithm: DerReader): DigestName {
  const oid = algorithm.oid('a digest algorithm');
  const digest = DIGESTS.get(oid);
  if (digest === undefined) throw weak({ digest: oid });
  algorithm.optional(TAG.null);
  algorithm.end('a digest algorithm');
  return digest;
}

/** RFC 4055 §3.1. Absent fields stand for SHA-1 and are refused. */
function parsePss(algorithm: DerReader): SignatureAlgorithm {
  const parameters = algorithm.enter(TAG.sequence, 'parameters of RSASSA-PSS');
  if (!parameters.isNext(TAG.context0)) throw weak({ digest: 'sha1' });
  const digest = parseDigestAlgorithm(
    parameters.enter(TAG.context0, 'a hash').enter(TAG.sequence, 'a digest algorithm'),
  );
  if (!parameters.isNext(TAG.context1)) throw weak({ mask: 'sha1' });
  const mask = parameters.enter(TAG.context1, 'a mask function').enter(TAG.sequence, 'a mask function');
  if (mask.oid('a mask function') !== MGF1) throw malformedDer('the mask function MGF1');
  // Node masks with the digest of the message, as RFC 4055 recommends.
  if (parseDigestAlgorithm(mask.enter(TAG.sequence, 'a digest algorithm')) !== digest) {
    throw malformedDer('one digest for the message and its mask');
  }
  const saltLength = parameters.isNext(TAG.context2)
    ? parameters.enter(TAG.context2, 'a salt length').smallInteger('a salt length')
    : 20;
  if (saltLength > SALT_LENGTH_MAX) throw malformedDer('a salt length');
  if (parameters.isNext(TAG.context3)) {
    const trailer = parameters.enter(TAG.context3, 'a trailer field').smallInteger('a trailer field');
    if (trailer !== 1) throw malformedDer('trailer field 1');
  }
  parameters.end('parameters of RSASSA-PSS');
  return { scheme: 'rsa-pss', digest, saltLength };
}

/**
 * An AlgorithmIdentifier that names a signature.
 * @throws ImageError IMAGE_ALGORITHM_WEAK, IMAGE_SIGNATURE_MALFORMED
 */
export function parseSignatureAlgorithm(algorithm: DerReader): SignatureAlgorithm {
  const oid = algorithm.oid('a signature algorithm');
  const found = SIGNATURES.get(oid);
  if (found === undefined) throw weak({ signature: oid });
  const [scheme, digest] = found;
  if (scheme === 'rsa-pss') return parsePss(algorithm);
  algorithm.optional(TAG.null);
  algorithm.end('a signature algorithm');
  return { scheme, ...(digest === undefined ? {} : { digest }) };
}

/** Whether a key is of the size and curve that is trusted. @throws ImageError IMAGE_ALGORITHM_WEAK */
export function checkKeyStrength({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): void {
  if (type === 'ed25519') return;
  const { modulusLength = 0, namedCurve = '' } = details ?? {};
  if (type === 'ec' && CURVES.has(namedCurve)) return;
  if ((type === 'rsa' || type === 'rsa-pss') && modulusLength >= RSA_BITS_MIN) return;
  throw weak({ key: String(type), ...(modulusLength === 0 ? { curve: namedCurve } : { rsaBits: modulusLength }) });
}

const KEY_TYPES: Readonly<Record<Scheme, readonly string[]>> = {
  rsa: ['rsa'],
  'rsa-pss': ['rsa', 'rsa-pss'],
  ecdsa: ['ec'],
  ed25519: ['ed25519'],
};

type Signed = {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly digest: DigestName;
};

function isFit({ message, signature, algorithm, digest }: Signed, key: KeyObject): boolean {
  switch (algorithm.scheme) {
    case 'rsa':
      return verify(digest, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
    case 'rsa-pss': {
      const { saltLength } = algorithm;
      return verify(digest, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
    }
    case 'ecdsa':
      return verify(digest, message, { key, dsaEncoding: 'der' }, signature);
    case 'ed25519':
      return verify(null, message, key, signature);
  }
}

/** True when the signature over the message fits the key. */
export function isSignatureOf(signed: Signed, key: KeyObject): boolean {
  if (!KEY_TYPES[signed.algorithm.scheme].includes(String(key.asymmetricKeyType))) return false;
  try {
    return isFit(signed, key);
  } catch {
    // OpenSSL throws where the parameters of a key forbid the digest or the salt.
    return false;
  }
}
