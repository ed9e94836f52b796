/**
 * Inquiries to suppliers: questions about parts, answered by a link without an account. What an answer is worth follows from
 * what comes with it; whoever reviews it says whether it counts, and never what it is worth.
 */
import { z } from 'zod';
import { day, name, numericId, productName, sentence, sha256Hex, time } from './names.ts';

const INQUIRY_QUESTIONS_MAX = 64;
export const INQUIRY_FILES_MAX = 3;
/** Bounds of what somebody writes into a field. */
export const ANSWER_CHARS_MAX = 4000;
const QUESTION_KINDS = ['yes-no', 'text', 'date', 'choice'] as const;

/** Weakest first: somebody says so, a paper says so, a test report says so, a ledger proves itself. */
export const ANSWER_WORTHS = ['assurance', 'document', 'test-evidence', 'verified-bundle'] as const;
export type AnswerWorth = (typeof ANSWER_WORTHS)[number];

const word = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'a word of a-z, 0-9 and -');

const inquiryQuestion = z
  .strictObject({
    id: word,
    topic: word,
    text: sentence,
    kind: z.enum(QUESTION_KINDS),
    /** Of a choice. */
    choices: z.array(sentence.max(128)).min(2).max(12).optional(),
    /** The answers that speak for the part: of a choice; of yes or no it is yes. */
    favourable: z.array(sentence.max(128)).min(1).max(12).optional(),
    /** Nothing is submitted without an answer. */
    isRequired: z.boolean().optional(),
    /** Files may be attached. */
    attachment: z.boolean(),
    /** What an answer may show: requirements as the catalogues name them; none: it is for the planning only. */
    requirements: z.array(sentence.max(128)).max(16).optional(),
  })
  .superRefine(({ kind, choices, favourable }, context) => {
    const issue = (at: string, message: string): void => context.addIssue({ code: 'custom', path: [at], message });
    if ((kind === 'choice') !== (choices !== undefined)) issue('choices', 'for a choice, and only there');
    if (choices !== undefined && new Set(choices).size !== choices.length) issue('choices', 'each once');
    if (favourable?.every((one) => choices?.includes(one) === true) === false)
      issue('favourable', 'some of the choices');
  });
export type InquiryQuestion = z.infer<typeof inquiryQuestion>;

const questions = z
  .array(inquiryQuestion)
  .min(1)
  .max(INQUIRY_QUESTIONS_MAX)
  .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, { message: 'each question once' });

/** Questions as data. */
export const inquiryTemplate = z.strictObject({
  template: word,
  edition: sentence.max(64),
  title: sentence,
  questions,
});
export type InquiryTemplate = z.infer<typeof inquiryTemplate>;

const about = {
  supplier: name,
  product: productName,
  /** Models that it is about; none named: the whole product. */
  models: z.array(productName).max(100).optional(),
  /** Names of the parts, as the supplier knows them. */
  parts: z.array(name).min(1).max(32),
  /** A sentence to whoever answers. */
  note: sentence.optional(),
  /** The day by which the answer is wanted. */
  dueOn: day,
};

export const newInquiry = z.strictObject({
  ...about,
  template: inquiryTemplate,
  /** How long the link works. */
  validForDays: z.number().int().min(1).max(366).optional(),
});
export type NewInquiry = z.infer<typeof newInquiry>;

const provenBundle = z.strictObject({
  origin: z.string(),
  entries: z.number().int(),
  isComplete: z.boolean(),
  /** The key that it was verified with, as the supplier named it. */
  vkey: z.string(),
});

const answerFile = z.strictObject({
  name: z.string(),
  mediaType: z.string(),
  sha256: sha256Hex,
  sizeBytes: z.number().int().min(1),
  worth: z.enum(ANSWER_WORTHS).exclude(['assurance']),
  /** Of a test report: who made it, and by which edition. */
  issuer: z.string().optional(),
  edition: z.string().optional(),
  /** What a bundle was found to be. */
  bundle: provenBundle.optional(),
});
export type AnswerFile = z.infer<typeof answerFile>;

const inquiryAnswer = z.strictObject({
  question: word,
  value: z.string(),
  worth: z.enum(ANSWER_WORTHS),
  files: z.array(answerFile),
});
export type InquiryAnswer = z.infer<typeof inquiryAnswer>;

const round = z.strictObject({
  round: z.number().int().min(1),
  answeredBy: z.string(),
  submittedAt: time,
  answers: z.array(inquiryAnswer),
  verdict: z.enum(['accepted', 'asked-again']).nullable(),
  reviewedBy: z.string().nullable(),
  reviewNote: z.string().nullable(),
});
export type InquiryRound = z.infer<typeof round>;

/** `open` waits for the supplier · `submitted` waits for the review · `accepted` counts · `withdrawn` ended, counts for nothing. */
const INQUIRY_STATES = ['open', 'submitted', 'accepted', 'withdrawn'] as const;
export type InquiryState = (typeof INQUIRY_STATES)[number];

export const inquiry = z.strictObject({
  id: numericId,
  ...about,
  template: z.string(),
  questions: z.array(inquiryQuestion),
  state: z.enum(INQUIRY_STATES),
  /** Open, and its day is over. */
  isOverdue: z.boolean(),
  /** Days to its day; below zero: since. */
  daysLeft: z.number().int(),
  /** Whether there is a link that works. */
  linkExpiresAt: time.nullable(),
  /** Whether a draft was saved since it was asked. */
  hasDraft: z.boolean(),
  rounds: z.array(round),
  madeBy: z.string(),
  madeAt: time,
  endedReason: z.string().nullable(),
});
export type Inquiry = z.infer<typeof inquiry>;

/** The secret is shown once. */
export const sentInquiry = z.strictObject({ inquiry, path: z.string() });

/** A week before the day, on the day, and when it is over. */
export const INQUIRY_REMINDERS = ['week', 'day', 'overdue'] as const;
export type InquiryReminder = (typeof INQUIRY_REMINDERS)[number];

export const inquiryReview = z
  .strictObject({ verdict: z.enum(['accept', 'ask-again']), note: sentence.optional(), dueOn: day.optional() })
  .refine(({ verdict, note }) => verdict === 'accept' || note !== undefined, {
    path: ['note'],
    message: 'what is asked for again',
  });
