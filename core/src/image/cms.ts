/**
 * CMS signatures (RFC 5652 §5) of one signer, detached or around their content, and the older PKCS #7 form of Authenticode
 * (RFC 2315 §9). Read strictly as DER; certificates through node:crypto.
 *
 * The algorithms are those of `signature-algorithm.ts`, whom to trust decides `certificate.ts`. What the signature does not
 * cover (unsigned attributes, surplus certificates, revocation lists) is not looked at.
 */
import { createHash } from 'node:crypto';
import { isEqualBytes } from '../bytes/index.ts';
import {
  type Certificate,
  type CmsSigner,
  checkChain,
  describeSigner,
  parseCertificate,
  parseRegistered,
} from './certificate.ts';
import { DerReader, type DerValue, malformedDer, parseDer, TAG } from './der.ts';
import { ImageError } from './errors.ts';
import { hasPrefix } from './region.ts';
import {
  type DigestName,
  isSignatureOf,
  parseDigestAlgorithm,
  parseSignatureAlgorithm,
  type SignatureAlgorithm,
} from './signature-algorithm.ts';

const SIGNATURE_SIZE_BYTES_MAX = 256 * 1024;
const CERTIFICATES_MAX = 32;
const ATTRIBUTES_MAX = 32;

const SIGNED_DATA = '1.2.840.113549.1.7.2';
/** The content type of plain bytes. */
export const CMS_DATA = '1.2.840.113549.1.7.1';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';

type SignedAttributes = {
  /** As they are signed: with the tag of a SET. */
  readonly der: Uint8Array;
  readonly contentType: string;
  readonly messageDigest: Uint8Array;
};

type SignerInfo = {
  readonly isSignerOf: (certificate: Certificate) => boolean;
  readonly digest: DigestName;
  readonly attributes?: SignedAttributes;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
};

type SignedData = {
  readonly contentType: string;
  readonly content?: DerValue;
  readonly carried: readonly Certificate[];
  readonly signerInfo: SignerInfo;
};

/** A signature around its content. */
export type SignedContent = {
  readonly signer: CmsSigner;
  readonly digest: DigestName;
  /** The content octets that were signed: without the tag and length of the value around them. */
  readonly content: Uint8Array;
};

/** The one value of an attribute (RFC 5652 §11.1, §11.2: exactly one, and the attribute exactly once). */
function onlyValue(values: Map<string, DerReader>, oid: string, what: string): DerReader {
  const found = values.get(oid);
  if (found === undefined) throw malformedDer(`the signed attribute ${what}`);
  return found;
}

function parseAttributes({ raw, content }: DerValue): SignedAttributes {
  const reader = new DerReader(content);
  const values = new Map<string, DerReader>();
  while (!reader.isAtEnd) {
    const attribute = reader.enter(TAG.sequence, 'a signed attribute');
    const oid = attribute.oid('a signed attribute');
    if (values.has(oid) || values.size === ATTRIBUTES_MAX) throw malformedDer('each signed attribute once');
    values.set(oid, attribute.enter(TAG.set, 'the values of an attribute'));
    attribute.end('a signed attribute');
  }
  const type = onlyValue(values, CONTENT_TYPE, 'content type');
  const digest = onlyValue(values, MESSAGE_DIGEST, 'message digest');
  const contentType = type.oid('a content type');
  const messageDigest = digest.next(TAG.octetString, 'a message digest').content;
  type.end('the one content type');
  digest.end('the one message digest');
  // RFC 5652 §5.4: a separate encoding with the tag of SET OF, not the [0] that stands there, is signed.
  const der = raw.slice();
  der[0] = TAG.set;
  return { der, contentType, messageDigest };
}

/** RFC 5652 §5.3, SignerIdentifier. */
function parseSignerIdentifier(reader: DerReader): SignerInfo['isSignerOf'] {
  const keyId = reader.optional(TAG.implicit0)?.content;
  if (keyId !== undefined) {
    return ({ subjectKeyId }) => subjectKeyId !== undefined && isEqualBytes(subjectKeyId, keyId);
  }
  const identifier = reader.enter(TAG.sequence, 'a signer identifier');
  const issuer = identifier.next(TAG.sequence, 'an issuer').raw;
  const serialNumber = identifier.next(TAG.integer, 'a serial number').content;
  identifier.end('a signer identifier');
  return (certificate) =>
    isEqualBytes(certificate.issuer, issuer) && isEqualBytes(certificate.serialNumber, serialNumber);
}

