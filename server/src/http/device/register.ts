/**
 * Puts the operations of the device API on a Fastify server: with `reply.ts` the only files here that know the framework.
 *
 * For every request: the path by its grammar, then who sends it (before a byte of the body is read), then the body within
 * the operation's limit, then the operation.
 */
import { DEVICE_OPERATIONS, type DeviceOperation, type DeviceOperationId } from '@pawl/contract/device';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sourceOf } from '../source.ts';
import { admitOrAuthenticate } from './admission.ts';
import type { Answer } from './answer.ts';
import { credentialsOf, isSecureRequest } from './connection.ts';
import { DeviceApiError } from './errors.ts';
import { HANDLERS } from './handlers.ts';
import type { KnownDevice } from './known-device.ts';
import { linksOf, originOf } from './links.ts';
import { parseControllerId, parseTenant } from './parameters.ts';
import type { DevicePorts } from './ports.ts';
import { answerPolls } from './quick-poll.ts';
import { sendAnswer, sendError } from './reply.ts';
import { mediaTypeOf, parseBody } from './representation.ts';
import type { DeviceRequest } from './request.ts';

type Params = Readonly<Record<string, string | undefined>>;
type AnyHandler = (request: DeviceRequest<unknown, KnownDevice | undefined>, ports: DevicePorts) => Promise<Answer>;
type Sender = { readonly device: KnownDevice | undefined };

const BODY_BYTES_DEFAULT = 1024;

/** Senders that were named in `onRequest`, until the operation runs. */
const senders = new WeakMap<FastifyRequest, Sender>();

function paramsOf(request: FastifyRequest): Params {
  return request.params as Params;
}

async function nameSender(request: FastifyRequest, operation: DeviceOperation, ports: DevicePorts): Promise<Sender> {
  const params = paramsOf(request);
  const tenant = parseTenant(params['tenant']).toLowerCase();
  if (operation.auth !== 'device') return { device: undefined };
  const controllerId = operation.path.includes('{controllerId}')
    ? parseControllerId(params['controllerId'])
    : undefined;
  const credentials = credentialsOf(request.raw, ports);
  return { device: await admitOrAuthenticate({ tenant, controllerId }, credentials, ports) };
}

function bodyOf(request: FastifyRequest, operation: DeviceOperation): unknown {
  if (operation.body === undefined) return undefined;
  // A coding that is not undone must not pass for what it hides (RFC 9110 §8.4).
  const coding = request.headers['content-encoding'];
  if (coding !== undefined) throw new DeviceApiError('DEVICE_CONTENT_TYPE_UNSUPPORTED', { actual: coding });
  const bytes = request.body instanceof Uint8Array ? new Uint8Array(request.body) : new Uint8Array();
  const contentType = request.headers['content-type'];
  // What a device signed is taken as it stands, or not at all.
  const texts = operation.auth === 'device' ? 'mended' : 'refused';
  if (operation.body !== 'bytes') return parseBody(operation.body, bytes, contentType, texts);
  const type = mediaTypeOf(contentType);
  if (type !== operation.bodyType && type !== 'application/json') {
    throw new DeviceApiError('DEVICE_CONTENT_TYPE_UNSUPPORTED', { actual: type });
  }
  return bytes;
}

function requestOf(
  request: FastifyRequest,
  operation: DeviceOperation,
  ports: DevicePorts,
): DeviceRequest<unknown, KnownDevice | undefined> {
  const params = paramsOf(request);
  const device = senders.get(request)?.device;
  const tenantAsWritten = parseTenant(params['tenant']);
  const origin = originOf({
    publicUrl: ports.publicUrl,
    isSecure: isSecureRequest(request.raw),
    host: request.headers.host,
  });
  return {
    tenant: device?.tenant ?? tenantAsWritten.toLowerCase(),
    device,
    method: request.method,
    params,
    query: request.query as Readonly<Record<string, unknown>>,
    headers: request.headers,
    source: sourceOf(request.raw, ports.trustedProxy?.secret),
    body: bodyOf(request, operation),
    links: linksOf(origin, tenantAsWritten, device?.controllerId ?? ''),
  };
}

function route(app: FastifyInstance, id: DeviceOperationId, ports: DevicePorts): void {
  const operation: DeviceOperation = DEVICE_OPERATIONS[id];
  // The table of handlers is complete by its type; here only its common shape matters.
  const handler = HANDLERS[id] as AnyHandler;
  app.route({
    method: operation.method === 'GET' ? ['GET', 'HEAD'] : operation.method,
    url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: operation.bodyBytesMax ?? BODY_BYTES_DEFAULT,
    exposeHeadRoute: false,
    onRequest: async (request) => {
      senders.set(request, await nameSender(request, operation, ports));
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const answer = await handler(requestOf(request, operation, ports), ports);
      return sendAnswer(request, reply, answer);
    },
  });
}

/** Registers the whole device API in a scope of its own. */
export async function registerDeviceApi(app: FastifyInstance, ports: DevicePorts): Promise<void> {
  await app.register(async (scope) => {
    // Bodies are taken as bytes whatever their type: reading them is this API's own business.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler((error, request, reply) => sendError(error, request, reply, ports.log));
    for (const id of Object.keys(DEVICE_OPERATIONS) as DeviceOperationId[]) route(scope, id, ports);
  });
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  answerPolls(app.server, ports, () => isClosing);
}
