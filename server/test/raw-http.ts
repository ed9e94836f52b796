/** One HTTP exchange with everything in the open: exact headers both ways, no decoding, no redirects. For tests. */
import http from 'node:http';
import https from 'node:https';

export type RawRequest = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** TLS: the client's own key and certificate; the server's certificate is not checked. */
  readonly tls?: { readonly key?: string; readonly cert?: string };
  readonly agent?: http.Agent;
};

export type RawAnswer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body as JSON. */
  readonly json: <T = Record<string, unknown>>() => T;
};

/** Sends a request exactly as given; the path is not normalised. */
export function exchange(url: string, request: RawRequest = {}): Promise<RawAnswer> {
  const match = /^(https?):\/\/([^/:]+|\[[^\]]+\]):([0-9]+)(.*)$/.exec(url);
  if (match === null) throw new TypeError(`not a URL of a test server: ${url}`);
  const [, scheme, host = '', port, path] = match;
  const { method = 'GET', body, tls, agent } = request;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = {
    host,
    port,
    path,
    method,
    headers: { ...length, ...request.headers },
    ...(agent === undefined ? {} : { agent }),
    ...(scheme === 'https' ? { rejectUnauthorized: false, ...tls } : {}),
  };
  return new Promise((resolve, reject) => {
    const onAnswer = (answer: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const text = bytes.toString();
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: bytes,
          text,
          json: <T>() => JSON.parse(text) as T,
        });
      });
    };
    const sent = scheme === 'https' ? https.request(options, onAnswer) : http.request(options, onAnswer);
    sent.on('error', reject);
    sent.end(body);
  });
}
