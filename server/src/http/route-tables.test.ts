import assert from 'node:assert/strict';
import { test } from 'node:test';
import fastify from 'fastify';
import { registerPages } from './pages/pages.ts';
import { guardRoutes } from './route-tables.ts';

test('a route that stands in no table is not registered, whatever it is called like', () => {
  const app = fastify();
  guardRoutes(app);
  registerPages(app, () => undefined);
  const odd = [
    ['GET', '/debug'],
    ['POST', '/'],
    ['GET', '/api/v1/secret'],
    ['DELETE', '/api/v1/devices'],
    ['GET', '/api/v1/devices/'],
    ['PUT', '/pages/pawl.css'],
  ] as const;
  for (const [method, url] of odd) {
    assert.throws(() => app.route({ method, url, handler: () => 'here' }), /stands in no table/, `${method} ${url}`);
  }
  assert.doesNotThrow(() => app.get('/api/v1/health', () => 'a table names it'));
});
