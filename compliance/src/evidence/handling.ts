/**
 * Statements about the handling of vulnerabilities and the freezing of documents, as evidence of a product. The first name a tenant and no product, because a
 * case is under embargo: they count for the products of that tenant, and for none when the ledger does not say whose a product
 * is. A drill is no report and shows none.
 */
import type { BundleEntry, PredicateType } from '@pawl/core/evidence';
import type { EvidenceKind } from '../catalogue/index.ts';

type Shown = {
  readonly kind: EvidenceKind;
  readonly title: string;
  /** Begun and not done: it is shown, and does not count. */
  readonly isBegun?: true;
};
type Handled = Shown & { readonly index: number; readonly issuedOn: string };
type Predicate = BundleEntry['predicate'];

function textOf(predicate: Predicate, key: string): string {
  const value = predicate[key];
  return typeof value === 'string' ? value : '';
}

type Shows = (predicate: Predicate, product: string) => Shown | undefined;

const SHOWN: Readonly<Partial<Record<PredicateType, Shows>>> = {
  'urn:pawl:vulnerability:1': (predicate) => ({
    kind: 'vulnerability-handling-record',
    title: `a case of vulnerability handling: ${textOf(predicate, 'act')}, now ${textOf(predicate, 'state')}`,
  }),
  'urn:pawl:incident-report:1': (predicate) => {
    const track = textOf(predicate, 'track');
    switch (textOf(predicate, 'act')) {
      case 'open':
        return { kind: 'incident-report', title: `a report to the authorities is open (${track})`, isBegun: true };
      case 'submit':
        return { kind: 'incident-report', title: `a report to the authorities was sent (${track})` };
      default:
        return undefined;
    }
  },
  'urn:pawl:documents:1': (predicate, product) =>
    textOf(predicate, 'product') === product
      ? {
          kind: 'technical-file',
          title: `the documents were frozen for ${textOf(predicate, 'release')} as of ${textOf(predicate, 'on')}`,
        }
      : undefined,
  'urn:pawl:disclosure-policy:1': () => ({ kind: 'policy-document', title: 'the policy on disclosure was set' }),
};

/** The tenants that wrote the product down, or handed in evidence of it. */
function tenantsOf(entries: readonly BundleEntry[], product: string): ReadonlySet<string> {
  const named = entries.filter(
    ({ predicateType, predicate }) =>
      (predicateType === 'urn:pawl:product:1' || predicateType === 'urn:pawl:evidence:1') &&
      predicate['product'] === product,
  );
  return new Set(named.map(({ predicate }) => textOf(predicate, 'tenant')).filter((one) => one !== ''));
}

/** What entries of a verified ledger show of the handling of vulnerabilities by those whose product it is. */
export function handlingOfEntries(entries: readonly BundleEntry[], product: string): Handled[] {
  const tenants = tenantsOf(entries, product);
  if (tenants.size !== 1) return [];
  return entries.flatMap(({ index, predicateType, predicate }): Handled[] => {
    if (!tenants.has(textOf(predicate, 'tenant'))) return [];
    const shown = SHOWN[predicateType]?.(predicate, product);
    return shown === undefined ? [] : [{ ...shown, index, issuedOn: textOf(predicate, 'at').slice(0, 10) }];
  });
}
