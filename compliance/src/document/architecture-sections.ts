/**
 * The sections of the security architecture document: which requirements each answers, which kinds of evidence fill it, and
 * what only the manufacturer can write. Titles and what is wanted come from `data/architecture-document.json`.
 */
import type { EvidenceKind } from '../catalogue/index.ts';

export type SectionPlan = {
  readonly no: string;
  /** References of requirements. */
  readonly answers: readonly string[];
  readonly kinds: readonly EvidenceKind[];
};

export const ARCHITECTURE_PLAN: readonly SectionPlan[] = [
  { no: '0', answers: ['EU-CRA AVII.1.b', 'EU-CRA 31'], kinds: ['inventory-record'] },
  { no: '1', answers: ['EU-CRA AVII.1.a', 'EU-CRA AII.4', 'EU-CRA 13.3', 'EU-CRA 32'], kinds: [] },
  { no: '2', answers: ['EU-CRA AVII.2.a'], kinds: ['architecture-document', 'interface-inventory'] },
  {
    no: '3',
    answers: ['IEC-62443-4-2 EDR 3.11', 'IEC-62443-4-2 EDR 3.14'],
    kinds: ['hardware-capability-record', 'supplier-evidence', 'production-record'],
  },
  { no: '4', answers: ['EU-CRA AVII.2.a', 'EU-CRA II.1'], kinds: ['sbom'] },
  {
    no: '5',
    answers: ['EU-CRA I.2.f', 'ETSI-EN-303-645 5.7-1', 'NIST-SP-800-193 4.1.1'],
    kinds: ['secure-boot-chain', 'boot-tamper-test', 'attestation-report'],
  },
  {
    no: '6',
    answers: ['EU-CRA I.2.c', 'EU-CRA II.2', 'EU-CRA II.7', 'EU-CRA II.8'],
    kinds: ['signed-release', 'verify-reject-test', 'campaign-record', 'encryption'],
  },
  {
    no: '7',
    answers: ['EU-CRA I.2.f', 'EU-CRA I.2.h', 'RFC-9124 REQ.SEC.SEQUENCE', 'NIST-SP-800-193 4.4.1'],
    kinds: ['anti-rollback-test', 'rollback-test'],
  },
  {
    no: '8',
    answers: ['ETSI-EN-303-645 5.5-8', 'IEC-62443-4-1 SM-8'],
    kinds: ['key-management-record', 'crypto-inventory'],
  },
  {
    no: '9',
    answers: ['EU-CRA I.2.b', 'EU-CRA I.2.d', 'ETSI-EN-303-645 5.1-1'],
    kinds: ['credential-scan', 'default-config-test', 'access-control-test'],
  },
  { no: '10', answers: ['EU-CRA I.2.e', 'EU-CRA I.2.g', 'EU-CRA I.2.m'], kinds: ['data-deletion-test', 'encryption'] },
  { no: '11', answers: ['EU-CRA I.2.f', 'EU-CRA I.2.l'], kinds: ['integrity-log', 'audit-log', 'attestation-report'] },
  { no: '12', answers: ['EU-CRA I.2.h', 'EU-CRA I.2.i'], kinds: ['update-resilience-test', 'rollback-test'] },
  { no: '13', answers: ['EU-CRA I.2.j', 'EU-CRA I.2.k'], kinds: ['interface-inventory', 'access-control-test'] },
  {
    no: '14',
    answers: ['EU-CRA 13.2', 'EU-CRA 13.3', 'EU-CRA 13.4', 'EU-CRA AVII.3'],
    kinds: ['risk-assessment', 'threat-model'],
  },
  {
    no: '15',
    answers: ['EU-CRA II.1', 'EU-CRA II.4', 'EU-CRA II.5', 'EU-CRA II.6', 'EU-CRA 14.1'],
    kinds: ['policy-document', 'vulnerability-handling-record', 'advisory'],
  },
  { no: '16', answers: ['EU-CRA AVII.2.c'], kinds: ['production-record', 'process-record'] },
  { no: '17', answers: ['EU-CRA 13.5'], kinds: ['supplier-evidence', 'process-record'] },
  {
    no: '18',
    answers: ['EU-CRA 13.8', 'EU-CRA 13.9', 'EU-CRA AVII.4'],
    kinds: ['support-period-statement', 'update-availability-record'],
  },
  { no: '19', answers: ['EU-CRA AVII.5'], kinds: [] },
  {
    no: '20',
    answers: ['EU-CRA AVII.6'],
    kinds: ['test-report', 'pen-test-report', 'verify-reject-test', 'anti-rollback-test', 'rollback-test'],
  },
  { no: '21', answers: ['EU-CRA 13.4', 'ETSI-EN-303-645 5.0-1'], kinds: [] },
  { no: 'A', answers: ['EU-CRA AVII.6', 'EU-CRA AVII.7', 'EU-CRA AVII.8'], kinds: [] },
];
