/** The life of the agent: lock, recovery, and rounds with the server until it is told to stop. */
import { isCodedError } from '@pawl/core/bytes';
import { BackOff, jitteredMs } from './back-off.ts';
import { loadConfig } from './config.ts';
import type { Device } from './device.ts';
import { AgentError } from './errors.ts';
import { HttpClient } from './http.ts';
import { loadDeviceKey, loadLineKey } from './identity.ts';
import { awaitAdmission } from './introduce.ts';
import { Journal } from './journal.ts';
import { takeLock } from './lock.ts';
import { pollOnce } from './poll.ts';
import type { AgentPorts } from './ports.ts';
import { Reporter } from './report.ts';
import { DirectorySlots } from './slots/directory.ts';
import { stateFolder } from './state-folder.ts';
import { loadTlsMaterial } from './tls-material.ts';
import { recover } from './trial.ts';

export type RunOptions = {
  readonly stateDir: string;
  /** Overrides the interval of the configuration and of the server. */
  readonly pollIntervalS?: number;
  /** Ends after so many rounds; without it, when the signal fires. */
  readonly rounds?: number;
};

const BACK_OFF = { firstMs: 1000, maxMs: 300_000 } as const;

/** Errors of one round that the next may not have. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'AGENT_SERVER_UNREACHABLE',
  'AGENT_SERVER_REFUSED',
  'AGENT_ANSWER_MALFORMED',
  'AGENT_LINK_FOREIGN',
]);

/** A device that introduced itself asks until it is in, or told to stop. */
async function isIn(options: RunOptions, ports: AgentPorts): Promise<boolean> {
  const { controllerId, introduction } = await loadConfig(ports.disk, stateFolder(options.stateDir).config);
  if (controllerId !== undefined || introduction === undefined) return true;
  await awaitAdmission(options, ports);
  return !ports.signal.aborted;
}

async function openDevice(options: RunOptions, ports: AgentPorts, journal: Journal): Promise<Device> {
  const { disk, clock, emit } = ports;
  const folder = stateFolder(options.stateDir);
  const config = await loadConfig(disk, folder.config);
  const { controllerId, token, tenant } = config;
  if (controllerId === undefined || token === undefined) throw new AgentError('AGENT_NOT_ENROLLED');
  const deviceKey = await loadDeviceKey(disk, folder.deviceKey);
  const lineKey = await loadLineKey(disk, folder.lineKey);
  const tls = await loadTlsMaterial(config, { disk, now: clock.now(), deviceKey });
  const http = new HttpClient({ origin: config.server, token, ...(tls === undefined ? {} : { tls }) });
  const reporter = new Reporter({ journal, signer: deviceKey, controllerId, http, clock, emit, tenant });
  const slots = new DirectorySlots(disk, folder.dir);
  return { config, folder, ports, journal, slots, http, reporter, lineKey, signer: deviceKey };
}

async function runRounds(device: Device, options: RunOptions): Promise<void> {
  const { ports, config } = device;
  const { clock, signal, emit } = ports;
  const backOff = new BackOff(BACK_OFF, clock.random);
  const intervalS = options.pollIntervalS ?? config.pollIntervalS;
  for (let round = 0; !signal.aborted && round < (options.rounds ?? Number.POSITIVE_INFINITY); round += 1) {
    let nextInMs: number;
    try {
      const { askedMs, waitingFor } = await pollOnce(device);
      nextInMs = jitteredMs(intervalS === undefined ? askedMs : intervalS * 1000, clock.random);
      if (waitingFor === undefined) {
        backOff.reset();
        emit({ event: 'polled', nextInMs });
      } else {
        // Never sooner than the server asked for, and later each time.
        nextInMs += backOff.nextMs();
        emit({ event: 'waiting', code: waitingFor.code, message: waitingFor.message, nextInMs });
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isCodedError(error) || !TRANSIENT.has(error.code)) throw error;
      nextInMs = backOff.nextMs();
      emit({ event: 'unreachable', code: error.code, message: error.message, nextInMs });
    }
    await clock.sleep(nextInMs, signal);
  }
}

/**
 * Runs the agent until the signal fires.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_LOCKED, AGENT_STATE_READ_ONLY, AGENT_JOURNAL_CORRUPT,
 *   AGENT_CONFIG_INVALID, AGENT_IDENTITY_INVALID, AGENT_NOT_ENROLLED, AGENT_ENROLMENT_REFUSED, AGENT_DISK_FULL
 */
export async function runAgent(options: RunOptions, ports: AgentPorts): Promise<void> {
  const folder = stateFolder(options.stateDir);
  // Before the lock, which would make its file in a folder that is no state folder.
  await loadConfig(ports.disk, folder.config);
  const lock = takeLock(folder.lock);
  try {
    const journal = await Journal.open(ports.disk, folder.journal);
    try {
      if (!(await isIn(options, ports))) return;
      const device = await openDevice(options, ports, journal);
      try {
        const { installed, activeSlot, floor } = journal.state;
        ports.emit({ event: 'started', version: installed.version, slot: activeSlot, floor });
        await recover(device);
        await runRounds(device, options);
      } finally {
        device.http.close();
      }
    } finally {
      await journal.close();
    }
  } finally {
    lock.release();
  }
  ports.emit({ event: 'stopped' });
}
