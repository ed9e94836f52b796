/**
 * Asks witnesses to cosign the ledger (C2SP tlog-witness v1.0.0). No act waits for them: a job asks when the ledger has grown,
 * each witness by itself, with longer pauses for one that fails. Who exports the ledger waits for those that are asked at that
 * moment, for a few seconds at most. Nothing is held in a transaction while a witness is waited for. Several processes may ask
 * the same witness: it takes the checkpoints in their order and tells who is behind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerWitness } from '@pawl/contract/management';
import { isCodedError } from '@pawl/core/bytes';
import { encodeAddCheckpoint, planConsistency } from '@pawl/core/evidence';
import { type AnswerMeans, readWitnessAnswer } from '../domain/witness.ts';
import { askGuarded } from '../egress/post.ts';
import { firstTenant } from '../store/access.ts';
import { combinePlan, ledgerSize } from '../store/ledger.ts';
import type { LedgerWitnessTable } from '../store/schema/index.ts';
import { findWitness, insertCosignature, noteWitness } from '../store/witnesses.ts';
import { emitEvent } from './event.ts';
import { checkpointOf } from './ledger.ts';
import type { ServerPorts, WitnessAddress } from './ports.ts';

const PATIENCE_MS = 3000;
const PAUSE_MIN_MS = 5000;
const PAUSE_MAX_MS = 600_000;
/** The size that the witness has, one that grew in between, and once more. */
const TURNS_MAX = 3;

const nameOf = (vkey: string): string => vkey.split('+', 1)[0] ?? '';

type Outcome = Pick<LedgerWitnessTable, 'state' | 'detail' | 'size'> & {
  readonly cosigned?: { line: string; atMs: number };
};

async function ask(
  ports: ServerPorts,
  { vkey, url }: WitnessAddress,
  oldSize: number,
): Promise<AnswerMeans & { size: number }> {
  const { read } = ports.database;
  const { note, size } = await checkpointOf(read, ports);
  // The ledger was set back by more than the witness was ever asked about: it will say so itself.
  const from = Math.min(oldSize, size);
  const proof = from > 0 && from < size ? await combinePlan(read, planConsistency(from, size)) : [];
  const body = encodeAddCheckpoint({ oldSize: from, proof, note });
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  const answer = await askGuarded(`${url}/add-checkpoint`, { headers, body }, ports.egress);
  return { ...readWitnessAnswer(answer, { vkey, note, oldSize: from, size }), size };
}

/** Asks until there is an answer that counts. */
async function cosignatureFrom(ports: ServerPorts, witness: WitnessAddress, known: number): Promise<Outcome> {
  let oldSize = known;
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const means = await ask(ports, witness, oldSize);
    switch (means.next) {
      case 'keep':
        return {
          state: 'cosigned',
          detail: '',
          size: means.size,
          cosigned: { line: means.line, atMs: means.atMs },
        };
      case 'give-up':
        return { state: means.state, detail: means.detail, size: known };
      case 'behind': {
        const size = await ledgerSize(ports.database.read);
        if (means.seen > size) {
          const detail = `it saw ${means.seen} entries, and there are ${size}`;
          return { state: 'set-back', detail, size: known };
        }
        oldSize = means.seen;
        break;
      }
      case 'prove':
        oldSize = means.oldSize;
        break;
    }
  }
  return { state: 'refused', detail: 'it never agreed on a size', size: known };
}

