/** Fetches the tiles of a ledger (C2SP tlog-tiles) over HTTP: bounded in size and time, whoever it is that answers. */
import { fromUtf8 } from '@pawl/core/bytes';
import type { ReadTile } from '@pawl/core/evidence';
import { CliError } from '../frame/errors.ts';

const TIMEOUT_MS = 30_000;
const CHECKPOINT_BYTES_MAX = 64 * 1024;
/** 256 entries of 64 KiB, each after its length. */
const TILE_BYTES_MAX = 256 * (65_535 + 2);

async function readBody(answer: Response, path: string, sizeBytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax)
      throw new CliError('CLI_LEDGER_UNREACHABLE', { path, expected: `at most ${sizeBytesMax} bytes` });
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

export class LedgerSite {
  readonly #prefix: string;
  readonly #token: string | undefined;

  /** @throws CliError CLI_USAGE */
  constructor(url: string, token?: string) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new CliError('CLI_USAGE', { url, expected: 'the address of a ledger, such as https://pawl.example/tlog' });
    }
    this.#prefix = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** Undefined when there is nothing at the address. */
  async #get(path: string, sizeBytesMax: number): Promise<Uint8Array | undefined> {
    const headers = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    try {
      // A redirect would carry what is believed to be there to somewhere else.
      const init = { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) } as const;
      const answer = await fetch(`${this.#prefix}/${path}`, init);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new CliError('CLI_LEDGER_UNREACHABLE', { path, status: answer.status });
      return await readBody(answer, path, sizeBytesMax);
    } catch (cause) {
      if (cause instanceof CliError) throw cause;
      throw new CliError('CLI_LEDGER_UNREACHABLE', { path, url: this.#prefix }, cause);
    }
  }

  /** The signed checkpoint as it stands there. @throws CliError CLI_LEDGER_UNREACHABLE */
  async checkpoint(): Promise<string> {
    const bytes = await this.#get('checkpoint', CHECKPOINT_BYTES_MAX);
    if (bytes === undefined) throw new CliError('CLI_LEDGER_UNREACHABLE', { path: 'checkpoint', url: this.#prefix });
    return fromUtf8(bytes);
  }

  readonly read: ReadTile = (path) => this.#get(path, TILE_BYTES_MAX);
}
