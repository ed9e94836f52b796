/** Product lines, releases and their artifacts. */
import { z } from 'zod';
import { artifactName, base64, decimal, lineName, numericId, releaseVersion, sha256Hex, time } from './names.ts';
import { releaseAdvice, URGENCIES } from './urgency.ts';

const artifact = z.strictObject({ name: artifactName, sizeBytes: z.number().int().min(1), sha256: sha256Hex });

export const release = z.strictObject({
  id: numericId,
  line: lineName,
  version: releaseVersion,
  kind: z.enum(['pawl', 'foreign']),
  state: z.enum(['draft', 'published']),
  sequenceNumber: decimal.nullable(),
  securityCounter: decimal.nullable(),
  urgency: z.enum(URGENCIES),
  ...releaseAdvice,
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
    /** `mixed` when left out: nobody said that it is only the one or the other. */
    urgency: z.enum(URGENCIES).optional(),
    ...releaseAdvice,
    artifacts: z.array(artifact).min(1).max(64),
    /** DSSE envelope `urn:pawl:release:1` by the image key, base64 of its bytes. */
    statement: base64.max(65_536).optional(),
  })
  .refine(({ artifacts }) => new Set(artifacts.map((one) => one.name)).size === artifacts.length, {
    path: ['artifacts'],
    message: 'each artifact name once',
  })
  .refine(({ urgency, justification }) => urgency !== 'security' || justification !== undefined, {
    path: ['justification'],
    message: 'a justification of why it is security fixes only',
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
