/**
 * Sign-in by an OpenID provider (OpenID Connect Core §3.1, RFC 7636, RFC 9700): authorization code with PKCE, state and
 * nonce. The browser keeps only the state, in a cookie; verifier and nonce are derived from it with this server's secret, so
 * nothing is stored for somebody who only began. Whatever goes wrong leads back to the sign-in page.
 */
import { createHmac } from 'node:crypto';
import { isRole, type Role } from '@pawl/contract/management';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as openid from 'openid-client';
import { challengeFor } from '../../acts/people/challenge.ts';
import { PeopleError } from '../../acts/people/errors.ts';
import { OIDC_PURPOSE, signInVouched, type Vouched } from '../../acts/people/oidc.ts';
import type { ServerPorts, Site } from '../../acts/ports.ts';
import type { OidcConfig } from '../../config.ts';
import { CHALLENGE_VALID_MS } from '../../domain/challenge.ts';
import type { Edge } from '../management/register.ts';
import { cookieName, readCookie, setCookie, Visitor } from '../management/visitor.ts';
import { strictTransport } from './pages.ts';

const START = '/sign-in/oidc';
const CALLBACK = '/sign-in/oidc/callback';
export const OIDC_ROUTES = [
  { method: 'GET', path: START },
  { method: 'GET', path: CALLBACK },
] as const;

const COOKIE = 'pawl-oidc';
const NAME_CHARS_MAX = 128;
const SUBJECT_CHARS_MAX = 255;
const TIMEOUT_S = 10;

function derived(ports: ServerPorts, what: string, state: string): string {
  return createHmac('sha256', ports.challengeSecret).update(`pawl-oidc-${what}\0${state}`).digest('base64url');
}

async function discover(oidc: OidcConfig): Promise<openid.Configuration> {
  const isPlain = oidc.issuer.startsWith('http://');
  const execute = [openid.enableNonRepudiationChecks, ...(isPlain ? [openid.allowInsecureRequests] : [])];
  return openid.discovery(new URL(oidc.issuer), oidc.clientId, oidc.clientSecret, undefined, {
    execute,
    timeout: TIMEOUT_S,
  });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, NAME_CHARS_MAX) : undefined;
}

/** The roles that the provider's claim stands for, by the operator's map; a value that is not in it stands for none. */
export function mappedRoles(
  oidc: Pick<OidcConfig, 'rolesClaim' | 'roles'>,
  claims: Readonly<Record<string, unknown>>,
): Role[] {
  const said = oidc.rolesClaim === undefined ? undefined : claims[oidc.rolesClaim];
  const values = (Array.isArray(said) ? said : [said]).filter((value) => typeof value === 'string');
  const map = oidc.roles ?? {};
  const roles = values.flatMap((value) => (Object.hasOwn(map, value) ? [map[value] ?? ''] : []));
  return [...new Set(roles)].filter(isRole);
}

function vouchedBy(oidc: OidcConfig, tenantId: number, claims: openid.IDToken): Vouched {
  const { iss: issuer, sub: subject } = claims;
  // OpenID Connect Core §2: a subject has 1 to 255 characters; an empty one would be everybody whom nobody named.
  if (subject === '' || subject.length > SUBJECT_CHARS_MAX) throw new PeopleError('OIDC_REFUSED', { at: 'sub' });
  const name = textOf(claims['name']) ?? textOf(claims['preferred_username']) ?? textOf(claims['email']) ?? subject;
  return { tenantId, issuer, subject, name, email: textOf(claims['email']), roles: mappedRoles(oidc, claims) };
}

function mustSite(ports: ServerPorts): Site {
  const site = ports.site();
  if (site === undefined) throw new PeopleError('SITE_UNNAMED');
  return site;
}

/** The provider as it describes itself, asked for at the first sign-in; one that was away is asked again at the next. */
class ProviderDescription {
  readonly #oidc: OidcConfig;
  #found: Promise<openid.Configuration> | undefined;

