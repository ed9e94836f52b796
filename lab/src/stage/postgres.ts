/**
 * A PostgreSQL cluster of its own for benchmarks and soaks: in a temporary folder, on a unix socket, with fsync on and
 * everything else as it comes. PostgreSQL does not run as root; for root it runs as the user `postgres` of Debian's package.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DEBIAN = '/usr/lib/postgresql';
const USER = 'pawl';
const START_MS = 30_000;

function toolPath(name: string): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(DEBIAN, version, 'bin', name)).find((path) => existsSync(path));
}

/** Whether Debian's PostgreSQL is installed. */
export function hasPostgres(): boolean {
  return toolPath('postgres') !== undefined && toolPath('initdb') !== undefined && toolPath('psql') !== undefined;
}

type Owner = { readonly uid?: number; readonly gid?: number };

function owner(): Owner {
  if (process.getuid?.() !== 0) return {};
  const idOf = (word: string): number => Number(execFileSync('id', [word, 'postgres'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** Runs SQL with psql; the rows as text, columns between `|`. */
export function psql(url: string, sql: string): string {
  const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', sql];
  return execFileSync(toolPath('psql') ?? 'psql', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

export class Postgres {
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    process.once('exit', () => this.#child?.kill('SIGINT'));
  }

  static async start(): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), 'pawl-pg-'));
    const as = owner();
    if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
    const cluster = ['-D', `${folder}/data`, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'];
    execFileSync(toolPath('initdb') ?? 'initdb', cluster, { cwd: folder, stdio: 'ignore', ...as });
    const postgres = new Postgres(folder);
    await postgres.resume();
    psql(postgres.#address('postgres'), 'CREATE DATABASE pawl');
    return postgres;
  }

  /** Starts it (again); resolves when it answers. */
  async resume(): Promise<void> {
    const folder = this.#folder;
    const options = ['-D', `${folder}/data`, '-k', folder, '-c', 'listen_addresses=', '-c', 'max_connections=200'];
    this.#child = spawn(toolPath('postgres') ?? 'postgres', options, { cwd: folder, stdio: 'ignore', ...owner() });
    await this.#untilUp();
  }

  /** Ends it at once, as a crash would. */
  async halt(signal: 'SIGQUIT' | 'SIGINT' = 'SIGQUIT'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async #untilUp(): Promise<void> {
    for (let waited = 0; waited < START_MS; waited += 50) {
      try {
        psql(this.#address('postgres'), 'SELECT 1');
        return;
      } catch {
        await sleep(50);
      }
    }
    throw new Error('PostgreSQL did not start');
  }

  #address(database: string): string {
    return `postgres://${USER}@localhost/${database}?host=${encodeURIComponent(this.#folder)}`;
  }

  get url(): string {
    return this.#address('pawl');
  }

  async end(): Promise<void> {
    await this.halt('SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
