/** Stub. */
import type { AgentPorts } from './ports.ts';

export type RunOptions = {
  readonly stateDir: string;
  /** Overrides the interval of the configuration and of the server. */
  readonly pollIntervalS?: number;
};

export async function runAgent(options: RunOptions, ports: AgentPorts): Promise<void> {
  await ports.clock.sleep(options.pollIntervalS ?? 1, ports.signal);
}
