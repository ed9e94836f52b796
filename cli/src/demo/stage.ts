/**
 * Builds what the acts play on: keys and trust, sealed releases (good and bad), the server, the relay, four provisioned and
 * enrolled devices. Everything lies under one folder and is made by the commands that a user would type.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBase64 } from '@pawl/core/bytes';
import { newRandomSecret } from '@pawl/core/keys';
import { encodeEnvelope, parseEnvelope } from '@pawl/core/suit';
import type { Io } from '../frame/command.ts';
import type { CommandTable } from '../frame/parse.ts';
import { connect } from '../workspace/connection.ts';
import { readInput, writeOutput } from '../workspace/files.ts';
import { openSigningKey } from '../workspace/keyring.ts';
import {
  ENVELOPE_FILE,
  loadReleaseDescription,
  loadReleaseFolder,
  measureFile,
  saveReleaseDescription,
} from '../workspace/release-folder.ts';
import { listRelease } from '../workspace/trust-store.ts';
import { loadWorkspace } from '../workspace/workspace.ts';
import { type Child, type ChildEvent, Children } from './children.ts';
import { DemoError } from './errors.ts';
import {
  assembleImages,
  CLASS_INFO,
  CUT,
  type DemoRelease,
  FACTORY,
  imagePath,
  LINE,
  NEW,
  OLDER,
  UNKNOWN_KEY,
  UNSIGNED,
  VENDOR_DOMAIN,
} from './firmware.ts';
import { Hub } from './hub.ts';
import { Operator } from './operator.ts';
import type { DemoView } from './view.ts';

const START_LIMIT_MS = 15_000;
const POLL_S = '1';
const HUBS = ['hub-1', 'hub-2', 'hub-3', 'hub-4'] as const;
/** The one behind the relay; the others are the first wave. */
const RELAYED: (typeof HUBS)[number] = 'hub-4';
const MODEL = 'prime-hub-f4';

export type StageOptions = {
  readonly dir: string;
  /** The repository: scripts of the CLI, of the example hub and of the relay. */
  readonly repositoryDir: string;
  readonly table: CommandTable;
  readonly io: Io;
  readonly view: DemoView;
};

export class Stage {
  readonly dir: string;
  readonly view: DemoView;
  readonly operator: Operator;
  readonly children: Children;
  readonly #options: StageOptions;
  readonly #hubs = new Map<string, Hub>();
  #relay: Child | undefined;
  serverUrl = '';

  constructor(options: StageOptions) {
    this.#options = options;
    this.dir = options.dir;
    this.view = options.view;
    const env = { ...options.io.env, PAWL_PASSPHRASE_FILE: join(this.dir, 'passphrase'), PAWL_WORKSPACE: this.dir };
    this.operator = new Operator(options.table, {
      io: options.io,
      cwd: this.dir,
      env,
      onCommand: (words) => this.view.command(words),
    });
    this.children = new Children({ cwd: this.dir, env, onEvent: (child, event) => this.#show(child, event) });
  }

  get mainScript(): string {
    return join(this.#options.repositoryDir, 'cli/bin/pawl.js');
  }

  #show(child: Child, event: ChildEvent): void {
    if (!child.name.startsWith('hub-') || event['event'] !== 'state') return;
    const words = [event['version'], event['code']].filter((word) => typeof word === 'string');
    this.view.device(child.name, String(event['state']), words.join('  '));
  }

  device(name: string): Hub {
    const hub = this.#hubs.get(name);
    if (hub === undefined) throw new TypeError(`the demo has no ${name}`);
    return hub;
  }

  releaseDir({ version }: DemoRelease): string {
    return join(this.dir, 'releases', LINE, version);
  }

  /** Tells the relay how to behave from now on, and waits until it says that it does. */
  async setRelay(setting: object): Promise<void> {
    const relay = this.#relay;
    if (relay === undefined) throw new TypeError('the relay was never started');
    const since = relay.events.length;
    relay.send(JSON.stringify(setting));
    await relay.waitFor('its setting', ({ event }) => event === 'set' || event === 'error', START_LIMIT_MS, since);
  }

  async build(): Promise<void> {
    this.view.heading('Setting up: keys, releases, a server, four devices');
    // No default secret: the passphrase of this demo is made now, and stays in its folder.
    await writeFile(join(this.dir, 'passphrase'), `${newRandomSecret()}\n`, { mode: 0o600 });
    await mkdir(join(this.dir, 'firmware'));
    const assemble = join(this.#options.repositoryDir, 'examples/hub/assemble.ts');
    const [link] = await Promise.all([this.#startServer(), assembleImages(this.dir, assemble)]);
    await this.#makeWorkspace(link);
    await this.#sealReleases();
    await this.#startRelay();
    for (const name of HUBS) await this.#makeHub(name);
  }

  /** The server keeps its port over a restart, because devices know it. */
  async #startServer(): Promise<string> {
    const words = ['serve', '--data', join(this.dir, 'server'), '--port', '0', '--poll', POLL_S, '--json'];
    this.view.command(words);
    const server = this.children.start('server', this.mainScript, words);
    const { url, claimLink } = await server.waitFor(
      'its address',
      ({ event }) => event === 'listening',
      START_LIMIT_MS,
    );
    if (typeof url !== 'string' || typeof claimLink !== 'string') {
      throw new DemoError('DEMO_EVENT_MISSING', { process: 'server', what: 'its address and claim link' });
    }
    this.serverUrl = url;
    return claimLink;
  }

  async #makeWorkspace(link: string): Promise<void> {
    const identity = ['--line', LINE, '--vendor-domain', VENDOR_DOMAIN, '--class-info', CLASS_INFO];
    this.view.command(['init', ...identity, '--server', 'LINK']);
    await this.operator.runQuietly('init', ...identity, '--server', link);
  }

  async #seal({ version, sequence, counter, image }: DemoRelease, ...more: readonly string[]): Promise<void> {
    const numbers = ['--version', version, '--sequence', String(sequence), '--counter', String(counter)];
    await this.operator.run('seal', imagePath(this.dir, image), ...numbers, ...more);
  }

  async #sealReleases(): Promise<void> {
    for (const release of [NEW, OLDER, CUT]) {
      await this.#seal(release);
      await this.operator.run('publish', this.releaseDir(release));
    }
    await this.operator.run('key', 'new', 'stranger', '--role', 'image');
    await this.#seal(UNKNOWN_KEY, '--key', 'stranger');
    await this.#seal(UNSIGNED);
    await this.#removeSignature(this.releaseDir(UNSIGNED));
    await this.#listDeceived([UNKNOWN_KEY, UNSIGNED]);
  }

  async #removeSignature(dir: string): Promise<void> {
    const path = join(dir, ENVELOPE_FILE);
    await writeOutput(path, encodeEnvelope({ ...parseEnvelope(await readInput(path)), blocks: [] }));
    const release = await loadReleaseDescription(dir);
    const facts = await measureFile(path);
    const artifacts = release.artifacts.map((item) => (item.role === 'envelope' ? { ...item, ...facts } : item));
    await saveReleaseDescription(dir, { ...release, artifacts });
  }

