/**
 * The things of the management API as strict schemas. Numbers that may pass 2^53 (sequence number, security counter,
 * floor) are decimal strings; times are RFC 3339 in UTC.
 */
import { z } from 'zod';

const LINE_NAME: RegExp = /^[a-z0-9][a-z0-9-]{0,62}$/;
const CONTROLLER_ID = /^(?!\.)[A-Za-z0-9._:-]{1,128}$/;
const FILE_NAME = /^(?!\.)[A-Za-z0-9._+~-]{1,128}$/;
const SEMVER = /^(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?$/;

export const lineName = z.string().regex(LINE_NAME);
export const controllerId = z.string().regex(CONTROLLER_ID);
export const artifactName = z.string().regex(FILE_NAME);
const releaseVersion = z.string().max(160).regex(SEMVER);
const decimal = z.string().regex(/^(0|[1-9][0-9]{0,19})$/);
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);
const base64 = z.base64();
const time = z.iso.datetime();
const name = z.string().min(1).max(128);
const tag = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/);
export const numericId = z.number().int().min(1).max(2_147_483_647);

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
const assignmentState = z.enum(ASSIGNMENT_STATES);

const ROLLOUT_STATES = ['ready', 'running', 'paused', 'stopped', 'finished'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/**
 * What counts as success, from the weakest word to the strongest proof: the client said so; the device's own attribute
 * `version` showed the release afterwards; the device signed it after its trial boot.
 */
const SUCCESS_KINDS = ['reported', 'version-seen', 'confirmed'] as const;
export type SuccessKind = (typeof SUCCESS_KINDS)[number];

/** Roles of API tokens, each able to do what those before it can. */
export const TOKEN_ROLES = ['viewer', 'operator', 'admin'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

/** Names a token and opens nothing. */
export const tokenId = z.string().regex(/^[0-9a-f]{16}$/);
const tokenLabel = z.string().min(1).max(64);

export const newToken = z.strictObject({ label: tokenLabel, role: z.enum(TOKEN_ROLES) });
export const token = newToken.extend({ id: tokenId, createdAt: time });
export type Token = z.infer<typeof token>;

export const login = z.strictObject({ claim: z.string().max(128), label: tokenLabel });

export const device = z.strictObject({
  controllerId,
  model: name,
  line: lineName.nullable(),
  /** `pawl`: has a key of its own and signs its reports; `foreign`: a client that only says. */
  kind: z.enum(['pawl', 'foreign']),
  tags: z.array(tag),
  attributes: z.record(z.string(), z.string()),
  /** The version that the device proved (pawl) or said (foreign) to run. */
  installedVersion: z.string().nullable(),
  floor: decimal.nullable(),
  keyId: sha256Hex.nullable(),
  state: assignmentState.nullable(),
  lastSeenAt: time.nullable(),
  enrolledAt: time.nullable(),
  isDecommissioned: z.boolean(),
});
export type Device = z.infer<typeof device>;

export const newDevice = z.strictObject({
  controllerId,
  model: name,
  line: lineName.optional(),
  tags: z.array(tag).max(32).optional(),
});
export type NewDevice = z.infer<typeof newDevice>;

export const newClaim = z.strictObject({
  controllerId,
  model: name,
  line: lineName,
  tags: z.array(tag).max(32).optional(),
  validForS: z.number().int().min(60).max(2_592_000).optional(),
});
export type NewClaim = z.infer<typeof newClaim>;

export const newGateway = z.strictObject({ name, controllerIds: z.array(controllerId).min(1).max(1000) });

const artifact = z.strictObject({ name: artifactName, sizeBytes: z.number().int().min(1), sha256: sha256Hex });

export const release = z.strictObject({
  id: numericId,
  line: lineName,
  version: releaseVersion,
  kind: z.enum(['pawl', 'foreign']),
  state: z.enum(['draft', 'published']),
  sequenceNumber: decimal.nullable(),
  securityCounter: decimal.nullable(),
  artifacts: z.array(artifact.extend({ isUploaded: z.boolean() })),
  createdAt: time,
  publishedAt: time.nullable(),
});
export type Release = z.infer<typeof release>;

/** These are read whole when a release is published: an envelope to be verified, a foreign image with its signature. */
const ENVELOPE_BYTES_MAX = 2 ** 20;
const FOREIGN_BYTES_MAX = 2 ** 30;

export const newRelease = z
  .strictObject({
    line: lineName,
    version: releaseVersion,
    kind: z.enum(['pawl', 'foreign']),
    sequenceNumber: decimal.optional(),
    securityCounter: decimal.optional(),
    artifacts: z.array(artifact).min(1).max(64),
    /** DSSE envelope `urn:pawl:release:1` by the image key, base64 of its bytes. */
    statement: base64.max(65_536).optional(),
  })
  .refine(({ artifacts }) => new Set(artifacts.map((one) => one.name)).size === artifacts.length, {
    path: ['artifacts'],
    message: 'each artifact name once',
  })
  .refine(({ kind, artifacts }) => kind === 'foreign' || artifacts.some((one) => one.name === 'envelope.suit'), {
    path: ['artifacts'],
    message: 'an artifact envelope.suit',
  })
  .refine(
    ({ artifacts }) => artifacts.every((one) => one.name !== 'envelope.suit' || one.sizeBytes <= ENVELOPE_BYTES_MAX),
    {
      path: ['artifacts'],
      message: `an envelope of at most ${ENVELOPE_BYTES_MAX} bytes`,
    },
  )
  .refine(({ kind, artifacts }) => kind === 'pawl' || artifacts.every((one) => one.sizeBytes <= FOREIGN_BYTES_MAX), {
    path: ['artifacts'],
    message: `foreign artifacts of at most ${FOREIGN_BYTES_MAX} bytes`,
  });
export type NewRelease = z.infer<typeof newRelease>;

export const line = z.strictObject({
  name: lineName,
  /** PEM certificates that may sign foreign images of this line. */
  certificatesPem: z.array(z.string().max(16_384)).max(16),
});
export type Line = z.infer<typeof line>;

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
});
export type NewRollout = z.infer<typeof newRollout>;

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
  createdAt: time,
  updatedAt: time,
});
export type Assignment = z.infer<typeof assignment>;

