import { getArtifact } from './artifact.ts';
import { authenticate } from './authenticate.ts';
import { nextDeployment, nextDeploymentFlat, nextDeploymentQuery } from './deployment.ts';
import { patchInventory, putInventory } from './inventory.ts';
import type { MenderHandlers } from './request.ts';
import { putDeploymentLog, putDeploymentStatus } from './status.ts';

/** The whole of Mender's device API that is served; a missing operation does not compile. */
export const MENDER_HANDLERS: MenderHandlers = {
  authenticate,
  nextDeployment,
  nextDeploymentFlat,
  nextDeploymentQuery,
  putDeploymentStatus,
  putDeploymentLog,
  putInventory,
  patchInventory,
  getArtifact,
};
