/**
 * Which statements a share lets out. A list of what may go, not of what may not: what names a device goes only when the share
 * says so, documents of the vault only when they are shared, and what names another product never.
 */
import type { PredicateType, Statement } from '@pawl/core/evidence';

export type ShareScope = {
  readonly product: string;
  readonly documents: readonly number[];
  readonly includesDevices: boolean;
};

const OPEN: ReadonlySet<PredicateType> = new Set<PredicateType>([
  'urn:pawl:release:1',
  'urn:pawl:key-registered:1',
  'urn:pawl:sbom:1',
  'urn:pawl:product:1',
  'urn:pawl:waiver:1',
  'urn:pawl:documents:1',
  'urn:pawl:disclosure-policy:1',
]);
const OF_DEVICES: ReadonlySet<PredicateType> = new Set<PredicateType>([
  'urn:pawl:device-enrolled:1',
  'urn:pawl:device-report:1',
]);

export function sharesStatement(scope: ShareScope, { predicateType, predicate }: Statement): boolean {
  const { product, evidence } = predicate;
  if (product !== undefined && product !== scope.product) return false;
  if (predicateType === 'urn:pawl:evidence:1')
    return typeof evidence === 'number' && scope.documents.includes(evidence);
  return OPEN.has(predicateType) || (scope.includesDevices && OF_DEVICES.has(predicateType));
}
