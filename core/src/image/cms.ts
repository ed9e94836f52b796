/**
 * Detached CMS signatures (RFC 5652 §5) of one signer, through pkijs, as `openssl cms -sign` makes them.
 *
 * The signer is trusted when its certificate is a registered one, or is issued under a registered CA certificate, if need be
 * over certificates that the signature carries. Registration decides, not the calendar: validity periods and revocation are
 * not looked at, because devices without a clock could not do so either.
 */
import { X509Certificate } from 'node:crypto';
import { Certificate, ContentInfo, SignedData, SignedDataVerifyError } from 'pkijs';
import { ImageError } from './errors.ts';

const SIGNATURE_SIZE_BYTES_MAX = 256 * 1024;
const CHAIN_LENGTH_MAX = 5;
const RSA_BITS_MIN = 2048;
/** The code of pkijs for a signer whose certificate is nowhere. */
const SIGNER_NOT_FOUND = 3;

const DIGESTS = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']);
const SIGNATURES = new Set([
  '1.2.840.113549.1.1.1', // RSA PKCS #1 v1.5, the digest named beside it
  '1.2.840.113549.1.1.11', // … with SHA-256, SHA-384, SHA-512
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2', // ECDSA with SHA-256, SHA-384, SHA-512
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);

/** Who signed: the subject of the certificate, one attribute a line, and the SHA-256 of the certificate. */
export type CmsSigner = { readonly subject: string; readonly certificateSha256: string };

function malformed(expected: string, cause?: unknown): ImageError {
  return new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected }, cause);
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ImageError('IMAGE_CERTIFICATE_MALFORMED', {}, cause);
  }
}

function parseSignedData(bytes: Uint8Array): SignedData {
  if (bytes.length > SIGNATURE_SIZE_BYTES_MAX) throw malformed(`at most ${SIGNATURE_SIZE_BYTES_MAX} bytes`);
  try {
    const contentInfo = ContentInfo.fromBER(bytes);
    if (contentInfo.contentType !== ContentInfo.SIGNED_DATA) throw malformed('SignedData');
    return new SignedData({ schema: contentInfo.content });
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw malformed('CMS in DER', cause);
  }
}

function checkForm(signedData: SignedData): void {
  const [signerInfo, ...others] = signedData.signerInfos;
  if (signerInfo === undefined || others.length > 0) throw malformed('one signer');
  // RFC 5652 §5.2: content inside the signature would be verified in place of the file beside it.
  const { eContent, eContentType } = signedData.encapContentInfo;
  if (eContent !== undefined) throw malformed('a detached signature');
  if (eContentType !== ContentInfo.DATA) throw malformed('content of type data');
  const algorithms = [signerInfo.digestAlgorithm.algorithmId, signerInfo.signatureAlgorithm.algorithmId] as const;
  if (!DIGESTS.has(algorithms[0]) || !SIGNATURES.has(algorithms[1])) {
    throw new ImageError('IMAGE_ALGORITHM_WEAK', { digest: algorithms[0], signature: algorithms[1] });
  }
}

function toX509(certificate: Certificate): X509Certificate {
  return new X509Certificate(Buffer.from(certificate.toSchema(true).toBER()));
}

/** The certificate under which the signature of the content verifies. It is not trusted yet. */
async function verifySignature(content: Uint8Array, signedData: SignedData): Promise<X509Certificate> {
  const data = new Uint8Array(content).buffer;
  try {
    const result = await signedData.verify({ signer: 0, data, checkChain: false, extendedMode: true });
    if (result.signatureVerified === true && result.signerCertificate) return toX509(result.signerCertificate);
  } catch (cause) {
    // pkijs answers a certificate that it cannot find, a digest that differs and all else with this one class.
    if (!(cause instanceof SignedDataVerifyError)) throw cause;
    if (cause.code === SIGNER_NOT_FOUND) throw new ImageError('IMAGE_SIGNER_UNKNOWN', {}, cause);
    throw new ImageError('IMAGE_SIGNATURE_INVALID', {}, cause);
  }
  throw new ImageError('IMAGE_SIGNATURE_INVALID');
}

function checkKey({ publicKey }: X509Certificate): void {
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < RSA_BITS_MIN) throw new ImageError('IMAGE_ALGORITHM_WEAK', { rsaBits: bits });
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  // RFC 5280 §4.2.1.9: only a CA certificate may issue others.
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function checkChain(
  leaf: X509Certificate,
  registered: readonly X509Certificate[],
  carried: readonly X509Certificate[],
): void {
  let certificate = leaf;
  for (let length = 1; length <= CHAIN_LENGTH_MAX; length += 1) {
    checkKey(certificate);
    const current = certificate;
    if (registered.some((each) => each.raw.equals(current.raw))) return;
    const issuer = [...registered, ...carried].find((each) => hasIssued(each, current));
    if (issuer === undefined || issuer.raw.equals(current.raw)) break;
    certificate = issuer;
  }
  throw new ImageError('IMAGE_SIGNER_UNKNOWN', { subject: leaf.subject, issuer: leaf.issuer });
}

/**
 * Verifies a detached CMS signature over the content under registered certificates.
 * @throws ImageError IMAGE_CERTIFICATE_MALFORMED, IMAGE_SIGNATURE_MALFORMED, IMAGE_SIGNATURE_INVALID, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK
 */
export async function verifyDetachedCms(
  content: Uint8Array,
  signature: Uint8Array,
  certificatesPem: readonly string[],
): Promise<CmsSigner> {
  const registered = certificatesPem.map(parseCertificate);
  const signedData = parseSignedData(signature);
  checkForm(signedData);
  const carried = (signedData.certificates ?? []).filter((each) => each instanceof Certificate);
  // A signature may leave its certificate out (`-nocerts`): then a registered one must be it.
  signedData.certificates = [...registered.map(({ raw }) => Certificate.fromBER(new Uint8Array(raw))), ...carried];
  const signer = await verifySignature(content, signedData);
  checkChain(signer, registered, carried.map(toX509));
  return { subject: signer.subject, certificateSha256: signer.fingerprint256.replaceAll(':', '').toLowerCase() };
}
