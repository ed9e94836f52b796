/** Handlers of webhooks. */

import { ServerError } from '../../../acts/errors.ts';
import { createWebhook, putWebhook, redeliver, removeWebhook, rotateSecret } from '../../../acts/webhooks/webhook.ts';
import { deadLetterView, findWebhook, listDeadLetters, listWebhooks, webhookView } from '../../../store/webhooks.ts';
import { readCursor } from '../cursor.ts';
import { DONE, type Handlers, PAGE, pageOf } from './handler.ts';

export const WEBHOOK_HANDLERS: Pick<
  Handlers,
  | 'createWebhook'
  | 'listWebhooks'
  | 'getWebhook'
  | 'putWebhook'
  | 'deleteWebhook'
  | 'rotateWebhookSecret'
  | 'listDeadLetters'
  | 'redeliver'
> = {
  createWebhook: ({ actor, body }, ports) => createWebhook(ports, actor, body),
  listWebhooks: async ({ actor }, { database }) => ({
    items: (await listWebhooks(database.read, actor.tenantId)).map(webhookView),
  }),
  getWebhook: async ({ actor, params }, { database }) => {
    const row = await findWebhook(database.read, actor.tenantId, params.id);
    if (row === undefined) throw new ServerError('WEBHOOK_UNKNOWN', { id: params.id });
    return webhookView(row);
  },
  putWebhook: ({ actor, params, body }, ports) => putWebhook(ports, actor, params.id, body),
  deleteWebhook: async ({ actor, params }, ports) => {
    await removeWebhook(ports, actor, params.id);
    return DONE;
  },
  rotateWebhookSecret: ({ actor, params }, ports) => rotateSecret(ports, actor, params.id),
  listDeadLetters: async ({ actor, params, query }, { database }) => {
    const webhook = await findWebhook(database.read, actor.tenantId, params.id);
    if (webhook === undefined) throw new ServerError('WEBHOOK_UNKNOWN', { id: params.id });
    const limit = query.limit ?? PAGE;
    const afterId = readCursor(query.cursor) ?? 0;
    const rows = await listDeadLetters(database.read, { webhookId: webhook.id, afterId, limit: limit + 1 });
    return pageOf(rows.map(deadLetterView), limit, (letter) => String(letter.id));
  },
  redeliver: async ({ actor, params, body }, ports) => ({ queued: await redeliver(ports, actor, params.id, body.ids) }),
};
