/** Mender's device API as data, as far as its clients use it: authentication, deployments, inventory, download. */
export type {
  MenderAuthRequest,
  MenderDeployment,
  MenderError,
  MenderInventory,
  MenderLog,
  MenderProvides,
  MenderStatus,
} from './bodies.ts';
export { MENDER_OPERATIONS, type MenderOperation, type MenderOperationId } from './operations.ts';
