/**
 * Under which name browsers reach this server. Passkeys and cookies belong to a name; an address is none (WebAuthn §5.1.3:
 * the relying party id is a domain). On this machine alone the name is localhost, which browsers take for a secure origin.
 */
import { isIP } from 'node:net';
import type { Site } from '../acts/ports.ts';

function siteOf(url: URL): Site | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 0) return { origin: url.origin, rpId: url.hostname };
  if (host !== '::1' && !host.startsWith('127.')) return undefined;
  return siteOf(new URL(`${url.protocol}//localhost:${url.port}`));
}

/** @param listening where the server listens, as a URL */
export function siteFor(publicUrl: string | undefined, listening: string): Site | undefined {
  return siteOf(new URL(publicUrl ?? listening));
}
