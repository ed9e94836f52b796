/** Groups: filters that have a name. Who is in a group is found out anew each time. */
import { z } from 'zod';
import { time } from './names.ts';

export const groupName = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/);
export const deviceGroup = z.strictObject({ name: groupName, filter: z.string(), createdAt: time, updatedAt: time });
export type DeviceGroup = z.infer<typeof deviceGroup>;