/** TUF files as base64 of the very bytes that were signed; all are checked and taken together, or none is. */
export const newTrust = z.strictObject({
  roots: z.array(base64).max(64).optional(),
  targets: base64.optional(),
  lines: z.record(lineName, base64).optional(),
  /** `keys/<line>.cbor` targets. */
  lineKeys: z.record(lineName, base64).optional(),
});
export type NewTrust = z.infer<typeof newTrust>;

export const trustStatus = z.strictObject({
  root: numericId.nullable(),
  targets: numericId.nullable(),
  snapshot: numericId.nullable(),
  timestamp: numericId.nullable(),
  lines: z.record(lineName, numericId),
  /** The public keys of the online roles, for the root that names them. SPKI PEM. */
  onlineKeys: z.strictObject({ snapshot: z.string(), timestamp: z.string() }),
});
export type TrustStatus = z.infer<typeof trustStatus>;

export const checkpoint = z.strictObject({
  note: z.string(),
  vkey: z.string(),
  size: z.number().int().nonnegative(),
  rootHash: sha256Hex,
});

export const ledgerEntry = z.strictObject({
  index: z.number().int().nonnegative(),
  predicateType: z.string(),
  subject: z.string(),
  /** The DSSE envelope, base64 of its bytes. */
  envelope: base64,
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;

export const ledgerProof = z.strictObject({
  index: z.number().int().nonnegative(),
  size: z.number().int().nonnegative(),
  hashes: z.array(sha256Hex),
  note: z.string(),
});
