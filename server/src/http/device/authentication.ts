/**
 * The one choke point of device authentication: which device sends this request, or 401.
 *
 * Accepted, in this order: a client certificate (its key is the one that the device enrolled, or the device CA issued it
 * with the device's name as its only common name), the device's own token, a token or a key of a gateway that names the device.
 * Tokens are known as SHA-256 only and compared in constant time; an unknown device costs the same comparison and gets
 * the same answer as a wrong token. Nothing is registered here: who has a certificate of a registered authority comes in by
 * `admission.ts`, and then here.
 */
import { isEqualBytes } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PublicKey } from '@pawl/core/crypto';
import { type Credentials, type PeerCertificate, sha256Of } from './credentials.ts';
import { DeviceApiError } from './errors.ts';
import type { DeviceDirectory, KnownDevice } from './known-device.ts';

/** Who the path says that it is; where it names no device, the credentials alone do. */
type ClaimedSender = { readonly tenant: string; readonly controllerId: string | undefined };

const NO_TOKEN = new Uint8Array(32);

function isCertificateOf(certificate: PeerCertificate, device: KnownDevice): boolean {
  if (certificate.isTrustedByCa && certificate.commonName === device.controllerId) return true;
  return device.keyId !== undefined && certificate.isExpired !== true && keyIdOfPeer(certificate) === device.keyId;
}

function keyIdOfPeer({ spkiDer }: PeerCertificate): string | undefined {
  try {
    return keyIdOf(PublicKey.fromSpki(spkiDer));
  } catch {
    // A key of a kind that no device enrols with.
    return undefined;
  }
}

function isTokenOf(token: string, device: KnownDevice | undefined): boolean {
  const isEqual = isEqualBytes(sha256Of(token), device?.tokenSha256 ?? NO_TOKEN);
  return isEqual && device?.tokenSha256 !== undefined;
}

async function findByCertificate(
  tenant: string,
  certificate: PeerCertificate,
  directory: DeviceDirectory,
): Promise<KnownDevice | undefined> {
  if (certificate.isTrustedByCa && certificate.commonName !== undefined) {
    return directory.findDevice(tenant, certificate.commonName);
  }
  const keyId = keyIdOfPeer(certificate);
  return keyId === undefined ? undefined : directory.findByKey(tenant, keyId);
}

async function findClaimed(
  { tenant, controllerId }: ClaimedSender,
  { certificate, targetToken }: Credentials,
  directory: DeviceDirectory,
): Promise<KnownDevice | undefined> {
  if (controllerId !== undefined) return directory.findDevice(tenant, controllerId);
  const byCertificate = certificate === undefined ? undefined : await findByCertificate(tenant, certificate, directory);
  if (byCertificate !== undefined || targetToken === undefined) return byCertificate;
  return directory.findByToken(tenant, sha256Of(targetToken));
}

/** The gateway that speaks for the device: by its token, or by a certificate over its key. */
async function findGateway(
  tenant: string,
  { certificate, gatewayToken }: Credentials,
  controllerId: string,
  directory: DeviceDirectory,
): Promise<string | undefined> {
  const tokenSha256 = gatewayToken === undefined ? undefined : sha256Of(gatewayToken);
  const byToken =
    tokenSha256 === undefined ? undefined : await directory.gatewayFor(tenant, { tokenSha256 }, controllerId);
  if (byToken !== undefined || certificate === undefined || certificate.isExpired === true) return byToken;
  const keyId = keyIdOfPeer(certificate);
  return keyId === undefined ? undefined : await directory.gatewayFor(tenant, { keyId }, controllerId);
}

/**
 * Names the device that a request comes from.
 * @throws DeviceApiError DEVICE_UNAUTHENTICATED
 */
export async function authenticateDevice(
  claimed: ClaimedSender,
  credentials: Credentials,
  directory: DeviceDirectory,
): Promise<KnownDevice> {
  const { certificate, targetToken } = credentials;
  const device = await findClaimed(claimed, credentials, directory);
  const isToken = targetToken !== undefined && isTokenOf(targetToken, device);
  if (device?.isActive !== true) throw new DeviceApiError('DEVICE_UNAUTHENTICATED');
  if (certificate !== undefined && isCertificateOf(certificate, device)) return device;
  if (isToken) return device;
  const gateway = await findGateway(claimed.tenant, credentials, device.controllerId, directory);
  if (gateway !== undefined) return { ...device, spokenForBy: gateway };
  throw new DeviceApiError('DEVICE_UNAUTHENTICATED');
}
