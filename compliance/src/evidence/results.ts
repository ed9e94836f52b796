/**
 * Results of tests, read from the entries of a verified ledger (`urn:pawl:test-result:1`). The newest result of a requirement,
 * model and issuer counts, and only a pass shows something: the tests that the requirement asks for, for it alone. It is
 * *tested* when the statement names the report by digest and a laboratory of the directory; whatever else it says, *claimed*.
 */
import type { BundleEntry } from '@pawl/core/evidence';
import { EVIDENCE_KINDS, type EvidenceKind } from '../catalogue/index.ts';
import type { Grade } from './grade.ts';

export type ResultEvidence = {
  readonly index: number;
  readonly kind: EvidenceKind;
  readonly grade: Grade;
  readonly title: string;
  readonly issuer: string;
  readonly issuedOn: string;
  readonly edition: string;
  readonly models: readonly string[];
  readonly requirements: readonly [string];
  readonly objection: string | undefined;
};

type Predicate = BundleEntry['predicate'];

const textOf = (predicate: Predicate, key: string): string => {
  const value = predicate[key];
  return typeof value === 'string' ? value : '';
};
const wordsOf = (predicate: Predicate, key: string): string[] => {
  const value = predicate[key];
  return Array.isArray(value) ? (value as readonly unknown[]).filter((one) => typeof one === 'string') : [];
};

function gradeOf(predicate: Predicate): Grade {
  const isReported = /^[0-9a-f]{64}$/.test(textOf(predicate, 'report'));
  const isKnown = textOf(predicate, 'laboratory') !== '';
  return predicate['grade'] === 'tested' && isReported && isKnown ? 'tested' : 'claimed';
}

/** Reports that somebody withdrew. */
function withdrawnOf(entries: readonly BundleEntry[]): Set<number> {
  return new Set(
    entries.flatMap(({ predicateType, predicate: { act, evidence } }) =>
      predicateType === 'urn:pawl:evidence:1' && act === 'withdraw' && typeof evidence === 'number' ? [evidence] : [],
    ),
  );
}

function objectionTo(predicate: Predicate, withdrawn: ReadonlySet<number>): string | undefined {
  const { evidence } = predicate;
  if (typeof evidence === 'number' && withdrawn.has(evidence)) return 'the report was withdrawn';
  const verdict = textOf(predicate, 'verdict');
  return verdict === 'pass'
    ? undefined
    : `the verdict is ${verdict.replace('-', ' ')} (${textOf(predicate, 'reference')})`;
}

/** The newest results about a product, one for each kind of evidence that they show. */
export function resultsOfEntries(entries: readonly BundleEntry[], product: string): ResultEvidence[] {
  const newest = new Map<string, BundleEntry>();
  for (const entry of entries) {
    const { predicateType, predicate } = entry;
    if (predicateType !== 'urn:pawl:test-result:1' || predicate['product'] !== product) continue;
    for (const model of wordsOf(predicate, 'models')) {
      const place = JSON.stringify([model, textOf(predicate, 'requirement'), textOf(predicate, 'issuer')]);
      const before = newest.get(place);
      if (before !== undefined && textOf(before.predicate, 'testedOn') > textOf(predicate, 'testedOn')) continue;
      newest.set(place, { ...entry, predicate: { ...predicate, models: [model] } });
    }
  }
  const withdrawn = withdrawnOf(entries);
  return [...newest.values()].flatMap(({ index, predicate }) => {
    const shared = {
      index,
      grade: gradeOf(predicate),
      title: `test of ${textOf(predicate, 'requirement')}: ${textOf(predicate, 'verdict')} (${textOf(predicate, 'reference')})`,
      issuer: textOf(predicate, 'issuer'),
      issuedOn: textOf(predicate, 'testedOn'),
      edition: textOf(predicate, 'edition'),
      models: wordsOf(predicate, 'models'),
      requirements: [textOf(predicate, 'requirement')] as const,
      objection: objectionTo(predicate, withdrawn),
    };
    const shows = EVIDENCE_KINDS.filter((kind) => wordsOf(predicate, 'shows').includes(kind));
    return shows.map((kind) => ({ ...shared, kind }));
  });
}
