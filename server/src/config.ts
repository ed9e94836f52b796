/** What a server is started with, and which of it is refused. */
import { isIP } from 'node:net';
import { isRole } from '@pawl/contract/management';
import { isCodedError } from '@pawl/core/bytes';
import { parseWitnessVkey } from '@pawl/core/evidence';
import { z } from 'zod';
import { ServerError } from './acts/errors.ts';
import type { WitnessAddress } from './acts/ports.ts';
import type { S3Downloads } from './blobs/s3-blobs.ts';
import type { S3Options } from './blobs/s3-client.ts';
import { EGRESS_DEFAULT, type EgressConfig, egressRules, verifyUrl } from './egress/post.ts';
import type { Rate } from './http/rate-limit.ts';
import type { ConnectionLimits } from './http/slow-clients.ts';

export type TlsConfig = {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM of the authorities that issue device certificates. */
  readonly clientCa?: string;
};

export type ObjectsConfig = S3Options & {
  /** Whether this installation deletes what it does not need; never where another one uses the same objects. */
  readonly deletesUnneeded?: boolean;
  /** Devices of others read artifacts from the store itself, by addresses signed for so long. */
  readonly downloads?: S3Downloads;
};

/** An OpenID provider that people sign in by. */
export type OidcConfig = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** What the button says. */
  readonly name: string;
  /** A claim whose values, by `roles`, are the roles of a person at the first sign-in; none without it. */
  readonly rolesClaim?: string;
  readonly roles?: Readonly<Record<string, string>>;
};

export type ServerConfig = {
  /** Online keys; artifacts and the database, unless they are elsewhere. */
  readonly dataDir: string;
  /** A PostgreSQL database in place of SQLite in the data folder: then several servers may use one. */
  readonly database?: { readonly url: string; readonly connections?: number };
  /** An S3-compatible store for artifacts in place of the data folder. */
  readonly objects?: ObjectsConfig;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tenant?: string;
  readonly tls?: TlsConfig;
  /** A proxy that ends TLS: it sends this secret, and the client certificate in this header. */
  readonly trustedProxy?: { readonly secret: string; readonly certificateHeader: string };
  /** Under which devices reach the server; without it, the Host header of each request. */
  readonly publicUrl?: string;
  readonly pollIntervalS: number;
  /** How long, and how many a tenant, events are kept: 30 days and a million unless it says otherwise. */
  readonly events?: { readonly keepDays: number; readonly keepMax: number };
  /** Where webhooks may be posted to, beside public addresses on port 443 by https. */
  readonly egress?: EgressConfig;
  /** What one source may get wrong, and one credential may ask; bursts, and what flows in again each second. */
  readonly rateLimits?: { readonly failures?: Rate; readonly requests?: Rate; readonly introductions?: Rate };
  /** Bounds on slow clients and on connections. */
  readonly limits?: ConnectionLimits;
  /** How long a server that was told to stop answers all the same, not ready, so that a balancer notices. */
  readonly drainS?: number;
  readonly oidc?: OidcConfig;
  /** Who is asked to cosign the ledger. */
  readonly witnesses?: readonly WitnessAddress[];
  /** Whether anybody may read checkpoints and hashes of the ledger; its entries never. */
  readonly isLedgerPublic?: boolean;
  readonly now: () => Date;
  /** `silent` for tests. */
  readonly logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug';
};

const SECRET_CHARS_MIN = 32;

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

function verifyOidc(oidc: OidcConfig | undefined): void {
  if (oidc === undefined) return;
  const url = URL.canParse(oidc.issuer) ? new URL(oidc.issuer) : undefined;
  const isPlainHere = url?.protocol === 'http:' && isLoopback(url.hostname);
  if (url?.protocol !== 'https:' && !isPlainHere) {
    throw new ServerError('SERVER_CONFIG_INVALID', {
      at: 'oidc.issuer',
      expected: 'an https URL',
      actual: oidc.issuer,
    });
  }
  for (const role of Object.values(oidc.roles ?? {})) {
    if (!isRole(role)) throw new ServerError('SERVER_CONFIG_INVALID', { at: 'oidc.roles', actual: role });
  }
}

