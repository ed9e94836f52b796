/**
 * Every operation of Mender's device API that is served, as data. `ServerURL` of the client is the address of the server
 * and nothing more: client 3.4 loses a path that stands behind it.
 *
 * `auth`: by the signature of the request itself, by the token that it was given for that, or by a ticket in the address (the
 * client sends no header with a download). Clients compare the status exactly.
 */
import type { z } from 'zod';
import {
  menderAuthRequest,
  menderDeployment,
  menderInventory,
  menderLog,
  menderNextRequest,
  menderProvides,
  menderStatus,
} from './bodies.ts';

const V1 = '/api/devices/v1';
const V2 = '/api/devices/v2';
const DEPLOYMENTS = 'deployments/device/deployments';
const ATTRIBUTES = `${V1}/inventory/device/attributes`;

const SMALL_BYTES_MAX = 64 * 1024;
const LOG_BYTES_MAX = 1024 * 1024;

export type MenderOperation = {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly auth: 'signature' | 'token' | 'ticket';
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly bodyBytesMax?: number;
  /** Of an answer that says yes; `nextDeployment` says 204 when there is nothing. */
  readonly status: 200 | 204;
  readonly response: z.ZodType | 'empty' | 'bytes' | 'text';
  /** Its own refusals, beside those of what it takes. */
  readonly errors?: readonly string[];
};

export const MENDER_OPERATIONS = {
  authenticate: {
    method: 'POST',
    path: `${V1}/authentication/auth_requests`,
    summary: 'Ask to be let in, signed by the key of the device (X-MEN-Signature); the answer is a token',
    auth: 'signature',
    body: menderAuthRequest,
    bodyBytesMax: SMALL_BYTES_MAX,
    status: 200,
    response: 'text',
  },
  nextDeployment: {
    method: 'POST',
    path: `${V2}/${DEPLOYMENTS}/next`,
    summary: 'What to install; 204 when there is nothing',
    auth: 'token',
    body: menderNextRequest,
    bodyBytesMax: SMALL_BYTES_MAX,
    status: 200,
    response: menderDeployment,
  },
  nextDeploymentFlat: {
    method: 'POST',
    path: `${V1}/${DEPLOYMENTS}/next`,
    summary: 'The same, as version 1 asks it',
    auth: 'token',
    body: menderProvides,
    bodyBytesMax: SMALL_BYTES_MAX,
    status: 200,
    response: menderDeployment,
  },
  nextDeploymentQuery: {
    method: 'GET',
    path: `${V1}/${DEPLOYMENTS}/next`,
    summary: 'The same, as the oldest clients ask it',
    auth: 'token',
    query: menderProvides,
    status: 200,
    response: menderDeployment,
  },
  putDeploymentStatus: {
    method: 'PUT',
    path: `${V1}/${DEPLOYMENTS}/{deploymentId}/status`,
    summary: 'Tell how the installation goes; 409 when the operator called it off',
    auth: 'token',
    body: menderStatus,
    bodyBytesMax: SMALL_BYTES_MAX,
    status: 204,
    response: 'empty',
    errors: ['MENDER_DEPLOYMENT_UNKNOWN', 'MENDER_DEPLOYMENT_ABORTED', 'DEVICE_STATUS_QUOTA_EXCEEDED'],
  },
  putDeploymentLog: {
    method: 'PUT',
    path: `${V1}/${DEPLOYMENTS}/{deploymentId}/log`,
    summary: 'Hand in the log of an installation; the last 500 lines are kept',
    auth: 'token',
    body: menderLog,
    bodyBytesMax: LOG_BYTES_MAX,
    status: 204,
    response: 'empty',
  },
  putInventory: {
    method: 'PUT',
    path: ATTRIBUTES,
    summary: "Tell the device's own attributes, all of them",
    auth: 'token',
    body: menderInventory,
    bodyBytesMax: LOG_BYTES_MAX,
    status: 200,
    response: 'empty',
  },
  patchInventory: {
    method: 'PATCH',
    path: ATTRIBUTES,
    summary: "Tell some of the device's own attributes",
    auth: 'token',
    body: menderInventory,
    bodyBytesMax: LOG_BYTES_MAX,
    status: 200,
    response: 'empty',
  },
  getArtifact: {
    method: 'GET',
    path: `${V1}/${DEPLOYMENTS}/{deploymentId}/artifact/{ticket}/{fileName}`,
    summary: 'The bytes of an artifact, whole or by Range, while it is assigned',
    auth: 'ticket',
    status: 200,
    response: 'bytes',
    errors: [
      'MENDER_DEPLOYMENT_UNKNOWN',
      'DEVICE_RANGE_NOT_SATISFIABLE',
      'DEVICE_PRECONDITION_FAILED',
      'BLOB_MISSING',
      'BLOB_STORE_UNREACHABLE',
    ],
  },
} as const satisfies Record<string, MenderOperation>;

export type MenderOperationId = keyof typeof MENDER_OPERATIONS;
