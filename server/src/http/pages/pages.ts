/**
 * The pages for people: files of this folder, named one by one, with headers that let them run nothing but themselves (CSP
 * Level 3; no inline script or style, no frame around them, nothing sent elsewhere). They reach the server through the
 * management API like everybody else.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Site } from '../../acts/ports.ts';

export const PAGES = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/pages/pawl.css', file: 'pawl.css', type: 'text/css; charset=utf-8' },
  { path: '/pages/sign-in.js', file: 'sign-in.js', type: 'text/javascript; charset=utf-8' },
] as const;

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Of a page without a script, with a form to this server or without. */
const scriptless = (formAction: 'none' | 'self'): string =>
  `default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action '${formAction}'`;

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'publickey-credentials-create=(self), publickey-credentials-get=(self)',
  // Asked for again each time: a page and its script are of one version.
  'cache-control': 'no-cache',
};

/** RFC 6797: two years, once the server has a name with TLS. */
export function strictTransport(site: Site | undefined): Readonly<Record<string, string>> {
  return site?.origin.startsWith('https://') === true ? { 'strict-transport-security': 'max-age=63072000' } : {};
}

/** The headers of a page without a script. */
export function pageHeaders(site: Site | undefined, formAction: 'none' | 'self'): Readonly<Record<string, string>> {
  return { ...HEADERS, 'content-security-policy': scriptless(formAction), ...strictTransport(site) };
}

/** Registers the pages. */
export function registerPages(app: FastifyInstance, site: () => Site | undefined): void {
  for (const { path, file, type } of PAGES) {
    const bytes = readFileSync(`${import.meta.dirname}/static/${file}`);
    const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
    app.get(path, async (request, reply) => {
      reply.headers({ ...HEADERS, ...strictTransport(site()), etag });
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(type).send(bytes);
    });
  }
}