async function askWitness(ports: ServerPorts, witness: WitnessAddress): Promise<boolean> {
  const { database, now } = ports;
  const before = await findWitness(database.read, witness.vkey);
  if (before?.state === 'cosigned' && before.size === (await ledgerSize(database.read))) return true;
  const known = before?.size ?? 0;
  let outcome: Outcome;
  try {
    outcome = await cosignatureFrom(ports, witness, known);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    outcome = { state: 'unreachable', detail: error.code, size: known };
  }
  const { cosigned, ...rest } = outcome;
  const { vkey } = witness;
  const nowMs = now().getTime();
  await database.write(async (trx) => {
    const cosignedMs = cosigned?.atMs ?? before?.cosigned_ms ?? null;
    await noteWitness(trx, { witness: vkey, ...rest, asked_ms: nowMs, cosigned_ms: cosignedMs });
    if (cosigned !== undefined) await insertCosignature(trx, { size: rest.size, witness: vkey, line: cosigned.line });
    if (before?.state === rest.state) return;
    const at = { tenantId: await firstTenant(trx), nowMs };
    await emitEvent(trx, at, 'pawl.ledger.witness-changed', { witness: nameOf(vkey), ...rest });
  });
  return cosigned !== undefined;
}

const isoOf = (ms: number | null | undefined): string | null =>
  ms === null || ms === undefined ? null : new Date(ms).toISOString();

/** The witnesses of the configuration, and how it stands with each. */
export async function witnessViews({ witnesses, database }: ServerPorts): Promise<LedgerWitness[]> {
  const views: LedgerWitness[] = [];
  for (const { vkey, url } of witnesses?.addresses ?? []) {
    const row = await findWitness(database.read, vkey);
    views.push({
      name: nameOf(vkey),
      vkey,
      url,
      state: row?.state ?? 'not-asked',
      detail: row?.detail ?? '',
      size: row?.size ?? 0,
      cosignedAt: isoOf(row?.cosigned_ms),
      askedAt: isoOf(row?.asked_ms),
    });
  }
  return views;
}

type Turn = { failures: number; nextMs: number; running: Promise<void> | undefined };

/** The witnesses of a server, and which of them is asked when. */
export class Witnesses {
  readonly addresses: readonly WitnessAddress[];
  readonly #onError: (error: unknown) => void;
  readonly #turns = new Map<string, Turn>();
  #isClosing = false;

  constructor(addresses: readonly WitnessAddress[], onError: (error: unknown) => void) {
    this.addresses = addresses;
    this.#onError = onError;
  }

  /** Asks those whose time has come; resolves when all have been. */
  async turn(ports: ServerPorts): Promise<void> {
    await Promise.all(this.addresses.map((address) => this.#turnOf(ports, address)));
  }

  /** The same, for whoever shows the ledger: waits a few seconds at most. */
  async catchUp(ports: ServerPorts): Promise<void> {
    if (this.addresses.length > 0)
      await Promise.race([this.turn(ports), sleep(PATIENCE_MS, undefined, { ref: false })]);
  }

  /** Asks nobody any more, and waits for answers that are under way. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#turns.values()].map(({ running }) => running ?? Promise.resolve()));
  }

  #turnOf(ports: ServerPorts, address: WitnessAddress): Promise<void> {
    const nowMs = ports.now().getTime();
    const turn = this.#turns.get(address.vkey) ?? { failures: 0, nextMs: 0, running: undefined };
    this.#turns.set(address.vkey, turn);
    if (turn.running !== undefined) return turn.running;
    if (this.#isClosing) return Promise.resolve();
    // A time further ahead than any pause is of a clock that was set back.
    if (turn.nextMs > nowMs && turn.nextMs <= nowMs + PAUSE_MAX_MS) return Promise.resolve();
    turn.running = this.#ask(ports, address, turn).finally(() => {
      turn.running = undefined;
    });
    return turn.running;
  }

  async #ask(ports: ServerPorts, address: WitnessAddress, turn: Turn): Promise<void> {
    let isDone = false;
    try {
      isDone = await askWitness(ports, address);
    } catch (error) {
      this.#onError(error);
    }
    turn.failures = isDone ? 0 : turn.failures + 1;
    const pauseMs = isDone ? 0 : Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(turn.failures - 1, 10));
    turn.nextMs = ports.now().getTime() + pauseMs;
  }
}
