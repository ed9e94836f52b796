/**
 * Where suppliers answer: an address with a secret in it, no account, no cookie, no script. The link is looked up before a byte
 * of a body is read; who guesses is slowed down, and so is a link that sends too much. A form of another site is refused by
 * Sec-Fetch-Site (Fetch Metadata), and one that was made from an older revision by that.
 */
import { parseProductRecord } from '@pawl/compliance/product';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { mustFindProduct } from '../../acts/evidence/live.ts';
import type { ServerPorts } from '../../acts/ports.ts';
import { INQUIRY_PATH } from '../../acts/supply/inquiry.ts';
import { draftOf, openLink, takeForm } from '../../acts/supply/inquiry-answer.ts';
import { inquiryRecord, inquiryView } from '../../acts/supply/inquiry-record.ts';
import type { InquiryTable } from '../../store/schema/index.ts';
import { ApiError } from '../errors.ts';
import { problemOf } from '../problem.ts';
import { RateLimit, sourceKey } from '../rate-limit.ts';
import { sourceOf } from '../source.ts';
import { parseInquiryForm } from './inquiry-form.ts';
import { type InquirySheet, inquiryPage, linkRefusalPage, submittedPage } from './inquiry-page.ts';
import { pageHeaders } from './pages.ts';

const PATH = `${INQUIRY_PATH}{secret}`;
export const INQUIRY_ROUTES = [
  { method: 'GET', path: PATH },
  { method: 'POST', path: PATH },
] as const;

const BODY_BYTES_MAX = 24 * 2 ** 20;
/** Links that lead nowhere, from one source. */
const GUESSES = { burst: 20, perS: 1 / 30 };
/** Forms by one link. */
const FORMS = { burst: 20, perS: 1 / 10 };

type Params = { readonly secret: string };
type Of<T> = FastifyRequest<{ Params: Params; Querystring: T }>;
type Query = { readonly saved?: string };
export type InquiryPorts = { readonly ports: ServerPorts; readonly proxySecret: string | undefined };

class InquiryDesk {
  readonly #guesses = new RateLimit(GUESSES);
  readonly #forms = new RateLimit(FORMS);
  readonly #ports: ServerPorts;
  readonly #proxySecret: string | undefined;

  constructor({ ports, proxySecret }: InquiryPorts) {
    this.#ports = ports;
    this.#proxySecret = proxySecret;
  }

  /** Before a byte of the body is read. */
  async admit(request: Of<Query>): Promise<InquiryTable> {
    const nowMs = this.#ports.now().getTime();
    const source = sourceKey(sourceOf(request.raw, this.#proxySecret));
    const waitS = this.#guesses.waitS(source, nowMs);
    if (waitS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS: waitS });
    try {
      return await openLink(this.#ports.database.read, this.#ports, request.params.secret);
    } catch (error) {
      this.#guesses.count(source, nowMs);
      throw error;
    }
  }

  async admitForm(request: Of<Query>): Promise<void> {
    const { id } = await this.admit(request);
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin') throw new ApiError('API_FOREIGN_PAGE');
    const nowMs = this.#ports.now().getTime();
    const waitS = this.#forms.waitS(String(id), nowMs);
    if (waitS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS: waitS });
    this.#forms.count(String(id), nowMs);
  }

  async #sheet(row: InquiryTable): Promise<InquirySheet> {
    const { template, supplier, parts, note } = inquiryRecord(row);
    const { read } = this.#ports.database;
    const product = parseProductRecord((await mustFindProduct(read, row.tenant_id, row.product)).record);
    return {
      title: template.title,
      asker: product.manufacturer.name,
      supplier,
      parts,
      dueOn: row.due_on,
      isOverdue: row.due_on < this.#ports.now().toISOString().slice(0, 10),
      note,
      round: row.round,
      revision: row.revision,
      questions: template.questions,
      draft: draftOf(row),
      faults: new Map(),
      isSaved: false,
    };
  }

  async show(request: Of<Query>, reply: FastifyReply): Promise<FastifyReply> {
    const row = await this.admit(request);
    const sheet = await this.#sheet(row);
    if (row.state === 'open') {
      const isSaved = request.query.saved !== undefined;
      return this.#answer(reply, inquiryPage({ ...sheet, isSaved }));
    }
    const { rounds } = await inquiryView(this.#ports.database.read, row, this.#ports.now());
    const last = rounds.at(-1);
    if (last === undefined) throw new TypeError('what was submitted has a round');
    return this.#answer(reply, submittedPage({ ...sheet, ...last }));
  }

  async take(request: Of<Query>, reply: FastifyReply): Promise<FastifyReply> {
    const { secret } = request.params;
    const row = await this.admit(request);
    const questions = new Set(inquiryRecord(row).template.questions.map(({ id }) => id));
    const body = new Uint8Array(request.body as Buffer);
    const form = await parseInquiryForm(body, request.headers['content-type'] ?? '', questions);
    const visit = { source: sourceOf(request.raw, this.#proxySecret), requestId: request.id };
    const { draft, faults } = await takeForm(this.#ports, secret, form, visit);
    if (faults.size === 0) {
      reply.headers(pageHeaders(this.#ports.site(), 'self')).header('cache-control', 'no-store');
      return reply.redirect(`${INQUIRY_PATH}${secret}${form.isSubmit ? '' : '?saved=1'}`, 303);
    }
    return this.#answer(reply.code(422), inquiryPage({ ...(await this.#sheet(row)), draft, faults }));
  }

  refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = problemOf(error, request.id);
    if (problem.status === 500) request.log.error({ err: error }, 'a page of an inquiry failed');
    if (request.method !== 'GET') reply.header('connection', 'close');
    return this.#answer(reply.code(problem.status), linkRefusalPage(problem));
  }

  #answer(reply: FastifyReply, html: string): FastifyReply {
    reply.headers(pageHeaders(this.#ports.site(), 'self')).header('cache-control', 'no-store');
    return reply.type('text/html; charset=utf-8').send(html);
  }
}

/** Registers the pages of inquiries. */
export async function registerInquiries(app: FastifyInstance, ports: InquiryPorts): Promise<void> {
  const desk = new InquiryDesk(ports);
  const path = PATH.replace('{secret}', ':secret');
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(/^multipart\/form-data\b/, { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler((error, request, reply) => desk.refuse(error, request, reply));
    scope.get<{ Params: Params; Querystring: Query }>(path, (request, reply) => desk.show(request, reply));
    scope.post<{ Params: Params; Querystring: Query }>(
      path,
      { bodyLimit: BODY_BYTES_MAX, onRequest: (request) => desk.admitForm(request) },
      (request, reply) => desk.take(request, reply),
    );
  });
}
