/**
 * The gap matrix: model × requirement × evidence × day. Pure and deterministic.
 *
 * `met` every kind of evidence that the requirement asks for is there and counts · `partial` some · `gap` none, or the model
 * cannot · `not-applicable` by its own features or by a decision with reason and approver · `watch` told, not law: shown with
 * its real counterparts, never counted. Evidence of a kind is no verdict of conformity: who judges that is named in the law.
 */
import {
  type Application,
  applicationOf,
  type CatalogueLibrary,
  type EvidenceKind,
  isApplicableOn,
  type LibraryEntry,
  outOfScope,
} from '../catalogue/index.ts';
import { countsUntil, type Evidence, GRADES, whyNot } from '../evidence/index.ts';
import { type Model, marketsFrom, type Product } from '../product/index.ts';
import { obstacleTo } from './capability.ts';
import { decideIcs } from './ics.ts';

export type CellState = 'met' | 'partial' | 'gap' | 'not-applicable' | 'watch';

/** A decision that a requirement is not for a model. Without reason and approver there is none. */
export type Waiver = {
  readonly reference: string;
  readonly model: string;
  readonly reason: string;
  readonly approver: string;
  readonly decidedOn: string;
};

/** How it stands with one kind of evidence. */
export type KindCell = {
  readonly kind: EvidenceKind;
  /** The strongest and newest that counts. */
  readonly proof: Evidence | undefined;
  /** Last day on which that counts. */
  readonly until: string | undefined;
  /** Why nothing counts: an obstacle in the model, or what is wrong with the nearest piece of evidence. */
  readonly reason: string | undefined;
};

export type Cell = {
  readonly model: string;
  readonly entry: LibraryEntry;
  readonly state: CellState;
  readonly application: Application;
  /** Whether it applies on the day; a cell of the future is shown, and holds nothing back yet. */
  readonly isApplicable: boolean;
  readonly kinds: readonly KindCell[];
  readonly reason: string | undefined;
  /** Who decided that it is not applicable. */
  readonly approver: string | undefined;
  /** References of what really exists of a watch item. */
  readonly counterparts: readonly string[];
};

export type MatrixInput = {
  readonly library: CatalogueLibrary;
  readonly product: Product;
  readonly evidence: readonly Evidence[];
  readonly waivers: readonly Waiver[];
  /** The day it is looked at; another day is the what-if. */
  readonly on: string;
};

function isStronger(a: Evidence, b: Evidence): boolean {
  const byGrade = GRADES.indexOf(a.grade) - GRADES.indexOf(b.grade);
  if (byGrade !== 0) return byGrade > 0;
  return a.facts.issuedOn === b.facts.issuedOn ? a.facts.id < b.facts.id : a.facts.issuedOn > b.facts.issuedOn;
}

function strongest(all: readonly Evidence[]): Evidence | undefined {
  let best = all[0];
  for (const one of all) if (best !== undefined && isStronger(one, best)) best = one;
  return best;
}

type ByKind = ReadonlyMap<EvidenceKind, readonly Evidence[]>;

/** Whether a piece of evidence can be for a requirement: made for it or for any, and, of a refusal, by a check that shows it. */
export function isFor({ reference, requirement }: LibraryEntry, { facts }: Evidence): boolean {
  const isByCode = facts.code === undefined || requirement.shownByCodes?.includes(facts.code) !== false;
  return isByCode && facts.requirements?.includes(reference) !== false;
}

type Question = { readonly kind: EvidenceKind; readonly entry: LibraryEntry; readonly on: string };

function kindCell({ kind, entry, on }: Question, model: Model, evidence: ByKind): KindCell {
  const none = { kind, proof: undefined, until: undefined };
  const obstacle = obstacleTo(kind, model);
  if (obstacle !== undefined) return { ...none, reason: obstacle };
  const all = (evidence.get(kind) ?? []).filter((one) => isFor(entry, one));
  const proof = strongest(all.filter((one) => whyNot(one, model.id, on) === undefined));
  if (proof !== undefined) return { kind, proof, until: countsUntil(proof), reason: undefined };
  const nearest = strongest(all.filter((one) => one.facts.models?.includes(model.id) !== false));
  return { ...none, reason: nearest === undefined ? undefined : whyNot(nearest, model.id, on) };
}

const NO_EVENT = 'set off by an event; the records have none';

