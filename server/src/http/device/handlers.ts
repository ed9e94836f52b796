import { getArtifact, listArtifacts } from './artifacts.ts';
import { getAttestationChallenge, postEvidence } from './attest.ts';
import {
  activateAutoConfirm,
  deactivateAutoConfirm,
  getConfirmationAction,
  getConfirmationBase,
  postConfirmationFeedback,
} from './confirmation.ts';
import {
  getCancelAction,
  getDeploymentBase,
  getInstalledBase,
  postCancelFeedback,
  postDeploymentFeedback,
} from './deployment.ts';
import { enrol } from './enrol.ts';
import { putInstalledBase } from './installed.ts';
import { introduce } from './introduce.ts';
import { poll, putConfigData } from './poll.ts';
import { postReport } from './report.ts';
import type { Handlers } from './request.ts';
import { getLineKeys, getTrustFile } from './trust-file.ts';

/** The whole device API; a missing operation does not compile. */
export const HANDLERS: Handlers = {
  poll,
  putConfigData,
  getDeploymentBase,
  postDeploymentFeedback,
  getCancelAction,
  postCancelFeedback,
  getInstalledBase,
  putInstalledBase,
  getConfirmationBase,
  getConfirmationAction,
  postConfirmationFeedback,
  activateAutoConfirm,
  deactivateAutoConfirm,
  listArtifacts,
  getArtifact,
  enrol,
  introduce,
  getTrustFile,
  getLineKeys,
  postReport,
  getAttestationChallenge,
  postEvidence,
};
