/**
 * What suppliers answered, read from the entries of a verified ledger (`urn:pawl:inquiry:1`, `urn:pawl:supplier-answer:1`).
 * It is *claimed*, whatever came with it: nobody here saw it happen. An inquiry counts from the day on which somebody accepted
 * it, and shows a requirement only when no answer speaks against the part and each topic is backed by a document at least.
 *
 * A topic is worth what its best-backed answer is, a requirement what its weakest topic is. One part that does not stand
 * holds the requirement back for all: an inquiry about another part hides nothing.
 */
import { ANSWER_WORTHS, type AnswerWorth } from '@pawl/contract/management';
import type { BundleEntry } from '@pawl/core/evidence';
import type { Product } from '../product/index.ts';
import { isWorthAtLeast } from '../supplier/answer.ts';

type Predicate = BundleEntry['predicate'];

export type SupplierEvidence = {
  /** Of the entry that accepted it, or else asked it. */
  readonly index: number;
  readonly kind: 'supplier-evidence';
  readonly title: string;
  readonly issuer: string;
  readonly issuedOn: string;
  /** One model: what holds one back holds no other one back. */
  readonly models: readonly [string];
  readonly requirements: readonly string[];
  readonly worth: AnswerWorth;
  /** Why it does not count. */
  readonly objection: string | undefined;
};

type Answer = {
  readonly question: string;
  readonly topic: string;
  readonly worth: AnswerWorth;
  readonly isFavourable: boolean;
  readonly requirements: readonly string[];
};

type Inquiry = {
  readonly id: number;
  readonly asked: BundleEntry;
  readonly answers: Map<number, Answer[]>;
  readonly submittedOn: Map<number, string>;
  accepted: { readonly round: number; readonly index: number } | undefined;
};

const textOf = (predicate: Predicate, key: string): string => {
  const value = predicate[key];
  return typeof value === 'string' ? value : '';
};
const wordsOf = (predicate: Predicate, key: string): readonly string[] => {
  const value = predicate[key];
  return Array.isArray(value) ? (value as readonly unknown[]).filter((one) => typeof one === 'string') : [];
};
const numberOf = (predicate: Predicate, key: string): number => {
  const value = predicate[key];
  return typeof value === 'number' ? value : 0;
};

function answerOf(predicate: Predicate): Answer {
  return {
    question: textOf(predicate, 'question'),
    topic: textOf(predicate, 'topic'),
    worth: ANSWER_WORTHS.find((known) => known === predicate['worth']) ?? 'assurance',
    isFavourable: predicate['isFavourable'] === true,
    requirements: wordsOf(predicate, 'requirements'),
  };
}

/** The inquiries about a product that were not withdrawn, as they stand at the end of the entries. */
function inquiriesOf(entries: readonly BundleEntry[], product: string): Inquiry[] {
  const known = new Map<number, Inquiry>();
  for (const entry of entries) {
    const { predicateType, predicate, index } = entry;
    if (predicate['product'] !== product) continue;
    const id = numberOf(predicate, 'inquiry');
    const round = numberOf(predicate, 'round');
    if (predicateType === 'urn:pawl:supplier-answer:1') {
      const answers = known.get(id)?.answers;
      answers?.set(round, [...(answers.get(round) ?? []), answerOf(predicate)]);
    }
    if (predicateType !== 'urn:pawl:inquiry:1') continue;
    const act = textOf(predicate, 'act');
    const one = known.get(id);
    if (act === 'make')
      known.set(id, { id, asked: entry, answers: new Map(), submittedOn: new Map(), accepted: undefined });
    if (act === 'submit') one?.submittedOn.set(round, textOf(predicate, 'at').slice(0, 10));
    if (act === 'accept' && one !== undefined) one.accepted = { round, index };
    if (act === 'withdraw') known.delete(id);
  }
  return [...known.values()];
}

/** The weakest topic, by its best-backed answer. */
function weakest(answers: readonly Answer[]): { readonly topic: string; readonly worth: AnswerWorth } {
  const topics = [...Map.groupBy(answers, ({ topic }) => topic)].map(([topic, group]) => ({
    topic,
    worth: group.reduce<AnswerWorth>((best, { worth }) => (isWorthAtLeast(best, worth) ? best : worth), 'assurance'),
  }));
  return topics.reduce((low, one) => (isWorthAtLeast(one.worth, low.worth) ? low : one), {
    topic: '',
    worth: 'verified-bundle',
  });
}

function objectionTo(answers: readonly Answer[]): string | undefined {
  const against = answers.find(({ isFavourable }) => !isFavourable);
  if (against !== undefined) return `the answer to ${against.question} does not speak for it`;
  const { topic, worth } = weakest(answers);
  return worth === 'assurance' ? `only an assurance about ${topic}; a document is needed` : undefined;
}

function shownBy({ id, asked, answers, submittedOn, accepted }: Inquiry, all: readonly string[]): SupplierEvidence[] {
  const { predicate } = asked;
  const named = wordsOf(predicate, 'models');
  const models = named.length === 0 ? all : named;
  const about = { kind: 'supplier-evidence' as const, issuer: textOf(predicate, 'supplier') };
  const parts = wordsOf(predicate, 'parts').join(', ');
  const given = accepted === undefined ? [] : (answers.get(accepted.round) ?? []);
  return wordsOf(predicate, 'requirements').flatMap((requirement) => {
    const own = given.filter(({ requirements }) => requirements.includes(requirement));
    const { worth } = own.length === 0 ? { worth: 'assurance' as const } : weakest(own);
    const isAnswered = accepted !== undefined && own.length > 0;
    const shown = {
      ...about,
      index: accepted?.index ?? asked.index,
      title: `inquiry ${id} about ${parts}: ${isAnswered ? worth.replace('-', ' ') : 'no accepted answer'}`,
      issuedOn: submittedOn.get(accepted?.round ?? 0) ?? textOf(predicate, 'at').slice(0, 10),
      requirements: [requirement],
      worth,
      objection: isAnswered ? objectionTo(own) : `inquiry ${id} has no accepted answer`,
    };
    return models.map((model) => ({ ...shown, models: [model] as const }));
  });
}

/** What the suppliers of a product answered, one piece for each inquiry, requirement and model. */
export function answersOfEntries(entries: readonly BundleEntry[], { product, models }: Product): SupplierEvidence[] {
  const known = models.map(({ id }) => id);
  const all = inquiriesOf(entries, product).flatMap((one) => shownBy(one, known));
  const place = ({ models: [model], requirements }: SupplierEvidence): string => `${model} ${requirements.join()}`;
  const held = new Map(all.filter(({ objection }) => objection !== undefined).map((one) => [place(one), one]));
  return all.map((one) => {
    const other = one.objection === undefined ? held.get(place(one)) : undefined;
    return other === undefined ? one : { ...one, objection: `about another part: ${other.objection ?? ''}` };
  });
}