function parseSignerInfo(reader: DerReader): SignerInfo {
  const version = reader.smallInteger('a version');
  // RFC 5652 §5.3: the version says how the signer is named.
  if (version !== (reader.isNext(TAG.implicit0) ? 3 : 1)) throw malformedDer('the version of the signer');
  const isSignerOf = parseSignerIdentifier(reader);
  const digest = parseDigestAlgorithm(reader.enter(TAG.sequence, 'a digest algorithm'));
  const attributes = reader.optional(TAG.context0);
  const algorithm = parseSignatureAlgorithm(reader.enter(TAG.sequence, 'a signature algorithm'));
  const signature = reader.next(TAG.octetString, 'a signature').content;
  reader.optional(TAG.context1);
  reader.end('a signer');
  // RFC 5754 §3, RFC 4056 §3, RFC 8419 §3.1: where the signature names a digest, it is that of the message.
  if (algorithm.digest !== undefined && algorithm.digest !== digest) {
    throw malformedDer('one digest for content and signature');
  }
  return {
    isSignerOf,
    digest,
    ...(attributes === undefined ? {} : { attributes: parseAttributes(attributes) }),
    algorithm,
    signature,
  };
}

function parseCertificates(set: DerValue | undefined): Certificate[] {
  const certificates: Certificate[] = [];
  const reader = new DerReader(set?.content ?? new Uint8Array());
  while (!reader.isAtEnd) {
    const { tag, raw } = reader.any();
    // RFC 5652 §10.2.2: other kinds of certificates have tags of their own.
    if (tag !== TAG.sequence) continue;
    if (certificates.length === CERTIFICATES_MAX) throw malformedDer(`at most ${CERTIFICATES_MAX} certificates`);
    certificates.push(parseCertificate(raw));
  }
  return certificates;
}

function parseSignedData(bytes: Uint8Array): SignedData {
  if (bytes.length > SIGNATURE_SIZE_BYTES_MAX) throw malformedDer(`at most ${SIGNATURE_SIZE_BYTES_MAX} bytes`);
  const contentInfo = parseDer(bytes, TAG.sequence, 'CMS in DER');
  if (contentInfo.oid('a content type') !== SIGNED_DATA) throw malformedDer('SignedData');
  const explicit = contentInfo.enter(TAG.context0, 'SignedData');
  contentInfo.end('SignedData');
  const signedData = explicit.enter(TAG.sequence, 'SignedData');
  explicit.end('SignedData');
  signedData.smallInteger('a version');
  const digests = signedData.enter(TAG.set, 'digest algorithms');
  const digest = parseDigestAlgorithm(digests.enter(TAG.sequence, 'a digest algorithm'));
  digests.end('one digest algorithm');
  const encapsulated = signedData.enter(TAG.sequence, 'content');
  const contentType = encapsulated.oid('a content type');
  const content = encapsulated.isAtEnd ? undefined : encapsulated.enter(TAG.context0, 'content');
  encapsulated.end('content');
  const value = content?.any();
  content?.end('content');
  const carried = parseCertificates(signedData.optional(TAG.context0));
  signedData.optional(TAG.context1);
  const signers = signedData.enter(TAG.set, 'signers');
  signedData.end('signers');
  const signerInfo = parseSignerInfo(signers.enter(TAG.sequence, 'one signer'));
  signers.end('one signer');
  if (signerInfo.digest !== digest) throw malformedDer('the digest algorithm of the signer');
  return { contentType, ...(value === undefined ? {} : { content: value }), carried, signerInfo };
}

