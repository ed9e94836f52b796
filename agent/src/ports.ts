/** What the agent needs of the machine that it runs on. Tests give their own. */
import { type Clock, systemClock } from './clock.ts';
import { type Disk, nodeDisk } from './disk.ts';
import type { Emit } from './events.ts';
import { type Notify, runNoticeCommand } from './notice.ts';
import { type Boot, runBootCommand } from './trial-boot.ts';

export type AgentPorts = {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly boot: Boot;
  readonly emit: Emit;
  /** Ends the agent cleanly. */
  readonly signal: AbortSignal;
  /** Tells the user what an update is; when left out, nobody is told. */
  readonly notify?: Notify;
  /** Whether there is power enough to begin an installation now; when not, the offer waits. */
  readonly isPowerSufficient?: () => Promise<boolean>;
};

/** The real machine. */
export function systemPorts(own: { readonly emit: Emit; readonly signal: AbortSignal }): AgentPorts {
  return { clock: systemClock, disk: nodeDisk, boot: runBootCommand, notify: runNoticeCommand, ...own };
}
