/**
 * What the device shows in TLS: the certificate of its configuration, or one that it signs itself with its own key, which
 * the server knows from enrolment. Such a certificate is made anew at each start and never stored.
 */
import { webcrypto } from 'node:crypto';
import type { PrivateKey } from '@pawl/core/crypto';
import type { AgentConfig } from './config.ts';
import type { Disk } from './disk.ts';
import { AgentError } from './errors.ts';
import type { TlsMaterial } from './http.ts';

const DAY_MS = 86_400_000;
const LIFETIME_DAYS = 30;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

async function readPem(disk: Disk, path: string): Promise<Uint8Array> {
  const bytes = await disk.read(path);
  if (bytes === undefined) throw new AgentError('AGENT_CONFIG_INVALID', { at: 'tls', expected: 'a file', path });
  return bytes;
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

async function selfSigned(key: PrivateKey, name: string, now: Date): Promise<{ cert: string; key: string }> {
  await import('reflect-metadata');
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const pkcs8 = key.toPkcs8Der();
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', key.publicKey.toSpkiDer(), ECDSA, true, ['verify']),
  };
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [name] }],
      // A device's clock may be a little ahead of the server's.
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + LIFETIME_DAYS * DAY_MS),
      signingAlgorithm: ECDSA,
      keys,
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: pem('PRIVATE KEY', pkcs8) };
}

/** @throws AgentError AGENT_CONFIG_INVALID */
export async function loadTlsMaterial(
  config: AgentConfig,
  ports: { readonly disk: Disk; readonly now: Date; readonly deviceKey?: PrivateKey },
): Promise<TlsMaterial | undefined> {
  const { tls, controllerId } = config;
  if (!config.server.startsWith('https:') || tls === undefined) return undefined;
  const ca = tls.ca === undefined ? {} : { ca: await readPem(ports.disk, tls.ca) };
  if (tls.cert !== undefined && tls.key !== undefined) {
    const [cert, key] = await Promise.all([readPem(ports.disk, tls.cert), readPem(ports.disk, tls.key)]);
    return { ...ca, cert: Buffer.from(cert).toString(), key: Buffer.from(key).toString() };
  }
  if (ports.deviceKey === undefined || controllerId === undefined) return ca;
  return { ...ca, ...(await selfSigned(ports.deviceKey, controllerId, ports.now)) };
}
