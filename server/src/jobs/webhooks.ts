/**
 * Starts deliveries for webhooks that have something to deliver. Each runs by itself: one whose other side is slow holds
 * only itself. A turn does not wait for them; stopping does, and it ends each after the attempt that is under way.
 */
import type { ServerPorts } from '../acts/ports.ts';
import { deliverDue, FAR_MS } from '../acts/webhooks/deliver.ts';
import { dueWebhooks } from '../store/webhooks.ts';

const DELIVERIES_MAX = 64;

export class WebhookDeliveries {
  readonly #ports: ServerPorts;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Map<number, Promise<void>>();
  #isClosing = false;

  constructor(ports: ServerPorts, onError: (error: unknown) => void) {
    this.#ports = ports;
    this.#onError = onError;
  }

  /** Looks once for what is due. */
  async turn(): Promise<void> {
    const { database, now } = this.#ports;
    for (const id of await dueWebhooks(database.read, now().getTime(), { farMs: FAR_MS })) {
      if (this.#isClosing || this.#running.size >= DELIVERIES_MAX) return;
      if (this.#running.has(id)) continue;
      const run = this.#deliver(id);
      this.#running.set(id, run);
      void run.finally(() => this.#running.delete(id));
    }
  }

  async #deliver(id: number): Promise<void> {
    try {
      await deliverDue(this.#ports, id, () => this.#isClosing);
    } catch (error) {
      this.#onError(error);
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#running.values());
  }
}
