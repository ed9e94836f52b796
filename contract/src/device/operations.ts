/**
 * Every operation of the device API as data: hawkBit's DDI v1, and Pawl's own beside it.
 *
 * Paths are templates with `{name}`; every parameter is one path segment. `auth` says who may call: a device (one choke
 * point checks it), anyone who holds a claim, or anyone who proves a key. A body of type `bytes` is taken as it stands.
 */
import type { z } from 'zod';
import {
  ddiActivateAutoConfirm,
  ddiConfigData,
  ddiConfirmationFeedback,
  ddiFeedback,
  ddiInstalledVersion,
} from './ddi-bodies.ts';
import {
  ddiArtifact,
  ddiCancelAction,
  ddiConfirmationAction,
  ddiConfirmationBase,
  ddiDeploymentBase,
  ddiPoll,
} from './ddi-documents.ts';
import {
  attestationChallenge,
  attestationVerdict,
  enrolRequest,
  enrolResponse,
  introductionRequest,
  introductionResponse,
  reportResponse,
} from './pawl-bodies.ts';

const DDI = '/{tenant}/controller/v1/{controllerId}';
const PAWL = '/{tenant}/pawl/v1';

const FEEDBACK_BYTES_MAX = 256 * 1024;
const SMALL_BYTES_MAX = 64 * 1024;
const EVIDENCE_BYTES_MAX = 16 * 1024;

export type DeviceOperation = {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly auth: 'device' | 'claim' | 'signature';
  /** `bytes`: taken as it stands, in the media type `bodyType`. */
  readonly body?: z.ZodType | 'bytes';
  readonly bodyType?: string;
  readonly bodyBytesMax?: number;
  readonly response: z.ZodType | 'empty' | 'bytes' | 'text';
  /** Its own refusals, beside those of what it takes. */
  readonly errors?: readonly string[];
};

