/**
 * All catalogues together, with the crosswalk of topics over them. References between them are checked: a crosswalk or a
 * watch item that names an entry which is not there is refused, so that no row of a matrix points at nothing.
 */
import { z } from 'zod';
import { type Catalogue, type Requirement, referenceOf } from './catalogue.ts';
import { CatalogueError } from './errors.ts';
import { EVIDENCE_KINDS, isWatchItem } from './vocabulary.ts';

const text = z.string().trim().min(1);

const crosswalk = z.strictObject({
  topics: z.array(
    z.strictObject({
      topic: text,
      features: z.array(z.string().regex(/^F[0-9]{2}$/)),
      evidenceKinds: z.array(z.enum(EVIDENCE_KINDS)),
      requirements: z.array(text).min(1),
      sourceItems: z.array(text),
    }),
  ),
});
export type Topic = z.infer<typeof crosswalk>['topics'][number];

/** @throws CatalogueError CATALOGUE_INVALID */
export function parseCrosswalk(json: string, file: string): Topic[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new CatalogueError('CATALOGUE_INVALID', { file, expected: 'JSON' }, cause);
  }
  const result = crosswalk.safeParse(value);
  if (result.success) return result.data.topics;
  const issue = result.error.issues[0];
  throw new CatalogueError('CATALOGUE_INVALID', {
    file,
    at: issue?.path.map(String).join('.') ?? '',
    expected: issue?.message ?? 'a crosswalk',
  });
}

export type LibraryEntry = {
  /** `EU-CRA I.2.f` */
  readonly reference: string;
  readonly catalogue: Catalogue;
  readonly requirement: Requirement;
  /** Shown, never counted. */
  readonly isWatchItem: boolean;
};

/** Catalogues that belong together. */
export class CatalogueLibrary {
  readonly catalogues: readonly Catalogue[];
  readonly topics: readonly Topic[];
  readonly #entries: ReadonlyMap<string, LibraryEntry>;

  /** @throws CatalogueError CATALOGUE_INVALID, CATALOGUE_REFERENCE_UNKNOWN */
  constructor(catalogues: readonly Catalogue[], topics: readonly Topic[]) {
    const entries = new Map<string, LibraryEntry>();
    for (const catalogue of catalogues) {
      for (const requirement of catalogue.requirements) {
        const reference = referenceOf(catalogue.catalogue, requirement.id);
        if (entries.has(reference))
          throw new CatalogueError('CATALOGUE_INVALID', { at: reference, expected: 'each entry once' });
        const isWatched = isWatchItem(requirement.source.status);
        entries.set(reference, { reference, catalogue, requirement, isWatchItem: isWatched });
      }
    }
    this.catalogues = catalogues;
    this.topics = topics;
    this.#entries = entries;
    for (const { topic, requirements } of topics) this.#checkReferences(`topic ${topic}`, requirements);
    for (const { reference, requirement } of entries.values()) {
      this.#checkReferences(reference, requirement.realCounterparts ?? []);
    }
  }

  #checkReferences(from: string, references: readonly string[]): void {
    const unknown = references.find((one) => !this.#entries.has(one));
    if (unknown !== undefined) throw new CatalogueError('CATALOGUE_REFERENCE_UNKNOWN', { from, actual: unknown });
  }

  /** Every entry, in the order of the catalogues. */
  entries(): Iterable<LibraryEntry> {
    return this.#entries.values();
  }

  find(reference: string): LibraryEntry | undefined {
    return this.#entries.get(reference);
  }

  /** The topics of the crosswalk that name an entry. */
  topicsOf(reference: string): Topic[] {
    return this.topics.filter(({ requirements }) => requirements.includes(reference));
  }
}
