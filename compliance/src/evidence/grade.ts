/**
 * How strong a piece of evidence is, and how strong it must be to count for its kind.
 *
 * *claimed* somebody says so · *configured* the platform's own policy or record says so · *tested* a test was run and its
 * result is a signed statement · *observed* the device itself signed what happened. Only what stands in a verified ledger is
 * graded above *claimed*.
 */
import type { EvidenceKind } from '../catalogue/index.ts';

export const GRADES = ['claimed', 'configured', 'tested', 'observed'] as const;
export type Grade = (typeof GRADES)[number];

export function isAtLeast(grade: Grade, least: Grade): boolean {
  return GRADES.indexOf(grade) >= GRADES.indexOf(least);
}

type KindRule = {
  /** Below this it is shown, and does not count. */
  readonly least: Grade;
  /** Months after which it is too old to count, unless it carries an end of its own. Our advice, no rule of law. */
  readonly months?: number;
};

const TEST: KindRule = { least: 'tested' };
const RECORD: KindRule = { least: 'configured' };
const DOCUMENT: KindRule = { least: 'claimed' };

/** One row for every kind of evidence. */
export const KIND_RULES: Readonly<Record<EvidenceKind, KindRule>> = {
  'signed-release': RECORD,
  'verify-reject-test': TEST,
  'anti-rollback-test': TEST,
  'rollback-test': TEST,
  'update-resilience-test': TEST,
  'secure-boot-chain': TEST,
  'boot-tamper-test': TEST,
  encryption: RECORD,
  'attestation-report': TEST,
  'integrity-log': RECORD,
  'credential-scan': { least: 'tested', months: 12 },
  'default-config-test': TEST,
  'access-control-test': TEST,
  'interface-inventory': DOCUMENT,
  sbom: RECORD,
  vex: RECORD,
  'vulnerability-scan': { least: 'tested', months: 3 },
  'vulnerability-handling-record': RECORD,
  'upstream-report': RECORD,
  advisory: RECORD,
  'user-notice': RECORD,
  'policy-document': { least: 'claimed', months: 24 },
  'process-record': { least: 'claimed', months: 24 },
  'threat-model': { least: 'claimed', months: 24 },
  'risk-assessment': { least: 'claimed', months: 24 },
  'architecture-document': DOCUMENT,
  'key-management-record': RECORD,
  'crypto-inventory': DOCUMENT,
  'audit-log': RECORD,
  'campaign-record': RECORD,
  'support-period-statement': DOCUMENT,
  'update-availability-record': { least: 'configured', months: 12 },
  'test-report': { least: 'tested', months: 36 },
  'pen-test-report': { least: 'tested', months: 24 },
  'supplier-evidence': { least: 'claimed', months: 24 },
  'production-record': RECORD,
  'hardware-capability-record': DOCUMENT,
  'inventory-record': RECORD,
  'declaration-of-conformity': DOCUMENT,
  'technical-file': DOCUMENT,
  'user-instructions': DOCUMENT,
  'incident-report': RECORD,
  'data-deletion-test': TEST,
  'decision-record': DOCUMENT,
  'config-record': RECORD,
};
