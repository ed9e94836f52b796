/** Requests of Mender clients to be let in. */
import { z } from 'zod';
import { controllerId, lineName, name, numericId, sha256Hex, tag, time } from './names.ts';

export const MENDER_REQUEST_STATES = ['pending', 'accepted', 'rejected'] as const;
export type MenderRequestState = (typeof MENDER_REQUEST_STATES)[number];

export const menderRequest = z.strictObject({
  id: numericId,
  /** What the device says it is, as JSON with sorted names. */
  identity: z.string(),
  publicKey: z.string(),
  keyId: sha256Hex,
  state: z.enum(MENDER_REQUEST_STATES),
  /** The device that it is accepted as. */
  controllerId: controllerId.nullable(),
  createdAt: time,
  /** When it asked last; written at most once a minute. */
  heardAt: time.nullable(),
});
export type MenderRequest = z.infer<typeof menderRequest>;

export const menderAcceptance = z.strictObject({
  controllerId,
  model: name,
  line: lineName.optional(),
  tags: z.array(tag).max(32).optional(),
  /** The name is that of a Mender device that has a new key; its old key stops working. */
  isKeyChange: z.boolean().optional(),
});
export type MenderAcceptance = z.infer<typeof menderAcceptance>;

const identityValue = z.union([z.string().max(1024), z.array(z.string().max(1024)).max(16)]);

export const menderPreauthorisation = menderAcceptance.omit({ isKeyChange: true }).extend({
  /** Exactly what the identity script of the device prints. */
  identity: z
    .record(z.string().min(1).max(128), identityValue)
    .refine((record) => Object.keys(record).length > 0 && Object.keys(record).length <= 32, '1 to 32 members'),
  /** SPKI PEM. */
  publicKey: z.string().min(1).max(8192),
});
export type MenderPreauthorisation = z.infer<typeof menderPreauthorisation>;
