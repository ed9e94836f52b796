/**
 * Which addresses the server sends to of its own accord: global unicast alone. A URL that somebody else chose must not reach
 * what only this machine or its network can (server-side request forgery): loopback, private, link-local and shared address
 * space, the metadata services of clouds, and IPv6 that is IPv4 in disguise. Classes are those of the IANA special-purpose
 * registries, as `ipaddr.js` knows them; of IPv6 only 2000::/3 is in use for global unicast (RFC 4291 §2.4).
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A public address that answers as a metadata service inside one cloud. */
const CLOUD_INTERNAL = new Set(['168.63.129.16']);
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** A network such as `10.1.0.0/16`; undefined when the text is none. */
export function parseNetwork(text: string): Network | undefined {
  return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : undefined;
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Network): boolean {
  if (address.kind() !== network.kind()) return false;
  return address.match(network as ipaddr.IPv6, bits);
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv4) return !CLOUD_INTERNAL.has(address.toString());
  return address.match(GLOBAL_UNICAST[0], GLOBAL_UNICAST[1]);
}

/** Whether the server may send to an address: it is public, or in a network that the configuration names. */
export function mayReach(text: string, networks: readonly Network[]): boolean {
  // The four numbers or the colons of an address; the older spellings that the package reads as well are none here.
  if (isIP(text) === 0 || !ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  return isPublic(address) || networks.some((network) => isIn(address, network));
}
