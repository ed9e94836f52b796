/** Devices that introduced themselves by a key of their own, and wait for an operator: Pawl's agents and Mender clients. */
import { z } from 'zod';
import { menderAcceptance } from './mender.ts';
import { controllerId, sha256Hex, time } from './names.ts';

export const INTRODUCTION_STATES = ['pending', 'accepted', 'rejected'] as const;
export type IntroductionState = (typeof INTRODUCTION_STATES)[number];

/** `mender-4` is number 4 of the Mender requests. */
export const introductionId = z.string().regex(/^(pawl|mender)-[1-9][0-9]{0,8}$/);

export const introduction = z.strictObject({
  id: introductionId,
  client: z.enum(['pawl', 'mender']),
  state: z.enum(INTRODUCTION_STATES),
  /** The name that it asks for; its word. */
  name: z.string().nullable(),
  /** What it says of itself; its word. */
  attributes: z.record(z.string(), z.string()),
  /** The fingerprint: SHA-256 that names the key. */
  keyId: sha256Hex,
  publicKey: z.string(),
  /** The device that it is accepted as. */
  controllerId: controllerId.nullable(),
  createdAt: time,
  heardAt: time.nullable(),
});
export type Introduction = z.infer<typeof introduction>;

export const approval = menderAcceptance.extend({
  /** What the operator compared; refused when the introduction is of another key. */
  keyId: sha256Hex.optional(),
});
export type IntroductionApproval = z.infer<typeof approval>;
