/**
 * Which entries of the ledger belong to a part of it. Pure; entries are looked at in their order, because which line a device
 * is of is known from the entry that let it in.
 */
import type { LedgerPart } from '@pawl/contract/management';
import type { Statement } from '@pawl/core/evidence';

const textOf = (predicate: Statement['predicate'], key: string): string | undefined => {
  const value = predicate[key];
  return typeof value === 'string' ? value : undefined;
};

/** `line`: that of the product, when a product is asked for. */
export class PartFilter {
  readonly #part: LedgerPart;
  readonly #line: string | undefined;
  readonly #devices = new Set<string>();

  constructor(part: LedgerPart, productLine: string | undefined) {
    this.#part = part;
    this.#line = part.line ?? productLine;
  }

  #isOfLine({ subject, predicate }: Statement, line: string): boolean {
    const name = subject[0]?.name ?? '';
    const isOf = textOf(predicate, 'line') === line || name.startsWith(`release/${line}/`) || this.#devices.has(name);
    if (isOf && name.startsWith('device/')) this.#devices.add(name);
    return isOf;
  }

  #isOfVersion({ subject, predicate }: Statement, line: string, version: string): boolean {
    return subject[0]?.name === `release/${line}/${version}` || textOf(predicate, 'version') === version;
  }

  #isAbout(statement: Statement): boolean {
    const { product, version } = this.#part;
    if (product !== undefined && textOf(statement.predicate, 'product') === product) return true;
    if (this.#line === undefined) return product === undefined;
    if (!this.#isOfLine(statement, this.#line)) return false;
    return version === undefined || this.#isOfVersion(statement, this.#line, version);
  }

  /** Whether the next entry belongs to the part. */
  takes(statement: Statement): boolean {
    const isAbout = this.#isAbout(statement);
    const { since, until } = this.#part;
    const on = textOf(statement.predicate, 'at')?.slice(0, 10);
    const isBefore = since !== undefined && (on === undefined || on < since);
    const isAfter = until !== undefined && (on === undefined || on > until);
    return isAbout && !isBefore && !isAfter;
  }
}
