/**
 * Delivery: one process at a time has the lease of a webhook and posts its events one after another. Nothing is held in a
 * transaction while the other side is waited for; how far a webhook is, is written after each answer, so a process that dies
 * in between delivers that event once more (at least once, in order).
 */
import { isCodedError } from '@pawl/core/bytes';
import { afterAttempt, WAIT_MAX_MS } from '../../domain/webhook.ts';
import { postGuarded } from '../../egress/post.ts';
import { firstEventSeq, type PlacedEvent, queryEvents } from '../../store/events.ts';
import type { DeadLetterTable, WebhookTable } from '../../store/schema/index.ts';
import {
  insertDeadLetter,
  leaseWebhook,
  nextQueuedLetter,
  settleLetter,
  typesOfWebhook,
  updateLeased,
} from '../../store/webhooks.ts';
import { eventSource, eventView } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { openSecret } from './secret.ts';
import { signedHeaders } from './sign.ts';

/** Longer than any attempt lasts. */
const LEASE_MS = 60_000;
/** No time in a webhook is ever further ahead. */
export const FAR_MS: number = WAIT_MAX_MS;

type Held = { readonly id: number; readonly lease: string };
type Attempt = { readonly status: number | undefined; readonly text: string };

/** Posts one message; how it went. */
async function attempt(ports: ServerPorts, row: WebhookTable, seq: number, body: string): Promise<Attempt> {
  const atMs = ports.now().getTime();
  const isPreviousValid = row.previous_until_ms !== null && atMs < row.previous_until_ms;
  const previous = isPreviousValid && row.previous_secret !== null ? [row.previous_secret] : [];
  const secrets = [row.secret, ...previous].map((sealed) => openSecret(ports, row, sealed));
  const headers = signedHeaders({ id: `msg_${row.id}_${seq}`, atMs, body }, secrets);
  try {
    const status = await postGuarded(row.url, { headers, body }, ports.egress);
    return { status, text: String(status) };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { status: undefined, text: error.code };
  }
}

function renewed(ports: ServerPorts): { lease_until_ms: number } {
  return { lease_until_ms: ports.now().getTime() + LEASE_MS };
}

/** One try of one event; what is known of the webhook after it. */
async function deliverEvent(
  ports: ServerPorts,
  held: Held,
  row: WebhookTable,
  event: PlacedEvent,
): Promise<{ readonly row: WebhookTable | undefined; readonly isMore: boolean }> {
  const body = JSON.stringify(eventView(event, await eventSource(ports.database.read, ports, row.tenant_id)));
  const { status, text } = await attempt(ports, row, event.seq, body);
  const progress = { attempts: row.attempts, deadInARow: row.dead_in_a_row };
  const after = afterAttempt(progress, status, ports.chance());
  const nowMs = ports.now().getTime();
  const next = await ports.database.write(async (trx) => {
    if (after.kind === 'wait') {
      const change = { attempts: row.attempts + 1, next_ms: nowMs + after.waitMs, last_outcome: text };
      return await updateLeased(trx, held, change);
    }
    const isDead = after.kind === 'dead';
    const change = await updateLeased(trx, held, {
      ...renewed(ports),
      done_seq: event.seq,
      attempts: 0,
      next_ms: 0,
      last_outcome: text,
      dead_in_a_row: isDead ? row.dead_in_a_row + 1 : 0,
      ...(isDead && after.isSuspended ? { state: 'suspended' as const } : {}),
    });
    if (change === undefined || !isDead) return change;
    const letter = { webhook_id: row.id, seq: event.seq, type: event.type, body, last_outcome: text, died_ms: nowMs };
    await insertDeadLetter(trx, { ...letter, attempts: row.attempts + 1 });
    return change;
  });
  return { row: next, isMore: next?.state === 'active' && after.kind !== 'wait' };
}

async function deliverLetter(
  ports: ServerPorts,
  held: Held,
  row: WebhookTable,
  letter: DeadLetterTable,
): Promise<void> {
  const { status, text } = await attempt(ports, row, letter.seq, letter.body);
  const isDelivered = status !== undefined && status >= 200 && status < 300;
  await ports.database.write(async (trx) => {
    const still = await updateLeased(trx, held, renewed(ports));
    if (still !== undefined) await settleLetter(trx, letter, { isDelivered, text });
  });
}

function isDue(row: WebhookTable, nowMs: number): boolean {
  return row.next_ms <= nowMs || row.next_ms > nowMs + FAR_MS;
}

/** One step: a queued dead letter, an event, or what is not wanted passed over. */
async function step(
  ports: ServerPorts,
  held: Held,
  row: WebhookTable,
): Promise<{ readonly row: WebhookTable | undefined; readonly isMore: boolean }> {
  const db = ports.database.read;
  const letter = await nextQueuedLetter(db, row.id);
  if (letter !== undefined) {
    await deliverLetter(ports, held, row, letter);
    return { row, isMore: true };
  }
  if (!isDue(row, ports.now().getTime())) return { row, isMore: false };
  const first = (await firstEventSeq(db, row.tenant_id)) ?? 1;
  const lost = Math.max(0, first - 1 - row.done_seq);
  const after = row.done_seq + lost;
  const range = { tenantId: row.tenant_id, after, limit: 1, types: typesOfWebhook(row), line: row.line ?? undefined };
  const { rows, last } = await queryEvents(db, range);
  const [event] = rows;
  if (event !== undefined && lost === 0) return await deliverEvent(ports, held, row, event);
  if (lost === 0 && last === row.done_seq) return { row, isMore: false };
  const passed = { ...renewed(ports), done_seq: event === undefined ? last : after, missed: row.missed + lost };
  return { row: await ports.database.write((trx) => updateLeased(trx, held, passed)), isMore: true };
}

/** Delivers what a webhook has to deliver now, unless somebody else does. */
export async function deliverDue(ports: ServerPorts, id: number, isClosing: () => boolean): Promise<void> {
  const lease = ports.newSecret();
  const nowMs = ports.now().getTime();
  const until = { name: lease, nowMs, untilMs: nowMs + LEASE_MS, farMs: FAR_MS };
  const held: Held = { id, lease };
  let row = await ports.database.write((trx) => leaseWebhook(trx, id, until));
  try {
    while (row?.state === 'active' && !isClosing()) {
      const after = await step(ports, held, row);
      row = after.row;
      if (!after.isMore) break;
    }
  } finally {
    await ports.database.write((trx) => updateLeased(trx, held, { lease: null, lease_until_ms: 0 }));
  }
}
