/**
 * A stage for benchmarks, soaks and tests: a workspace, a server process and its operator, all in one folder, made with the
 * commands that people use. What is measured or killed is a process of its own.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagementClient } from '@pawl/contract/client';
import { newRandomSecret } from '@pawl/core/keys';
import { end, runPawl, type Started, startPawl } from './processes.ts';

const LINE = 'fleet';

export class Stage {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;

  private constructor(dir: string, inherited: NodeJS.ProcessEnv) {
    this.dir = dir;
    this.env = { ...inherited, PAWL_PASSPHRASE_FILE: join(dir, 'passphrase'), PAWL_WORKSPACE: join(dir, 'workspace') };
  }

  /** An empty stage; `env` is what the processes inherit. */
  static make(env: NodeJS.ProcessEnv): Stage {
    const stage = new Stage(mkdtempSync(join(tmpdir(), 'pawl-stage-')), env);
    writeFileSync(join(stage.dir, 'passphrase'), newRandomSecret(), { mode: 0o600 });
    return stage;
  }

  pawl(...words: readonly string[]): Promise<string> {
    return runPawl(words, this.env);
  }

  /** Starts a server process; `claimLink` when it has no operator yet. */
  async serve(...options: readonly string[]): Promise<Started & { readonly url: string; readonly claimLink?: string }> {
    const data = join(this.dir, 'data');
    mkdirSync(data, { recursive: true });
    const started = await startPawl(['serve', '--data', data, '--port', '0', '--json', ...options], this.env);
    return { ...started, ...(JSON.parse(started.firstLine) as { url: string; claimLink?: string }) };
  }

  /** Makes a workspace of one product line, with the first operator of a server and its trust. */
  async init(claimLink: string): Promise<ManagementClient> {
    const identity = ['--line', LINE, '--vendor-domain', 'lab.example', '--class-info', '1'];
    await this.pawl('init', join(this.dir, 'workspace'), ...identity, '--server', claimLink);
    return this.client(new URL(claimLink).origin);
  }

  /** Of the operator. */
  token(): string {
    return readFileSync(join(this.dir, 'workspace', 'token'), 'utf8').trim();
  }

  client(url: string): ManagementClient {
    return new ManagementClient({ url, token: this.token() });
  }

  /** Seals and publishes a release of one image; its id. */
  async publish(client: ManagementClient, version: string, image: Uint8Array): Promise<number> {
    const sequence = version.replaceAll('.', '');
    writeFileSync(join(this.dir, 'image.bin'), image);
    await this.pawl(
      'seal',
      join(this.dir, 'image.bin'),
      '--version',
      version,
      '--sequence',
      sequence,
      '--counter',
      '1',
    );
    await this.pawl('publish', join(this.dir, 'workspace', 'releases', LINE, version));
    const { items } = await client.call('listReleases', { query: { line: LINE } });
    const release = items.find((item) => item.version === version);
    if (release === undefined) throw new Error(`release ${version} was not published`);
    return release.id;
  }

  /** Makes and starts a rollout; its id. */
  async rollOut(client: ManagementClient, releaseId: number, filter: string): Promise<number> {
    const body = { name: 'fleet', releaseId, filter, successKind: 'reported' as const };
    const { id } = await client.call('createRollout', { body });
    await client.call('changeRollout', { params: { id, verb: 'start' }, body: {} });
    return id;
  }

  async end(...servers: readonly Started[]): Promise<void> {
    await Promise.all(servers.map(end));
    rmSync(this.dir, { recursive: true, force: true });
  }
}
