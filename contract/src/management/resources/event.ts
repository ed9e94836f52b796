/**
 * What the server tells: one schema for the data of each type, in the frame of CloudEvents 1.0 (JSON format, structured
 * mode). `id` is a decimal number that counts up by one within a tenant: the place in the stream. No event carries a secret.
 */
import { z } from 'zod';
import { assignmentState } from './assignment.ts';
import { INCIDENT_TRACKS, REPORT_STAGES } from './incident.ts';
import { INQUIRY_REMINDERS } from './inquiry.ts';
import { introductionId } from './introduction.ts';
import { ledgerWitness } from './ledger.ts';
import { controllerId, day, lineName, name, numericId, productName, releaseVersion, sha256Hex, time } from './names.ts';
import { ROLLOUT_STATES } from './rollout.ts';
import { haltReason } from './rollout-plan.ts';
import { OPT_OUTS } from './urgency.ts';
import { CASE_STATES } from './vulnerability.ts';

const ofRollout = { rolloutId: numericId, name, line: lineName, version: releaseVersion };

/** Type of event -> what it says. */
export const EVENT_DATA = {
  'pawl.assignment.changed': z.strictObject({
    assignmentId: numericId,
    controllerId,
    line: lineName,
    version: releaseVersion,
    rolloutId: numericId.nullable(),
    from: assignmentState,
    to: assignmentState,
    code: z.string().nullable(),
  }),
  'pawl.rollout.changed': z.strictObject({
    ...ofRollout,
    /** What was done: `create`, `start`, `finish` and so on. */
    act: z.string(),
    state: z.enum(ROLLOUT_STATES),
    /** Stable name of who did it; `engine` when the server did by the plan. */
    by: z.string(),
  }),
  /** So many devices got their offer: one event for a batch, however large. */
  'pawl.rollout.offered': z.strictObject({
    ...ofRollout,
    /** Null when they are tried again. */
    wave: z.number().int().nullable(),
    devices: z.number().int().positive(),
  }),
  /** The server stopped going on because of what devices answered; the numbers say why. */
  'pawl.rollout.halted': z.strictObject({ ...ofRollout, haltedBy: haltReason }),
  'pawl.device.enrolled': z.strictObject({
    controllerId,
    model: name,
    line: lineName.nullable(),
    kind: z.enum(['pawl', 'foreign']),
  }),
  /** A key that nobody knows asked to be let in: an operator answers it, once. */
  'pawl.device.waiting': z.strictObject({
    introductionId,
    client: z.enum(['pawl', 'mender']),
    keyId: sha256Hex,
    name: z.string().nullable(),
  }),
  /** The owner of a device opted out of automatic updates or in again, or its time zone was set. */
  'pawl.device.policy-changed': z.strictObject({
    controllerId,
    line: lineName.nullable(),
    optOut: z.enum(OPT_OUTS).nullable(),
    timeZone: z.string().nullable(),
    by: z.string(),
  }),
  /** What the user of a device answered when asked for consent. */
  'pawl.consent.answered': z.strictObject({
    assignmentId: numericId,
    controllerId,
    line: lineName,
    version: releaseVersion,
    answer: z.enum(['given', 'denied', 'postponed']),
    until: time.nullable(),
  }),
  /** The server judged what a device attested of the release that it confirmed. */
  'pawl.device.attested': z.strictObject({
    assignmentId: numericId,
    controllerId,
    line: lineName,
    version: releaseVersion,
    rolloutId: numericId.nullable(),
    verdict: z.enum(['affirming', 'contraindicated']),
    reasons: z.array(z.string()),
  }),
  'pawl.device.decommissioned': z.strictObject({ controllerId, line: lineName.nullable() }),
  'pawl.release.published': z.strictObject({
    releaseId: numericId,
    line: lineName,
    version: releaseVersion,
    kind: z.enum(['pawl', 'foreign']),
  }),
  /** A case of vulnerability handling moved or was changed; what it says is not told. For those who may read the cases. */
  'pawl.vulnerability.changed': z.strictObject({
    caseId: numericId,
    /** `report`, `set`, `triage` and so on. */
    act: z.string(),
    state: z.enum(CASE_STATES),
    /** Stable name of who did it; `public` for a report by the form. */
    by: z.string(),
  }),
  /** A report to the authorities was opened, filled, sent or closed. For those who may read the cases. */
  'pawl.incident.changed': z.strictObject({
    incidentId: numericId,
    isDrill: z.boolean(),
    track: z.enum(INCIDENT_TRACKS),
    act: z.string(),
    by: z.string(),
  }),
  /** A supplier was asked, answered, or the answer was reviewed. For those who may read evidence. */
  'pawl.inquiry.changed': z.strictObject({
    inquiryId: numericId,
    product: productName,
    supplier: z.string(),
    act: z.string(),
    by: z.string(),
  }),
  /** An inquiry is not answered: told a week before its day, on the day, and when it is over. */
  'pawl.inquiry.reminder': z.strictObject({
    inquiryId: numericId,
    product: productName,
    supplier: z.string(),
    dueOn: day,
    reminder: z.enum(INQUIRY_REMINDERS),
  }),
  /** A report is due: told at the start of its clock, at half, three quarters and nine tenths of it, and at its end. */
  'pawl.incident.reminder': z.strictObject({
    incidentId: numericId,
    isDrill: z.boolean(),
    track: z.enum(INCIDENT_TRACKS),
    stage: z.enum(REPORT_STAGES),
    dueAt: time,
    isOverdue: z.boolean(),
    message: z.string(),
  }),
  /** It stands differently with a witness of the ledger. For those who may read the ledger, in the first tenant. */
  'pawl.ledger.witness-changed': z.strictObject({
    witness: z.string(),
    state: ledgerWitness.shape.state,
    detail: z.string(),
    /** How many entries it cosigned last. */
    size: z.number().int().nonnegative(),
  }),
  /** Somebody may do more, or less, than before. Told to those who may read the audit. */
  'pawl.access.changed': z.strictObject({
    /** What was done: `token-created`, `roles-set` and so on. */
    act: z.string(),
    /** Stable name of whom it concerns: `token/<id>`, `person/<id>`; never what they are called. */
    about: z.string(),
    /** Stable name of who did it; `claim` for the first claim. */
    by: z.string(),
  }),
} as const;

