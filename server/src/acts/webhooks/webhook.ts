/** Webhooks as people set them up. Their secrets are shown once. */
import type { ChangedWebhook, NewWebhook, Webhook } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { type EgressRules, verifyUrl } from '../../egress/post.ts';
import type { Trx } from '../../store/database.ts';
import { lastEventSeq } from '../../store/events.ts';
import type { WebhookTable } from '../../store/schema/index.ts';
import {
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  queueDeadLetters,
  updateWebhook,
  webhookView,
} from '../../store/webhooks.ts';
import { ServerError } from '../errors.ts';
import { visibleTypes } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { sealSecret } from './secret.ts';
import { secretText } from './sign.ts';

const WEBHOOKS_MAX = 50;
const PREVIOUS_VALID_MS = 86_400_000;

function newSecret(ports: ServerPorts): Uint8Array {
  return new Uint8Array(Buffer.from(ports.newSecret(), 'base64url'));
}

/** What is stored of where and what; never more types than whoever sets it up may read. */
function targetOf(actor: Actor, input: NewWebhook, rules: EgressRules): Pick<WebhookTable, 'url' | 'types' | 'line'> {
  const visible = visibleTypes(actor);
  const types = input.types?.filter((type) => visible?.includes(type) !== false) ?? visible;
  return {
    url: verifyUrl(input.url, rules).href,
    types: types === undefined ? null : JSON.stringify(types),
    line: input.line ?? null,
  };
}

/** @throws ServerError WEBHOOK_UNKNOWN */
async function mustFindWebhook(trx: Trx, tenantId: number, id: number): Promise<WebhookTable> {
  const row = await findWebhook(trx, tenantId, id);
  if (row === undefined) throw new ServerError('WEBHOOK_UNKNOWN', { id });
  return row;
}

/**
 * Posts events from now on.
 * @throws ServerError WEBHOOK_LIMIT; EgressError EGRESS_URL_REFUSED, EGRESS_PORT_REFUSED, EGRESS_ADDRESS_REFUSED
 */
export async function createWebhook(
  ports: ServerPorts,
  actor: Actor,
  input: NewWebhook,
): Promise<Webhook & { secret: string }> {
  const { tenantId } = actor;
  const target = targetOf(actor, input, ports.egress);
  const secret = newSecret(ports);
  const row = await ports.database.write(async (trx) => {
    if ((await listWebhooks(trx, tenantId)).length >= WEBHOOKS_MAX) throw new ServerError('WEBHOOK_LIMIT');
    const values = { tenant_id: tenantId, ...target, created_ms: ports.now().getTime() };
    const { id } = await insertWebhook(trx, { ...values, done_seq: await lastEventSeq(trx, tenantId) });
    return await updateWebhook(trx, id, { secret: sealSecret(ports, id, secret) });
  });
  return { ...webhookView(row), secret: secretText(secret) };
}

/** @throws ServerError WEBHOOK_UNKNOWN; EgressError */
export async function putWebhook(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  input: ChangedWebhook,
): Promise<Webhook> {
  return await ports.database.write(async (trx) => {
    await mustFindWebhook(trx, actor.tenantId, id);
    const target = targetOf(actor, input, ports.egress);
    // What was tried in vain is tried at once at the new address; a delivery under way has lost its lease.
    const fresh = { attempts: 0, next_ms: 0, lease: null, lease_until_ms: 0, dead_in_a_row: 0 };
    return webhookView(await updateWebhook(trx, id, { ...target, ...fresh, state: input.state }));
  });
}

/** @throws ServerError WEBHOOK_UNKNOWN */
export async function removeWebhook(ports: ServerPorts, actor: Actor, id: number): Promise<void> {
  await ports.database.write(async (trx) => {
    await mustFindWebhook(trx, actor.tenantId, id);
    await deleteWebhook(trx, id);
  });
}

/** @throws ServerError WEBHOOK_UNKNOWN */
export async function rotateSecret(
  ports: ServerPorts,
  actor: Actor,
  id: number,
): Promise<{ secret: string; previousUntil: string }> {
  const secret = newSecret(ports);
  const untilMs = ports.now().getTime() + PREVIOUS_VALID_MS;
  await ports.database.write(async (trx) => {
    const row = await mustFindWebhook(trx, actor.tenantId, id);
    const sealed = sealSecret(ports, id, secret);
    await updateWebhook(trx, id, { secret: sealed, previous_secret: row.secret, previous_until_ms: untilMs });
  });
  return { secret: secretText(secret), previousUntil: new Date(untilMs).toISOString() };
}

/** @throws ServerError WEBHOOK_UNKNOWN */
export async function redeliver(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  ids: readonly number[] | undefined,
): Promise<number> {
  return await ports.database.write(async (trx) => {
    await mustFindWebhook(trx, actor.tenantId, id);
    return await queueDeadLetters(trx, id, ids);
  });
}
