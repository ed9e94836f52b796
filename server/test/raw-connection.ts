/** One TCP connection to a server, written to byte for byte, and read as an embedded client reads it. For tests. */
import net from 'node:net';

export type RawReply = {
  readonly status: number;
  /** As they stand on the wire, in their order. */
  readonly headerLines: readonly string[];
  readonly body: Buffer;
};

const HEAD_END = '\r\n\r\n';
const TIMEOUT_MS = 20_000;

export class RawConnection {
  readonly #socket: net.Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #isEnded = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = net.connect(Number(port), hostname);
    this.#socket.setTimeout(TIMEOUT_MS, () => this.#socket.destroy(new Error('no answer')));
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    for (const event of ['end', 'error', 'close'] as const) {
      this.#socket.on(event, () => {
        this.#isEnded = true;
        this.#wake();
      });
    }
  }

  async #until<T>(read: () => T | undefined): Promise<T> {
    for (;;) {
      const value = read();
      if (value !== undefined) return value;
      if (this.#isEnded) throw new Error(`the connection ended after ${this.#received.length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends these bytes and reads one answer by its Content-Length, the only way that one client knows. */
  async exchange(bytes: string): Promise<RawReply> {
    this.#socket.write(bytes, 'latin1');
    const head = await this.#until(() => {
      const at = this.#received.indexOf(HEAD_END);
      return at < 0 ? undefined : this.#received.subarray(0, at).toString('latin1');
    });
    const [statusLine = '', ...headerLines] = head.split('\r\n');
    const length = headerLines.map((line) => /^content-length: *([0-9]+)$/i.exec(line)?.[1]).find(Boolean);
    const start = head.length + HEAD_END.length;
    const size = bytes.startsWith('HEAD ') ? 0 : Number(length ?? Number.NaN);
    if (Number.isNaN(size)) throw new Error(`no Content-Length in:\n${head}`);
    await this.#until(() => (this.#received.length >= start + size ? true : undefined));
    const body = Buffer.from(this.#received.subarray(start, start + size));
    this.#received = this.#received.subarray(start + size);
    return { status: Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(statusLine)?.[1] ?? 0), headerLines, body };
  }

  /** Whether an answer is under way that nobody asked for. */
  get left(): number {
    return this.#received.length;
  }

  close(): void {
    this.#socket.destroy();
  }
}
