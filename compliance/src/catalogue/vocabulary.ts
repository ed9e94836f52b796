/**
 * The words that catalogue entries are made of. Each has its meaning in `data/vocabulary.json`, which people read; a test
 * holds the two against each other.
 */
export const EVIDENCE_KINDS = [
  'signed-release',
  'verify-reject-test',
  'anti-rollback-test',
  'rollback-test',
  'update-resilience-test',
  'secure-boot-chain',
  'boot-tamper-test',
  'encryption',
  'attestation-report',
  'integrity-log',
  'credential-scan',
  'default-config-test',
  'access-control-test',
  'interface-inventory',
  'sbom',
  'vex',
  'vulnerability-scan',
  'vulnerability-handling-record',
  'upstream-report',
  'advisory',
  'user-notice',
  'policy-document',
  'process-record',
  'threat-model',
  'risk-assessment',
  'architecture-document',
  'key-management-record',
  'crypto-inventory',
  'audit-log',
  'campaign-record',
  'support-period-statement',
  'update-availability-record',
  'test-report',
  'pen-test-report',
  'supplier-evidence',
  'production-record',
  'hardware-capability-record',
  'inventory-record',
  'declaration-of-conformity',
  'technical-file',
  'user-instructions',
  'incident-report',
  'data-deletion-test',
  'decision-record',
  'config-record',
] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** Where a requirement stands. `reported-*` entries are watch items: they never count. */
export const SOURCE_STATUSES = [
  'law-applicable',
  'law-future',
  'standard-oj-cited',
  'standard-published',
  'standard-draft',
  'guidance',
  'scheme-voluntary',
  'reported-unverified',
  'reported-contradicted',
] as const;
export type SourceStatus = (typeof SOURCE_STATUSES)[number];

/** How well the wording of an entry was checked. */
export const VERIFICATIONS = ['primary', 'secondary', 'recall', 'conflict', 'none'] as const;
export type Verification = (typeof VERIFICATIONS)[number];

export const OBLIGATIONS = ['mandatory', 'recommended', 'conditional'] as const;
export const APPLIES_TO = ['product', 'manufacturer-process', 'documentation'] as const;
export const RELEVANCES = ['core', 'supporting', 'context'] as const;

/** A watch item: told by a source that is not the rule itself. It is shown with its real counterparts and never counted. */
export function isWatchItem(status: SourceStatus): boolean {
  return status === 'reported-unverified' || status === 'reported-contradicted';
}
