/**
 * Where importers, distributors, buyers and authorities look: an address with a secret in it, and a code if the share has one.
 * Everything is refused that the share does not name. Guesses of links and of codes are slowed down, and so is one share that is
 * asked too often. Files are answered as downloads, so that no browser runs them.
 */
import { fromUtf8 } from '@pawl/core/bytes';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerPorts } from '../../acts/ports.ts';
import { SupplyError } from '../../acts/supply/errors.ts';
import { SHARE_PATH, visitShare } from '../../acts/supply/share.ts';
import { shareBundle, shareDocument, shareSheet } from '../../acts/supply/share-view.ts';
import type { ShareTable } from '../../store/schema/index.ts';
import { ApiError } from '../errors.ts';
import { problemOf } from '../problem.ts';
import { RateLimit, sourceKey } from '../rate-limit.ts';
import { sourceOf } from '../source.ts';
import { pageHeaders } from './pages.ts';
import { codePage, sharePage, shareRefusalPage } from './share-page.ts';

const PATHS = {
  page: `${SHARE_PATH}{secret}`,
  bundle: `${SHARE_PATH}{secret}/bundle`,
  document: `${SHARE_PATH}{secret}/documents/{number}`,
} as const;
export const SHARE_ROUTES = Object.values(PATHS).flatMap((path) => [
  { method: 'GET', path },
  { method: 'POST', path },
]);

const BODY_BYTES_MAX = 1024;
/** Links and codes that are none, from one source. */
const GUESSES = { burst: 10, perS: 1 / 60 };
/** A page is made from all records of a product. */
const VISITS = { burst: 30, perS: 1 / 2 };
/** Visits without the code that is wanted, from one source: each stands in the audit. */
const KNOCKS = { burst: 30, perS: 1 / 10 };

type Params = { readonly secret: string; readonly number?: string };
type Asked = FastifyRequest<{ Params: Params }>;
export type SharePorts = { readonly ports: ServerPorts; readonly proxySecret: string | undefined };

function codeOf({ method, body }: Asked): string | undefined {
  if (method !== 'POST') return undefined;
  try {
    const form = new URLSearchParams(fromUtf8(new Uint8Array(body as Buffer)));
    return form.get('code')?.trim();
  } catch (cause) {
    throw new ApiError('API_REQUEST_INVALID', { at: 'body' }, cause);
  }
}

class ShareDesk {
  readonly #guesses = new RateLimit(GUESSES);
  readonly #visits = new RateLimit(VISITS);
  readonly #knocks = new RateLimit(KNOCKS);
  readonly #ports: ServerPorts;
  readonly #proxySecret: string | undefined;

  constructor({ ports, proxySecret }: SharePorts) {
    this.#ports = ports;
    this.#proxySecret = proxySecret;
  }

  async #admit(request: Asked, what: string): Promise<ShareTable> {
    const nowMs = this.#ports.now().getTime();
    const from = sourceOf(request.raw, this.#proxySecret);
    const source = sourceKey(from);
    const { secret } = request.params;
    this.#refuse(Math.max(this.#guesses.waitS(source, nowMs), this.#knocks.waitS(source, nowMs)));
    this.#refuse(this.#visits.waitS(secret, nowMs));
    let row: ShareTable;
    try {
      const visit = { what, source: from, requestId: request.id };
      row = await visitShare(this.#ports, { secret, code: codeOf(request) }, visit);
    } catch (error) {
      const isAsked = error instanceof SupplyError && error.code === 'SHARE_CODE_WANTED';
      (isAsked ? this.#knocks : this.#guesses).count(source, nowMs);
      throw error;
    }
    // Others may have come in meanwhile: of visits at the same time no more are answered than one after the other.
    this.#refuse(this.#visits.waitS(secret, nowMs));
    this.#visits.count(secret, nowMs);
    return row;
  }

  #refuse(retryAfterS: number): void {
    if (retryAfterS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS });
  }

  async show(request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.#admit(request, 'viewShare');
    const sheet = await shareSheet(this.#ports, row);
    const about = {
      path: `${SHARE_PATH}${request.params.secret}`,
      code: row.code_sha256 === null ? undefined : codeOf(request),
      audience: row.audience,
      role: row.role,
      expiresOn: new Date(row.expires_ms).toISOString().slice(0, 10),
    };
    return this.#answer(reply, sharePage({ ...sheet, ...about }));
  }

  async bundle(request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.#admit(request, 'exportShare');
    return this.#file(reply, `${row.product}.zip`, await shareBundle(this.#ports, row));
  }

  async document(request: Asked, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.#admit(request, 'getShareDocument');
    const { number = '' } = request.params;
    const { name, bytes } = await shareDocument(this.#ports, row, /^[1-9]\d{0,8}$/.test(number) ? Number(number) : 0);
    return this.#file(reply, name, bytes);
  }

  #file(reply: FastifyReply, name: string, bytes: Uint8Array): FastifyReply {
    this.#headers(reply);
    // RFC 6266 §4.3: the name is somebody's text, and is coded as a whole.
    const coded = encodeURIComponent(name).replace(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
    reply.header('content-disposition', `attachment; filename*=UTF-8''${coded}`);
    return reply.type('application/octet-stream').send(Buffer.from(bytes));
  }

  refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = problemOf(error, request.id);
    if (problem.status === 500) request.log.error({ err: error }, 'a page of a share failed');
    if (request.method !== 'GET') reply.header('connection', 'close');
    reply.code(problem.status);
    const { secret = '' } = request.params as Partial<Params>;
    // The code opens the page, whatever was asked for without it. The secret is of the alphabet of secrets, or it was refused.
    if (problem.code === 'SHARE_CODE_WANTED' || problem.code === 'SHARE_CODE_WRONG')
      return this.#answer(reply, codePage(`${SHARE_PATH}${secret}`, problem.code === 'SHARE_CODE_WRONG'));
    return this.#answer(reply, shareRefusalPage(problem));
  }

  #headers(reply: FastifyReply): void {
    reply.headers(pageHeaders(this.#ports.site(), 'self')).header('cache-control', 'no-store');
  }

  #answer(reply: FastifyReply, html: string): FastifyReply {
    this.#headers(reply);
    return reply.type('text/html; charset=utf-8').send(html);
  }
}

/** Registers the pages of shares. */
export async function registerShares(app: FastifyInstance, ports: SharePorts): Promise<void> {
  const desk = new ShareDesk(ports);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler((error, request, reply) => desk.refuse(error, request, reply));
    const answers = {
      [PATHS.page]: (request: Asked, reply: FastifyReply) => desk.show(request, reply),
      [PATHS.bundle]: (request: Asked, reply: FastifyReply) => desk.bundle(request, reply),
      [PATHS.document]: (request: Asked, reply: FastifyReply) => desk.document(request, reply),
    };
    for (const [path, answer] of Object.entries(answers)) {
      const url = path.replace(/\{(\w+)\}/g, ':$1');
      scope.get<{ Params: Params }>(url, answer);
      scope.post<{ Params: Params }>(url, { bodyLimit: BODY_BYTES_MAX }, answer);
    }
  });
}
