/**
 * X.509 certificates (RFC 5280) of those who sign images, and the trust in them: a signer is trusted when its certificate is
 * a registered one, or is issued under a registered CA certificate, if need be over certificates that the signature carries.
 *
 * Registration decides, not the calendar: validity, key usage and revocation are reported or left out, never decided on,
 * because devices without a clock could not do so either.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { isCodedError } from '../bytes/index.ts';
import { DerReader, parseDer, TAG } from './der.ts';
import { ImageError } from './errors.ts';
import { checkKeyStrength, parseSignatureAlgorithm } from './signature-algorithm.ts';

const CHAIN_LENGTH_MAX = 5;
const SUBJECT_KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const NAME_CONSTRAINTS = '2.5.29.30';
const EXTENDED_KEY_USAGE = '2.5.29.37';

/** RFC 5280 §4.2.1.3, from bit 0. */
const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/** RFC 5280 §4.2.1.12. */
const PURPOSES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
};

export type Certificate = {
  readonly x509: X509Certificate;
  readonly publicKey: KeyObject;
  /** Name and serial number as they stand in the certificate, in DER. */
  readonly issuer: Uint8Array;
  readonly serialNumber: Uint8Array;
  readonly subjectKeyId?: Uint8Array;
  readonly keyUsages?: readonly string[];
  /** How many certificates may stand between this one and that of the signer. */
  readonly pathLength?: number;
  readonly hasNameConstraints?: true;
  /** Critical extensions that nothing here reads, as object identifiers. */
  readonly unreadCritical: readonly string[];
  /** The AlgorithmIdentifier of the signature on the certificate. */
  readonly signatureAlgorithm: Uint8Array;
};

/** Who signed. Validity and usages are facts of the certificate; nothing was decided on them. */
export type CmsSigner = {
  /** One attribute a line. */
  readonly subject: string;
  readonly certificateSha256: string;
  readonly validFrom: string;
  readonly validUntil: string;
  /** Absent when the certificate does not restrict its key. */
  readonly keyUsages?: readonly string[];
  /** Names of RFC 5280, or object identifiers. Absent when the certificate does not restrict its purpose. */
  readonly purposes?: readonly string[];
};

function parseKeyUsages(value: Uint8Array): string[] {
  const reader = new DerReader(value);
  // The first byte counts the unused bits at the end, which are zero.
  const bits = reader.next(TAG.bitString, 'a key usage').content.subarray(1);
  return KEY_USAGES.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

/** RFC 5280 §4.2.1.9: a boolean and a number, both optional. */
function parsePathLength(value: Uint8Array): { readonly pathLength?: number } {
  const constraints = parseDer(value, TAG.sequence, 'basic constraints');
  constraints.optional(TAG.boolean);
  return constraints.isAtEnd ? {} : { pathLength: constraints.smallInteger('a path length') };
}

type Read = Pick<Certificate, 'subjectKeyId' | 'keyUsages' | 'pathLength' | 'hasNameConstraints'>;
type Extensions = Read & Pick<Certificate, 'unreadCritical'>;

const EXTENSIONS: Readonly<Record<string, (value: Uint8Array) => Read>> = {
  [SUBJECT_KEY_ID]: (value) => ({
    subjectKeyId: new DerReader(value).next(TAG.octetString, 'a subject key identifier').content,
  }),
  [KEY_USAGE]: (value) => ({ keyUsages: parseKeyUsages(value) }),
  [BASIC_CONSTRAINTS]: parsePathLength,
  [NAME_CONSTRAINTS]: () => ({ hasNameConstraints: true }),
  // Node reads it.
  [EXTENDED_KEY_USAGE]: () => ({}),
};

function parseExtensions(extensions: DerReader): Extensions {
  let found: Read = {};
  const unreadCritical: string[] = [];
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(TAG.sequence, 'an extension');
    const oid = extension.oid('an extension');
    const isCritical = extension.optional(TAG.boolean)?.content[0] === 0xff;
    const value = extension.next(TAG.octetString, 'the value of an extension').content;
    const read = EXTENSIONS[oid];
    if (read === undefined && isCritical) unreadCritical.push(oid);
    found = { ...found, ...read?.(value) };
  }
  return { ...found, unreadCritical };
}

/** RFC 5280 §4.1: the fields that Node does not show. */
function parseFields(der: Uint8Array): Omit<Certificate, 'x509' | 'publicKey'> {
  const tbs = parseDer(der, TAG.sequence, 'a certificate').enter(TAG.sequence, 'a certificate');
  tbs.optional(TAG.context0);
  const serialNumber = tbs.next(TAG.integer, 'a serial number').content;
  const signatureAlgorithm = tbs.next(TAG.sequence, 'a signature algorithm').content;
  const issuer = tbs.next(TAG.sequence, 'an issuer').raw;
  for (const what of ['a validity', 'a subject', 'a public key']) tbs.next(TAG.sequence, what);
  tbs.optional(TAG.implicit1);
  tbs.optional(TAG.implicit2);
  const extensions = tbs.optional(TAG.context3);
  tbs.end('a certificate');
  return {
    serialNumber,
    signatureAlgorithm,
    issuer,
    ...(extensions === undefined
      ? { unreadCritical: [] }
      : parseExtensions(parseDer(extensions.content, TAG.sequence, 'a list of extensions'))),
  };
}

