/**
 * What Pawl's own agent says and hears beside DDI: enrolment by a one-time claim, signed reports, and attestation.
 *
 * A report is a DSSE envelope (in-toto statement, predicate type `urn:pawl:device-report:1`) signed by the device key;
 * `deviceReport` is its predicate. These are our own formats, so unknown members are refused.
 */
import { z } from 'zod';

const PEM_CHARS_MAX = 8192;
const PROOF_CHARS_MAX = 8192;

/** Control characters, slashes and back-slashes never stand in a device's name; nor is it a relative path. */
export const CONTROLLER_ID = /^(?!\.{1,2}$)[^\p{Cc}\p{Cs}/\\]{1,256}$/u;
export const LINE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The text that an enrolling device signs, to prove that it holds the private key. */
export function enrolProofText(claim: string, publicKeyPem: string): string {
  return `pawl-enrol-1\n${claim}\n${publicKeyPem}`;
}

export const enrolRequest = z.strictObject({
  claim: z.string().min(1).max(256),
  name: z.string().regex(CONTROLLER_ID).optional(),
  publicKey: z.string().min(1).max(PEM_CHARS_MAX),
  proof: z.string().min(1).max(PROOF_CHARS_MAX),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

/** The token is shown here once; the server keeps its SHA-256 only. */
export const enrolResponse = z.strictObject({
  controllerId: z.string(),
  token: z.string(),
  pollIntervalS: z.number().int().positive(),
});
export type EnrolResponse = z.infer<typeof enrolResponse>;

/** What a device says of itself when it introduces itself with a key, without the proof. */
const introduced = z.strictObject({
  name: z.string().regex(CONTROLLER_ID).optional(),
  attributes: z
    .record(z.string().min(1).max(32), z.string().max(128))
    .refine((all) => Object.keys(all).length <= 32, 'at most 32 attributes')
    .optional(),
  publicKey: z.string().min(1).max(PEM_CHARS_MAX),
  /** Of the token that the device made for itself: SHA-256, hex. */
  tokenSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of its manufacturer, over the same key; PEM. */
  certificate: z.string().min(1).max(16_384).optional(),
});

/** The text that the device signs: JSON of all that it says, in this order, for one tenant; attributes by name. */
export function introductionText(tenant: string, said: z.infer<typeof introduced>): string {
  const attributes = Object.entries(said.attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [
    tenant.toLowerCase(),
    said.name ?? null,
    attributes,
    said.publicKey,
    said.tokenSha256,
    said.certificate ?? null,
  ];
  return `pawl-introduce-1\n${JSON.stringify(parts)}`;
}

export const introductionRequest = introduced.extend({ proof: z.string().min(1).max(PROOF_CHARS_MAX) });
export type IntroductionRequest = z.infer<typeof introductionRequest>;

export const introductionResponse = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('pending'), askAgainS: z.number().int().positive() }),
  z.strictObject({
    state: z.literal('enrolled'),
    controllerId: z.string(),
    pollIntervalS: z.number().int().positive(),
  }),
]);
export type IntroductionResponse = z.infer<typeof introductionResponse>;

export const REPORT_STATES = [
  'downloading',
  'verified',
  'staged',
  'trial',
  'confirmed',
  'reverted',
  'refused',
  'failed',
  'awaiting-consent',
] as const;
export type ReportState = (typeof REPORT_STATES)[number];

/** An unsigned 64-bit integer: a JSON number where that is exact, else decimal digits. */
const uint = z.union([
  z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  z.string().regex(/^(0|[1-9][0-9]{0,19})$/),
]);

export const deviceReport = z.strictObject({
  assignmentId: z.union([z.number().int().positive(), z.string().regex(/^[1-9][0-9]{0,9}$/)]),
  counter: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  state: z.enum(REPORT_STATES),
  code: z.string().max(64).optional(),
  /** Which of the agent's six steps refused. */
  step: z.number().int().min(0).max(99).optional(),
  version: z.string().max(128).optional(),
  sequenceNumber: uint.optional(),
  securityCounter: uint.optional(),
  floor: uint.optional(),
  slot: z.union([z.number().int().nonnegative(), z.string().max(64)]).optional(),
  journalHead: z.string().max(128).optional(),
  at: z.string().max(64).optional(),
  /** With `awaiting-consent`: the user put the update off until then. */
  postponedUntil: z.iso.datetime().optional(),
});
export type DeviceReport = z.infer<typeof deviceReport>;

/** base64url of 8 to 64 bytes (RFC 9711 §4.1); made for one answer of one device, and for a few minutes. */
export const attestationChallenge = z.strictObject({ nonce: z.string().regex(/^[A-Za-z0-9_-]{11,86}$/) });
export type AttestationChallenge = z.infer<typeof attestationChallenge>;

export const attestationVerdict = z.strictObject({
  verdict: z.enum(['affirming', 'contraindicated']),
  reasons: z.array(z.string()),
});
export type AttestationVerdict = z.infer<typeof attestationVerdict>;

export const reportResponse = z.strictObject({ state: z.string(), counter: z.number().int() });
export type ReportResponse = z.infer<typeof reportResponse>;
