/**
 * What a manufacturer says of a product beyond its facts, so that documents need no second hand: answers to single points of a
 * law or standard, rows of the IXIT (TS 103 701), decisions by the trees of EN 18031, rated risks, the contents of the
 * declaration of conformity, and the times of the disclosure policy. All of it is *claimed*, whatever it says of itself.
 * That the points exist is checked where documents are made (`refuseStrayAnswers`), because the catalogues are there.
 */
import { z } from 'zod';

const text = z.string().trim().min(1).max(4000);
const name = z.string().trim().min(1).max(200);
const day = z.iso.date();
const models = z
  .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'the id of a model'))
  .min(1)
  .optional();
const httpsAddress = z.url({ protocol: /^https$/ }).max(500);
/** `EU-CRA AII.4`, or a section of the architecture document: `ARCHITECTURE 2`. */
const point = z.string().regex(/^[A-Za-z0-9-]{1,40} \S.{0,79}$/, 'a point such as EU-CRA AII.4');

const answer = z.strictObject({ to: z.array(point).min(1), models, text });

const ixitEntry = z.strictObject({
  table: z.string().regex(/^IXIT [0-9]{1,2}-[A-Za-z]+$/, 'a table such as IXIT 7-UpdMech'),
  models,
  /** Column of the pro forma -> what the manufacturer says. */
  columns: z.record(name, text),
});

const TREE_OUTCOMES = ['pass', 'fail', 'not-applicable'] as const;
const treeDecision = z.strictObject({
  requirement: z.string().regex(/^EN-18031 .+$/, 'a requirement such as EN-18031 SUM-1'),
  models,
  /** What is looked at: the asset, interface or mechanism that the tree is walked for. */
  about: name,
  /** E.Info: the required information. */
  information: text,
  /** E.Info.DT: the nodes that were passed, with the answers. */
  path: text,
  outcome: z.enum(TREE_OUTCOMES),
  /** E.Just.DT. */
  justification: text,
});
export type TreeDecision = z.infer<typeof treeDecision>;

const RATINGS = ['low', 'medium', 'high'] as const;
const rating = z.enum(RATINGS);
const risk = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/, 'a short id'),
  models,
  title: name,
  asset: name,
  /** Threats of RFC 9124 that it comes from. */
  threats: z.array(name).optional(),
  likelihood: rating,
  impact: rating,
  treatment: z.enum(['avoid', 'reduce', 'transfer', 'accept']),
  measures: text,
  residual: rating,
  approver: name,
  decidedOn: day,
});
export type Risk = z.infer<typeof risk>;

const declaration = z.strictObject({
  models,
  number: name.optional(),
  /** Where the full declaration can be read. */
  address: httpsAddress.optional(),
  representative: z.strictObject({ name, address: text }).optional(),
  /** Other Union law that the product falls under. */
  otherLaw: z.array(text).optional(),
  standards: z
    .array(
      z.strictObject({
        reference: name,
        extent: z.enum(['full', 'part']),
        /** Where the Official Journal cites it; absent: it gives no presumption of conformity. */
        citation: name.optional(),
      }),
    )
    .optional(),
  notifiedBody: z.strictObject({ name, number: name, procedure: name, certificate: name }).optional(),
  procedure: name.optional(),
  additional: text.optional(),
  place: name.optional(),
  signatory: name.optional(),
  position: name.optional(),
});
export type DeclarationFacts = z.infer<typeof declaration>;

const days = z.number().int().min(1).max(3650);
const disclosure = z.strictObject({
  acknowledgeDays: days,
  statusDays: days,
  publishDays: days,
  delay: text.optional(),
  page: httpsAddress.optional(),
  languages: z.array(name).optional(),
  safeHarbour: text.optional(),
});

export const papers = z.strictObject({
  answers: z.array(answer).optional(),
  ixit: z.array(ixitEntry).optional(),
  trees: z.array(treeDecision).optional(),
  risks: z.array(risk).optional(),
  declarations: z.array(declaration).optional(),
  disclosure: disclosure.optional(),
});
export type Papers = z.infer<typeof papers>;

/** Those that are about a model: the ones that name it, and the ones that name none. */
export function aboutModel<T extends { readonly models?: readonly string[] | undefined }>(
  all: readonly T[] | undefined,
  model: string,
): T[] {
  return (all ?? []).filter((one) => one.models?.includes(model) !== false);
}

/** Where papers name a model that is not there. */
export function strayModels(all: Papers | undefined, ids: ReadonlySet<string>): (string | number)[][] {
  if (all === undefined) return [];
  const { answers = [], ixit = [], trees = [], risks = [], declarations = [] } = all;
  return Object.entries({ answers, ixit, trees, risks, declarations }).flatMap(([part, rows]) =>
    rows.flatMap((row, at) =>
      (row.models ?? []).flatMap((id, place) => (ids.has(id) ? [] : [[part, at, 'models', place]])),
    ),
  );
}