  /**
   * The release signer is deceived: it lists two releases that the image key never signed. `pawl publish` refuses that,
   * so it is done by hand here. From now on only the image keys stand between these and a device.
   */
  async #listDeceived(releases: readonly DemoRelease[]): Promise<void> {
    const { io } = this.#options;
    const workspace = await loadWorkspace({ ...io, cwd: this.dir }, this.dir);
    const passphrase = new TextDecoder().decode(await readInput(join(this.dir, 'passphrase'))).trim();
    const signer = await openSigningKey(workspace, 'release', passphrase);
    let bytes: Uint8Array | undefined;
    for (const release of releases) {
      const folder = await loadReleaseFolder(this.releaseDir(release));
      ({ bytes } = await listRelease(this.dir, folder.release, { signer, now: io.now() }));
    }
    if (bytes === undefined) return;
    await (await connect(workspace)).call('putTrust', { body: { lines: { [LINE]: toBase64(bytes) } } });
    this.view.say(`a deceived release signer also lists ${releases.map(({ version }) => version).join(' and ')}`);
  }

  async #startRelay(): Promise<void> {
    const script = join(this.#options.repositoryDir, 'lab/src/relay/main.ts');
    this.#relay = this.children.start('relay', script, [this.serverUrl]);
    await this.#relay.waitFor('its address', ({ event }) => event === 'listening', START_LIMIT_MS);
  }

  async #makeHub(name: string): Promise<void> {
    const { operator } = this;
    const tags = name === RELAYED ? [] : ['--tag', 'first-wave'];
    const { claim } = await operator.run('device', 'claim', name, '--model', MODEL, ...tags);
    const stateDir = join(this.dir, 'devices', name);
    const boot = ['--boot', process.execPath, '--boot', join(this.#options.repositoryDir, 'examples/hub/boot.ts')];
    const factory = [
      '--version',
      FACTORY.version,
      '--sequence',
      String(FACTORY.sequence),
      '--counter',
      String(FACTORY.counter),
    ];
    const image = ['--image', imagePath(this.dir, FACTORY.image)];
    const url = name === RELAYED ? String(this.#relay?.events[0]?.['url']) : this.serverUrl;
    const words = ['agent', 'provision', '--state', stateDir, '--server', url, ...image, ...factory, ...boot];
    await operator.runQuietly(...words);
    await operator.runQuietly('agent', 'enrol', '--state', stateDir, '--claim', String(claim));
    const hub = new Hub({ name, stateDir, children: this.children, operator, mainScript: this.mainScript });
    this.#hubs.set(name, hub);
    await hub.start();
  }
}
