/** Test plans: which requirements of a catalogue ask for a test, and when to begin so that the results are there in time. */
import type { Laboratory, TestPlan } from '@pawl/contract/management';
import { type Step, scheduleBack } from '../calendar/index.ts';
import { type CatalogueLibrary, type EvidenceKind, type LibraryEntry, referenceOf } from '../catalogue/index.ts';
import { isAtLeast, KIND_RULES } from '../evidence/grade.ts';
import { TestingError } from './errors.ts';

/** The kinds of evidence that a test of a requirement shows: those that count from *tested* on. */
export function testedKinds({ requirement }: LibraryEntry): EvidenceKind[] {
  return requirement.evidenceKinds.filter((kind) => isAtLeast(KIND_RULES[kind].least, 'tested'));
}

type Asked = {
  readonly catalogue: string;
  readonly edition: string;
  readonly requirements?: readonly string[] | undefined;
};

/**
 * The requirements of a plan: those named, or all of the catalogue that ask for a test; watch items never. Undefined when
 * there is no such catalogue or requirement.
 * @throws TestingError TEST_EDITION_OTHER
 */
export function plannedRequirements(library: CatalogueLibrary, asked: Asked): string[] | undefined {
  const catalogue = library.catalogues.find((one) => one.catalogue === asked.catalogue);
  if (catalogue === undefined) return undefined;
  if (catalogue.edition !== asked.edition)
    throw new TestingError('TEST_EDITION_OTHER', { expected: catalogue.edition, actual: asked.edition });
  const testable = catalogue.requirements.flatMap(({ id }) => {
    const entry = library.find(referenceOf(catalogue.catalogue, id));
    return entry === undefined || entry.isWatchItem || testedKinds(entry).length === 0 ? [] : [entry.reference];
  });
  if (asked.requirements === undefined) return testable;
  const known = new Set(testable);
  return asked.requirements.every((one) => known.has(one)) ? [...new Set(asked.requirements)] : undefined;
}

/** Advice of a trade source (S0-38), no rule. */
const VERIFICATION: Step = {
  name: 'verification of security',
  length: { months: 3 },
  reason: 'advice of a trade source: at least three months',
};

/** Backwards from the day: the laboratory's own lead time first, then the tests. */
export function scheduleTests(laboratory: Laboratory | undefined, doneBy: string, today: string): TestPlan['schedule'] {
  const weeks = laboratory?.leadTimeWeeks ?? 0;
  const wait: Step[] =
    laboratory === undefined || weeks === 0
      ? []
      : [
          {
            name: `wait for ${laboratory.name}`,
            length: { weeks },
            reason: `lead time by ${laboratory.source}, looked at on ${laboratory.verifiedOn}`,
          },
        ];
  return scheduleBack([...wait, VERIFICATION], doneBy, today).map(({ name, startsOn, endsOn, isLate, reason }) => ({
    name,
    startsOn,
    endsOn,
    isLate,
    reason,
  }));
}
