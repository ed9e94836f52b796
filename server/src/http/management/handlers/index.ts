/** One handler for each operation of the management API, one file an area. A missing handler does not compile. */
import { ACCESS_HANDLERS } from './access.ts';
import { APPROVAL_HANDLERS } from './approval.ts';
import { ASSIGNMENT_LOG_HANDLERS } from './assignment-log.ts';
import { AUDIT_HANDLERS } from './audit.ts';
import { AUTHORITY_HANDLERS } from './authority.ts';
import { DEVICE_HANDLERS } from './device.ts';
import { DEVICE_CHANGE_HANDLERS } from './device-change.ts';
import { EVENT_HANDLERS } from './event.ts';
import { EVIDENCE_HANDLERS } from './evidence.ts';
import { GATEWAY_HANDLERS } from './gateway.ts';
import { GROUP_EDITIONS, GROUP_HANDLERS } from './group.ts';
import type { Handlers } from './handler.ts';
import { INCIDENT_HANDLERS } from './incident.ts';
import { INQUIRY_HANDLERS } from './inquiry.ts';
import { INTRODUCTION_HANDLERS } from './introduction.ts';
import { LEDGER_HANDLERS } from './ledger.ts';
import { MENDER_HANDLERS } from './mender.ts';
import { PERSON_HANDLERS } from './person.ts';
import { POLICY_HANDLERS } from './policy.ts';
import { PRODUCT_HANDLERS } from './product.ts';
import { RELEASE_HANDLERS } from './release.ts';
import { ROLLOUT_HANDLERS } from './rollout.ts';
import { SERVER_HANDLERS } from './server.ts';
import { SHARE_HANDLERS } from './share.ts';
import { SIGN_IN_HANDLERS } from './sign-in.ts';
import { TENANT_HANDLERS } from './tenant.ts';
import { TESTING_HANDLERS } from './testing.ts';
import { TRANSFER_HANDLERS } from './transfer.ts';
import { TRUST_HANDLERS } from './trust.ts';
import { VULNERABILITY_HANDLERS } from './vulnerability.ts';
import { WEBHOOK_HANDLERS } from './webhook.ts';

export type { Request } from './handler.ts';

export const HANDLERS: Handlers = {
  ...SERVER_HANDLERS,
  ...ACCESS_HANDLERS,
  ...PERSON_HANDLERS,
  ...SIGN_IN_HANDLERS,
  ...AUDIT_HANDLERS,
  ...DEVICE_HANDLERS,
  ...AUTHORITY_HANDLERS,
  ...INTRODUCTION_HANDLERS,
  ...MENDER_HANDLERS,
  ...DEVICE_CHANGE_HANDLERS,
  ...GROUP_HANDLERS,
  ...GATEWAY_HANDLERS,
  ...TENANT_HANDLERS,
  ...TRANSFER_HANDLERS,
  ...TRUST_HANDLERS,
  ...RELEASE_HANDLERS,
  ...ROLLOUT_HANDLERS,
  ...ASSIGNMENT_LOG_HANDLERS,
  ...APPROVAL_HANDLERS,
  ...POLICY_HANDLERS,
  ...LEDGER_HANDLERS,
  ...EVIDENCE_HANDLERS,
  ...PRODUCT_HANDLERS,
  ...INQUIRY_HANDLERS,
  ...SHARE_HANDLERS,
  ...TESTING_HANDLERS,
  ...EVENT_HANDLERS,
  ...WEBHOOK_HANDLERS,
  ...VULNERABILITY_HANDLERS,
  ...INCIDENT_HANDLERS,
};

/** Reads that cost less, where only what people change is wanted (../conditional.ts); the volatile members are anything. */
export const EDITIONS: Partial<Handlers> = { ...GROUP_EDITIONS };
