/** Debian's SWUpdate, unchanged, in hawkBit mode, with what it writes. For tests. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const SWUPDATE = 'swupdate';
const TOOLS = [SWUPDATE, 'openssl', 'cpio'];
const TIMEOUT_MS = 60_000;
const LINES_SHOWN = 40;

/** Why tests with the client are skipped; with CI=true never: there a missing tool must fail them. */
export function skipWithoutSwupdate(): string | false {
  const missing = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0);
  const isSkipped = missing.length > 0 && process.env['CI'] !== 'true';
  return isSkipped ? `needs ${missing.join(', ')} (Debian packages swupdate, openssl, cpio)` : false;
}

export class SwupdateClient {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, () => void>();

  /** `suricatta` are the words of -u; with `configFile` it is -f that says where the server is. */
  constructor(folder: string, certificateFile: string, suricatta: string, more: { readonly configFile?: string } = {}) {
    const config = more.configFile === undefined ? [] : ['-f', more.configFile];
    const words = [...config, '-v', '-H', 'board:1.0', '-k', certificateFile, '-u', suricatta];
    this.#child = spawn(SWUPDATE, words, {
      cwd: folder,
      // Its sockets and its unpacked description go here, not to the machine's /tmp.
      env: { PATH: process.env['PATH'], TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
  }

  #take(line: string): void {
    this.lines.push(line);
    for (const [text, resolve] of this.#waiting) if (line.includes(text)) resolve();
  }

  tail(): string {
    return this.lines.slice(-LINES_SHOWN).join('\n');
  }

  /** Resolves when it says this text. */
  seen(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`swupdate never said "${text}":\n${this.tail()}`));
      const timer = setTimeout(fail, TIMEOUT_MS);
      this.#child.once('exit', fail);
      this.#waiting.set(text, () => {
        clearTimeout(timer);
        this.#child.off('exit', fail);
        resolve();
      });
      if (this.lines.some((line) => line.includes(text))) this.#waiting.get(text)?.();
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await gone;
  }
}