function verifyWitnesses({ witnesses, egress }: ServerConfig): void {
  const rules = egressRules(egress ?? {}) ?? EGRESS_DEFAULT;
  for (const { vkey, url } of witnesses ?? []) {
    try {
      parseWitnessVkey(vkey);
      verifyUrl(url, rules);
    } catch (cause) {
      if (!isCodedError(cause)) throw cause;
      throw new ServerError('SERVER_CONFIG_INVALID', { at: 'witnesses', url, reason: cause.code }, cause);
    }
  }
  const keys = new Set((witnesses ?? []).map(({ vkey }) => vkey));
  if (keys.size < (witnesses ?? []).length)
    throw new ServerError('SERVER_CONFIG_INVALID', { at: 'witnesses', expected: 'each witness once' });
}

/**
 * Refuses a configuration that would be unsafe or cannot work.
 * @throws ServerError SERVER_TLS_REQUIRED, SERVER_CONFIG_INVALID
 */
export function verifyConfig(config: ServerConfig): void {
  const { host, port, tls, trustedProxy, pollIntervalS, publicUrl } = config;
  if (!isLoopback(host) && tls === undefined && trustedProxy === undefined) {
    throw new ServerError('SERVER_TLS_REQUIRED', { host });
  }
  if (trustedProxy !== undefined && trustedProxy.secret.length < SECRET_CHARS_MIN) {
    throw new ServerError('SERVER_CONFIG_INVALID', {
      at: 'trustedProxy.secret',
      expected: `at least ${SECRET_CHARS_MIN} characters`,
    });
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ServerError('SERVER_CONFIG_INVALID', { at: 'port', expected: '0 to 65535', actual: port });
  }
  if (!Number.isInteger(pollIntervalS) || pollIntervalS < 1 || pollIntervalS > 86_399) {
    throw new ServerError('SERVER_CONFIG_INVALID', {
      at: 'pollIntervalS',
      expected: '1 to 86399',
      actual: pollIntervalS,
    });
  }
  if (config.egress !== undefined && egressRules(config.egress) === undefined) {
    throw new ServerError('SERVER_CONFIG_INVALID', { at: 'egress.networks', expected: 'networks as 10.1.0.0/16' });
  }
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) {
    throw new ServerError('SERVER_CONFIG_INVALID', { at: 'publicUrl', expected: 'a URL', actual: publicUrl });
  }
  verifyOidc(config.oidc);
  verifyWitnesses(config);
}

/** A client may have to ask again at once; and seven days are all that the signature allows. */
const LINK_S_MIN = 60;
const LINK_S_MAX = 604_800;

const OBJECTS = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  region: z.string().min(1),
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  prefix: z
    .string()
    .regex(/^([A-Za-z0-9._-]+\/)*$/)
    .optional(),
  deletesUnneeded: z.boolean().optional(),
  downloads: z
    .strictObject({
      seconds: z.int().min(LINK_S_MIN).max(LINK_S_MAX),
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
    })
    .optional(),
});

function downloadsOf({ seconds, endpoint }: { seconds: number; endpoint?: string | undefined }): S3Downloads {
  return endpoint === undefined ? { seconds } : { seconds, endpoint };
}

/**
 * Reads an objects file: where an S3-compatible store is, and the keys to it.
 * @throws ServerError SERVER_CONFIG_INVALID
 */
export function parseObjects(text: string): ObjectsConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ServerError('SERVER_CONFIG_INVALID', { at: 'objects', expected: 'JSON' }, cause);
  }
  const result = OBJECTS.safeParse(value);
  if (!result.success) {
    // The path of what is wrong, never its value: it may be the secret.
    const at = result.error.issues.map(({ path }) => ['objects', ...path].join('.')).join(', ');
    throw new ServerError('SERVER_CONFIG_INVALID', { at });
  }
  const { prefix, deletesUnneeded, downloads, ...options } = result.data;
  return {
    ...options,
    ...(prefix === undefined ? {} : { prefix }),
    ...(deletesUnneeded === undefined ? {} : { deletesUnneeded }),
    ...(downloads === undefined ? {} : { downloads: downloadsOf(downloads) }),
  };
}
