/**
 * When devices install: windows of the week in the time of the place where a device stands.
 *
 * A window begins at its start on its days and lasts its whole duration, as a clock on the wall would run it: across
 * midnight, and across a change of the clocks. Without windows, always.
 */
import { z } from 'zod';

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const MINUTES_OF_WEEK = 10_080;

/** A name of the IANA time zone database, or a fixed offset such as `+05:30`. The server says which it knows. */
export const timeZone = z.string().regex(/^[A-Za-z0-9_+:/-]{1,64}$/);

export const maintenanceWindow = z.strictObject({
  /** Every day when left out. */
  days: z.array(z.enum(WEEKDAYS)).min(1).max(7).optional(),
  start: z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/),
  durationMinutes: z.number().int().min(1).max(MINUTES_OF_WEEK),
});
export type MaintenanceWindow = z.infer<typeof maintenanceWindow>;

/** What a client that ignores windows hears outside of them: nothing, or the offer with `update: skip`. */
export const OUTSIDE_WINDOW = ['withhold', 'tell'] as const;
