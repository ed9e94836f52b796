/**
 * The committed OpenAPI documents: read by a foreign validator, by the schema of the specification; their examples are what
 * they say; and what the server really answers to every read, and to refusals of many kinds, is what the document says.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MANAGEMENT_OPERATIONS, type ManagementOperation } from '@pawl/contract/management';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { addDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import { rollOut } from './running-server.ts';

type Json = Readonly<Record<string, unknown>>;
type Content = Readonly<
  Record<string, { readonly schema?: Json; readonly examples?: Record<string, { value: Json }> }>
>;
type Response = { readonly $ref?: string; readonly content?: Content };
type Operation = { readonly operationId: string; readonly responses: Readonly<Record<string, Response>> };
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
};

const DOCUMENTS = join(import.meta.dirname, '../../docs/reference');
const read = (name: string) => JSON.parse(readFileSync(join(DOCUMENTS, name), 'utf8')) as Document;
const management = read('openapi-management.json');
const OPERATIONS = Object.entries(MANAGEMENT_OPERATIONS) as [string, ManagementOperation][];

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(management, 'management');
const compiled = new Map<string, ValidateFunction>();
const escapePart = (part: string) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));

/** The schema at a place in the document; references in it lead through the document. */
function schemaAt(...place: readonly string[]): ValidateFunction {
  const at = `management#/${place.map(escapePart).join('/')}`;
  const known = compiled.get(at) ?? ajv.compile({ $ref: at });
  compiled.set(at, known);
  return known;
}

let server: DdiServer;
let assignmentId: string;
before(async () => {
  server = await startDdiServer();
  const { operator } = server;
  const own = await addDevice(server, 'd-0');
  const devices = ['d-1', 'd-2'].map((controllerId) => ({ controllerId, model: 'hub', line: 'gateway', tags: ['t'] }));
  await operator.call('addDevices', { body: { devices } });
  await operator.call('createGateway', { body: { name: 'g', controllerIds: ['d-1'] } });
  await operator.call('putGroup', { params: { name: 'group' }, body: { filter: 'tag:t' } });
  await operator.call('createWebhook', { body: { url: 'https://hooks.example/' } });
  await operator.call('invitePerson', { body: { name: 'Dora', roles: ['viewer'] } });
  await rollOut(operator, server.releaseId, 'tag:t or name:d-0');
  // Who polls has its turn.
  for (assignmentId = ''; assignmentId === ''; ) {
    await own.poll();
    const { items } = await operator.call('listAssignments', { query: { rolloutId: 1 } });
    assignmentId = items[0] === undefined ? '' : String(items[0].id);
  }
  own.close();
  await operator.call('createVulnerability', { body: { title: 'a', description: 'b' } });
  const body = Buffer.from('%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF\n');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const sizeBytes = body.length;
  await operator.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body, sizeBytes });
  const file = { name: 'report.pdf', mediaType: 'application/pdf', sha256 } as const;
  const report = {
    product: 'hearth',
    kind: 'lab-report',
    title: 'Report',
    issuer: 'Test House',
    edition: 'V1',
  } as const;
  await operator.call('addEvidence', { body: { ...report, issuedOn: '2026-10-01', file } });
});
after(() => server.close());

/** Sends to an operation what `path` names; what is in braces is the first of its kind. */
function send(
  operation: ManagementOperation,
  params: Readonly<Record<string, string>>,
  query = '',
): Promise<RawAnswer> {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? '1');
  return exchange(`${server.url}${path}${query}`, { headers: { authorization: `Bearer ${server.token}` } });
}

function assertDocumented(id: string, operation: ManagementOperation, answer: RawAnswer): void {
  const method = operation.method.toLowerCase();
  const type = answer.headers['content-type']?.split(';', 1)[0] ?? '';
  const { responses } = management.paths[operation.path]?.[method] ?? assert.fail(id);
  const response = responses[String(answer.status)] ?? assert.fail(`${id}: ${answer.status} ${answer.text}`);
  const name = response.$ref?.split('/').at(-1);
  const place =
    name === undefined
      ? ['paths', operation.path, method, 'responses', String(answer.status)]
      : ['components', 'responses', name];
  const content = (name === undefined ? response : management.components.responses[name])?.content ?? {};
  const media = content[type] ?? assert.fail(`${id}: ${type} is not among ${Object.keys(content).join()}`);
  if (media.schema === undefined) return;
  const validate = schemaAt(...place, 'content', type, 'schema');
  assert.ok(validate(answer.json()), `${id} ${answer.status}: ${JSON.stringify(validate.errors)} ${answer.text}`);
}

for (const name of ['management', 'device', 'mender']) {
  test(`the document of the ${name} API is OpenAPI 3.1 to a foreign validator`, async () => {
    const { valid, errors } = await new Validator().validate(read(`openapi-${name}.json`) as never);
    assert.ok(valid, JSON.stringify(errors));
  });
}

