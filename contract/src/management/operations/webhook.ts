/** Webhooks. */
import { z } from 'zod';
import { numericId, time } from '../resources/names.ts';
import { changedWebhook, deadLetter, newWebhook, webhook, webhookSecret } from '../resources/webhook.ts';
import { byId, cursor, done, ENDS, limit, type OperationTable, page } from './operation.ts';

const URL_ERRORS = ['EGRESS_URL_REFUSED', 'EGRESS_PORT_REFUSED', 'EGRESS_ADDRESS_REFUSED'];

export const WEBHOOK_OPERATIONS = {
  createWebhook: {
    method: 'POST',
    path: '/api/v1/webhooks',
    summary: 'Post events to an address from now on; the secret that signs them is shown once',
    allow: 'settings:write',
    body: newWebhook,
    response: webhook.extend({ secret: webhookSecret }),
    errors: [...URL_ERRORS, 'WEBHOOK_LIMIT'],
  },
  listWebhooks: {
    method: 'GET',
    path: '/api/v1/webhooks',
    summary: 'Webhooks, and how their deliveries go',
    allow: 'settings:write',
    response: z.strictObject({ items: z.array(webhook) }),
    errors: [],
  },
  getWebhook: {
    method: 'GET',
    path: '/api/v1/webhooks/{id}',
    summary: 'One webhook',
    allow: 'settings:write',
    params: byId,
    response: webhook,
    volatile: ['delivered', 'attempts', 'nextAttemptAt', 'lastOutcome', 'missed'],
    errors: ['WEBHOOK_UNKNOWN'],
  },
  putWebhook: {
    method: 'PUT',
    path: '/api/v1/webhooks/{id}',
    summary: 'Change where, what and whether it posts',
    allow: 'settings:write',
    params: byId,
    body: changedWebhook,
    response: webhook,
    changes: { of: 'getWebhook' },
    errors: ['WEBHOOK_UNKNOWN', ...URL_ERRORS],
  },
  deleteWebhook: {
    method: 'DELETE',
    path: '/api/v1/webhooks/{id}',
    summary: 'Forget a webhook and its dead letters',
    allow: 'settings:write',
    params: byId,
    response: done,
    changes: { of: 'getWebhook', unguarded: ENDS },
    errors: ['WEBHOOK_UNKNOWN'],
  },
  rotateWebhookSecret: {
    method: 'POST',
    path: '/api/v1/webhooks/{id}/rotate',
    summary: 'A new secret, shown once; for a day messages are signed with the old one as well',
    allow: 'settings:write',
    params: byId,
    body: z.strictObject({}),
    response: z.strictObject({ secret: webhookSecret, previousUntil: time }),
    errors: ['WEBHOOK_UNKNOWN'],
  },
  listDeadLetters: {
    method: 'GET',
    path: '/api/v1/webhooks/{id}/dead-letters',
    summary: 'Events that were given up, oldest first',
    allow: 'settings:write',
    params: byId,
    query: z.strictObject({ cursor, limit }),
    response: page(deadLetter),
    errors: ['WEBHOOK_UNKNOWN'],
  },
  redeliver: {
    method: 'POST',
    path: '/api/v1/webhooks/{id}/dead-letters/redeliver',
    summary: 'Deliver dead letters once more: those that are named, or all',
    allow: 'settings:write',
    params: byId,
    body: z.strictObject({ ids: z.array(numericId).min(1).max(500).optional() }),
    response: z.strictObject({ queued: z.number().int().nonnegative() }),
    errors: ['WEBHOOK_UNKNOWN'],
  },
} as const satisfies OperationTable;
