/** Rollouts. */
import { z } from 'zod';
import { assignmentState } from './assignment.ts';
import { lineName, name, numericId, releaseVersion, time } from './names.ts';
import { effectivePlan, rolloutPlan } from './rollout-plan.ts';
import { effectivePolicy, rolloutPolicy } from './rollout-policy.ts';

export const ROLLOUT_STATES = [
  /** People must approve it first. */
  'waiting-approval',
  'ready',
  'scheduled',
  'starting',
  'running',
  'paused',
  /** Stopped going on by itself: `haltedBy` says why. */
  'halted',
  /** Devices are being told; no new offers. */
  'stopping',
  'stopped',
  'finished',
] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/**
 * What counts as success, from the weakest word to the strongest proof: the client said so; the device's own attribute
 * `version` showed the release afterwards; the device signed it after its trial boot; then it measured what it
 * runs anew, signed that for a nonce of the server, and the appraisal affirmed it (docs/formats/attestation.md).
 * Only with releases of Pawl.
 */
const SUCCESS_KINDS = ['reported', 'version-seen', 'confirmed', 'attested'] as const;
export type SuccessKind = (typeof SUCCESS_KINDS)[number];

const stateCounts = z.partialRecord(assignmentState, z.number().int().nonnegative());

export const rollout = z.strictObject({
  id: numericId,
  name,
  releaseId: numericId,
  line: lineName,
  version: releaseVersion,
  filter: z.string(),
  successKind: z.enum(SUCCESS_KINDS),
  isForced: z.boolean(),
  needsConsent: z.boolean(),
  state: z.enum(ROLLOUT_STATES),
  devices: z.number().int().nonnegative(),
  counts: stateCounts,
  succeeded: z.number().int().nonnegative(),
  createdAt: time,
  /** Who made it: `person/<id>` or `token/<id>`; null when that was not kept yet. */
  author: z.string().nullable(),
  /** How many people must approve it. */
  approvalsRequired: z.number().int(),
  /** The rollout whose devices this one brings back, and the one that brings back the devices of this one. */
  returnOf: numericId.nullable(),
  returnedBy: numericId.nullable(),
  ...effectivePlan,
  ...effectivePolicy,
});
export type Rollout = z.infer<typeof rollout>;

export const newRollout = z.strictObject({
  name,
  releaseId: numericId,
  filter: z.string().max(1024),
  successKind: z.enum(SUCCESS_KINDS).optional(),
  isForced: z.boolean().optional(),
  needsConsent: z.boolean().optional(),
  /** Offer a release below the floor of a device all the same; the device will refuse it. For tests of exactly that. */
  despiteFloor: z.boolean().optional(),
  ...rolloutPlan,
  ...rolloutPolicy,
});
export type NewRollout = z.infer<typeof newRollout>;
