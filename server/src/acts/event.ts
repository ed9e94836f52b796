/**
 * Telling what happened: `emitEvent` writes an event in the transaction of the act, so that there is no act without its event
 * and no event without its act. What is told is checked against the contract here, once: it can carry nothing else.
 */
import {
  EVENT_DATA,
  EVENT_TYPES,
  type EventData,
  type EventType,
  type PawlEvent,
  type Permission,
} from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { tenantName } from '../store/access.ts';
import type { Db, Trx } from '../store/database.ts';
import { insertEvents } from '../store/events.ts';
import type { EventTable } from '../store/schema/index.ts';
import type { ServerPorts } from './ports.ts';

/** A drill is never taken for a report, not even by who reads subjects only. */
const incidentSubject = ({ incidentId, isDrill }: { readonly incidentId: number; readonly isDrill: boolean }): string =>
  `${isDrill ? 'drill' : 'incident'}/${incidentId}`;

const SUBJECTS: { readonly [T in EventType]: (data: EventData<T>) => string } = {
  'pawl.assignment.changed': ({ controllerId }) => `device/${controllerId}`,
  'pawl.rollout.changed': ({ rolloutId }) => `rollout/${rolloutId}`,
  'pawl.rollout.offered': ({ rolloutId }) => `rollout/${rolloutId}`,
  'pawl.rollout.halted': ({ rolloutId }) => `rollout/${rolloutId}`,
  'pawl.device.enrolled': ({ controllerId }) => `device/${controllerId}`,
  'pawl.device.waiting': ({ introductionId }) => `introduction/${introductionId}`,
  'pawl.device.policy-changed': ({ controllerId }) => `device/${controllerId}`,
  'pawl.consent.answered': ({ controllerId }) => `device/${controllerId}`,
  'pawl.device.attested': ({ controllerId }) => `device/${controllerId}`,
  'pawl.device.decommissioned': ({ controllerId }) => `device/${controllerId}`,
  'pawl.release.published': ({ line, version }) => `release/${line}/${version}`,
  'pawl.vulnerability.changed': ({ caseId }) => `vulnerability/${caseId}`,
  'pawl.incident.changed': incidentSubject,
  'pawl.incident.reminder': incidentSubject,
  'pawl.inquiry.changed': ({ inquiryId }) => `inquiry/${inquiryId}`,
  'pawl.inquiry.reminder': ({ inquiryId }) => `inquiry/${inquiryId}`,
  'pawl.ledger.witness-changed': ({ witness }) => `witness/${witness}`,
  'pawl.access.changed': ({ about }) => about,
};

type NewEvent = Omit<EventTable, 'id' | 'seq'>;

/** An event as a row; for acts that write many at once with `insertEvents`. */
function eventRow<T extends EventType>(
  at: { readonly tenantId: number; readonly nowMs: number },
  type: T,
  data: EventData<T>,
): NewEvent {
  const told = EVENT_DATA[type].parse(data);
  return {
    tenant_id: at.tenantId,
    type,
    subject: SUBJECTS[type](data),
    line: 'line' in told ? told.line : null,
    data: JSON.stringify(told),
    at_ms: at.nowMs,
  };
}

/** Tells an event with what it tells. */
export async function emitEvent<T extends EventType>(
  trx: Trx,
  at: { readonly tenantId: number; readonly nowMs: number },
  type: T,
  data: EventData<T>,
): Promise<void> {
  await insertEvents(trx, [eventRow(at, type, data)]);
}

/** What is not for everybody who may read events, and the permission that it is for. */
const RESERVED: Partial<Record<EventType, Permission>> = {
  'pawl.access.changed': 'audit:read',
  'pawl.ledger.witness-changed': 'ledger:read',
  'pawl.vulnerability.changed': 'vulnerability:read',
  'pawl.incident.changed': 'vulnerability:read',
  'pawl.incident.reminder': 'vulnerability:read',
  'pawl.inquiry.changed': 'evidence:read',
  'pawl.inquiry.reminder': 'evidence:read',
};

/** Which types an actor may see; undefined for all. */
export function visibleTypes(actor: Actor): readonly EventType[] | undefined {
  const seen = EVENT_TYPES.filter((type) => {
    const needed = RESERVED[type];
    return needed === undefined || actor.permissions.has(needed);
  });
  return seen.length === EVENT_TYPES.length ? undefined : seen;
}

/** Where the events of a tenant come from: unlike that of any other server. */
export async function eventSource(db: Db, ports: ServerPorts, tenantId: number): Promise<string> {
  return `urn:${ports.ledgerOrigin.replace('/', ':')}:${await tenantName(db, tenantId)}`;
}

/** An event as it leaves the server. */
export function eventView(row: EventTable, source: string): PawlEvent {
  return {
    specversion: '1.0',
    id: String(row.seq),
    source,
    type: row.type,
    time: new Date(row.at_ms).toISOString(),
    subject: row.subject,
    datacontenttype: 'application/json',
    data: JSON.parse(row.data) as unknown,
  } as PawlEvent;
}
