/** OpenAPI 3.1 from an operations table, through the schemas' own JSON Schema. */
import { z } from 'zod';
import { DEVICE_OPERATIONS, type DeviceOperation } from '../device/index.ts';
import { MENDER_OPERATIONS, type MenderOperation } from '../mender/index.ts';
import { type CodeRow, DDI_FORM, deviceCodes, MENDER_FORM, menderCodes, type RefusalForm } from './device-refusals.ts';
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

const IF_MATCH = 'The ETag of what is changed; `*`: whatever is there';
const IF_NONE_MATCH = 'The ETag of the answer that is known already';

function headerOf(name: string, description: string, isRequired: boolean): JsonSchema {
  return { name, in: 'header', required: isRequired, description, schema: { type: 'string' } };
}

function headersOf(operation: AnyOperation): JsonSchema[] {
  if (!('allow' in operation)) return [];
  const { changes, method, response } = operation;
  const isTagged = method === 'GET' && typeof response === 'object';
  return [
    ...(takesIdempotencyKey(operation) ? [IDEMPOTENCY_KEY_HEADER] : []),
    ...(changes === undefined
      ? []
      : [headerOf('If-Match', IF_MATCH, changes.unguarded === undefined && changes.creates === undefined)]),
    ...(isTagged ? [headerOf('If-None-Match', IF_NONE_MATCH, false)] : []),
  ];
}

function parametersOf(operation: AnyOperation): JsonSchema[] {
  // What a number in an address stands for, not the text that it is there.
  const propertiesOf = (part: 'params' | 'query') => {
    const schema = part in operation ? (operation as Partial<Record<typeof part, z.ZodType>>)[part] : undefined;
    return (schema === undefined ? {} : (schemaOf(schema, 'output')['properties'] ?? {})) as Record<string, JsonSchema>;
  };
  const params = propertiesOf('params');
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: params[name] ?? { type: 'string' },
  }));
  const inQuery = Object.entries(propertiesOf('query')).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema,
  }));
  return [...inPath, ...inQuery, ...headersOf(operation)];
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
  if (response === 'bytes') {
    const content = 'allow' in operation ? { [operation.responseType ?? 'application/zip']: {} } : BYTES;
    return { description: 'the bytes', content };
  }
  const content = { 'application/json': { schema: schemaOf(response, 'output') } };
  const isTagged = 'allow' in operation && operation.method === 'GET';
  const headers = isTagged ? { headers: { ETag: { schema: { type: 'string' } } } } : {};
  return { description: operation.summary, ...headers, content };
}

/** Who asks shows it in the request itself, not by a token. */
const OPEN: ReadonlySet<string> = new Set(['claim', 'signature', 'ticket']);

function isOpen(operation: AnyOperation): boolean {
  return 'allow' in operation ? operation.allow === 'open' : OPEN.has(operation.auth);
}

/** The bytes of a file may be at the object store, and the sender of a list may know them already. */
function elsewhereOf(operation: AnyOperation): JsonSchema {
  if ('allow' in operation || operation.response !== 'bytes') return {};
  if (!operation.path.includes('/artifact')) return {};
  const partial = { description: 'the bytes of Range', content: BYTES };
  if ('status' in operation) return { '206': partial };
  const location = { Location: { schema: { type: 'string' } } };
  return { '206': partial, '302': { description: 'they are at the object store, for a while', headers: location } };
}

function statusOf(operation: AnyOperation): string {
  return 'status' in operation ? String(operation.status) : '200';
}

/** What a code means: the rows of the tables of errors, of all parts. */
export type CodeTable = Readonly<Record<string, CodeRow>>;

/** What any operation may answer, by what it takes. */
function commonCodes(operation: ManagementOperation): string[] {
  const { allow, method, body, query, changes } = operation;
  const properties = query === undefined ? {} : ((schemaOf(query, 'output')['properties'] ?? {}) as JsonSchema);
  return [
    'API_REQUEST_INVALID',
    'API_TOO_MANY_REQUESTS',
    'API_INTERNAL',
    'STORE_UNREACHABLE',
    ...(allow === 'open' ? [] : ['API_UNAUTHENTICATED']),
    ...(allow === 'open' || allow === 'anybody' ? [] : ['API_FORBIDDEN']),
    ...(method === 'GET' ? [] : ['API_FOREIGN_PAGE']),
    ...(body === undefined ? [] : ['API_BODY_TOO_LARGE', 'API_CONTENT_TYPE_UNSUPPORTED']),
    ...('cursor' in properties ? ['API_CURSOR_INVALID'] : []),
    ...(takesIdempotencyKey(operation) ? ['API_KEY_REUSED', 'API_REPEAT_UNANSWERED'] : []),
    ...(changes === undefined ? [] : ['API_PRECONDITION_FAILED']),
    ...(changes !== undefined && changes.unguarded === undefined ? ['API_PRECONDITION_REQUIRED'] : []),
  ];
}

