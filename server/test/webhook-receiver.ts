/** A real HTTP server that takes webhooks, for tests: it keeps what came and answers what it is told to. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export type Received = {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
};

export type Receiver = {
  readonly port: number;
  readonly received: Received[];
  /** Status for each message; a promise is waited for. */
  answer: (message: Received) => number | Promise<number>;
  /** Resolves with the messages once there are so many. */
  until(count: number, path?: string): Promise<Received[]>;
  close(): Promise<void>;
};

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = http.createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const message = { path: request.url ?? '', headers: request.headers, body };
      received.push(message);
      const respond = async (): Promise<void> => {
        answer.writeHead(await receiver.answer(message), { location: '/elsewhere' }).end();
      };
      void respond();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const receiver: Receiver = {
    port: (server.address() as AddressInfo).port,
    received,
    answer: () => 204,
    until: async (count, path) => {
      for (let turn = 0; turn < 1000; turn += 1) {
        const found = received.filter((one) => path === undefined || one.path === path);
        if (found.length >= count) return found;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`${count} messages did not come to ${path ?? 'the receiver'}`);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
