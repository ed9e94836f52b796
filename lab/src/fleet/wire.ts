/**
 * One keep-alive connection that many simulated devices share: one exchange at a time, reconnected when it is gone. An
 * exchange fails as a whole (`WireError`); whether the server saw the request is then unknown, as for a real device.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AnswerReader, type HttpAnswer } from '../http/answer-reader.ts';

/** No answer: refused, reset, timed out or not HTTP. */
export class WireError extends Error {}

export type WireTarget = {
  readonly url: URL;
  /** PEM of the authority of the server's certificate; else those that Node knows. */
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
};

type Waiting = { readonly resolve: (answer: HttpAnswer) => void; readonly reject: (error: Error) => void };

function open({ url, ca }: WireTarget): Socket {
  const isTls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port === '' ? (isTls ? 443 : 80) : url.port);
  if (!isTls) return connect({ host, port });
  return connectTls({
    host,
    port,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}

export class Wire {
  readonly #target: WireTarget;
  #socket: Socket | undefined;
  #reader = new AnswerReader();
  #waiting: Waiting | undefined;

  constructor(target: WireTarget) {
    this.#target = target;
  }

  #fail(socket: Socket, reason: string): void {
    socket.destroy();
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new WireError(reason));
  }

  #take(socket: Socket, chunk: Buffer): void {
    if (this.#socket !== socket) return;
    let answer: HttpAnswer | undefined;
    try {
      answer = this.#reader.push(chunk);
    } catch (error) {
      return this.#fail(socket, error instanceof Error ? error.message : String(error));
    }
    if (answer === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (answer.isLast) {
      this.#socket = undefined;
      socket.destroy();
    }
    waiting?.resolve(answer);
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = open(this.#target);
    this.#socket = socket;
    this.#reader = new AnswerReader();
    socket.setNoDelay(true);
    socket.setTimeout(this.#target.timeoutMs, () => {
      // An idle connection may stay; one that owes an answer is given up.
      if (this.#waiting !== undefined) this.#fail(socket, 'no answer in time');
    });
    socket.on('data', (chunk: Buffer) => this.#take(socket, chunk));
    socket.on('error', (error) => this.#fail(socket, error.message));
    socket.on('close', () => this.#fail(socket, 'the connection was closed'));
    return socket;
  }

  /** Sends a request and gives its answer. @throws WireError */
  exchange(request: string, keepsBody = true): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const socket = this.#connected();
      this.#reader.keepsBody = keepsBody;
      socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#socket?.destroy();
  }
}
