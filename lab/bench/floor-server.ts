/** The floor of the poll benchmark: Node's bare HTTP server with a constant answer of a poll's size. No routes, no database. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const body = JSON.stringify({
  config: { polling: { sleep: '00:05:00' } },
  _links: { configData: { href: `http://127.0.0.1/default/controller/v1/${'x'.repeat(16)}/configData` } },
});

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/hal+json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
