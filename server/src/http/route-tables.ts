/**
 * Every address of the server stands in a table: the operations of the management API (behind its choke point), those of the
 * device APIs (each names its own authentication), and the pages. A route that somebody adds beside them does not start.
 */
import { DEVICE_OPERATIONS } from '@pawl/contract/device';
import { MANAGEMENT_OPERATIONS } from '@pawl/contract/management';
import { MENDER_OPERATIONS } from '@pawl/contract/mender';
import type { FastifyInstance } from 'fastify';
import { INQUIRY_ROUTES } from './pages/inquiry.ts';
import { INTAKE_ROUTES } from './pages/intake.ts';
import { OIDC_ROUTES } from './pages/oidc.ts';
import { PAGES } from './pages/pages.ts';
import { SHARE_ROUTES } from './pages/share.ts';
import { TLOG_ROUTES } from './tlog/register.ts';

type Row = { readonly method: string; readonly path: string };

const ROWS: readonly Row[] = [
  ...Object.values(MANAGEMENT_OPERATIONS),
  ...Object.values(DEVICE_OPERATIONS),
  ...Object.values(MENDER_OPERATIONS),
  ...OIDC_ROUTES,
  ...INTAKE_ROUTES,
  ...INQUIRY_ROUTES,
  ...TLOG_ROUTES,
  ...SHARE_ROUTES,
  ...PAGES.map(({ path }) => ({ method: 'GET', path })),
];

const PATTERNS = ROWS.map(({ method, path }) => {
  const segments = path
    .split('/')
    .map((segment) => (/^\{\w+\}$/.test(segment) ? '[^/]+' : segment.replaceAll('.', '\\.').replace('*', '.+')));
  return { method, pattern: new RegExp(`^${segments.join('/')}$`) };
});

/** By which methods something is done at an address (RFC 9110 §10.2.1); none where there is nothing. */
export function methodsAt(url: string): string[] {
  const path = url.split('?', 1)[0] ?? '';
  const methods = new Set(PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method));
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}

/** Refuses to register what no table names; HEAD goes with GET. */
export function guardRoutes(app: FastifyInstance): void {
  const known = new Set(ROWS.map(({ method, path }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`));
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) {
      const name = `${each === 'HEAD' ? 'GET' : each} ${url}`;
      if (!known.has(name)) throw new TypeError(`${name} stands in no table of routes`);
    }
  });
}
