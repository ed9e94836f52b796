/** Tables of webhooks. */
import type { EventType } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type WebhookColumns = {
  id: Generated<number>;
  tenant_id: number;
  url: string;
  /** JSON; null for every type. */
  types: string | null;
  line: string | null;
  state: 'active' | 'paused' | 'suspended';
  /** Sealed (acts/sealer.ts), unless `is_sealed` is 0. */
  secret: Uint8Array;
  /** Signs as well until its time is over. */
  previous_secret: Uint8Array | null;
  previous_until_ms: number | null;
  /** Place in the stream up to which it is done. */
  done_seq: number;
  attempts: number;
  next_ms: number;
  /** Who delivers at the moment, and until when that holds. */
  lease: string | null;
  lease_until_ms: number;
  dead_in_a_row: number;
  last_outcome: string | null;
  missed: number;
  created_ms: number;
  is_sealed: Generated<number>;
};

export type WebhookSchema = {
  webhook: WebhookColumns;
  dead_letter: {
    id: Generated<number>;
    webhook_id: number;
    seq: number;
    type: EventType;
    body: string;
    attempts: number;
    last_outcome: string;
    is_queued: number;
    died_ms: number;
  };
};

export type WebhookTable = Selectable<WebhookColumns>;
export type DeadLetterTable = Selectable<WebhookSchema['dead_letter']>;
