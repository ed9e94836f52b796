/**
 * Signed reports: made together with the journal record that they are about, kept until the server has acknowledged them,
 * sent in order. The counter rises with every report of the device, so none can be played again. A server that is away
 * delays reports and nothing else.
 */
import type { ReportState } from '@pawl/contract/device';
import { fromUtf8, utf8 } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import type { Signer } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, signStatement } from '@pawl/core/evidence';
import type { Clock } from './clock.ts';
import { AgentError } from './errors.ts';
import type { Emit } from './events.ts';
import type { HttpClient } from './http.ts';
import type { Journal } from './journal.ts';
import type { Release, SlotName, UnsentReport } from './state.ts';

export type ReportFields = {
  readonly assignmentId: string;
  readonly state: ReportState;
  readonly version: string;
  readonly release?: Release;
  /** The floor after the change; the present one when left out. */
  readonly floor?: string;
  readonly slot?: SlotName;
  readonly code?: string;
  readonly step?: number;
  /** For people; not part of the report. */
  readonly message?: string;
};

const ANSWER_BYTES_MAX = 16 * 1024;
const CODE_CHARS_MAX = 64;
/** Answers after which the same report may be taken later. */
const TRANSIENT: ReadonlySet<number> = new Set([401, 403, 408, 425, 429]);

export class Reporter {
  readonly #journal: Journal;
  readonly #signer: Signer;
  readonly #controllerId: string;
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #emit: Emit;
  #href: string;

  constructor(options: {
    readonly journal: Journal;
    readonly signer: Signer;
    readonly controllerId: string;
    readonly http: HttpClient;
    readonly clock: Clock;
    readonly emit: Emit;
    readonly tenant: string;
  }) {
    this.#journal = options.journal;
    this.#signer = options.signer;
    this.#controllerId = options.controllerId;
    this.#http = options.http;
    this.#clock = options.clock;
    this.#emit = options.emit;
    this.#href = `/${options.tenant}/pawl/v1/${encodeURIComponent(options.controllerId)}/report`;
  }

  /** Where reports go, as the last poll answer said. */
  useLink(href: string | undefined): void {
    if (href !== undefined) this.#href = href;
  }

  /** Signs the next report; it counts only once it stands in the journal. */
  async make(fields: ReportFields): Promise<UnsentReport> {
    const { state } = this.#journal;
    const counter = state.reportCounter + 1;
    const { release, code, step } = fields;
    const statement = newStatement({
      predicateType: 'urn:pawl:device-report:1',
      subject: [{ name: `device/${this.#controllerId}`, digest: { sha256: keyIdOf(this.#signer.publicKey) } }],
      predicate: {
        assignmentId: fields.assignmentId,
        counter,
        state: fields.state,
        version: fields.version,
        ...(code === undefined ? {} : { code: code.slice(0, CODE_CHARS_MAX) }),
        ...(step === undefined ? {} : { step }),
        ...(release === undefined
          ? {}
          : { sequenceNumber: release.sequenceNumber, securityCounter: release.securityCounter }),
        floor: fields.floor ?? state.floor,
        slot: fields.slot ?? state.activeSlot,
        journalHead: this.#journal.head,
        at: this.#clock.now().toISOString(),
      },
    });
    return { counter, body: fromUtf8(encodeEnvelope(await signStatement(statement, this.#signer))) };
  }

  /** Sends what is unsent, oldest first. @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED */
  async flush(signal?: AbortSignal): Promise<void> {
    for (const { counter, body } of this.#journal.state.unsent) {
      const { status } = await this.#http.request(
        {
          method: 'POST',
          url: this.#http.resolve(this.#href),
          headers: { 'content-type': 'application/vnd.dsse+json', accept: 'application/json' },
          body: utf8(body),
          ...(signal === undefined ? {} : { signal }),
        },
        ANSWER_BYTES_MAX,
      );
      if (status >= 500 || TRANSIENT.has(status))
        throw new AgentError('AGENT_SERVER_REFUSED', { status, at: 'report' });
      // 409 says that it came already, or after the end; any other 4xx would be said again and again.
      if (status >= 400 && status !== 409) {
        this.#emit({ event: 'note', code: 'AGENT_SERVER_REFUSED', message: `report ${counter}: status ${status}` });
      }
      await this.#journal.append({ kind: 'delivered', counter });
    }
  }

  /** Sends what can be sent now; what cannot stays for the next poll. */
  async tryFlush(signal?: AbortSignal): Promise<void> {
    try {
      await this.flush(signal);
    } catch (error) {
      if (!(error instanceof AgentError) || !error.code.startsWith('AGENT_SERVER_')) throw error;
      this.#emit({ event: 'note', code: error.code, message: error.message });
    }
  }
}