/** The refusals of an operation by status; each stands once in `responses`, by its codes. */
function refusalsOf(
  { codes: all, form }: { readonly codes: readonly string[]; readonly form: RefusalForm },
  table: CodeTable,
  responses: JsonSchema,
): JsonSchema {
  const byStatus = new Map<number, string[]>();
  for (const code of [...new Set(all)].sort()) {
    const status = table[code]?.status ?? 500;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const refusals: JsonSchema = {};
  for (const [status, codes] of [...byStatus].sort(([one], [other]) => one - other)) {
    const name = codes.join('.');
    refusals[String(status)] = { $ref: `#/components/responses/${name}` };
    responses[name] ??= refusal(status, codes, form, table);
  }
  return refusals;
}

const PROBLEM = { $ref: '#/components/schemas/Problem' };

const PROBLEM_FORM: RefusalForm = {
  contentType: 'application/problem+json',
  schemaOf: (codes) => ({ allOf: [PROBLEM, { properties: { code: { enum: codes } } }] }),
  example: (code, status, row) => {
    const { message: title = '', advice = '' } = row ?? {};
    return { type: 'about:blank', title, status, code, advice, requestId: 'req-1' };
  },
};

function refusal(status: number, codes: readonly string[], form: RefusalForm, table: CodeTable): JsonSchema {
  const examples: JsonSchema = {};
  for (const code of codes) examples[code] = { value: form.example(code, status, table[code]) };
  return { description: codes.join(', '), content: { [form.contentType]: { schema: form.schemaOf(codes), examples } } };
}

/** With which codes an operation refuses, and how it words them. */
function refusedBy(operation: AnyOperation): { readonly codes: readonly string[]; readonly form: RefusalForm } {
  if ('allow' in operation) return { codes: [...commonCodes(operation), ...operation.errors], form: PROBLEM_FORM };
  if ('status' in operation) return { codes: menderCodes(operation), form: MENDER_FORM };
  return { codes: deviceCodes(operation), form: DDI_FORM };
}

const text = { type: 'string' };
const PROBLEM_SCHEMA = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code', 'advice', 'requestId'],
  properties: {
    type: { const: 'about:blank' },
    title: text,
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: text,
    advice: text,
    requestId: text,
  },
  additionalProperties: false,
};

function operationOf(id: string, operation: AnyOperation, table: CodeTable, responses: JsonSchema): JsonSchema {
  const body = bodyOf(operation);
  const isTagged = 'allow' in operation && operation.method === 'GET' && typeof operation.response === 'object';
  return {
    operationId: id,
    summary: operation.summary,
    parameters: parametersOf(operation),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      [statusOf(operation)]: successOf(operation),
      ...(isTagged ? { '304': { description: 'known already: If-None-Match names its ETag' } } : {}),
      ...elsewhereOf(operation),
      ...refusalsOf(refusedBy(operation), table, responses),
    },
    security: isOpen(operation) ? [] : [{ token: [] }],
  };
}

function documentOf(
  title: string,
  operations: Readonly<Record<string, AnyOperation>>,
  scheme: JsonSchema,
  table: CodeTable,
): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  const responses: JsonSchema = {};
  for (const [id, operation] of Object.entries(operations)) {
    const told = operationOf(id, operation, table, responses);
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: told };
  }
  const license = { name: 'Apache-2.0', identifier: 'Apache-2.0' };
  const components = { securitySchemes: { token: scheme }, schemas: { Problem: PROBLEM_SCHEMA }, responses };
  return { openapi: '3.1.0', info: { title, version: '1', license }, paths, components };
}

/** The management API as OpenAPI 3.1; `table` says which status a code has. */
export function managementOpenApi(table: CodeTable): JsonSchema {
  return documentOf('Pawl management API', MANAGEMENT_OPERATIONS, { type: 'http', scheme: 'bearer' }, table);
}

/** The device API as OpenAPI 3.1. */
export function deviceOpenApi(table: CodeTable): JsonSchema {
  const scheme = { type: 'apiKey', in: 'header', name: 'Authorization', description: 'TargetToken or GatewayToken' };
  return documentOf('Pawl device API (hawkBit DDI v1)', DEVICE_OPERATIONS, scheme, table);
}

/** Mender's device API, as far as it is served, as OpenAPI 3.1. */
export function menderOpenApi(table: CodeTable): JsonSchema {
  return documentOf('Pawl device API (Mender)', MENDER_OPERATIONS, { type: 'http', scheme: 'bearer' }, table);
}