/** The bytes that the signature is over, after the content was held against the signed attributes. */
function signedBytes(content: Uint8Array, { contentType, signerInfo: { attributes, digest } }: SignedData): Uint8Array {
  if (attributes === undefined) {
    // RFC 5652 §5.3: they may be absent only from plain data.
    if (contentType !== CMS_DATA) throw malformedDer('signed attributes');
    // Attributes signed elsewhere by the same key must not pass for content.
    if (content[0] === TAG.set) throw new ImageError('IMAGE_SIGNATURE_INVALID', { expected: 'signed attributes' });
    return content;
  }
  if (attributes.contentType !== contentType) throw new ImageError('IMAGE_SIGNATURE_INVALID', { contentType });
  if (!isEqualBytes(createHash(digest).update(content).digest(), attributes.messageDigest)) {
    throw new ImageError('IMAGE_SIGNATURE_INVALID', { expected: 'the digest of the content' });
  }
  return attributes.der;
}

function verifySignedData(content: Uint8Array, signedData: SignedData, certificatesPem: readonly string[]): CmsSigner {
  const registered = certificatesPem.map(parseRegistered);
  const { carried, signerInfo } = signedData;
  const message = signedBytes(content, signedData);
  // A signature may leave its certificate out (`-nocerts`): then a registered one must be it.
  const named = [...registered, ...carried].filter(signerInfo.isSignerOf);
  if (named.length === 0) throw new ImageError('IMAGE_SIGNER_UNKNOWN');
  const signer = named.find(({ publicKey }) => isSignatureOf({ ...signerInfo, message }, publicKey));
  if (signer === undefined) throw new ImageError('IMAGE_SIGNATURE_INVALID');
  checkChain(signer, registered, carried);
  return describeSigner(signer);
}

/**
 * Verifies a detached CMS signature over the content under registered certificates.
 * @throws ImageError IMAGE_CERTIFICATE_MALFORMED, IMAGE_SIGNATURE_MALFORMED, IMAGE_SIGNATURE_INVALID, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK
 */
export function verifyDetachedCms(
  content: Uint8Array,
  signature: Uint8Array,
  certificatesPem: readonly string[],
): CmsSigner {
  const signedData = parseSignedData(signature);
  // RFC 5652 §5.2: content inside the signature would be verified in place of the file beside it.
  if (signedData.content !== undefined) throw malformedDer('a detached signature');
  if (signedData.contentType !== CMS_DATA) throw malformedDer('content of type data');
  return verifySignedData(content, signedData, certificatesPem);
}

/** Where the type of a ContentInfo of some hundred or more bytes stands, and how the types of PKCS #7 begin. */
const TYPE_AT = [4, 5];
const TYPE_START = Uint8Array.of(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07);

/** True for bytes that begin as signed or enveloped data do. Never throws. */
export function isCmsStart(bytes: Uint8Array): boolean {
  return bytes[0] === TAG.sequence && TYPE_AT.some((at) => hasPrefix(bytes.subarray(at), TYPE_START));
}

type Expected = { readonly contentType: string; readonly tag: number };

function embeddedContent({ content, contentType }: SignedData, expected: Expected): Uint8Array {
  if (content?.tag !== expected.tag) throw malformedDer('content inside the signature');
  if (contentType !== expected.contentType) throw malformedDer(`content of type ${expected.contentType}`);
  return content.content;
}

/** True for a signature without content. @throws ImageError IMAGE_SIGNATURE_MALFORMED, IMAGE_ALGORITHM_WEAK */
export function isDetachedCms(signature: Uint8Array): boolean {
  return parseSignedData(signature).content === undefined;
}

/**
 * The content inside a signature, to describe it: nothing is verified.
 * @throws ImageError IMAGE_SIGNATURE_MALFORMED, IMAGE_ALGORITHM_WEAK
 */
export function readEmbeddedContent(signature: Uint8Array, expected: Expected): Uint8Array {
  return embeddedContent(parseSignedData(signature), expected);
}

/**
 * Verifies a signature around content of this type and tag under registered certificates.
 * @throws ImageError as `verifyDetachedCms`
 */
export function verifyEmbeddedCms(
  signature: Uint8Array,
  expected: Expected,
  certificatesPem: readonly string[],
): SignedContent {
  const signedData = parseSignedData(signature);
  const content = embeddedContent(signedData, expected);
  const signer = verifySignedData(content, signedData, certificatesPem);
  return { signer, digest: signedData.signerInfo.digest, content };
}
