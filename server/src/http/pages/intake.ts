/**
 * How reports of vulnerabilities come in from anybody: security.txt (RFC 9116), the policy page, and a form, if the operator
 * opened it. Strict limits: a small body of one media type, known fields once each, a few reports an hour from one source.
 */
import { encodeSecurityText } from '@pawl/compliance/vulnerability';
import { fromUtf8 } from '@pawl/core/bytes';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerPorts } from '../../acts/ports.ts';
import { HandlingError } from '../../acts/vulnerability/errors.ts';
import { assertOpen, INTAKE_FIELDS, type IntakeForm, takeFormReport } from '../../acts/vulnerability/intake.ts';
import { securityTextOf } from '../../acts/vulnerability/policy.ts';
import { readDisclosurePolicy } from '../../store/vulnerabilities.ts';
import { ApiError } from '../errors.ts';
import { Visitor } from '../management/visitor.ts';
import { problemOf } from '../problem.ts';
import { RateLimit, sourceKey } from '../rate-limit.ts';
import { policyPage, receiptPage, refusalPage } from './intake-page.ts';
import { pageHeaders } from './pages.ts';

const SECURITY_TXT = '/.well-known/security.txt';
const POLICY = '/security';
const REPORT = '/security/report';
export const INTAKE_ROUTES = [
  { method: 'GET', path: SECURITY_TXT },
  { method: 'GET', path: POLICY },
  { method: 'POST', path: REPORT },
] as const;

const BODY_BYTES_MAX = 64 * 1024;
const FORM_TYPE = 'application/x-www-form-urlencoded';
/** Reports of one source: five at once, then one every twelve minutes. */
const REPORTS = { burst: 5, perS: 1 / 720 };

/** The fields of the form; a field twice, or one that the form does not have, is no form of ours. */
function parseForm(body: unknown): IntakeForm {
  let text: string;
  try {
    text = fromUtf8(new Uint8Array(body as Buffer));
    // The parser is lenient with bytes; what it would guess at is refused.
    decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new HandlingError('INTAKE_FORM_INVALID', {}, cause);
  }
  const form: Partial<Record<string, string>> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const isKnown = INTAKE_FIELDS.some((known) => known === name) && form[name] === undefined;
    if (!isKnown) throw new HandlingError('INTAKE_FORM_INVALID', { at: name.slice(0, 40) });
    form[name] = value;
  }
  return form;
}

export type IntakePorts = {
  readonly ports: ServerPorts;
  readonly tenantId: () => Promise<number>;
  readonly proxySecret: string | undefined;
};

class Intake {
  readonly #limit = new RateLimit(REPORTS);
  readonly #intake: IntakePorts;

  constructor(intake: IntakePorts) {
    this.#intake = intake;
  }

  async securityTxt(reply: FastifyReply): Promise<FastifyReply> {
    const { ports, tenantId } = this.#intake;
    const policy = await readDisclosurePolicy(ports.database.read, await tenantId());
    // RFC 9116 §2.5.5: nobody should rely on one that has expired; better there is none.
    if (policy === undefined || ports.now() >= new Date(policy.expiresAt)) throw new ApiError('API_NOT_FOUND');
    reply.headers(pageHeaders(ports.site(), 'none'));
    return reply
      .type('text/plain; charset=utf-8')
      .send(encodeSecurityText(securityTextOf(policy, ports.site()?.origin)));
  }

  async policy(reply: FastifyReply): Promise<FastifyReply> {
    const { ports, tenantId } = this.#intake;
    const policy = await readDisclosurePolicy(ports.database.read, await tenantId());
    if (policy === undefined) throw new ApiError('API_NOT_FOUND');
    return this.#answer(reply, policyPage(policy));
  }

  async report(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { ports, tenantId, proxySecret } = this.#intake;
    const nowMs = ports.now().getTime();
    const visitor = new Visitor(request.raw, { site: ports.site(), nowMs, requestId: request.id, proxySecret });
    const source = sourceKey(visitor.visit.source);
    assertOpen(await readDisclosurePolicy(ports.database.read, await tenantId()));
    const retryAfterS = this.#limit.waitS(source, nowMs);
    if (retryAfterS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS });
    const form = parseForm(request.body);
    this.#limit.count(source, nowMs);
    return this.#answer(reply, receiptPage(await takeFormReport(ports, await tenantId(), form)));
  }

  refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = problemOf(error, request.id);
    if (problem.status === 500) request.log.error({ err: error }, 'intake failed');
    reply.header('connection', 'close').code(problem.status);
    return this.#answer(reply, refusalPage(problem));
  }

  #answer(reply: FastifyReply, html: string): FastifyReply {
    reply.headers(pageHeaders(this.#intake.ports.site(), 'self')).header('cache-control', 'no-store');
    return reply.type('text/html; charset=utf-8').send(html);
  }
}

/** Registers the pages of vulnerability intake. */
export async function registerIntake(app: FastifyInstance, ports: IntakePorts): Promise<void> {
  const intake = new Intake(ports);
  app.get(SECURITY_TXT, (_request, reply) => intake.securityTxt(reply));
  app.get(POLICY, (_request, reply) => intake.policy(reply));
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(FORM_TYPE, { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler((error, request, reply) => intake.refuse(error, request, reply));
    scope.post(REPORT, { bodyLimit: BODY_BYTES_MAX }, (request, reply) => intake.report(request, reply));
  });
}
