import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startBalancer } from './balancer.ts';

async function backend(name: string): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const ask = async (port: number): Promise<string> =>
  (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();

test('backends take turns; one that is gone is passed over; with none left the client is told by a closed connection', async () => {
  const [a, b] = [await backend('a'), await backend('b')];
  const balancer = await startBalancer([a.port, b.port]);
  const seen = new Set([await ask(balancer.port), await ask(balancer.port)]);
  assert.deepEqual(seen, new Set(['a', 'b']));
  a.server.close();
  a.server.closeAllConnections();
  assert.deepEqual([await ask(balancer.port), await ask(balancer.port)], ['b', 'b']);
  b.server.close();
  b.server.closeAllConnections();
  await assert.rejects(ask(balancer.port));
  await balancer.close();
});
