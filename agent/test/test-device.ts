/** A device in a temporary folder, provisioned and enrolled with the real code; its clock stands still and never waits. */
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import { type AgentPorts, enrolAgent, provisionAgent, readAgentStatus, runAgent } from '@pawl/agent/main';
import type { AgentConfig } from '../src/config.ts';
import { nodeDisk } from '../src/disk.ts';
import type { AgentEvent } from '../src/events.ts';
import type { BootVerdict } from '../src/trial-boot.ts';
import type { DeviceApi } from './device-api.ts';
import { CLASS_INFO, LINE, NOW, type ReleaseRepository, VENDOR_DOMAIN } from './release-repository.ts';

export const OLD_IMAGE: Uint8Array = new Uint8Array(100_000).map((_, index) => (index * 7) % 251);

export class TestDevice {
  readonly dir: string;
  readonly events: AgentEvent[] = [];
  /** What the boot command says, in turn; healthy when nothing is left. */
  verdicts: BootVerdict[] = [];
  readonly booted: string[] = [];
  readonly abort = new AbortController();

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(
    repository: ReleaseRepository,
    api: DeviceApi,
    config: Partial<AgentConfig> = {},
  ): Promise<TestDevice> {
    const device = TestDevice.empty();
    const imagePath = join(device.dir, 'factory-image');
    writeFileSync(imagePath, OLD_IMAGE);
    await provisionAgent(
      {
        stateDir: device.stateDir,
        config: {
          server: api.url,
          line: LINE,
          vendorDomain: VENDOR_DOMAIN,
          classInfo: CLASS_INFO,
          boot: ['true'],
          ...config,
        },
        trustedRoot: repository.root,
        lineKey: repository.lineKey,
        image: { path: imagePath, version: '1.0.0', sequenceNumber: 1n, securityCounter: 1n },
      },
      device.ports(),
    );
    await enrolAgent({ stateDir: device.stateDir, claim: 'good claim' }, device.ports());
    return device;
  }

  static empty(): TestDevice {
    return new TestDevice(mkdtempSync(join(realpathSync(tmpdir()), 'pawl-agent-')));
  }

  /** The same device once more, as it is now. */
  copy(): TestDevice {
    const twin = TestDevice.empty();
    cpSync(this.stateDir, twin.stateDir, { recursive: true, verbatimSymlinks: true });
    return twin;
  }

  get stateDir(): string {
    return join(this.dir, 'state');
  }

  ports(overrides: Partial<AgentPorts> = {}): AgentPorts {
    return {
      clock: {
        now: () => NOW,
        sleep: async () => {
          await nextTick();
        },
        random: () => 0.5,
      },
      disk: nodeDisk,
      boot: async ({ slotPath }) => {
        this.booted.push(slotPath.slice(-1));
        return this.verdicts.shift() ?? 'healthy';
      },
      emit: (event) => this.events.push(event),
      signal: this.abort.signal,
      ...overrides,
    };
  }

  async run(rounds = 1, overrides: Partial<AgentPorts> = {}): Promise<void> {
    await runAgent({ stateDir: this.stateDir, rounds }, this.ports(overrides));
  }

  status(): ReturnType<typeof readAgentStatus> {
    return readAgentStatus(this.stateDir);
  }

  /** The bytes that boot now. */
  bootImage(): Uint8Array {
    return new Uint8Array(readFileSync(join(this.stateDir, 'current', 'image')));
  }

  states(): string[] {
    return this.events.flatMap((event) => (event.event === 'state' ? [event.state] : []));
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