type Judged = Pick<Cell, 'state' | 'kinds' | 'reason' | 'approver'>;

function judgeEvidence(entry: LibraryEntry, model: Model, evidence: ByKind, on: string): Judged {
  const kinds = entry.requirement.evidenceKinds.map((kind) => kindCell({ kind, entry, on }, model, evidence));
  const have = kinds.filter(({ proof }) => proof !== undefined).length;
  // An event that is on record and not answered is a piece of evidence that does not count.
  const isQuiet = !evidence.has('incident-report') && kinds.every(({ proof }) => proof === undefined);
  if (entry.requirement.onEvent === true && isQuiet)
    return { state: 'not-applicable', kinds: [], reason: NO_EVENT, approver: undefined };
  const state = have === kinds.length ? 'met' : have > 0 ? 'partial' : 'gap';
  return { state, kinds, reason: kinds.find(({ reason }) => reason !== undefined)?.reason, approver: undefined };
}

function judge(entry: LibraryEntry, model: Model, input: MatrixInput, evidence: ByKind): Judged {
  const { reference, requirement, catalogue } = entry;
  if (entry.isWatchItem) return { state: 'watch', kinds: [], reason: requirement.note, approver: undefined };
  const waiver = input.waivers.find((one) => one.reference === reference && one.model === model.id);
  if (waiver !== undefined && waiver.decidedOn <= input.on) {
    return { state: 'not-applicable', kinds: [], reason: waiver.reason, approver: waiver.approver };
  }
  if (requirement.icsStatus !== undefined) {
    const texts = { features: catalogue.features ?? {}, conditions: catalogue.conditions ?? {} };
    const decision = decideIcs(requirement.icsStatus, model, texts);
    if (decision.kind === 'not-applicable')
      return { state: 'not-applicable', kinds: [], reason: decision.reason, approver: undefined };
  }
  return judgeEvidence(entry, model, evidence, input.on);
}

/**
 * What can decide a cell of a model, by kind. Of evidence that is for any requirement only the strongest piece that counts and
 * the strongest of all can, one for each check that refused: of ten thousand reports a few are left, and each cell looks at those.
 */
function groupByKind(evidence: readonly Evidence[], model: string, on: string): ByKind {
  const groups = new Map<EvidenceKind, Evidence[]>();
  const best = new Map<string, Evidence>();
  const keep = (key: string, one: Evidence): void => {
    const known = best.get(key);
    if (known === undefined || isStronger(one, known)) best.set(key, one);
  };
  const add = (one: Evidence): void => {
    const group = groups.get(one.facts.kind);
    if (group === undefined) groups.set(one.facts.kind, [one]);
    else group.push(one);
  };
  for (const one of evidence) {
    const { kind, models, requirements, code } = one.facts;
    if (models?.includes(model) === false) continue;
    if (requirements !== undefined) add(one);
    else keep(`${whyNot(one, model, on) === undefined ? 'counts' : 'nearest'} ${kind} ${code ?? ''}`, one);
  }
  for (const one of best.values()) add(one);
  return groups;
}

/** The cells of a product, model by model, catalogue by catalogue; catalogues that are not about a model have none. */
export function gapMatrix(input: MatrixInput): Cell[] {
  return input.product.models.flatMap((model) => {
    const evidence = groupByKind(input.evidence, model.id, input.on);
    const scope = { markets: marketsFrom(model, input.on), hasRadio: model.radios.length > 0, uses: model.uses };
    const silent = new Set(input.library.catalogues.filter((one) => outOfScope(one, scope) !== undefined));
    return [...input.library.entries()]
      .filter(({ catalogue }) => !silent.has(catalogue))
      .map((entry): Cell => {
        const application = applicationOf(entry.catalogue, entry.requirement.id);
        return {
          model: model.id,
          entry,
          application,
          isApplicable: !entry.isWatchItem && isApplicableOn(application, input.on),
          counterparts: entry.requirement.realCounterparts ?? [],
          ...judge(entry, model, input, evidence),
        };
      });
  });
}

/** How many cells of a model stand how; watch items are in no share of anything. */
export function countStates(cells: readonly Cell[], model: string): Readonly<Record<CellState, number>> {
  const counts = { met: 0, partial: 0, gap: 0, 'not-applicable': 0, watch: 0 };
  for (const cell of cells) if (cell.model === model) counts[cell.state] += 1;
  return counts;
}
