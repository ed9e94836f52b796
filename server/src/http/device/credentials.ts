/**
 * What a request offers as proof of which device sends it; nothing is believed here, `authentication.ts` decides.
 *
 * A certificate comes from the TLS connection itself, or from a header of a proxy that also sends the shared proxy
 * secret. Without that secret the header is not even looked at: anyone could send it.
 */
import { hash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { utf8 } from '@pawl/core/bytes';

export type PeerCertificate = {
  readonly commonName: string | undefined;
  /** SubjectPublicKeyInfo, DER. The peer proved in the handshake that it holds the private key. */
  readonly spkiDer: Uint8Array;
  /** Whether the chain ends in the configured device CA. */
  readonly isTrustedByCa: boolean;
  /** Who passes it on looked at the time, and it was over: no credential any more, only something to refuse by name. */
  readonly isExpired?: true;
  readonly x509: X509Certificate;
};

export type Credentials = {
  readonly targetToken?: string;
  readonly gatewayToken?: string;
  readonly certificate?: PeerCertificate;
};

export type TrustedProxy = {
  readonly secret: string;
  /** The header with the client certificate, PEM, percent-encoded. */
  readonly certificateHeader: string;
};

/** The header in which a trusted proxy sends the shared secret. */
const PROXY_SECRET_HEADER = 'x-pawl-proxy-secret';

const TOKEN_CHARS_MAX = 256;
const AUTHORIZATION = /^(TargetToken|GatewayToken) ([\x21-\x7e]{1,256})$/i;
const CERTIFICATE_CHARS_MAX = 16_384;

export function sha256Of(text: string): Uint8Array {
  return new Uint8Array(hash('sha256', text, 'buffer'));
}

/** Compares two secrets in a time that depends on neither. */
function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(sha256Of(given), sha256Of(expected));
}

/** Reads an Authorization header; any other scheme is no credential. */
export function parseAuthorization(header: string | undefined): Credentials {
  if (header === undefined || header.length > TOKEN_CHARS_MAX + 16) return {};
  const [, scheme, token] = AUTHORIZATION.exec(header.trim()) ?? [];
  if (scheme === undefined || token === undefined) return {};
  return scheme.toLowerCase() === 'targettoken' ? { targetToken: token } : { gatewayToken: token };
}

/** One common name only: a subject with several is no identity. */
function commonNameOf(certificate: X509Certificate): string | undefined {
  const names = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  const [name] = names;
  return names.length === 1 ? name?.slice('CN='.length) : undefined;
}

function isWithinValidity(certificate: X509Certificate, now: Date): boolean {
  return certificate.validFromDate <= now && now <= certificate.validToDate;
}

function isIssuedBy(certificate: X509Certificate, authorities: readonly X509Certificate[], now: Date): boolean {
  return authorities.some(
    (authority) =>
      authority.ca &&
      isWithinValidity(authority, now) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  );
}

/** Takes a certificate whose private key the peer has proven to hold; `isTrustedByCa` as the connection judged it. */
export function peerCertificateOf(certificate: X509Certificate, isTrustedByCa: boolean): PeerCertificate {
  return {
    commonName: commonNameOf(certificate),
    spkiDer: new Uint8Array(certificate.publicKey.export({ type: 'spki', format: 'der' })),
    isTrustedByCa,
    x509: certificate,
  };
}

/** The certificate that a proxy passes on; undefined without the shared secret or when it cannot be read. */
export function parseProxyCertificate(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  proxy: TrustedProxy,
  trust: { readonly authorities: readonly X509Certificate[]; readonly now: Date },
): PeerCertificate | undefined {
  const secret = headers[PROXY_SECRET_HEADER];
  const text = headers[proxy.certificateHeader.toLowerCase()];
  if (typeof secret !== 'string' || typeof text !== 'string' || !isSameSecret(secret, proxy.secret)) return undefined;
  if (text.length > CERTIFICATE_CHARS_MAX) return undefined;
  try {
    const certificate = new X509Certificate(utf8(decodeURIComponent(text)));
    if (!isWithinValidity(certificate, trust.now)) return { ...peerCertificateOf(certificate, false), isExpired: true };
    return peerCertificateOf(certificate, isIssuedBy(certificate, trust.authorities, trust.now));
  } catch {
    return undefined;
  }
}
