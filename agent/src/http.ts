/**
 * Requests to the one configured server, over node:http(s). Links that the server sends are followed only when they point
 * back to it; redirects never. Every answer is bounded in size and in time without a byte.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { concat } from '@pawl/core/bytes';
import { AgentError } from './errors.ts';

export type TlsMaterial = { readonly ca?: Uint8Array; readonly cert?: string; readonly key?: string };

export type HttpRequest = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
};

export type HttpAnswer = { readonly status: number; readonly body: Uint8Array };

const SILENCE_MS_MAX = 30_000;

/** A peer that says something else than it should, or says nothing. */
function unreachable(url: URL, cause: unknown): AgentError {
  return new AgentError('AGENT_SERVER_UNREACHABLE', { host: url.host }, cause);
}

export class HttpClient {
  readonly #origin: string;
  readonly #authorization: string | undefined;
  readonly #agent: HttpAgent;
  readonly #silenceMsMax: number;

  constructor(options: {
    readonly origin: string;
    readonly token?: string;
    readonly tls?: TlsMaterial;
    readonly silenceMsMax?: number;
  }) {
    this.#origin = options.origin;
    this.#authorization = options.token === undefined ? undefined : `TargetToken ${options.token}`;
    this.#silenceMsMax = options.silenceMsMax ?? SILENCE_MS_MAX;
    const tls = options.tls === undefined ? {} : nodeTls(options.tls);
    this.#agent = options.origin.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true, minVersion: 'TLSv1.2', ...tls })
      : new HttpAgent({ keepAlive: true });
  }

  /** A link as an address, when it points to our server. @throws AgentError AGENT_LINK_FOREIGN */
  resolve(href: string): URL {
    const url = URL.canParse(href, this.#origin) ? new URL(href, this.#origin) : undefined;
    if (url?.origin !== this.#origin) throw new AgentError('AGENT_LINK_FOREIGN', { expected: this.#origin, href });
    return url;
  }

  /** Opens an answer; the caller reads or destroys it. @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_LINK_FOREIGN */
  async open(request: HttpRequest): Promise<IncomingMessage> {
    const { url, method, body, signal } = request;
    if (url.origin !== this.#origin) throw new AgentError('AGENT_LINK_FOREIGN', { expected: this.#origin });
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers: OutgoingHttpHeaders = {
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
      ...(body === undefined ? {} : { 'content-length': body.length }),
      ...request.headers,
    };
    return new Promise((resolve, reject) => {
      const options = { method, headers, agent: this.#agent, ...(signal === undefined ? {} : { signal }) };
      const outgoing = send(url, options, resolve);
      outgoing.setTimeout(this.#silenceMsMax, () => outgoing.destroy(new Error('no byte in time')));
      outgoing.once('error', (cause) => reject(unreachable(url, cause)));
      outgoing.end(body);
    });
  }

  /** The whole answer. @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_LINK_FOREIGN, AGENT_ANSWER_MALFORMED */
  async request(request: HttpRequest, sizeBytesMax: number): Promise<HttpAnswer> {
    const answer = await this.open(request);
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        if (sizeBytes > sizeBytesMax) break;
        parts.push(chunk);
      }
    } catch (cause) {
      throw unreachable(request.url, cause);
    }
    if (sizeBytes > sizeBytesMax) {
      answer.destroy();
      throw new AgentError('AGENT_ANSWER_MALFORMED', { expected: `at most ${sizeBytesMax} bytes` });
    }
    return { status: answer.statusCode ?? 0, body: concat(...parts) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

function nodeTls({ ca, cert, key }: TlsMaterial): { ca?: Buffer; cert?: string; key?: string } {
  return {
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