test('every example is what its schema says, and every code stands under its status', () => {
  let examples = 0;
  for (const [name, { content }] of Object.entries(management.components.responses)) {
    for (const [type, { examples: given = {} }] of Object.entries(content ?? {})) {
      const validate = schemaAt('components', 'responses', name, 'content', type, 'schema');
      for (const [code, { value }] of Object.entries(given)) {
        assert.ok(validate(value), `${code}: ${JSON.stringify(validate.errors)}`);
        assert.ok(!validate({ ...value, code: 'ANOTHER_CODE' }), code);
        assert.notEqual(value['title'], '', `${code} stands in no table`);
        examples += 1;
      }
    }
  }
  assert.ok(examples > 100);
  for (const [id, { errors, path, method }] of OPERATIONS) {
    const { responses } = management.paths[path]?.[method.toLowerCase()] ?? assert.fail(id);
    const codes = Object.values(responses).flatMap(({ $ref }) => ($ref?.split('/').at(-1) ?? '').split('.'));
    assert.deepEqual(
      errors.filter((code) => !codes.includes(code)),
      [],
      id,
    );
  }
});

/** Reads that need more than there is here; their refusal is checked all the same. */
const NOT_HAPPY = new Set([
  'getProduct',
  'exportProduct',
  'listWaivers',
  'getGap',
  'getTasks',
  'getMarketGate',
  'getSbom',
  'getIncident',
  'getDossier',
  'getInquiry',
  'getAnswerFile',
  'getTestPlan',
]);
const PARAMS = { controllerId: 'd-1', name: 'group', index: '0', line: 'gateway' };

test('what every read answers is what the document says, and what it says of an unknown thing is too', async () => {
  // The ledger has something to prove.
  while ((await server.operator.call('getCheckpoint', {})).size < 1);
  const unhappy: string[] = [];
  for (const [id, operation] of OPERATIONS) {
    if (operation.method !== 'GET' || operation.response === 'events') continue;
    const ids = id === 'listAssignmentLog' ? { ...PARAMS, id: assignmentId } : PARAMS;
    const answer = await send(operation, ids, id === 'exportAudit' ? '?format=json' : '');
    if (answer.status !== 200) unhappy.push(id);
    assertDocumented(id, operation, answer);
    if (!operation.path.includes('{')) continue;
    const unknown = { controllerId: 'nobody', name: 'none', id: '1000000', index: '1000000', line: 'none' };
    assertDocumented(id, operation, await send(operation, unknown));
  }
  assert.deepEqual(
    unhappy.filter((id) => !NOT_HAPPY.has(id)),
    [],
  );
});

test('refusals of what may be sent to any operation are what the document says', async () => {
  const headers = { authorization: `Bearer ${server.token}` };
  for (const [id, operation] of OPERATIONS) {
    const url = `${server.url}${operation.path.replace(/\{(\w+)\}/g, '1000000')}`;
    const sends: (() => Promise<RawAnswer>)[] = [];
    const { method } = operation;
    if (operation.allow !== 'open') sends.push(() => exchange(url, { method }));
    sends.push(() =>
      exchange(`${url}?no=such`, { method, headers: { ...headers, 'content-type': 'application/json' } }),
    );
    if (operation.body !== undefined) {
      sends.push(() => exchange(url, { method, body: '{}', headers: { ...headers, 'content-type': 'text/plain' } }));
    }
    for (const each of sends) assertDocumented(id, operation, await each());
  }
});

test('a cursor that was changed, made up, or is of another operation or tenant is refused', async () => {
  const devices = await server.operator.call('listDevices', { query: { limit: 1 } });
  const next = devices.next ?? assert.fail('there is a next page');
  const second = await server.operator.call('listDevices', { query: { limit: 1, cursor: next } });
  assert.deepEqual([second.items.map(({ controllerId }) => controllerId), second.next !== null], [['d-1'], true]);
  const other = await server.operator.call('listAudit', { query: { limit: 1 } });
  const { claim } = await server.operator.call('createTenant', { body: { name: 'other' } });
  const login = await exchange(`${server.url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ claim, label: 'x' }),
  });
  const own = { authorization: `Bearer ${server.token}` };
  const foreign = { authorization: `Bearer ${String(login.json()['token'])}` };
  const ask = async (cursor: string, headers: Readonly<Record<string, string>>) => {
    const answer = await exchange(`${server.url}/api/v1/devices?cursor=${encodeURIComponent(cursor)}`, { headers });
    return [answer.status, answer.status === 200 ? 'ok' : answer.json()['code']];
  };
  assert.deepEqual(await ask(next, own), [200, 'ok']);
  assert.deepEqual(await ask(next, foreign), [400, 'API_CURSOR_INVALID']);
  const changed = [0, 9].map((at) => next.slice(0, at) + (next[at] === 'A' ? 'B' : 'A') + next.slice(at + 1));
  for (const cursor of [
    '',
    'd-1',
    'AAAA',
    `${next}A`,
    next.slice(1),
    `${next}=`,
    other.next ?? '',
    changed[0] ?? '',
    changed[1] ?? '',
  ]) {
    assert.deepEqual(await ask(cursor, own), [400, 'API_CURSOR_INVALID'], cursor);
  }
});
