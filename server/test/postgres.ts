/**
 * A real PostgreSQL for tests: a cluster of its own in a temporary folder, on a unix socket, with fsync on. PostgreSQL does
 * not run as root, so that for root it runs as the user `postgres` that its Debian package makes.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const DEBIAN = '/usr/lib/postgresql';

function toolPath(name: string): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(DEBIAN, version, 'bin', name)).find((path) => existsSync(path));
  if (found !== undefined) return found;
  return spawnSync(name, ['--version']).error === undefined ? name : undefined;
}

/** Why tests that need PostgreSQL are skipped; with CI=true never. */
export function skipWithoutPostgres(): string | false {
  const isMissing = toolPath('postgres') === undefined || toolPath('initdb') === undefined;
  return isMissing && process.env['CI'] !== 'true' ? 'not installed: postgresql' : false;
}

/**
 * Where the test server of a folder has its database: in the folder, or with PAWL_TEST_POSTGRES (the address of a cluster) in
 * a database of its own there. So every suite runs over either.
 */
export async function databaseOf(
  folder: string,
  cluster: string | undefined = process.env['PAWL_TEST_POSTGRES'],
): Promise<{ readonly database?: { readonly url: string; readonly connections: number } }> {
  if (cluster === undefined) return {};
  const name = basename(folder)
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .toLowerCase();
  const client = new pg.Client(cluster);
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [`d${name}`]);
    if (rowCount === 0) await client.query(`CREATE DATABASE d${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(cluster);
  url.pathname = `/d${name}`;
  return { database: { url: url.href, connections: 4 } };
}

function idOf(word: '-u' | '-g'): number {
  return Number(execFileSync('id', [word, 'postgres'], { encoding: 'utf8' }));
}

/** Whose the cluster is: ours, or for root that of the user that Debian's package makes. */
function owner(): { readonly uid: number; readonly gid: number } | Record<string, never> {
  return process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
}

export class PostgresCluster {
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<PostgresCluster> {
    const cluster = new PostgresCluster(await mkdtemp(join(tmpdir(), 'pawl-pg-')));
    const folder = cluster.#folder;
    const { uid, gid } = owner();
    if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
    const options = [
      '-D',
      `${folder}/data`,
      '-U',
      'pawl',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
    ];
    execFileSync(toolPath('initdb') ?? 'initdb', options, { cwd: folder, stdio: 'ignore', ...owner() });
    await cluster.resume();
    return cluster;
  }

  /** Starts it (again); resolves when it answers. */
  async resume(): Promise<void> {
    const folder = this.#folder;
    const options = ['-D', `${folder}/data`, '-k', folder, '-c', 'listen_addresses=', '-c', 'max_connections=100'];
    this.#child = spawn(toolPath('postgres') ?? 'postgres', options, { cwd: folder, stdio: 'ignore', ...owner() });
    while (!(await this.#isUp())) await delay(20);
  }

  async #isUp(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error(`postgres ended with ${this.#child?.exitCode}`);
    const client = new pg.Client(this.url('postgres'));
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  url(database: string): string {
    return `postgres://pawl@localhost/${database}?host=${encodeURIComponent(this.#folder)}`;
  }

  /** Runs SQL beside the servers, as an operator would. */
  async query<T extends pg.QueryResultRow>(database: string, text: string): Promise<T[]> {
    const client = new pg.Client(this.url(database));
    await client.connect();
    try {
      return (await client.query<T>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** A new empty database; returns its address. */
  async create(name = `d${randomUUID().replaceAll('-', '')}`): Promise<string> {
    await this.query('postgres', `CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Ends it at once, as a crash would; what was committed is on the disk. */
  async halt(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGQUIT');
    await ended;
  }

  async close(): Promise<void> {
    await this.halt();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
