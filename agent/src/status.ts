/** What a device is, read from its disk alone: works while the agent runs, and after it was killed. */
import { loadConfig } from './config.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { readJournal } from './journal.ts';
import { DirectorySlots } from './slots/directory.ts';
import type { Finished, Pending, Release, SlotName, SlotState } from './state.ts';
import { stateFolder } from './state-folder.ts';

export type AgentStatus = {
  /** Of the image that boots now. */
  readonly version: string;
  readonly sequenceNumber: string;
  readonly securityCounter: string;
  readonly floor: string;
  readonly activeSlot: SlotName;
  /** Where `current` points to; another one than `activeSlot` during a trial. */
  readonly bootSlot: SlotName | undefined;
  readonly slots: Readonly<Record<SlotName, SlotState>>;
  readonly pending: Pending | undefined;
  readonly lastFinished: Finished | undefined;
  readonly unsentReports: number;
  readonly journalRecords: number;
  readonly journalHead: string;
  readonly server: string;
  readonly line: string;
  readonly controllerId: string | undefined;
};

/**
 * Reads what a device is.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_CONFIG_INVALID, AGENT_JOURNAL_CORRUPT
 */
export async function readAgentStatus(stateDir: string, disk: Disk = nodeDisk): Promise<AgentStatus> {
  const folder = stateFolder(stateDir);
  const config = await loadConfig(disk, folder.config);
  const { state, head, records } = await readJournal(disk, folder.journal);
  const bootSlot = await new DirectorySlots(disk, folder.dir).current();
  const { pending, installed } = state;
  const running: Release = pending !== undefined && bootSlot === pending.slot ? pending.release : installed;
  return {
    version: running.version,
    sequenceNumber: running.sequenceNumber,
    securityCounter: running.securityCounter,
    floor: state.floor,
    activeSlot: state.activeSlot,
    bootSlot,
    slots: state.slots,
    pending,
    lastFinished: state.finished.at(-1),
    unsentReports: state.unsent.length,
    journalRecords: records,
    journalHead: head,
    server: config.server,
    line: config.line,
    controllerId: config.controllerId,
  };
}