/** A certificate that a signature carries. @throws ImageError IMAGE_SIGNATURE_MALFORMED */
export function parseCertificate(der: Uint8Array): Certificate {
  const fields = parseFields(der);
  try {
    const x509 = new X509Certificate(der);
    // Node reads the key only when it is asked for, and throws when it cannot.
    return { ...fields, x509, publicKey: x509.publicKey };
  } catch (cause) {
    throw new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected: 'X.509 certificates' }, cause);
  }
}

/** A registered certificate, in PEM. @throws ImageError IMAGE_CERTIFICATE_MALFORMED */
export function parseRegistered(pem: string): Certificate {
  try {
    const x509 = new X509Certificate(pem);
    return { ...parseFields(new Uint8Array(x509.raw)), x509, publicKey: x509.publicKey };
  } catch (cause) {
    throw new ImageError('IMAGE_CERTIFICATE_MALFORMED', {}, cause);
  }
}

function isStronglySigned({ signatureAlgorithm }: Certificate): boolean {
  try {
    parseSignatureAlgorithm(new DerReader(signatureAlgorithm));
    return true;
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return false;
  }
}

/** Whether a certificate may and did issue another, below which `below` others stand down to that of the signer. */
function hasIssued(
  { x509: issuer, publicKey, pathLength = Number.POSITIVE_INFINITY, hasNameConstraints }: Certificate,
  certificate: Certificate,
  below: number,
): boolean {
  const { x509 } = certificate;
  // RFC 5280 §4.2.1.10: constraints on names are not worked out here, so nobody is trusted under them.
  if (hasNameConstraints === true || pathLength < below) return false;
  // RFC 5280 §4.2.1.9: only a CA certificate may issue others. Node checks names, key identifiers and keyCertSign.
  return issuer.ca && x509.checkIssued(issuer) && isStronglySigned(certificate) && x509.verify(publicKey);
}

/**
 * Follows the issuers of a certificate up to a registered one.
 * @throws ImageError IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK
 */
export function checkChain(
  leaf: Certificate,
  registered: readonly Certificate[],
  carried: readonly Certificate[],
): void {
  let certificate = leaf;
  for (let length = 1; length <= CHAIN_LENGTH_MAX; length += 1) {
    const current = certificate;
    checkKeyStrength(current.publicKey);
    if (registered.some(({ x509 }) => x509.raw.equals(current.x509.raw))) return;
    const issuer = [...registered, ...carried].find((each) => hasIssued(each, current, length - 1));
    if (issuer === undefined || issuer.x509.raw.equals(current.x509.raw)) break;
    certificate = issuer;
  }
  const { subject, issuer } = leaf.x509;
  throw new ImageError('IMAGE_SIGNER_UNKNOWN', { subject, issuer });
}

/** What is told about a signer. */
export function describeSigner({ x509, keyUsages }: Certificate): CmsSigner {
  // Node calls the extended key usage `keyUsage`, and has it only where the extension stands.
  const purposes = x509.keyUsage as readonly string[] | undefined;
  return {
    subject: x509.subject,
    certificateSha256: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    validFrom: x509.validFromDate.toISOString(),
    validUntil: x509.validToDate.toISOString(),
    ...(keyUsages === undefined ? {} : { keyUsages }),
    ...(purposes === undefined ? {} : { purposes: purposes.map((oid) => PURPOSES[oid] ?? oid) }),
  };
}

/** What a certificate restricts itself to, and whether its key and its signature are of today's strength. */
export type CertificateLimits = Pick<Certificate, 'keyUsages' | 'pathLength' | 'unreadCritical'> & {
  readonly purposes?: readonly string[];
  readonly hasNameConstraints: boolean;
  readonly isStrong: boolean;
};

/**
 * Reads the limits of a certificate, for those who decide who a peer is. Nothing is verified.
 * @throws ImageError IMAGE_SIGNATURE_MALFORMED
 */
export function certificateLimits(der: Uint8Array): CertificateLimits {
  const certificate = parseCertificate(der);
  const { keyUsages, pathLength, unreadCritical, hasNameConstraints = false } = certificate;
  const { purposes } = describeSigner(certificate);
  return {
    ...(keyUsages === undefined ? {} : { keyUsages }),
    ...(pathLength === undefined ? {} : { pathLength }),
    ...(purposes === undefined ? {} : { purposes }),
    unreadCritical,
    hasNameConstraints,
    isStrong: isStronglySigned(certificate) && isStrongKey(certificate.publicKey),
  };
}

function isStrongKey(key: KeyObject): boolean {
  try {
    checkKeyStrength(key);
    return true;
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return false;
  }
}