export type EventType = keyof typeof EVENT_DATA;
export type EventData<T extends EventType> = z.input<(typeof EVENT_DATA)[T]>;

export const EVENT_TYPES = Object.keys(EVENT_DATA) as [EventType, ...EventType[]];
export const eventType = z.enum(EVENT_TYPES);

/** Place in the stream; 0 is before the first event. */
export const eventId = z.string().regex(/^(0|[1-9][0-9]{0,14})$/);

const envelopeOf = <T extends EventType>(type: T) =>
  z.strictObject({
    specversion: z.literal('1.0'),
    id: eventId,
    source: z.string(),
    type: z.literal(type),
    time,
    subject: z.string(),
    datacontenttype: z.literal('application/json'),
    data: EVENT_DATA[type],
  });

export const event = z.discriminatedUnion('type', [
  envelopeOf('pawl.assignment.changed'),
  envelopeOf('pawl.rollout.changed'),
  envelopeOf('pawl.rollout.offered'),
  envelopeOf('pawl.rollout.halted'),
  envelopeOf('pawl.device.enrolled'),
  envelopeOf('pawl.device.waiting'),
  envelopeOf('pawl.device.policy-changed'),
  envelopeOf('pawl.consent.answered'),
  envelopeOf('pawl.device.attested'),
  envelopeOf('pawl.device.decommissioned'),
  envelopeOf('pawl.release.published'),
  envelopeOf('pawl.vulnerability.changed'),
  envelopeOf('pawl.incident.changed'),
  envelopeOf('pawl.incident.reminder'),
  envelopeOf('pawl.inquiry.changed'),
  envelopeOf('pawl.inquiry.reminder'),
  envelopeOf('pawl.ledger.witness-changed'),
  envelopeOf('pawl.access.changed'),
]);
export type PawlEvent = z.infer<typeof event>;
