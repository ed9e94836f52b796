/**
 * Laboratories as the user knows them, test plans pinned to one edition of one catalogue, and results of tests. A result is
 * *tested* when its report is attached and who made it stands in the directory of laboratories; else it is *claimed*.
 */
import { z } from 'zod';
import { EVIDENCE_MEDIA_TYPES } from './evidence.ts';
import { day, name, numericId, productName, sentence, sha256Hex, time } from './names.ts';

const word = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a word of a-z, 0-9 and -');
const reference = sentence.max(128);

const laboratory = z.strictObject({
  id: word,
  name,
  country: z.string().regex(/^[A-Z]{2}$/, 'a country as DE (ISO 3166-1)'),
  /** As `firmware-binary-analysis`, `update-simulation`, `policy-review`. */
  capabilities: z.array(word).min(1).max(50),
  /** Editions that it tests by, as `EN 303 645 V3.1.3`. */
  editions: z.array(reference).max(50),
  leadTimeWeeks: z.number().int().min(0).max(260),
  /** Who said what stands here, and when that was looked at. */
  source: sentence,
  verifiedOn: day,
  /** Under which law, with its number; absent: it is none, or nobody looked. */
  notifiedBody: z
    .strictObject({
      law: reference,
      number: z.string().regex(/^\d{4}$/, 'four digits'),
      source: sentence,
      verifiedOn: day,
    })
    .optional(),
  contact: sentence.optional(),
});
export type Laboratory = z.infer<typeof laboratory>;

export const laboratories = z
  .array(laboratory)
  .min(1)
  .max(500)
  .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, { message: 'each laboratory once' });

export const laboratoryDirectory = z.strictObject({
  /** 0: nobody wrote one down. */
  version: z.number().int().nonnegative(),
  laboratories: z.array(laboratory),
  recordedBy: z.string().nullable(),
  recordedAt: time.nullable(),
});
export type LaboratoryDirectory = z.infer<typeof laboratoryDirectory>;

const planned = {
  product: productName,
  models: z.array(productName).min(1).max(100),
  /** The catalogue, and its edition to the letter: results by another one are refused. */
  catalogue: reference,
  edition: reference,
  /** References, as `ETSI-EN-303-645 5.3-2`. */
  requirements: z.array(reference).min(1).max(500),
  laboratory: word,
  /** The day on which the results must be there. */
  doneBy: day,
};

export const newTestPlan = z.strictObject({
  ...planned,
  /** None named: all of the catalogue that ask for a test. */
  requirements: planned.requirements.optional(),
});
export type NewTestPlan = z.infer<typeof newTestPlan>;

const TEST_VERDICTS = ['pass', 'fail', 'inconclusive', 'not-applicable'] as const;

export const testResult = z.strictObject({
  requirement: reference,
  verdict: z.enum(TEST_VERDICTS),
  /** Where it stands in the report. */
  reference,
  testedOn: day,
  /** A laboratory of the directory, by its id; or somebody else, by name. */
  issuer: name,
  edition: reference,
  note: sentence.optional(),
});
export type TestResult = z.infer<typeof testResult>;

export const newTestResults = z.strictObject({
  results: z.array(testResult).min(1).max(2000),
  /** The report, uploaded before. */
  report: z.strictObject({ name, mediaType: z.enum(EVIDENCE_MEDIA_TYPES), sha256: sha256Hex }).optional(),
});
export type NewTestResults = z.infer<typeof newTestResults>;

const recordedResult = z.strictObject({
  ...testResult.shape,
  grade: z.enum(['claimed', 'tested']),
  /** The report in the vault. */
  evidence: numericId.nullable(),
  recordedBy: z.string(),
  recordedAt: time,
});
export type RecordedResult = z.infer<typeof recordedResult>;

const step = z.strictObject({
  name: z.string(),
  startsOn: day,
  endsOn: day,
  isLate: z.boolean(),
  reason: z.string(),
});

export const testPlan = z.strictObject({
  id: numericId,
  ...planned,
  /** The newest result of each requirement counts; older ones are kept. */
  results: z.array(recordedResult),
  open: z.array(z.string()),
  /** Backwards from the day on which it must be done. */
  schedule: z.array(step),
  madeBy: z.string(),
  madeAt: time,
});
export type TestPlan = z.infer<typeof testPlan>;