  constructor(oidc: OidcConfig) {
    this.#oidc = oidc;
  }

  get(): Promise<openid.Configuration> {
    this.#found ??= discover(this.#oidc).catch((cause: unknown) => {
      this.#found = undefined;
      throw cause;
    });
    return this.#found;
  }
}

type SignIn = {
  readonly oidc: OidcConfig & { readonly tenantId: () => Promise<number> };
  readonly provider: ProviderDescription;
  readonly edge: Edge;
  readonly ports: ServerPorts;
};
type Step = (signIn: SignIn, request: FastifyRequest, reply: FastifyReply, visitor: Visitor) => Promise<string>;

const begin: Step = async ({ provider, ports }, _request, reply) => {
  const { origin } = mustSite(ports);
  const state = challengeFor(ports, OIDC_PURPOSE);
  const url = openid.buildAuthorizationUrl(await provider.get(), {
    redirect_uri: `${origin}${CALLBACK}`,
    scope: 'openid profile email',
    code_challenge: await openid.calculatePKCECodeChallenge(derived(ports, 'verifier', state)),
    code_challenge_method: 'S256',
    state,
    nonce: derived(ports, 'nonce', state),
  });
  const maxAgeS = CHALLENGE_VALID_MS / 1000;
  // Lax: the provider sends the browser back from another site.
  reply.header('set-cookie', setCookie(ports.site(), COOKIE, state, { maxAgeS, sameSite: 'Lax' }));
  return url.href;
};

const finish: Step = async ({ oidc, provider, ports }, request, reply, visitor) => {
  const { origin } = mustSite(ports);
  const state = readCookie(request.headers.cookie, cookieName(ports.site(), COOKIE));
  if (state === undefined) throw new PeopleError('OIDC_REFUSED', { at: 'cookie' });
  const tokens = await openid.authorizationCodeGrant(await provider.get(), new URL(request.url, origin), {
    expectedState: state,
    expectedNonce: derived(ports, 'nonce', state),
    pkceCodeVerifier: derived(ports, 'verifier', state),
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (claims === undefined) throw new PeopleError('OIDC_REFUSED', { at: 'id_token' });
  const vouched = vouchedBy(oidc, await oidc.tenantId(), claims);
  const { secret, expiresMs } = await signInVouched(ports, vouched, state, visitor.visit);
  visitor.setSession(secret, expiresMs);
  const forget = setCookie(ports.site(), COOKIE, '', { maxAgeS: 0, sameSite: 'Lax' });
  reply.header('set-cookie', [...Object.values(visitor.headers), forget]);
  return '/';
};

async function take(step: Step, signIn: SignIn, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { ports, edge } = signIn;
  const nowMs = ports.now().getTime();
  const facts = { site: ports.site(), nowMs, requestId: request.id, proxySecret: edge.proxySecret };
  const visitor = new Visitor(request.raw, facts);
  const { source } = visitor.visit;
  reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...strictTransport(ports.site()) });
  try {
    edge.limits.refuseGuesses(source, nowMs);
    return reply.redirect(await step(signIn, request, reply, visitor), 303);
  } catch (error) {
    edge.limits.countGuess('OIDC_REFUSED', source, nowMs);
    request.log.warn({ reason: error instanceof Error ? error.message : '' }, 'a sign-in by OpenID was refused');
    return reply.redirect('/#refused=OIDC_REFUSED', 303);
  }
}

/** Registers the two addresses of the sign-in by the provider. */
export function registerOidc(app: FastifyInstance, oidc: SignIn['oidc'], edge: Edge, ports: ServerPorts): void {
  const signIn: SignIn = { oidc, provider: new ProviderDescription(oidc), edge, ports };
  app.get(START, (request, reply) => take(begin, signIn, request, reply));
  app.get(CALLBACK, (request, reply) => take(finish, signIn, request, reply));
}
