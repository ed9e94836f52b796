/**
 * Reports to the authorities by CRA Article 14: what happened, by when what is due, and the record of what was sent. Drills are
 * the same in all but one: they are marked, listed apart, and stated under a type of their own.
 */
import { z } from 'zod';
import { numericId, sha256Hex, time } from './names.ts';

export const INCIDENT_TRACKS = ['actively-exploited-vulnerability', 'severe-incident'] as const;
export const REPORT_STAGES = ['early-warning', 'notification', 'final-report'] as const;

const title = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u);
/** One line: what somebody read off the platform. */
const reference = title;

export const newIncident = z.strictObject({
  track: z.enum(INCIDENT_TRACKS),
  title,
  /** When the manufacturer became aware; it never changes. */
  awareAt: time,
  isDrill: z.boolean(),
  /** The case that it is about. */
  vulnerabilityId: numericId.optional(),
});
export type NewIncident = z.infer<typeof newIncident>;

/** Values of the platform's form by the number of the field; null takes one away. */
const fieldValues = z.record(z.string().regex(/^[vi]?[0-9]{1,3}a?$/), z.string().max(20_000).nullable());

export const incidentChange = z.strictObject({
  /** When the corrective or mitigating measure was available; set once. */
  measureAvailableAt: time.optional(),
  /** When the impacted users were informed; set once. */
  usersInformedAt: time.optional(),
  values: fieldValues.optional(),
});
export type IncidentChange = z.infer<typeof incidentChange>;

/** The record of what a person sent through the platform. */
export const newSubmission = z.strictObject({
  stage: z.enum(REPORT_STAGES),
  at: time,
  /** Who sent it. */
  sentBy: title,
  /** The receipt number of the platform. */
  reference,
  /** SHA-256 of the file of the dossier as it was sent. */
  dossierSha256: sha256Hex,
});
export type NewSubmission = z.infer<typeof newSubmission>;

const clock = z.strictObject({
  stage: z.enum(REPORT_STAGES),
  source: z.string(),
  runsFrom: z.enum(['awareness', 'measure-available', 'notification-submitted']),
  startedAt: time.nullable(),
  dueAt: time.nullable(),
  state: z.enum(['not-started', 'running', 'overdue', 'met', 'met-late']),
});

export const incident = z.strictObject({
  id: numericId,
  track: z.enum(INCIDENT_TRACKS),
  title: z.string(),
  isDrill: z.boolean(),
  vulnerabilityId: numericId.nullable(),
  awareAt: time,
  measureAvailableAt: time.nullable(),
  usersInformedAt: time.nullable(),
  closedAt: time.nullable(),
  clocks: z.array(clock),
  submissions: z.array(newSubmission.extend({ recordedBy: z.string(), recordedAt: time })),
});
export type Incident = z.infer<typeof incident>;

/** The form of the platform in its order, as it stands for a stage. */
export const dossier = z.strictObject({
  incidentId: numericId,
  isDrill: z.boolean(),
  track: z.enum(INCIDENT_TRACKS),
  stage: z.enum(REPORT_STAGES),
  formVersion: z.string(),
  rows: z.array(
    z.strictObject({
      no: z.string(),
      key: z.string(),
      /** R required, A if available, O optional, C carried forward, - not at this stage, ? not known. */
      need: z.enum(['R', 'A', 'O', 'C', '-', '?']),
      format: z.string(),
      value: z.string().nullable(),
      isMissing: z.boolean(),
    }),
  ),
  missing: z.array(z.string()),
});
export type IncidentDossier = z.infer<typeof dossier>;
