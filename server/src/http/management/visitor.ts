/**
 * Whoever sends a request, as far as cookies go: where from, with which session, and what becomes of the session.
 *
 * The cookie has the `__Host-` prefix (RFC 6265bis §4.1.3.2: Secure, no Domain, Path=/), is HttpOnly and SameSite=Strict.
 * Over plain http, which is this machine alone, no browser takes such a cookie; there it goes without prefix and Secure.
 */
import type { IncomingMessage } from 'node:http';
import type { Visit } from '../../acts/people/session.ts';
import type { Site } from '../../acts/ports.ts';
import { sourceOf } from '../source.ts';

const SECRET = /^[A-Za-z0-9_-]{43}$/;

function isSecureSite(site: Site | undefined): boolean {
  return site?.origin.startsWith('https://') === true;
}

export function cookieName(site: Site | undefined, name: string): string {
  return isSecureSite(site) ? `__Host-${name}` : name;
}

/** The value of a cookie; undefined when it is there twice, because then somebody else has set one of them. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

type CookieOptions = { readonly maxAgeS: number; readonly sameSite: 'Strict' | 'Lax' };

export function setCookie(site: Site | undefined, name: string, value: string, options: CookieOptions): string {
  const secure = isSecureSite(site) ? '; Secure' : '';
  const { maxAgeS, sameSite } = options;
  return `${cookieName(site, name)}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=${sameSite}${secure}`;
}

const SESSION_COOKIE = 'pawl-session';

type VisitFacts = {
  readonly site: Site | undefined;
  readonly nowMs: number;
  readonly requestId: string;
  /** Of the proxy that may say where a request came from; undefined: there is none. */
  readonly proxySecret: string | undefined;
};

export class Visitor {
  readonly visit: Visit;
  readonly #site: Site | undefined;
  readonly #nowMs: number;
  #cookie: string | undefined;

  constructor(request: IncomingMessage, from: VisitFacts) {
    const { site, nowMs, requestId, proxySecret } = from;
    const session = readCookie(request.headers.cookie, cookieName(site, SESSION_COOKIE));
    this.#site = site;
    this.#nowMs = nowMs;
    this.visit = {
      source: sourceOf(request, proxySecret),
      userAgent: request.headers['user-agent'] ?? '',
      requestId,
      sessionSecret: session !== undefined && SECRET.test(session) ? session : undefined,
    };
  }

  setSession(secret: string, expiresMs: number): void {
    const maxAgeS = Math.floor((expiresMs - this.#nowMs) / 1000);
    this.#cookie = setCookie(this.#site, SESSION_COOKIE, secret, { maxAgeS, sameSite: 'Strict' });
  }

  endSession(): void {
    this.#cookie = setCookie(this.#site, SESSION_COOKIE, '', { maxAgeS: 0, sameSite: 'Strict' });
  }

  /** What the answer sets. */
  get headers(): Readonly<Record<string, string>> {
    return this.#cookie === undefined ? {} : { 'set-cookie': this.#cookie };
  }
}
