/**
 * The tables of the server, as types, one file an area. Times are milliseconds since 1970 (UTC), digests are raw bytes where
 * they are compared and hex where they are names, numbers that may pass 2^53 are decimal text.
 */
import type { AccessSchema } from './access.ts';
import type { AuditSchema } from './audit.ts';
import type { AuthoritySchema } from './authority.ts';
import type { DeviceSchema } from './device.ts';
import type { EventSchema } from './event.ts';
import type { EvidenceSchema } from './evidence.ts';
import type { IncidentSchema } from './incident.ts';
import type { InquirySchema } from './inquiry.ts';
import type { IntroductionSchema } from './introduction.ts';
import type { KeptAnswerSchema } from './kept-answer.ts';
import type { LedgerSchema } from './ledger.ts';
import type { MarketGateSchema } from './market-gate.ts';
import type { MenderSchema } from './mender.ts';
import type { ProductSchema } from './product.ts';
import type { ReleaseSchema } from './release.ts';
import type { RolloutSchema } from './rollout.ts';
import type { ShareSchema } from './share.ts';
import type { SignInSchema } from './sign-in.ts';
import type { TestingSchema } from './testing.ts';
import type { VulnerabilitySchema } from './vulnerability.ts';
import type { WebhookSchema } from './webhook.ts';

export type Schema = AccessSchema &
  AuditSchema &
  SignInSchema &
  DeviceSchema &
  AuthoritySchema &
  IntroductionSchema &
  MenderSchema &
  ReleaseSchema &
  RolloutSchema &
  KeptAnswerSchema &
  LedgerSchema &
  EvidenceSchema &
  ProductSchema &
  MarketGateSchema &
  EventSchema &
  WebhookSchema &
  IncidentSchema &
  InquirySchema &
  ShareSchema &
  TestingSchema &
  VulnerabilitySchema;

export type { PersonTable } from './access.ts';
export type { AuthorityTable } from './authority.ts';
export type { DeviceTable } from './device.ts';
export type { EventTable } from './event.ts';
export type { EvidenceTable } from './evidence.ts';
export type { IncidentTable, SubmissionTable } from './incident.ts';
export type { InquiryRoundTable, InquiryTable } from './inquiry.ts';
export type { IntroductionTable } from './introduction.ts';
export type { LedgerEntryTable, LedgerWitnessTable } from './ledger.ts';
export type { MenderAuthTable } from './mender.ts';
export type { ProductTable, WaiverTable } from './product.ts';
export type { ArtifactTable, ReleaseTable } from './release.ts';
export type { AssignmentTable, MemberTable, RolloutTable, WaveTable } from './rollout.ts';
export type { ShareTable } from './share.ts';
export type { DirectoryTable, TestPlanTable, TestResultTable } from './testing.ts';
export type { CaseLogTable, CaseTable, SbomTable } from './vulnerability.ts';
export type { DeadLetterTable, WebhookTable } from './webhook.ts';
