/**
 * Documents that were taken in as evidence: lab reports, certificates, policies, answers of suppliers, pictures. What kinds of
 * evidence and which requirements there are, the catalogues say; the server holds the words against them.
 *
 * The name of a file is text to show: no path, no control character, nothing that turns the direction of writing.
 */
import { z } from 'zod';
import { day, numericId, productName, sentence, sha256Hex, time } from './names.ts';

/** What kind of document it is; what it may show at most follows from that. */
export const DOCUMENT_KINDS = [
  'lab-report',
  'test-result',
  'certificate',
  'record',
  'policy',
  'procedure',
  'declaration',
  'supplier-answer',
  'document',
  'picture',
] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

export const EVIDENCE_FILE_BYTES_MAX: number = 64 * 2 ** 20;

/** Nothing that a browser would run. */
export const EVIDENCE_MEDIA_TYPES = [
  'application/pdf',
  'application/json',
  'application/xml',
  'application/zip',
  'text/plain',
  'text/csv',
  'image/png',
  'image/jpeg',
] as const;
export type EvidenceMediaType = (typeof EVIDENCE_MEDIA_TYPES)[number];

const fileName = z
  .string()
  .max(255)
  .regex(/^(?!\.{1,2}$)[^\p{C}/\\]+$/u, 'a file name without a path');
const file = z.strictObject({
  name: fileName,
  mediaType: z.enum(EVIDENCE_MEDIA_TYPES),
  sha256: sha256Hex,
});

const GRADES = ['claimed', 'configured', 'tested', 'observed'] as const;
const word = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);

const about = {
  product: productName,
  /** Models that it is about; none named: the whole product. */
  models: z.array(productName).max(100).optional(),
  kind: z.enum(DOCUMENT_KINDS),
  title: sentence,
  issuer: sentence,
  /** Edition of what it was made by: of a standard, a test specification, the document itself. */
  edition: sentence.max(128).optional(),
  issuedOn: day,
  validUntil: day.optional(),
};

export const newEvidence = z
  .strictObject({
    ...about,
    file,
    /** Requirements that it is for, as the catalogues name them (`EU-CRA I.2.f`); none named: all that ask for evidence of its kind. */
    requirements: z.array(sentence.max(128)).max(64).optional(),
    /** Kinds of evidence, by the vocabulary of the catalogues; by the kind of document when left out. */
    shows: z.array(word).min(1).max(16).optional(),
    /** As strong as the kind of document allows when left out; never stronger. */
    grade: z.enum(GRADES).optional(),
    /** The evidence that it takes the place of. */
    supersedes: numericId.optional(),
  })
  .refine(({ issuedOn, validUntil }) => validUntil === undefined || issuedOn <= validUntil, {
    path: ['validUntil'],
    message: 'not before it was issued',
  });
export type NewEvidence = z.infer<typeof newEvidence>;

export const evidence = z.strictObject({
  id: numericId,
  ...about,
  file: file.extend({ sizeBytes: z.number().int().min(1) }),
  requirements: z.array(z.string()),
  shows: z.array(z.string()),
  grade: z.enum(GRADES),
  state: z.enum(['current', 'superseded', 'withdrawn']),
  supersededBy: numericId.nullable(),
  endedReason: z.string().nullable(),
  recordedBy: z.string(),
  recordedAt: time,
  /** The file is kept until this day at least. */
  keptUntil: day,
});
export type EvidenceRecord = z.infer<typeof evidence>;
