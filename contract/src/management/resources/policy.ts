/** What holds for all rollouts of a tenant where they say nothing, and what a device's owner wants. */
import { z } from 'zod';
import { timeZone } from './maintenance-window.ts';
import { lineName } from './names.ts';
import { maintenance } from './rollout-policy.ts';
import { OPT_OUTS } from './urgency.ts';

const approvals = z.number().int().min(0).max(5);

export const policy = z.strictObject({
  /** Of devices of which no time zone is known. */
  timeZone,
  maintenance: maintenance.nullable(),
  /** How many people, none of them the author, must approve a rollout before it can start. */
  approvalsRequired: approvals,
  /** The same for single product lines. */
  lines: z.record(lineName, z.strictObject({ approvalsRequired: approvals })),
});
export type Policy = z.infer<typeof policy>;

export const newPolicy = policy.partial();
export type NewPolicy = z.infer<typeof newPolicy>;

export const devicePolicy = z.strictObject({
  controllerId: z.string(),
  /** As operators set it; null: as the device says, or the default. */
  timeZone: timeZone.nullable(),
  ownTimeZone: timeZone.nullable(),
  optOut: z.enum(OPT_OUTS),
});
export type DevicePolicy = z.infer<typeof devicePolicy>;

export const newDevicePolicy = z.strictObject({
  timeZone: timeZone.nullable().optional(),
  optOut: z.enum(OPT_OUTS).optional(),
});
export type NewDevicePolicy = z.infer<typeof newDevicePolicy>;
