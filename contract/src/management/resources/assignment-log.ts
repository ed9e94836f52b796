/** A word of a device about its assignment. */
import { z } from 'zod';
import { time } from './names.ts';

export const assignmentLogEntry = z.strictObject({
  at: time,
  /** In the words of its client: hawkBit's (RUNNING, FINISHED, …), Mender's (INSTALLING, FAILURE, …), LOG for its log. */
  status: z.string(),
  messages: z.array(z.string()),
});
