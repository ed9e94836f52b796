/**
 * Whether a certificate lets a device in under an authority that an operator registered (RFC 5280, IEEE 802.1AR §8). The
 * authority issues directly: no intermediate is followed. Decided at the first contact and when a certificate is renewed;
 * from then on the key counts, as long as the certificate does. Pure.
 */
import type { X509Certificate } from 'node:crypto';
import { type CertificateLimits, certificateLimits } from '@pawl/core/image';

const CONTROLLER_ID = /^(?!\.)[A-Za-z0-9._:-]{1,128}$/;
const CLIENT_AUTH = 'clientAuth';

export type CertificateRefusal =
  | 'DEVICE_CERTIFICATE_UNSUITABLE'
  | 'DEVICE_CERTIFICATE_EXPIRED'
  | 'DEVICE_CERTIFICATE_BARRED'
  | 'DEVICE_CERTIFICATE_NAME_REFUSED';

export type CertificateVerdict =
  | { readonly kind: 'admit'; readonly name: string; readonly serial: string; readonly untilMs: number }
  | { readonly kind: 'refuse'; readonly code: CertificateRefusal; readonly reason: string };

/** `*` stands for any characters; everything else for itself. In time linear in the name for each `*`. */
export function isNameOf(pattern: string, name: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  if (parts.length === 0) return name === pattern;
  const tail = parts.pop() ?? '';
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
  const end = name.length - tail.length;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** In lower case, without leading zeros. */
export function serialOf({ serialNumber }: X509Certificate): string {
  return serialNumber.toLowerCase().replace(/^0+(?=.)/, '');
}

/** The one common name, or where there is none the one serial number (802.1AR §8.6): several are no identity. */
function nameOf(certificate: X509Certificate): string | undefined {
  const lines = certificate.subject.split('\n');
  for (const prefix of ['CN=', 'serialNumber=']) {
    const names = lines.filter((line) => line.startsWith(prefix));
    if (names.length > 1) return undefined;
    if (names[0] !== undefined) return names[0].slice(prefix.length);
  }
  return undefined;
}

function limitsOf(certificate: X509Certificate): CertificateLimits | undefined {
  try {
    return certificateLimits(new Uint8Array(certificate.raw));
  } catch {
    // Node reads more than strict DER; what is not strict is no identity.
    return undefined;
  }
}

/** What stands in the way of registering an authority; undefined when nothing does. */
export function authorityFlaw(certificate: X509Certificate, now: Date): string | undefined {
  const limits = limitsOf(certificate);
  if (limits === undefined) return 'not strict DER';
  if (!certificate.ca) return 'no CA certificate';
  if (limits.keyUsages?.includes('keyCertSign') === false) return 'a key that may not sign certificates';
  if (limits.hasNameConstraints) return 'name constraints, which are not worked out: use the pattern';
  if (limits.unreadCritical.length > 0)
    return `critical extensions that are not known: ${limits.unreadCritical.join(' ')}`;
  if (!limits.isStrong) return 'a weak key or a weak signature';
  if (now > certificate.validToDate) return 'expired';
  return undefined;
}

/** Whether this authority issued the certificate: by name, key identifiers and signature. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function leafFlaw(certificate: X509Certificate): string | undefined {
  const limits = limitsOf(certificate);
  if (limits === undefined) return 'not strict DER';
  if (certificate.ca) return 'a CA certificate is no device';
  if (limits.keyUsages?.includes('digitalSignature') === false) return 'a key that may not sign';
  if (limits.purposes?.includes(CLIENT_AUTH) === false) return 'not for client authentication';
  if (limits.unreadCritical.length > 0)
    return `critical extensions that are not known: ${limits.unreadCritical.join(' ')}`;
  if (!limits.isStrong) return 'a weak key or a weak signature';
  return undefined;
}

function isTime(certificate: X509Certificate, now: Date): boolean {
  return certificate.validFromDate <= now && now <= certificate.validToDate;
}

/** Judges a certificate that this authority issued (`isIssuedBy`). */
export function judgeCertificate(
  certificate: X509Certificate,
  authority: {
    readonly x509: X509Certificate;
    readonly namePattern: string;
    readonly isBarred: (serial: string) => boolean;
  },
  now: Date,
): CertificateVerdict {
  const refuse = (code: CertificateRefusal, reason: string) => ({ kind: 'refuse', code, reason }) as const;
  const flaw = leafFlaw(certificate);
  if (flaw !== undefined) return refuse('DEVICE_CERTIFICATE_UNSUITABLE', flaw);
  if (!isTime(authority.x509, now)) return refuse('DEVICE_CERTIFICATE_EXPIRED', 'the authority is not valid now');
  if (!isTime(certificate, now)) return refuse('DEVICE_CERTIFICATE_EXPIRED', 'not valid now');
  const serial = serialOf(certificate);
  if (authority.isBarred(serial)) return refuse('DEVICE_CERTIFICATE_BARRED', serial);
  const name = nameOf(certificate);
  if (name === undefined || !CONTROLLER_ID.test(name)) return refuse('DEVICE_CERTIFICATE_NAME_REFUSED', 'no one name');
  if (!isNameOf(authority.namePattern, name)) return refuse('DEVICE_CERTIFICATE_NAME_REFUSED', name);
  const untilMs = Math.min(certificate.validToDate.getTime(), authority.x509.validToDate.getTime());
  return { kind: 'admit', name, serial, untilMs };
}
