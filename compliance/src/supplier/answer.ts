/**
 * What a supplier's answer is, and what it is worth. The worth follows from the strongest thing that came with it, and is no
 * opinion: nothing attached is an assurance, a paper a document, a test report that names its laboratory and edition is test
 * evidence, and only a bundle that was verified is one.
 */
import {
  ANSWER_CHARS_MAX,
  ANSWER_WORTHS,
  type AnswerFile,
  type AnswerWorth,
  type InquiryQuestion,
} from '@pawl/contract/management';

const YES_NO: readonly string[] = ['yes', 'no', 'unknown'];

function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text;
}

/** What belongs there when a value is no answer to the question; undefined when it is one, or none was given. */
export function faultOfAnswer({ kind, choices }: InquiryQuestion, value: string): string | undefined {
  if (value === '') return undefined;
  switch (kind) {
    case 'yes-no':
      return YES_NO.includes(value) ? undefined : 'yes, no or not known';
    case 'choice':
      return choices?.includes(value) === true ? undefined : 'one of the choices';
    case 'date':
      return isDay(value) ? undefined : 'a day such as 2027-12-11';
    case 'text':
      return value.length <= ANSWER_CHARS_MAX ? undefined : `at most ${ANSWER_CHARS_MAX} characters`;
  }
}

/** Whether an answer speaks for the part. */
export function isFavourable({ kind, favourable }: InquiryQuestion, value: string): boolean {
  if (value === '') return false;
  if (kind === 'yes-no') return value === 'yes';
  return kind !== 'choice' || favourable === undefined || favourable.includes(value);
}

export function isWorthAtLeast(worth: AnswerWorth, least: AnswerWorth): boolean {
  return ANSWER_WORTHS.indexOf(worth) >= ANSWER_WORTHS.indexOf(least);
}

/** The worth of an answer by what came with it. */
export function worthOf(files: readonly Pick<AnswerFile, 'worth'>[]): AnswerWorth {
  return files.reduce<AnswerWorth>((best, { worth }) => (isWorthAtLeast(best, worth) ? best : worth), 'assurance');
}