export const DEVICE_OPERATIONS = {
  poll: { method: 'GET', path: DDI, summary: 'What is there to do', auth: 'device', response: ddiPoll },
  putConfigData: {
    method: 'PUT',
    path: `${DDI}/configData`,
    summary: "Tell the device's own attributes",
    auth: 'device',
    body: ddiConfigData,
    bodyBytesMax: SMALL_BYTES_MAX,
    response: 'empty',
    errors: ['DEVICE_ATTRIBUTES_INVALID'],
  },
  getDeploymentBase: {
    method: 'GET',
    path: `${DDI}/deploymentBase/{actionId}`,
    summary: 'What to install',
    auth: 'device',
    response: ddiDeploymentBase,
    errors: ['DEVICE_NOT_FOUND'],
  },
  postDeploymentFeedback: {
    method: 'POST',
    path: `${DDI}/deploymentBase/{actionId}/feedback`,
    summary: 'Tell how the installation goes',
    auth: 'device',
    body: ddiFeedback,
    bodyBytesMax: FEEDBACK_BYTES_MAX,
    response: 'empty',
    errors: ['DEVICE_NOT_FOUND', 'DEVICE_ACTION_GONE', 'DEVICE_STATUS_QUOTA_EXCEEDED'],
  },
  getCancelAction: {
    method: 'GET',
    path: `${DDI}/cancelAction/{actionId}`,
    summary: 'Which installation to stop',
    auth: 'device',
    response: ddiCancelAction,
    errors: ['DEVICE_NOT_FOUND'],
  },
  postCancelFeedback: {
    method: 'POST',
    path: `${DDI}/cancelAction/{actionId}/feedback`,
    summary: 'Tell whether the installation stopped',
    auth: 'device',
    body: ddiFeedback,
    bodyBytesMax: FEEDBACK_BYTES_MAX,
    response: 'empty',
    errors: ['DEVICE_NOT_FOUND', 'DEVICE_ACTION_GONE', 'DEVICE_CANCEL_NOT_ALLOWED', 'DEVICE_STATUS_QUOTA_EXCEEDED'],
  },
  getInstalledBase: {
    method: 'GET',
    path: `${DDI}/installedBase/{actionId}`,
    summary: 'What was installed last',
    auth: 'device',
    response: ddiDeploymentBase,
    errors: ['DEVICE_NOT_FOUND'],
  },
  putInstalledBase: {
    method: 'PUT',
    path: `${DDI}/installedBase`,
    summary: 'Tell what was installed without the server',
    auth: 'device',
    body: ddiInstalledVersion,
    bodyBytesMax: SMALL_BYTES_MAX,
    response: 'empty',
    errors: ['DEVICE_NOT_FOUND', 'DEVICE_PROOF_REQUIRED'],
  },
  getConfirmationBase: {
    method: 'GET',
    path: `${DDI}/confirmationBase`,
    summary: 'Whether consent is given without asking',
    auth: 'device',
    response: ddiConfirmationBase,
  },
  getConfirmationAction: {
    method: 'GET',
    path: `${DDI}/confirmationBase/{actionId}`,
    summary: 'What waits for consent',
    auth: 'device',
    response: ddiConfirmationAction,
    errors: ['DEVICE_NOT_FOUND'],
  },
  postConfirmationFeedback: {
    method: 'POST',
    path: `${DDI}/confirmationBase/{actionId}/feedback`,
    summary: 'Give or deny consent',
    auth: 'device',
    body: ddiConfirmationFeedback,
    bodyBytesMax: FEEDBACK_BYTES_MAX,
    response: 'empty',
    errors: ['DEVICE_NOT_FOUND', 'DEVICE_ACTION_GONE', 'DEVICE_POSTPONEMENT_REFUSED', 'DEVICE_STATUS_QUOTA_EXCEEDED'],
  },
  activateAutoConfirm: {
    method: 'POST',
    path: `${DDI}/confirmationBase/activateAutoConfirm`,
    summary: 'Give consent to everything from now on',
    auth: 'device',
    body: ddiActivateAutoConfirm,
    bodyBytesMax: SMALL_BYTES_MAX,
    response: 'empty',
    errors: ['DEVICE_AUTO_CONFIRM_ACTIVE'],
  },
  deactivateAutoConfirm: {
    method: 'POST',
    path: `${DDI}/confirmationBase/deactivateAutoConfirm`,
    summary: 'Ask for consent again',
    auth: 'device',
    bodyBytesMax: SMALL_BYTES_MAX,
    response: 'empty',
  },
  listArtifacts: {
    method: 'GET',
    path: `${DDI}/softwaremodules/{moduleId}/artifacts`,
    summary: 'The files of a release',
    auth: 'device',
    response: ddiArtifact.array(),
    errors: ['DEVICE_NOT_FOUND'],
  },
  getArtifact: {
    method: 'GET',
    path: `${DDI}/softwaremodules/{moduleId}/artifacts/{fileName}`,
    summary: 'The bytes of a file, whole or by Range; or its MD5SUM file',
    auth: 'device',
    response: 'bytes',
    errors: [
      'DEVICE_NOT_FOUND',
      'DEVICE_PRECONDITION_FAILED',
      'DEVICE_RANGE_NOT_SATISFIABLE',
      'BLOB_MISSING',
      'BLOB_STORE_UNREACHABLE',
    ],
  },
  enrol: {
    method: 'POST',
    path: `${PAWL}/enrol`,
    summary: 'Redeem a one-time claim for a device key',
    auth: 'claim',
    body: enrolRequest,
    bodyBytesMax: SMALL_BYTES_MAX,
    response: enrolResponse,
    errors: ['DEVICE_CLAIM_INVALID'],
  },
  introduce: {
    method: 'POST',
    path: `${PAWL}/introduce`,
    summary: 'Introduce a device by its own key, with a certificate or for an operator to let in',
    auth: 'signature',
    body: introductionRequest,
    bodyBytesMax: SMALL_BYTES_MAX,
    response: introductionResponse,
    errors: [
      'DEVICE_INTRODUCTION_REFUSED',
      'DEVICE_INTRODUCTIONS_TOO_MANY',
      'DEVICE_CERTIFICATE_UNSUITABLE',
      'DEVICE_CERTIFICATE_EXPIRED',
      'DEVICE_CERTIFICATE_BARRED',
      'DEVICE_CERTIFICATE_NAME_REFUSED',
      'DEVICE_CERTIFICATE_KEY_DIFFERS',
    ],
  },
  getTrustFile: {
    method: 'GET',
    path: `${PAWL}/trust/{fileName}`,
    summary: 'A file of the TUF repository',
    auth: 'device',
    response: 'bytes',
    errors: ['DEVICE_NOT_FOUND'],
  },
  getLineKeys: {
    method: 'GET',
    path: `${PAWL}/trust/keys/{fileName}`,
    summary: 'The image keys of a product line, a target of the TUF repository',
    auth: 'device',
    response: 'bytes',
    errors: ['DEVICE_NOT_FOUND'],
  },
  postReport: {
    method: 'POST',
    path: `${PAWL}/{controllerId}/report`,
    summary: 'Hand in a report signed by the device key',
    auth: 'device',
    body: 'bytes',
    bodyType: 'application/vnd.dsse+json',
    bodyBytesMax: SMALL_BYTES_MAX,
    response: reportResponse,
    errors: [
      'DEVICE_NOT_FOUND',
      'DEVICE_BODY_MALFORMED',
      'DEVICE_PROOF_REQUIRED',
      'DEVICE_POSTPONEMENT_REFUSED',
      'DEVICE_STATUS_QUOTA_EXCEEDED',
      'REPORT_SIGNATURE_INVALID',
      'REPORT_REPLAYED',
      'REPORT_OUT_OF_ORDER',
      'REPORT_DISAGREES',
      'DEVICE_ACTION_GONE',
    ],
  },
  getAttestationChallenge: {
    method: 'GET',
    path: `${PAWL}/{controllerId}/attest`,
    summary: 'A nonce for one attestation, while one is wanted',
    auth: 'device',
    response: attestationChallenge,
  },
  postEvidence: {
    method: 'POST',
    path: `${PAWL}/{controllerId}/attest`,
    summary: 'Hand in evidence of what the device runs, signed by the device key',
    auth: 'device',
    body: 'bytes',
    bodyType: 'application/eat+cwt',
    bodyBytesMax: EVIDENCE_BYTES_MAX,
    response: attestationVerdict,
    errors: ['DEVICE_PROOF_REQUIRED', 'DEVICE_NOT_FOUND', 'EVIDENCE_REFUSED'],
  },
} as const satisfies Record<string, DeviceOperation>;

export type DeviceOperationId = keyof typeof DEVICE_OPERATIONS;
