/** What the device APIs refuse with: the codes of an operation by what it takes, beside its own, and the form of a refusal. */
import { z } from 'zod';
import { type DeviceOperation, ddiError } from '../device/index.ts';
import type { MenderOperation } from '../mender/index.ts';

type Json = Record<string, unknown>;
export type CodeRow = {
  readonly message: string;
  readonly advice: string;
  readonly status?: number;
  /** The names that clients of hawkBit know. */
  readonly hawkbit?: string;
  readonly exceptionClass?: string;
};

/** How an API words a refusal. */
export type RefusalForm = {
  readonly contentType: string;
  readonly schemaOf: (codes: readonly string[]) => Json;
  readonly example: (code: string, status: number, row: CodeRow | undefined) => Json;
};

const AWAY = ['STORE_UNREACHABLE'];
const CERTIFICATE = ['UNSUITABLE', 'EXPIRED', 'BARRED', 'NAME_REFUSED', 'KEY_DIFFERS'];

export function deviceCodes({ auth, method, body, response, errors = [] }: DeviceOperation): string[] {
  const isDocument = typeof response === 'object';
  return [
    'DEVICE_PARAMETER_INVALID',
    ...AWAY,
    ...(auth === 'device' ? ['DEVICE_UNAUTHENTICATED'] : []),
    // A certificate that its authority vouches for lets a device in, or says why not.
    ...(auth === 'device' ? CERTIFICATE.map((flaw) => `DEVICE_CERTIFICATE_${flaw}`) : []),
    ...(method === 'GET' ? [] : ['DEVICE_BODY_TOO_LARGE']),
    ...(body === undefined ? [] : ['DEVICE_BODY_MALFORMED', 'DEVICE_CONTENT_TYPE_UNSUPPORTED']),
    ...(isDocument ? ['DEVICE_ACCEPT_UNSUPPORTED'] : []),
    ...errors,
  ];
}

export function menderCodes({ auth, method, body, query, path, errors = [] }: MenderOperation): string[] {
  return [
    'API_REQUEST_INVALID',
    'MENDER_UNAUTHORIZED',
    ...AWAY,
    // Paths, and what stands behind them, are read as in DDI.
    ...(path.includes('{deploymentId}') ? ['DEVICE_PARAMETER_INVALID', 'DEVICE_NOT_FOUND'] : []),
    ...(body === undefined && query === undefined && auth !== 'signature' ? [] : ['MENDER_REQUEST_MALFORMED']),
    ...(method === 'GET' ? [] : ['MENDER_BODY_TOO_LARGE']),
    ...errors,
  ];
}

const withCodes = (schema: Json, codes: readonly string[]): Json => ({
  allOf: [schema, { properties: { code: { enum: codes } } }],
});

const { $schema: _, ...DDI_ERROR } = z.toJSONSchema(ddiError) as Json;
const text = { type: 'string' };
const MENDER_ERROR = {
  type: 'object',
  required: ['error', 'code'],
  properties: { error: text, code: text },
  additionalProperties: false,
};

export const DDI_FORM: RefusalForm = {
  contentType: 'application/json',
  schemaOf: (codes) => withCodes(DDI_ERROR, codes),
  example: (code, _status, row) => ({
    exceptionClass: row?.exceptionClass ?? 'org.eclipse.hawkbit.repository.exception.GenericSpServerException',
    errorCode: row?.hawkbit ?? 'hawkbit.server.error',
    message: row?.hawkbit === undefined ? 'the server failed; request req-1' : row.message,
    code,
  }),
};

export const MENDER_FORM: RefusalForm = {
  contentType: 'application/json',
  schemaOf: (codes) => withCodes(MENDER_ERROR, codes),
  example: (code, _status, row) => ({ error: row?.message ?? '', code }),
};
