/** Cells, tasks and decisions as plain rows: what the management API answers and the command line prints. */
import type { Product } from '../product/index.ts';
import type { GateDecision } from './gate.ts';
import type { Cell } from './matrix.ts';
import type { Task } from './queue.ts';

const DAY_MS = 86_400_000;

export type ProofRow = {
  readonly kind: string;
  readonly grade: string;
  readonly title: string;
  readonly issuer: string;
  readonly issuedOn: string;
  readonly ageDays: number;
  readonly until: string | null;
  /** Place of the statement in the ledger. */
  readonly entry: number | null;
};

export type CellRow = {
  readonly model: string;
  readonly requirement: string;
  readonly title: string;
  readonly obligation: string;
  readonly state: Cell['state'];
  readonly isApplicable: boolean;
  readonly appliesFrom: string | null;
  readonly reason: string | null;
  readonly approver: string | null;
  readonly counterparts: string[];
  readonly proofs: ProofRow[];
  readonly missing: { readonly kind: string; readonly reason: string | null }[];
};

/** A cell, with the evidence that proves it and how old that is on the day. */
export function cellRow(cell: Cell, on: string): CellRow {
  const { reference, requirement } = cell.entry;
  return {
    model: cell.model,
    requirement: reference,
    title: requirement.title,
    obligation: requirement.obligation,
    state: cell.state,
    isApplicable: cell.isApplicable,
    appliesFrom: cell.application.from,
    reason: cell.reason ?? null,
    approver: cell.approver ?? null,
    counterparts: [...cell.counterparts],
    proofs: cell.kinds.flatMap(({ kind, proof, until }) =>
      proof === undefined
        ? []
        : [
            {
              kind,
              grade: proof.grade,
              title: proof.facts.title,
              issuer: proof.facts.issuer,
              issuedOn: proof.facts.issuedOn,
              ageDays: Math.round((Date.parse(on) - Date.parse(proof.facts.issuedOn)) / DAY_MS),
              until: until ?? null,
              entry: proof.place?.index ?? null,
            },
          ],
    ),
    missing: cell.kinds.flatMap(({ kind, proof, reason }) =>
      proof === undefined ? [{ kind, reason: reason ?? null }] : [],
    ),
  };
}

export type TaskRow = {
  readonly model: string;
  readonly requirement: string;
  readonly title: string;
  readonly appliesFrom: string | null;
  readonly isHardToChange: boolean;
  readonly markets: string[];
};

export function taskRow({ cell, isHardToChange, markets }: Task): TaskRow {
  const { reference, requirement } = cell.entry;
  const { from } = cell.application;
  const { model } = cell;
  const about = { model, requirement: reference, title: requirement.title, appliesFrom: from };
  return { ...about, isHardToChange, markets: [...markets] };
}

export type GateRow = {
  readonly model: string;
  readonly market: string;
  readonly on: string;
  readonly isHeld: boolean;
  readonly holding: { readonly requirement: string; readonly title: string }[];
  /** How many more are open that may not hold anything. */
  readonly advice: number;
};

export function gateRow(decision: GateDecision, on: string): GateRow {
  const holding = decision.holding.map(({ entry }) => ({
    requirement: entry.reference,
    title: entry.requirement.title,
  }));
  const { model, market, isHeld, advice } = decision;
  return { model, market, on, isHeld, holding, advice: advice.length };
}

/** The last day on which a product is sold or supported; undefined when a market has no end. */
export function lastDayOf(product: Product): string | undefined {
  const days = product.models.flatMap(({ markets }) => markets.map(({ until }) => until));
  if (days.includes(undefined)) return undefined;
  return [...days, product.support.until]
    .flatMap((one) => (one === undefined ? [] : [one]))
    .toSorted()
    .at(-1);
}
