/** The management API as data: what the operations take and give, and their OpenAPI documents. */
export { deviceOpenApi, managementOpenApi } from './openapi.ts';
export {
  MANAGEMENT_OPERATIONS,
  type ManagementOperation,
  type ManagementOperationId,
} from './operations.ts';
export {
  ASSIGNMENT_STATES,
  type Assignment,
  type AssignmentState,
  type Device,
  type LedgerEntry,
  type Line,
  type NewClaim,
  type NewDevice,
  type NewRelease,
  type NewRollout,
  type NewTrust,
  type Release,
  type Rollout,
  type RolloutState,
  type SuccessKind,
  TOKEN_ROLES,
  type Token,
  type TokenRole,
  type TrustStatus,
} from './resources.ts';
