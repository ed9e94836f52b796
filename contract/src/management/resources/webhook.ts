/** Webhooks: where events are posted to, how that goes, and what could not be delivered. */
import { z } from 'zod';
import { eventId, eventType } from './event.ts';
import { lineName, numericId, time } from './names.ts';

const target = {
  url: z.url({ protocol: /^https?$/ }).max(2048),
  /** Only these; every type when left out. */
  types: z.array(eventType).min(1).max(32).optional(),
  /** Only events of this product line. */
  line: lineName.optional(),
};

export const newWebhook = z.strictObject(target);
export type NewWebhook = z.infer<typeof newWebhook>;

/** The whole of it, as it is to be; `paused` posts nothing, and goes on from where it was. */
export const changedWebhook = z.strictObject({ ...target, state: z.enum(['active', 'paused']) });
export type ChangedWebhook = z.infer<typeof changedWebhook>;

export const webhook = z.strictObject({
  id: numericId,
  url: z.string(),
  types: z.array(eventType).nullable(),
  line: lineName.nullable(),
  /** `suspended`: the server gave up after too many failures, or was told 410 Gone. Set it active to go on. */
  state: z.enum(['active', 'paused', 'suspended']),
  /** Everything up to this place in the stream was delivered, given up or not wanted. */
  delivered: eventId,
  /** How often the event that is next was tried in vain. */
  attempts: z.number().int().nonnegative(),
  nextAttemptAt: time.nullable(),
  /** `204`, or the code of what went wrong. */
  lastOutcome: z.string().nullable(),
  /** Events that were no longer kept when their turn came. */
  missed: z.number().int().nonnegative(),
  createdAt: time,
});
export type Webhook = z.infer<typeof webhook>;

/** Shown once: `whsec_` and base64, as Standard Webhooks writes it. */
export const webhookSecret = z.string().regex(/^whsec_[A-Za-z0-9+/]{43}=$/);

export const deadLetter = z.strictObject({
  id: numericId,
  eventId,
  type: eventType,
  attempts: z.number().int().positive(),
  lastOutcome: z.string(),
  /** Waits to be delivered once more. */
  isQueued: z.boolean(),
  diedAt: time,
});
export type DeadLetter = z.infer<typeof deadLetter>;
