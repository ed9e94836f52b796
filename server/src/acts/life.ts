/** The life of this process: what it has answered, whether it still takes work, and when long answers must end. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expose, type Family } from '../domain/exposition.ts';
import { Traffic } from '../domain/traffic.ts';
import type { Database, DatabaseLoad } from '../store/database.ts';
import { readFigures } from '../store/figures.ts';

/** What concerns the connections to a database that has any. */
function loadFamilies({ pools, writesRepeated, writesAlone }: DatabaseLoad): Family[] {
  const samples = Object.entries(pools).flatMap(([pool, states]) =>
    Object.entries(states).map(([state, value]) => ({ labels: { pool, state }, value })),
  );
  const counter = (name: string, help: string, value: number): Family => ({
    name,
    help,
    kind: 'counter',
    samples: [{ value }],
  });
  return [
    {
      name: 'pawl_database_connections',
      help: 'Connections of this process to the database, and acts that wait for one.',
      kind: 'gauge',
      samples,
    },
    counter('pawl_writes_repeated_total', 'Writes that ran again because of others at the same time.', writesRepeated),
    counter('pawl_writes_alone_total', 'Writes that ran with all others held back.', writesAlone),
  ];
}

const READER_MS = 30_000;

export class ServerLife {
  readonly traffic = new Traffic();
  /** How long the reader of a stream may take nothing. */
  readonly readerMs: number;
  /** Open event streams by who reads them. */
  readonly streams = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #loop = monitorEventLoopDelay({ resolution: 20 });
  #isDraining = false;

  constructor(readerMs = READER_MS) {
    this.readerMs = readerMs;
    this.#loop.enable();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Aborted when answers without an end have to end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Balancers are told to send nobody here any more; what comes all the same is still answered. */
  drain(): void {
    this.#isDraining = true;
  }

  end(): void {
    this.drain();
    this.#closing.abort();
    this.#loop.disable();
  }

  /** The metrics of this process and its database, as Prometheus reads them. */
  async metrics({ read, load }: Pick<Database, 'read' | 'load'>): Promise<string> {
    const figures = await readFigures(read);
    const gauge = (name: string, help: string, value: number): Family => ({
      name,
      help,
      kind: 'gauge',
      samples: [{ value }],
    });
    const byLabel = (name: string, help: string, label: string, values: ReadonlyMap<string, number>): Family => ({
      name,
      help,
      kind: 'gauge',
      samples: [...values].map(([key, value]) => ({ labels: { [label]: key }, value })),
    });
    const memory = process.memoryUsage();
    return expose([
      ...this.traffic.families(),
      ...(load === undefined ? [] : loadFamilies(load())),
      byLabel('pawl_rollouts', 'Rollouts by state.', 'state', figures.rollouts),
      byLabel('pawl_rollout_devices', 'Devices of rollouts by what became of them.', 'outcome', figures.outcomes),
      byLabel('pawl_webhooks', 'Webhooks by state.', 'state', figures.webhooks),
      gauge('pawl_dead_letters', 'Events that could not be delivered.', figures.deadLetters),
      gauge('pawl_deliveries_waiting', 'Events that webhooks have not come to yet.', figures.deliveriesWaiting),
      gauge('pawl_events_waiting', 'Events without a place in the stream yet.', figures.eventsWaiting),
      gauge('pawl_statements_waiting', 'Statements without a place in the ledger yet.', figures.statementsWaiting),
      gauge('pawl_ledger_entries', 'Entries of the ledger.', figures.ledgerEntries),
      gauge('pawl_artifact_bytes', 'Bytes of uploaded artifacts.', figures.blobBytes),
      gauge(
        'pawl_event_loop_delay_seconds',
        'Delay of the event loop, 99th percentile.',
        this.#loop.percentile(99) / 1e9,
      ),
      gauge('pawl_memory_bytes', 'Resident memory.', memory.rss),
      gauge(
        'pawl_event_streams',
        'Open event streams.',
        [...this.streams.values()].reduce((sum, one) => sum + one, 0),
      ),
      gauge('pawl_draining', 'Whether the process takes no new work.', this.#isDraining ? 1 : 0),
    ]);
  }
}
