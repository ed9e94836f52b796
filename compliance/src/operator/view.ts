/**
 * What an importer, distributor, buyer or authority sees of a product: what the law asks them to look at, and how each model
 * stands by the records. Names of devices, of suppliers and of documents that were not shared are in none of it: of a piece of
 * evidence it says the kind, the grade, the day and the place in the ledger.
 */
import type { OperatorRole } from '@pawl/contract/management';
import { type Cell, cellRow, countStates } from '../gap/index.ts';
import type { Product } from '../product/index.ts';

/** Regulation (EU) 2024/2847: Art. 19(2) for importers, 20(2) for distributors, and what buyers and authorities may ask for. */
const SUPPLIED = ['EU-CRA 13.15', 'EU-CRA 13.16', 'EU-CRA 13.18', 'EU-CRA 13.19', 'EU-CRA 13.20', 'EU-CRA 30'];
const CHECKS: Readonly<Record<OperatorRole, readonly string[]>> = {
  importer: ['EU-CRA 19.2', 'EU-CRA 13.12', 'EU-CRA 32', 'EU-CRA 28', ...SUPPLIED, 'EU-CRA 19.6'],
  distributor: ['EU-CRA 20.2', ...SUPPLIED],
  marketplace: [...SUPPLIED],
  buyer: ['EU-CRA 13.16', 'EU-CRA 13.17', 'EU-CRA 13.18', 'EU-CRA 13.19', 'EU-CRA 13.20'],
  authority: ['EU-CRA 13.22', 'EU-CRA 13.12', 'EU-CRA 13.13', 'EU-CRA 28', 'EU-CRA 32', ...SUPPLIED],
};

type Source = {
  readonly kind: string;
  readonly grade: string;
  readonly issuedOn: string;
  readonly until: string | null;
  readonly entry: number | null;
};

export type OperatorRow = {
  readonly requirement: string;
  readonly title: string;
  /** Status of the rule itself, as law or draft. */
  readonly status: string;
  readonly isApplicable: boolean;
  readonly appliesFrom: string | null;
  readonly state: Cell['state'];
  readonly sources: readonly Source[];
  readonly missing: readonly string[];
};

export type OperatorModel = {
  readonly id: string;
  readonly name: string;
  readonly markets: readonly { readonly market: string; readonly from: string; readonly until?: string | undefined }[];
  readonly craClass: string;
  readonly counts: ReturnType<typeof countStates>;
  readonly checks: readonly OperatorRow[];
  /** Duties of law, whether they apply on the day or later. */
  readonly law: readonly OperatorRow[];
};

function rowOf(cell: Cell, on: string): OperatorRow {
  const { requirement, title, isApplicable, appliesFrom, state, proofs, missing } = cellRow(cell, on);
  return {
    requirement,
    title,
    status: cell.entry.requirement.source.status,
    isApplicable,
    appliesFrom,
    state,
    sources: proofs.map(({ kind, grade, issuedOn, until, entry }) => ({ kind, grade, issuedOn, until, entry })),
    missing: missing.map(({ kind }) => kind),
  };
}

/** How each model of a product stands, for whom. */
export function operatorModels(
  { product, cells, on }: { readonly product: Product; readonly cells: readonly Cell[]; readonly on: string },
  role: OperatorRole,
): OperatorModel[] {
  const wanted = CHECKS[role];
  return product.models.map((model) => {
    const own = cells.filter((cell) => cell.model === model.id);
    const rows = (of: readonly Cell[]): OperatorRow[] => of.map((cell) => rowOf(cell, on));
    const isLaw = ({ entry }: Cell): boolean => entry.requirement.source.status.startsWith('law-');
    return {
      id: model.id,
      name: model.name,
      markets: model.markets,
      craClass: model.craClass,
      counts: countStates(cells, model.id),
      checks: rows(wanted.flatMap((reference) => own.filter(({ entry }) => entry.reference === reference))),
      law: rows(own.filter(isLaw)),
    };
  });
}
