/** Tables of events. */
import type { EventType } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type EventColumns = {
  id: Generated<number>;
  tenant_id: number;
  /** Place in the stream of the tenant, counted up by one; null until the event is put in its place. */
  seq: number | null;
  type: EventType;
  subject: string;
  /** What a filter by line looks at. */
  line: string | null;
  data: string;
  at_ms: number;
};

export type EventSchema = { event: EventColumns };
export type EventTable = Selectable<EventColumns>;
