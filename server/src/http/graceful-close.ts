/** Ends a listening server: no new requests, those under way may finish, what lasts longer than the grace time is cut. */
import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';

const LOOK_EVERY_MS = 20;

/** Resolves when no connection is left. A download may last hours; its device goes on by Range with the next server. */
export async function closeGracefully(app: FastifyInstance, graceMs: number): Promise<void> {
  const server = app.server as Server;
  // A connection that is kept alive after its last answer would otherwise hold the server for its whole time-out.
  const look = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearInterval(look);
    clearTimeout(cut);
  }
}
