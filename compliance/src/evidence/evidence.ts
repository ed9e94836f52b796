/**
 * A piece of evidence, as gap matrix and documents use it: what kind, about which models, how strong, since when, until when,
 * and where it stands in the ledger.
 *
 * Class with a private constructor: evidence of a grade above *claimed* is made only from a ledger that was verified
 * (`fromBundle`); whatever else is handed in is *claimed*, whatever it says of itself.
 */
import type { AnswerWorth } from '@pawl/contract/management';
import type { BundleReport } from '@pawl/core/evidence';
import type { EvidenceKind } from '../catalogue/index.ts';
import type { Product } from '../product/index.ts';
import { answersOfEntries } from './answers.ts';
import { documentsOfEntries } from './documents.ts';
import { evidenceOfEntries } from './entry.ts';
import { type Grade, isAtLeast, KIND_RULES } from './grade.ts';
import { handlingOfEntries } from './handling.ts';
import { resultsOfEntries } from './results.ts';

export type LedgerPlace = { readonly origin: string; readonly index: number };

export type EvidenceFacts = {
  readonly id: string;
  readonly kind: EvidenceKind;
  readonly title: string;
  readonly issuer: string;
  /** Day on which it was made. */
  readonly issuedOn: string;
  readonly validUntil?: string | undefined;
  /** Edition of the catalogue or test specification that it was made for. */
  readonly edition?: string | undefined;
  /** Models that it is about; absent: the whole product. */
  readonly models?: readonly string[] | undefined;
  /** Requirements that it was made for; absent: all that ask for evidence of its kind. */
  readonly requirements?: readonly string[] | undefined;
  /** Which check of a device refused, for a refusal. */
  readonly code?: string | undefined;
  /** Of what a supplier answered: what came with it. */
  readonly worth?: AnswerWorth | undefined;
  /** Why it does not count, whatever the day. */
  readonly objection?: string | undefined;
};

export class Evidence {
  readonly facts: EvidenceFacts;
  readonly grade: Grade;
  /** Where the statement behind it stands; absent only for what is claimed. */
  readonly place: LedgerPlace | undefined;

  private constructor(facts: EvidenceFacts, grade: Grade, place: LedgerPlace | undefined) {
    this.facts = facts;
    this.grade = grade;
    this.place = place;
  }

  /** What somebody says, without a statement behind it. */
  static claimed(facts: EvidenceFacts): Evidence {
    return new Evidence(facts, 'claimed', undefined);
  }

  /** What a bundle that `verifyBundle` has verified holds about a product. */
  static fromBundle(report: Pick<BundleReport, 'origin' | 'entries'>, product: Product): Evidence[] {
    const { origin, entries } = report;
    const happened = evidenceOfEntries(entries, product).map(({ index, model, grade, ...shown }) => {
      const models = model === undefined ? undefined : [model];
      return new Evidence({ id: `${origin}/${index}/${shown.kind}`, ...shown, models }, grade, { origin, index });
    });
    const documents = documentsOfEntries(entries, product.product).map(
      ({ index, grade, ...facts }) =>
        new Evidence({ id: `${origin}/${index}/${facts.kind}`, ...facts }, grade, { origin, index }),
    );
    const handled = handlingOfEntries(entries, product.product).map(
      ({ index, isBegun, ...facts }) =>
        new Evidence(
          { id: `${origin}/${index}/${facts.kind}`, ...facts, issuer: 'update server' },
          isBegun === true ? 'claimed' : 'configured',
          { origin, index },
        ),
    );
    const results = resultsOfEntries(entries, product.product).map(
      ({ index, grade, ...facts }) =>
        new Evidence({ id: `${origin}/${index}/${facts.kind}/${facts.models.join()}`, ...facts }, grade, {
          origin,
          index,
        }),
    );
    // Whatever came with it, a supplier says so.
    const answers = answersOfEntries(entries, product).map(
      ({ index, ...facts }) =>
        new Evidence(
          { id: `${origin}/${index}/${facts.models.join()}/${facts.requirements.join()}`, ...facts },
          'claimed',
          { origin, index },
        ),
    );
    return [...happened, ...documents, ...handled, ...answers, ...results];
  }
}

function addMonths(day: string, months: number): string {
  const from = new Date(`${day}T00:00:00Z`);
  const first = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  first.setUTCDate(Math.min(from.getUTCDate(), last));
  return first.toISOString().slice(0, 10);
}

/** The last day on which it counts; undefined when it does not age. */
export function countsUntil({ facts }: Evidence): string | undefined {
  if (facts.validUntil !== undefined) return facts.validUntil;
  const { months } = KIND_RULES[facts.kind];
  return months === undefined ? undefined : addMonths(facts.issuedOn, months);
}

/** Why a piece of evidence does not count for a model on a day; undefined when it does. */
export function whyNot(evidence: Evidence, model: string, on: string): string | undefined {
  const { facts, grade } = evidence;
  if (facts.models !== undefined && !facts.models.includes(model)) return 'about another model';
  if (facts.objection !== undefined) return facts.objection;
  if (facts.issuedOn > on) return `made on ${facts.issuedOn}`;
  const until = countsUntil(evidence);
  if (until !== undefined && on > until) return `too old since ${until}`;
  const { least } = KIND_RULES[facts.kind];
  return isAtLeast(grade, least) ? undefined : `only ${grade}; ${least} is needed`;
}
