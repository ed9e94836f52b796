/**
 * A relay on loopback that cuts the line: it passes everything on, and destroys the connection after so many bytes of the
 * first answer to a path. What was asked stands in `ranges`. For tests.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export type CuttingRelay = {
  readonly url: string;
  /** The Range header of each GET of the path; empty when there was none. */
  readonly ranges: string[];
  /** Everything that was asked, whatever the path. */
  readonly asked: { readonly method: string; readonly headers: http.IncomingHttpHeaders }[];
  /** While it is set, bytes of the path trickle only. */
  setSlow(isSlow: boolean): void;
  /** The next answer to the path is cut, as the first one was. */
  cutNext(): void;
  close(): Promise<void>;
};

const TRICKLE_BYTES = 2048;
const TRICKLE_MS = 50;

export async function startCuttingRelay(
  upstream: string,
  path: string,
  cutAfterBytes: number = Number.POSITIVE_INFINITY,
): Promise<CuttingRelay> {
  const { hostname, port } = new URL(upstream);
  const ranges: string[] = [];
  const asked: CuttingRelay['asked'] = [];
  let isSlow = false;
  let cuts = 1;
  const server = http.createServer((incoming, response) => {
    const isPath = incoming.method === 'GET' && incoming.url?.includes(path) === true;
    const isCut = isPath && cuts > 0;
    if (isCut) cuts -= 1;
    if (isPath) ranges.push(incoming.headers.range ?? '');
    const { method = '', headers, url } = incoming;
    asked.push({ method, headers });
    const outgoing = http.request({ host: hostname, port, method, headers, path: url }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      let sent = 0;
      answer.on('data', (chunk: Buffer) => {
        sent += chunk.length;
        if (isCut && sent > cutAfterBytes) {
          response.write(chunk.subarray(0, chunk.length - (sent - cutAfterBytes)), () => response.destroy());
          answer.destroy();
          return;
        }
        if (!isPath || !isSlow) {
          response.write(chunk);
          return;
        }
        answer.pause();
        void trickle(response, chunk).then(() => answer.resume());
      });
      answer.on('end', () => response.end());
      answer.on('error', () => response.destroy());
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  async function trickle(response: http.ServerResponse, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !response.destroyed; at += isSlow ? TRICKLE_BYTES : chunk.length) {
      response.write(chunk.subarray(at, isSlow ? at + TRICKLE_BYTES : chunk.length));
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, TRICKLE_MS));
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ranges,
    asked,
    cutNext: () => {
      cuts += 1;
    },
    setSlow: (next) => {
      isSlow = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
