/** One running device: everything that the steps of an installation work with. */
import { isCodedError } from '@pawl/core/bytes';
import type { AgreementKey, Signer } from '@pawl/core/crypto';
import type { AgentConfig } from './config.ts';
import type { HttpClient } from './http.ts';
import type { Journal } from './journal.ts';
import type { AgentPorts } from './ports.ts';
import type { Reporter, ReportFields } from './report.ts';
import type { Slots } from './slots/slots.ts';
import type { JournalRecord } from './state.ts';
import type { StateFolder } from './state-folder.ts';

export type Device = {
  readonly config: AgentConfig;
  readonly folder: StateFolder;
  readonly ports: AgentPorts;
  readonly journal: Journal;
  readonly slots: Slots;
  readonly http: HttpClient;
  readonly reporter: Reporter;
  readonly lineKey: AgreementKey;
  /** Signs with the key that the device enrolled. */
  readonly signer: Signer;
};

/** Writes a change and the signed report about it as one record, and says it on standard output. */
export async function record(device: Device, change: JournalRecord, fields: ReportFields): Promise<void> {
  const report = await device.reporter.make(fields);
  await device.journal.append({ ...change, report });
  const { assignmentId, state, version, code, step, message } = fields;
  device.ports.emit({
    event: 'state',
    state,
    assignmentId,
    version,
    ...(code === undefined ? {} : { code }),
    ...(step === undefined ? {} : { step }),
    ...(message === undefined ? {} : { message }),
  });
}

/** The six steps (DESIGN, What the agent does with an offer). */
export type Step = 1 | 2 | 3 | 4 | 5 | 6;

/** An offer that ends here: which step refused it, and why. `failed` is the device's own trouble, not the offer's. */
export class Refusal extends Error {
  readonly step: Step;
  readonly code: string;
  readonly state: 'refused' | 'failed';

  constructor(step: Step, cause: { readonly code: string; readonly message: string }) {
    super(cause.message, { cause });
    this.name = 'Refusal';
    this.step = step;
    this.code = cause.code;
    this.state = cause.code === 'AGENT_DISK_FULL' ? 'failed' : 'refused';
  }
}

export const TRUST_EXPIRED = 'TRUST_EXPIRED';

/** Nothing is known of the offer yet, or nothing can be written: tried again later, or the agent stops. */
const NO_REFUSAL: ReadonlySet<string> = new Set([
  'AGENT_SERVER_UNREACHABLE',
  'AGENT_SERVER_REFUSED',
  'AGENT_ANSWER_MALFORMED',
  'AGENT_STATE_READ_ONLY',
  'AGENT_JOURNAL_CORRUPT',
  'AGENT_IDENTITY_INVALID',
  // No verdict on the release: newer metadata heals it, and the same assignment goes on (DESIGN, step 1).
  TRUST_EXPIRED,
]);

/** Runs a part of a step: a coded error becomes a refusal with the number of the step. */
export async function atStep<T>(step: Step, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isCodedError(error) || NO_REFUSAL.has(error.code)) throw error;
    throw new Refusal(step, error);
  }
}
