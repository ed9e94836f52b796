/** What the connection of a request says about its sender: TLS, the peer's certificate, the proxy in front. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import {
  type Credentials,
  type PeerCertificate,
  parseAuthorization,
  parseProxyCertificate,
  peerCertificateOf,
  type TrustedProxy,
} from './credentials.ts';

export type ConnectionPorts = {
  readonly now: () => Date;
  readonly trustedProxy: TrustedProxy | undefined;
  /** The authorities that issue device certificates; for those that a proxy passes on. */
  readonly deviceAuthorities: readonly X509Certificate[];
};

export function isSecureRequest(request: IncomingMessage): boolean {
  return request.socket instanceof TLSSocket;
}

/**
 * Node has checked the chain (`authorized`); the server lets others through to be judged here. Without a device CA, Node
 * checks against the public authorities that browsers know, and those name no devices.
 */
function tlsCertificate(request: IncomingMessage, hasDeviceCa: boolean): PeerCertificate | undefined {
  if (!(request.socket instanceof TLSSocket)) return undefined;
  const certificate = request.socket.getPeerX509Certificate();
  return certificate === undefined
    ? undefined
    : peerCertificateOf(certificate, hasDeviceCa && request.socket.authorized);
}

export function credentialsOf(request: IncomingMessage, ports: ConnectionPorts): Credentials {
  const { trustedProxy, deviceAuthorities, now } = ports;
  const certificate =
    tlsCertificate(request, deviceAuthorities.length > 0) ??
    (trustedProxy === undefined
      ? undefined
      : parseProxyCertificate(request.headers, trustedProxy, { authorities: deviceAuthorities, now: now() }));
  return {
    ...parseAuthorization(request.headers.authorization),
    ...(certificate === undefined ? {} : { certificate }),
  };
}
