/**
 * What people decide about a rollout beside its plan: when devices may install, how their users are asked, and whether it
 * carries security fixes only. `server/src/domain/rollout-policy.ts` holds what applies when a part is left out.
 */
import { z } from 'zod';
import { maintenanceWindow, OUTSIDE_WINDOW, timeZone } from './maintenance-window.ts';

export const maintenance = z.strictObject({
  windows: z.array(maintenanceWindow).min(1).max(16),
  /** Of devices of which no time zone is known; else that of the tenant. */
  timeZone: timeZone.optional(),
  outside: z.enum(OUTSIDE_WINDOW).optional(),
});

const DAYS_MAX = 365;

/** How the user of a device is asked, where one is. */
const consentRules = z.strictObject({
  /** How often the user may put it off, and for how long at most each time. */
  postponements: z.number().int().min(0).max(100).optional(),
  postponeHours: z.number().int().min(1).max(8760).optional(),
  /** After a no, the user is asked again when so many days are over; without it, when people retry the rollout. */
  askAgainDays: z.number().int().min(1).max(DAYS_MAX).optional(),
});
export type ConsentRules = z.infer<typeof consentRules>;

export const rolloutPolicy = {
  /** Null: at any time, whatever the tenant's default. */
  maintenance: maintenance.nullable().optional(),
  consent: consentRules.optional(),
  /** Takes only a release that is marked as security fixes and nothing else. */
  isSecurityOnly: z.boolean().optional(),
};

export const effectivePolicy = {
  maintenance: z
    .strictObject({ windows: z.array(maintenanceWindow), timeZone, outside: z.enum(OUTSIDE_WINDOW) })
    .nullable(),
  consent: z.strictObject({
    postponements: z.number().int(),
    postponeHours: z.number().int(),
    askAgainDays: z.number().int().nullable(),
  }),
  isSecurityOnly: z.boolean(),
};
