/** OpenAPI 3.1 from an operations table, through the schemas' own JSON Schema. */
import { z } from 'zod';
import { DEVICE_OPERATIONS, type DeviceOperation } from '../device/index.ts';
import { MENDER_OPERATIONS, type MenderOperation } from '../mender/index.ts';
import {
  IDEMPOTENCY_KEY,
  MANAGEMENT_OPERATIONS,
  type ManagementOperation,
  takesIdempotencyKey,
} from './operations/index.ts';

type JsonSchema = Record<string, unknown>;
type AnyOperation = ManagementOperation | DeviceOperation | MenderOperation;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  return rest;
}

const IDEMPOTENCY_KEY_HEADER = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request under the same key within 24 h is done once, and answered the same again',
  schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
};

function parametersOf(operation: AnyOperation): JsonSchema[] {
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const query = 'query' in operation && operation.query !== undefined ? schemaOf(operation.query, 'input') : undefined;
  const properties = (query?.['properties'] ?? {}) as Record<string, JsonSchema>;
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
  const isKeyed = 'allow' in operation && takesIdempotencyKey(operation);
  return [...inPath, ...inQuery, ...(isKeyed ? [IDEMPOTENCY_KEY_HEADER] : [])];
}

const BYTES = { 'application/octet-stream': {} };

function bodyOf(operation: AnyOperation): JsonSchema | undefined {
  if (operation.body === undefined) return undefined;
  const content =
    operation.body === 'bytes' ? BYTES : { 'application/json': { schema: schemaOf(operation.body, 'input') } };
  return { required: true, content };
}

function successOf(operation: AnyOperation): JsonSchema {
  const { response } = operation;
  if (response === 'empty') return { description: 'done' };
  if (response === 'events') return { description: operation.summary, content: { 'text/event-stream': {} } };
  if (response === 'text') return { description: operation.summary, content: { 'text/plain': {} } };
  if (response === 'bytes') return { description: 'the bytes', content: BYTES };
  return { description: operation.summary, content: { 'application/json': { schema: schemaOf(response, 'output') } } };
}

/** Who asks shows it in the request itself, not by a token. */
const OPEN: ReadonlySet<string> = new Set(['claim', 'signature', 'ticket']);

function isOpen(operation: AnyOperation): boolean {
  return 'allow' in operation ? operation.allow === 'open' : OPEN.has(operation.auth);
}

function statusOf(operation: AnyOperation): string {
  return 'status' in operation ? String(operation.status) : '200';
}

function operationOf(id: string, operation: AnyOperation): JsonSchema {
  const body = bodyOf(operation);
  const errors = 'errors' in operation ? operation.errors : [];
  const description =
    errors.length === 0 ? 'refused, with a code' : `refused, with a code; here also ${errors.join(', ')}`;
  return {
    operationId: id,
    summary: operation.summary,
    parameters: parametersOf(operation),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { [statusOf(operation)]: successOf(operation), default: { description } },
    security: isOpen(operation) ? [] : [{ token: [] }],
  };
}

function documentOf(title: string, operations: Readonly<Record<string, AnyOperation>>, scheme: JsonSchema): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  for (const [id, operation] of Object.entries(operations)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: operationOf(id, operation) };
  }
  const license = { name: 'Apache-2.0', identifier: 'Apache-2.0' };
  return {
    openapi: '3.1.0',
    info: { title, version: '1', license },
    paths,
    components: { securitySchemes: { token: scheme } },
  };
}

/** The management API as OpenAPI 3.1. */
export function managementOpenApi(): JsonSchema {
  return documentOf('Pawl management API', MANAGEMENT_OPERATIONS, { type: 'http', scheme: 'bearer' });
}

/** The device API as OpenAPI 3.1. */
export function deviceOpenApi(): JsonSchema {
  const scheme = { type: 'apiKey', in: 'header', name: 'Authorization', description: 'TargetToken or GatewayToken' };
  return documentOf('Pawl device API (hawkBit DDI v1)', DEVICE_OPERATIONS, scheme);
}

/** Mender's device API, as far as it is served, as OpenAPI 3.1. */
export function menderOpenApi(): JsonSchema {
  return documentOf('Pawl device API (Mender)', MENDER_OPERATIONS, { type: 'http', scheme: 'bearer' });
}
