/**
 * The absolute URLs that a device gets. Absolute is required: one client strips scheme and host and keeps the path.
 *
 * The base is the configured public URL, or else the Host header of the request, which is taken only in the strict form
 * of RFC 9110 §7.2 (a name, an IPv4 or a bracketed IPv6 address, and a port). The tenant is written as the client wrote
 * it: one client searches its answers for the spelling that it was built with. Hrefs of `cancelAction`, `configData` and
 * `installedBase` carry no query, because a client appends to them.
 */
import { DeviceApiError } from './errors.ts';

export type DeviceLinks = {
  readonly isSecure: boolean;
  readonly deploymentBase: (actionId: number, c: number) => string;
  readonly confirmationAction: (actionId: number, c: number) => string;
  readonly confirmationBase: (verb?: 'activateAutoConfirm' | 'deactivateAutoConfirm') => string;
  readonly cancelAction: (actionId: number) => string;
  readonly installedBase: (actionId: number) => string;
  readonly configData: () => string;
  readonly artifact: (moduleId: number, fileName: string) => string;
  readonly trust: () => string;
  readonly report: () => string;
  readonly attest: () => string;
};

const HOST =
  /^(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63}){0,31}\.?)(?::[0-9]{1,5})?$/;

/**
 * The scheme and authority under which the client reached us.
 * @throws DeviceApiError DEVICE_PARAMETER_INVALID
 */
export function originOf(request: {
  readonly publicUrl?: string | undefined;
  readonly isSecure: boolean;
  readonly host: string | undefined;
}): string {
  if (request.publicUrl !== undefined) return request.publicUrl.replace(/\/+$/, '');
  if (request.host === undefined || !HOST.test(request.host)) {
    throw new DeviceApiError('DEVICE_PARAMETER_INVALID', { at: 'Host', actual: request.host });
  }
  return `${request.isSecure ? 'https' : 'http'}://${request.host}`;
}

/** The links of one device, under an origin. */
export function linksOf(origin: string, tenant: string, controllerId: string): DeviceLinks {
  const ddi = `${origin}/${tenant}/controller/v1/${encodeURIComponent(controllerId)}`;
  const pawl = `${origin}/${tenant}/pawl/v1`;
  return {
    isSecure: origin.startsWith('https://'),
    deploymentBase: (actionId, c) => `${ddi}/deploymentBase/${actionId}?c=${c}`,
    confirmationAction: (actionId, c) => `${ddi}/confirmationBase/${actionId}?c=${c}`,
    confirmationBase: (verb) => (verb === undefined ? `${ddi}/confirmationBase` : `${ddi}/confirmationBase/${verb}`),
    cancelAction: (actionId) => `${ddi}/cancelAction/${actionId}`,
    installedBase: (actionId) => `${ddi}/installedBase/${actionId}`,
    configData: () => `${ddi}/configData`,
    artifact: (moduleId, fileName) => `${ddi}/softwaremodules/${moduleId}/artifacts/${encodeURIComponent(fileName)}`,
    trust: () => `${pawl}/trust/`,
    report: () => `${pawl}/${encodeURIComponent(controllerId)}/report`,
    attest: () => `${pawl}/${encodeURIComponent(controllerId)}/attest`,
  };
}
