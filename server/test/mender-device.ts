/**
 * Debian's mender-client 3.4, unchanged, as a device in a folder. The client looks for its identity script, inventory scripts
 * and update modules below /usr/share/mender and its first artifact name in /etc/mender, so that it runs in a mount namespace
 * of its own, where these are folders of the device.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const UNSHARE = 'unshare';
const NAMESPACE = ['--user', '--map-root-user', '--mount'];
const TIMEOUT_MS = 90_000;
const LOOK_EVERY_MS = 50;
const LINES_SHOWN = 60;

/** Why tests with the client are skipped; with CI=true never. */
export function skipWithoutMender(): string | false {
  if (process.env['CI'] === 'true') return false;
  const tools = ['mender', 'mender-artifact', 'openssl'].filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (tools.length > 0) return `needs ${tools.join(', ')} (Debian packages mender-client, mender-artifact, openssl)`;
  return spawnSync(UNSHARE, [...NAMESPACE, 'true']).status === 0 ? false : 'needs user namespaces (unshare)';
}

/**
 * The update module under test: notes every state that it is called with, and fails in the one that stands in `fail-in`;
 * waits in ArtifactInstall while `hold` is there.
 */
const MODULE = (home: string): string => `#!/bin/sh
echo "$1" >> ${home}/states
case "$1" in
  NeedsArtifactReboot) echo No ;;
  SupportsRollback) echo Yes ;;
  ArtifactInstall)
    cp ${home}/installed ${home}/before 2>/dev/null
    cp "$2"/files/image.bin ${home}/installed
    while [ -e ${home}/hold ]; do sleep 0.05; done ;;
  ArtifactRollback)
    if [ -e ${home}/before ]; then cp ${home}/before ${home}/installed; else rm -f ${home}/installed; fi ;;
esac
if [ "$(cat ${home}/fail-in 2>/dev/null)" = "$1" ]; then echo "told to fail in $1" >&2; exit 1; fi
exit 0
`;

export type MenderSetup = {
  readonly serverUrl: string;
  readonly serial: string;
  readonly artifactKeyFile: string;
  readonly tenantToken?: string;
  readonly serverCertificate?: string;
};

export class MenderDevice {
  readonly #home: string;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;

  constructor(home: string, setup: MenderSetup) {
    this.#home = home;
    for (const folder of ['identity', 'inventory', 'modules/v3', 'data']) {
      mkdirSync(join(home, 'share', folder), { recursive: true });
    }
    const script = (path: string, text: string): void => writeFileSync(join(home, path), text, { mode: 0o755 });
    script('share/identity/mender-device-identity', `#!/bin/sh\necho serial=${setup.serial}\necho board=gw\n`);
    script('share/inventory/mender-inventory-test', '#!/bin/sh\necho kernel=6.1\necho ip=10.0.0.1\necho ip=10.0.0.2\n');
    script('share/modules/v3/pawl-test', MODULE(home));
    mkdirSync(join(home, 'etc'));
    writeFileSync(join(home, 'etc', 'artifact_info'), 'artifact_name=release-1\n');
    writeFileSync(join(home, 'device_type'), 'device_type=gw-1\n');
    writeFileSync(join(home, 'mender.conf'), JSON.stringify(this.#config(setup)));
  }

  #config(setup: MenderSetup): object {
    return {
      ServerURL: setup.serverUrl,
      ArtifactVerifyKey: setup.artifactKeyFile,
      DeviceTypeFile: join(this.#home, 'device_type'),
      UpdateLogPath: this.#home,
      UpdatePollIntervalSeconds: 1,
      InventoryPollIntervalSeconds: 1,
      RetryPollIntervalSeconds: 1,
      DBus: { Enabled: false },
      ...(setup.tenantToken === undefined ? {} : { TenantToken: setup.tenantToken }),
      ...(setup.serverCertificate === undefined ? {} : { ServerCertificate: setup.serverCertificate }),
    };
  }

  /** Gives the client a key, which it would make otherwise (RSA, slowly); returns the public half. */
  makeKey(kind: 'rsa' | 'ec' | 'ed25519'): string {
    const file = join(this.#home, 'share', 'data', 'mender-agent.pem');
    const more = kind === 'ec' ? ['-pkeyopt', 'ec_paramgen_curve:P-256'] : [];
    execFileSync('openssl', ['genpkey', '-algorithm', kind, ...more, '-out', file], { stdio: 'ignore' });
    return execFileSync('openssl', ['pkey', '-in', file, '-pubout'], { encoding: 'utf8' });
  }

  start(): void {
    const home = this.#home;
    const mounts = `mount --bind ${home}/share /usr/share/mender && mount --bind ${home}/etc /etc/mender`;
    const client = `${mounts} && exec mender --no-syslog -l debug --config ${home}/mender.conf --fallback-config ${home}/none --data ${home}/share/data daemon`;
    this.#child = spawn(UNSHARE, [...NAMESPACE, 'sh', '-c', client], {
      cwd: home,
      env: { PATH: process.env['PATH'], TMPDIR: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#lines.push(line));
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  /** The end of what the client wrote, for messages of failed tests. */
  tail(): string {
    return this.#lines.slice(-LINES_SHOWN).join('\n');
  }

  /** Every line so far. */
  text(): string {
    return this.#lines.join('\n');
  }

  tell(file: string, text: string): void {
    writeFileSync(join(this.#home, file), text);
  }

  path(file: string): string {
    return join(this.#home, file);
  }

  /** The states that the update module was called with. */
  states(): string[] {
    const file = join(this.#home, 'states');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** Waits until a condition holds; fails with what the client said. */
  async until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`never: ${what}\n${this.tail()}`);
      await wait(LOOK_EVERY_MS);
    }
  }
}
