/**
 * One catalogue of requirements, in one edition: where it comes from, for whom it is, from when it applies, and its entries.
 *
 * An entry without a source, a status and a word on how it was verified is refused: what nobody can trace is not shown as
 * a requirement. Titles are our own words, never the text of a standard.
 */
import { z } from 'zod';
import { CatalogueError } from './errors.ts';
import {
  APPLIES_TO,
  EVIDENCE_KINDS,
  isWatchItem,
  OBLIGATIONS,
  RELEVANCES,
  SOURCE_STATUSES,
  VERIFICATIONS,
} from './vocabulary.ts';

const text = z.string().trim().min(1);
const date = z.iso.date();
const entryId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._()-]{0,79}$/);
const catalogueId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{1,39}$/);
/** `CATALOGUE id`. */
const reference = z.string().regex(/^[A-Za-z0-9-]+ .+$/);

const requirement = z.strictObject({
  id: entryId,
  title: text.max(400),
  obligation: z.enum(OBLIGATIONS),
  appliesTo: z.enum(APPLIES_TO),
  evidenceKinds: z.array(z.enum(EVIDENCE_KINDS)).min(1),
  source: z.strictObject({ name: text, ref: text, status: z.enum(SOURCE_STATUSES) }),
  verification: z.enum(VERIFICATIONS),
  relevance: z.enum(RELEVANCES),
  /** Where it differs from the edition of the catalogue. */
  edition: text.optional(),
  note: text.optional(),
  /** EN 303 645: status in the conformity pro forma, as `M F(g)`. */
  icsStatus: z
    .string()
    .regex(/^[MR]( C)?( [FC]\([0-9a-z,]+\))?$/)
    .optional(),
  ixit: z.array(text).optional(),
  /** EN 18031: which part brings it, and its mechanism. */
  part: z.number().int().min(1).max(3).optional(),
  mechanism: text.optional(),
  /** IEC 62443-4-2: the lowest security level at which the base and each enhancement apply. */
  securityLevelFrom: z.record(z.string(), z.number().int().min(1).max(4)).optional(),
  componentType: text.optional(),
  /** Codes of refusals that show this one; a refusal by another check does not, whatever its kind. */
  shownByCodes: z.array(z.string().regex(/^[A-Z]+(?:_[A-Z]+)+$/)).optional(),
  /** Set off by an event: while the records have none, nothing is owed. */
  onEvent: z.literal(true).optional(),
  mitigates: z.array(text).optional(),
  derivedFrom: z.array(text).optional(),
  /** What really exists of a watch item. */
  realCounterparts: z.array(reference).optional(),
});

/** From when entries apply. `ids` is one id, or a prefix with a star; without it, all that no earlier row names. */
const application = z.strictObject({
  ids: z
    .string()
    .regex(/^[^*]+\*?$/)
    .optional(),
  from: date.nullable(),
  /** The last day. */
  to: date.optional(),
  source: text,
  verification: z.enum(VERIFICATIONS),
});

const PRODUCT_USES = ['consumer', 'industrial', 'machinery', 'medical'] as const;
export type ProductUse = (typeof PRODUCT_USES)[number];

const catalogue = z
  .strictObject({
    catalogue: catalogueId,
    title: text,
    edition: text,
    status: text,
    retrieved: date,
    scope: z.strictObject({
      markets: z.array(text).optional(),
      needsRadio: z.boolean().optional(),
      uses: z.array(z.enum(PRODUCT_USES)).optional(),
    }),
    application: z.array(application).min(1),
    notes: z.array(text),
    changeLog: z.array(z.strictObject({ date, change: text })).min(1),
    /** EN 303 645 pro forma: what its C(n) and F(x) stand for. */
    conditions: z.record(z.string(), text).optional(),
    features: z.record(z.string(), text).optional(),
    editions: z.array(text).optional(),
    assessment: text.optional(),
    /** RFC 9124. */
    threats: z.array(z.strictObject({ id: text, title: text, mitigatedBy: z.array(entryId).min(1) })).optional(),
    usabilityRequirements: z.array(text).optional(),
    roles: z.array(text).optional(),
    requirements: z.array(requirement).min(1),
  })
  .refine(({ requirements }) => new Set(requirements.map(({ id }) => id)).size === requirements.length, {
    path: ['requirements'],
    message: 'each id once',
  })
  .refine(
    ({ requirements }) =>
      requirements.every((one) => !isWatchItem(one.source.status) || one.realCounterparts !== undefined),
    { path: ['requirements'], message: 'a watch item names its real counterparts (or an empty list of them)' },
  );

export type Catalogue = z.infer<typeof catalogue>;
export type Requirement = z.infer<typeof requirement>;

/**
 * Reads a catalogue from JSON text. `file` is only said in errors.
 * @throws CatalogueError CATALOGUE_INVALID
 */
export function parseCatalogue(json: string, file: string): Catalogue {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new CatalogueError('CATALOGUE_INVALID', { file, expected: 'JSON' }, cause);
  }
  const result = catalogue.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new CatalogueError('CATALOGUE_INVALID', {
    file,
    at: issue?.path.map(String).join('.') ?? '',
    expected: issue?.message ?? 'a catalogue',
  });
}

/** How an entry is named everywhere: `EU-CRA I.2.f`. */
export function referenceOf(catalogueName: string, id: string): string {
  return `${catalogueName} ${id}`;
}
