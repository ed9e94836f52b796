/**
 * A TCP balancer of a few lines, for several server processes on one machine: connections go to the backends in turn; one
 * that refuses is passed over; when all refuse, the client's connection is closed. Loopback only. What TLS proxies in front
 * of real servers do besides is not its matter.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type Balancer = { readonly port: number; close(): Promise<void> };

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.setNoDelay(true);
    return socket.on('close', () => sockets.delete(socket));
  };
  const join = (client: Socket, triesLeft: number): void => {
    if (triesLeft === 0 || client.destroyed) return void client.destroy();
    turn += 1;
    const backend = keep(connect(ports[turn % ports.length] ?? 0, '127.0.0.1'));
    const onRefused = (): void => join(client, triesLeft - 1);
    backend.once('error', onRefused);
    backend.once('connect', () => {
      backend.off('error', onRefused);
      backend.on('error', () => client.destroy());
      backend.on('close', () => client.destroy());
      client.on('close', () => backend.destroy());
      client.pipe(backend).pipe(client);
    });
  };
  const server = createServer((client) => {
    keep(client).on('error', () => client.destroy());
    join(client, ports.length);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
