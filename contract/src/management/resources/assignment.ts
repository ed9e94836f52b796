/** Assignments: one device, one release. */
import { z } from 'zod';
import { controllerId, lineName, numericId, releaseVersion, time } from './names.ts';

export const ASSIGNMENT_STATES = [
  'offered',
  'awaiting-consent',
  'downloading',
  'verified',
  'staged',
  'trial',
  'confirmed',
  'reported',
  'reverted',
  'refused',
  'failed',
  'cancelling',
  'cancelled',
  'timed-out',
] as const;
export type AssignmentState = (typeof ASSIGNMENT_STATES)[number];
export const assignmentState = z.enum(ASSIGNMENT_STATES);

export const assignment = z.strictObject({
  id: numericId,
  controllerId,
  releaseId: numericId,
  rolloutId: numericId.nullable(),
  line: lineName,
  version: releaseVersion,
  state: assignmentState,
  code: z.string().nullable(),
  step: z.number().int().nullable(),
  /** How the server judged what the device attested of this release; null when it was not asked or did not answer. */
  attestation: z
    .strictObject({ verdict: z.enum(['affirming', 'contraindicated']), reasons: z.array(z.string()), at: time })
    .nullable(),
  createdAt: time,
  updatedAt: time,
});
export type Assignment = z.infer<typeof assignment>;
