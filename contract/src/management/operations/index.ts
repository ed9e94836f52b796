/**
 * Every operation of the management API as data, one file an area. The server registers exactly these (it does not start
 * when a handler is missing); the typed client and OpenAPI come from the same table.
 */
import { ACCESS_OPERATIONS } from './access.ts';
import { APPROVAL_OPERATIONS } from './approval.ts';
import { ASSIGNMENT_LOG_OPERATIONS } from './assignment-log.ts';
import { AUDIT_OPERATIONS } from './audit.ts';
import { AUTHORITY_OPERATIONS } from './authority.ts';
import { REGISTRY_OPERATIONS } from './device.ts';
import { DEVICE_CHANGE_OPERATIONS } from './device-change.ts';
import { EVENT_OPERATIONS } from './event.ts';
import { EVIDENCE_OPERATIONS } from './evidence.ts';
import { GATEWAY_OPERATIONS } from './gateway.ts';
import { GROUP_OPERATIONS } from './group.ts';
import { INCIDENT_OPERATIONS } from './incident.ts';
import { INQUIRY_OPERATIONS } from './inquiry.ts';
import { INTRODUCTION_OPERATIONS } from './introduction.ts';
import { LEDGER_OPERATIONS } from './ledger.ts';
import { MENDER_REGISTRY_OPERATIONS } from './mender.ts';
import { PERSON_OPERATIONS } from './person.ts';
import { POLICY_OPERATIONS } from './policy.ts';
import { PRODUCT_OPERATIONS } from './product.ts';
import { RELEASE_OPERATIONS } from './release.ts';
import { ROLLOUT_OPERATIONS } from './rollout.ts';
import { SERVER_OPERATIONS } from './server.ts';
import { SHARE_OPERATIONS } from './share.ts';
import { SIGN_IN_OPERATIONS } from './sign-in.ts';
import { TENANT_OPERATIONS } from './tenant.ts';
import { TESTING_OPERATIONS } from './testing.ts';
import { TRANSFER_OPERATIONS } from './transfer.ts';
import { TRUST_OPERATIONS } from './trust.ts';
import { VULNERABILITY_OPERATIONS } from './vulnerability.ts';
import { WEBHOOK_OPERATIONS } from './webhook.ts';

export { IDEMPOTENCY_KEY, type ManagementOperation, takesIdempotencyKey } from './operation.ts';

export const MANAGEMENT_OPERATIONS = {
  ...SERVER_OPERATIONS,
  ...ACCESS_OPERATIONS,
  ...PERSON_OPERATIONS,
  ...SIGN_IN_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...REGISTRY_OPERATIONS,
  ...AUTHORITY_OPERATIONS,
  ...INTRODUCTION_OPERATIONS,
  ...MENDER_REGISTRY_OPERATIONS,
  ...DEVICE_CHANGE_OPERATIONS,
  ...GROUP_OPERATIONS,
  ...GATEWAY_OPERATIONS,
  ...TENANT_OPERATIONS,
  ...TRANSFER_OPERATIONS,
  ...TRUST_OPERATIONS,
  ...RELEASE_OPERATIONS,
  ...ROLLOUT_OPERATIONS,
  ...ASSIGNMENT_LOG_OPERATIONS,
  ...APPROVAL_OPERATIONS,
  ...POLICY_OPERATIONS,
  ...LEDGER_OPERATIONS,
  ...EVIDENCE_OPERATIONS,
  ...PRODUCT_OPERATIONS,
  ...INQUIRY_OPERATIONS,
  ...SHARE_OPERATIONS,
  ...TESTING_OPERATIONS,
  ...EVENT_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...VULNERABILITY_OPERATIONS,
  ...INCIDENT_OPERATIONS,
} as const;

export type ManagementOperationId = keyof typeof MANAGEMENT_OPERATIONS;
