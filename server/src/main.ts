/**
 * Starts an update server on a data folder: database, objects, online keys, device API, management API, jobs. Listens on
 * loopback without TLS, or anywhere with TLS or behind a trusted proxy; nothing else.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '@pawl/core/bytes';
import { sha256 } from '@pawl/core/crypto';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { ServerError } from './acts/errors.ts';
import { Witnesses } from './acts/ledger-witnesses.ts';
import { ServerLife } from './acts/life.ts';
import { newOperatorClaim } from './acts/people/claim.ts';
import type { ServerPorts, Site } from './acts/ports.ts';
import { renewTimestamps } from './acts/trust.ts';
import type { BlobStore } from './blobs/blob-store.ts';
import { FolderBlobs } from './blobs/folder-blobs.ts';
import { S3Blobs } from './blobs/s3-blobs.ts';
import { type ServerConfig, verifyConfig } from './config.ts';
import { RETENTION } from './domain/retention.ts';
import { EGRESS_DEFAULT, egressRules } from './egress/post.ts';
import { deviceDirectory, registerDeviceApi } from './http/device/index.ts';
import type { DevicePorts } from './http/device/ports.ts';
import { ApiError } from './http/errors.ts';
import { closeGracefully } from './http/graceful-close.ts';
import { ApiLimits } from './http/management/limits.ts';
import { registerManagementApi } from './http/management/register.ts';
import { registerMenderApi } from './http/mender/register.ts';
import { observeTraffic } from './http/observe.ts';
import { registerInquiries } from './http/pages/inquiry.ts';
import { registerIntake } from './http/pages/intake.ts';
import { registerOidc } from './http/pages/oidc.ts';
import { registerPages } from './http/pages/pages.ts';
import { registerShares } from './http/pages/share.ts';
import { problemOf } from './http/problem.ts';
import { RateLimit } from './http/rate-limit.ts';
import { refuseRepeatedHeaders } from './http/repeated-headers.ts';
import { guardRoutes, methodsAt } from './http/route-tables.ts';
import { siteFor } from './http/site.ts';
import { CONNECTION_LIMITS, limitClients } from './http/slow-clients.ts';
import { registerTlog } from './http/tlog/register.ts';
import { forgetOldEvents, placeNewEvents } from './jobs/events.ts';
import { remindOfInquiries } from './jobs/inquiry-reminders.ts';
import { forgetKeptAnswers } from './jobs/kept-answers.ts';
import { LastSeen } from './jobs/last-seen.ts';
import { collectObjects } from './jobs/objects.ts';
import { remindOfReports } from './jobs/reminders.ts';
import { tickRollouts } from './jobs/rollouts.ts';
import { startJobs } from './jobs/schedule.ts';
import { WebhookDeliveries } from './jobs/webhooks.ts';
import { openOnlineKeys, openSealer } from './online-keys.ts';
import { ensureTenant } from './store/access.ts';
import type { Database } from './store/database.ts';
import { fillVersionKeys } from './store/devices.ts';
import { StoreError } from './store/errors.ts';
import { settleLedger } from './store/ledger.ts';
import { openPostgres } from './store/postgres-database.ts';
import { openSqlite } from './store/sqlite-database.ts';

export { SERVER_ERRORS, ServerError, type ServerErrorCode } from './acts/errors.ts';
export { type BackupSummary, backupFolder, restoreFolder } from './backup.ts';
export type { ServerConfig, TlsConfig } from './config.ts';
export { parseObjects } from './config.ts';

export type RunningServer = {
  readonly url: string;
  /** The one-time claim of the first operator; undefined when there is an operator. */
  readonly claim: string | undefined;
  readonly ledgerOrigin: string;
  /** Lets requests under way finish (within 10 s), then closes the database. Closing twice is allowed. */
  close(): Promise<void>;
};

const LAST_SEEN_EVERY_MS = 10_000;
const PLACE_STATEMENTS_EVERY_MS = 1000;
const RENEW_EVERY_MS = 3_600_000;
const ROLLOUTS_EVERY_MS = 1000;
const VERSION_KEYS_AT_ONCE = 1000;
/** A name of 256 characters, each of three bytes that are written as nine. */
const PARAM_CHARS_MAX = 256 * 9;
/** One factory line behind one address introduces a hundred at once, and then one in ten seconds. */
const INTRODUCTIONS = { burst: 100, perS: 0.1 };
const CLOSE_GRACE_MS = 10_000;
const REDACTED = ['req.headers.authorization', 'req.headers.cookie', 'req.headers["x-pawl-proxy-secret"]'];
const PLACE_EVENTS_EVERY_MS = 250;
const WEBHOOKS_EVERY_MS = 250;
const WITNESSES_EVERY_MS = 2000;
const REMIND_EVERY_MS = 30_000;
const FORGET_ANSWERS_EVERY_MS = 600_000;
const KEEP_EVENTS = { keepDays: 30, keepMax: 1_000_000 };

/** Folder by folder: Node's recursive mkdir never ends where a file system answers ENOENT for a new name (/proc). */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function openFolder(dataDir: string): void {
  try {
    makeFolder(resolve(dataDir));
    // The dot: a file is no folder, and says so.
    accessSync(`${dataDir}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StoreError('STORE_NOT_WRITABLE', { path: dataDir }, cause);
  }
}

async function openDatabase({ dataDir, database }: ServerConfig): Promise<Database> {
  return database === undefined ? openSqlite(dataDir) : await openPostgres(database);
}

/** What no API takes is answered in one way, whatever the framework thinks of it. */
function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error, request.id);
  if (problem.status === 500) request.log.error({ err: error }, 'request failed');
  // A body that nobody takes is not waited for.
  if (request.method !== 'GET') reply.header('connection', 'close');
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

function fastifyOptions(config: ServerConfig): FastifyServerOptions {
  const common = {
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      void sendProblem(error, request, reply);
    },
    logger: { level: config.logLevel ?? 'warn', redact: REDACTED },
    logController: new LogController({ disableRequestLogging: true }),
    // Slow clients: the head of a request must arrive in time; bodies may take long.
    connectionTimeout: 0,
    keepAliveTimeout: 75_000,
    // How often Node looks for heads that are late.
    http: { connectionsCheckingInterval: 1000 },
    forceCloseConnections: 'idle' as const,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
  };
  if (config.tls === undefined) return common;
  const { cert, key, clientCa } = config.tls;
  // Certificates that the CA did not issue are let through the handshake: a device may show the key that it enrolled.
  const https = {
    connectionsCheckingInterval: 1000,
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: false,
    ...(clientCa === undefined ? {} : { ca: clientCa }),
  };
  return { ...common, https } as FastifyServerOptions;
}

function authoritiesOf(config: ServerConfig): X509Certificate[] {
  const pem = config.tls?.clientCa ?? '';
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );
}

async function listen(app: FastifyInstance, { host, port, tls }: ServerConfig): Promise<string> {
  try {
    // The name could lead anywhere; what was allowed is this machine.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') throw new ServerError('SERVER_PORT_IN_USE', { host, port }, cause);
    throw new ServerError('SERVER_CONFIG_INVALID', { at: 'host', host, port, actual: code }, cause);
  }
  const address = app.server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${tls === undefined ? 'http' : 'https'}://${name}:${address.port}`;
}

function tenantOf({ tenant }: ServerConfig): string {
  return (tenant ?? 'default').toLowerCase();
}

/** Asks until it was answered, and then not again. */
function onceDone<T>(ask: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => {
    known ??= ask().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

async function buildApp(config: ServerConfig, ports: ServerPorts, lastSeen: LastSeen): Promise<FastifyInstance> {
  const app = fastify(fastifyOptions(config));
  // An address that is not there reads no body; each API sets up its own reading.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(request.url);
    if (methods.length > 0) reply.header('allow', methods.join(', '));
    return sendProblem(new ApiError(methods.length > 0 ? 'API_METHOD_NOT_ALLOWED' : 'API_NOT_FOUND'), request, reply);
  });
  guardRoutes(app);
  refuseRepeatedHeaders(app);
  registerPages(app, ports.site);
  const edge = { proxySecret: config.trustedProxy?.secret, limits: new ApiLimits(config.rateLimits) };
  await registerManagementApi(app, edge, ports);
  await registerTlog(app, { ports, edge, isPublic: config.isLedgerPublic === true });
  const tenantId = () => ports.database.write((trx) => ensureTenant(trx, tenantOf(config)));
  await registerIntake(app, { ports, tenantId: onceDone(tenantId), proxySecret: edge.proxySecret });
  await registerInquiries(app, { ports, proxySecret: edge.proxySecret });
  await registerShares(app, { ports, proxySecret: edge.proxySecret });
  if (config.oidc !== undefined) {
    registerOidc(app, { ...config.oidc, tenantId }, edge, ports);
  }
  const devicePorts: DevicePorts = {
    ...ports,
    directory: deviceDirectory(ports.database.read, ports.now),
    publicUrl: config.publicUrl,
    pollIntervalS: config.pollIntervalS,
    defaultTenant: tenantOf(config),
    trustedProxy: config.trustedProxy,
    deviceAuthorities: authoritiesOf(config),
    introductions: new RateLimit(config.rateLimits?.introductions ?? INTRODUCTIONS),
    noteSeen: (deviceId, atMs) => lastSeen.note(deviceId, atMs),
    log: app.log,
  };
  await registerDeviceApi(app, devicePorts);
  await registerMenderApi(app, devicePorts);
  return app;
}

const DAY_MS = 86_400_000;

/** Others may be writing to a folder that is shared: what they left half-written is cleared when it is a day old. */
async function openBlobs({ objects, dataDir, now }: ServerConfig, { isShared }: Database): Promise<BlobStore> {
  if (objects !== undefined) return new S3Blobs(objects);
  const blobs = new FolderBlobs(`${dataDir}/blobs`);
  await blobs.clearIncoming(isShared ? new Date(now().getTime() - DAY_MS) : undefined);
  return blobs;
}

async function openPorts(
  config: ServerConfig,
  database: Database,
  { site, witnesses }: Pick<ServerPorts, 'site' | 'witnesses'>,
): Promise<ServerPorts> {
  const keys = await openOnlineKeys(database, config.dataDir, config.now());
  const sealer = await openSealer(database, config.dataDir);
  const blobs = await openBlobs(config, database);
  // The origin names this very ledger: its key is part of it, so that two ledgers are never taken for one.
  const id = toHex(sha256(keys.ledger.publicKey.toSpkiDer())).slice(0, 16);
  return {
    database,
    blobs,
    keys,
    ledgerOrigin: `pawl-ledger/${id}`,
    site,
    ...(config.oidc === undefined ? {} : { oidcName: config.oidc.name }),
    challengeSecret: sealer.challengeSecret,
    sealer,
    now: config.now,
    newSecret,
    chance: Math.random,
    life: new ServerLife(config.limits?.readerMs),
    ...(witnesses === undefined ? {} : { witnesses }),
    egress: egressRules(config.egress ?? {}) ?? EGRESS_DEFAULT,
  };
}

/** 256 random bits as a word; not one that a command line takes for an option. */
function newSecret(): string {
  const secret = randomBytes(32).toString('base64url');
  return secret.startsWith('-') ? newSecret() : secret;
}

/**
 * Starts a server; resolves when it listens.
 * @throws ServerError SERVER_TLS_REQUIRED, SERVER_CONFIG_INVALID, SERVER_PORT_IN_USE; StoreError STORE_LOCKED,
 *   STORE_NOT_WRITABLE, STORE_NEWER, STORE_UNREACHABLE, STORE_REFUSED, STORE_ADDRESS_INVALID; KeysError
 */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  verifyConfig(config);
  openFolder(config.dataDir);
  const database = await openDatabase(config);
  const opened: (() => Promise<void>)[] = [() => database.close()];
  const close = async (): Promise<void> => {
    for (let end = opened.pop(); end !== undefined; end = opened.pop()) await end();
  };
  try {
    const tenant = tenantOf(config);
    let site: Site | undefined;
    let report = (_error: unknown): void => undefined;
    const witnesses = new Witnesses(config.witnesses ?? [], (error) => report(error));
    opened.push(() => witnesses.close());
    const ports = await openPorts(config, database, { site: () => site, witnesses });
    await database.write((trx) => ensureTenant(trx, tenant));
    while ((await database.write((trx) => fillVersionKeys(trx, VERSION_KEYS_AT_ONCE))) > 0);
    const lastSeen = new LastSeen(database);
    opened.push(() => lastSeen.flush());
    await renewTimestamps(ports);
    const claim = await newOperatorClaim(ports, tenant);
    const app = await buildApp(config, ports, lastSeen);
    report = (error) => app.log.error({ err: error }, 'asking a witness failed');
    limitClients(app.server as Server, config.limits ?? CONNECTION_LIMITS);
    observeTraffic(app.server as Server, ports.life.traffic);
    opened.push(() => closeGracefully(app, CLOSE_GRACE_MS));
    const url = await listen(app, config);
    let isClosing = false;
    site = siteFor(config.publicUrl, url);
    const deliveries = new WebhookDeliveries(ports, (error) => app.log.error({ err: error }, 'delivery failed'));
    opened.push(() => deliveries.close());
    const jobs = [
      { name: 'last-seen', everyMs: LAST_SEEN_EVERY_MS, run: () => lastSeen.flush() },
      { name: 'place-statements', everyMs: PLACE_STATEMENTS_EVERY_MS, run: () => settleLedger(database) },
      { name: 'place-events', everyMs: PLACE_EVENTS_EVERY_MS, run: () => placeNewEvents(ports) },
      {
        name: 'forget-events',
        everyMs: RENEW_EVERY_MS,
        run: () => forgetOldEvents(ports, config.events ?? KEEP_EVENTS),
      },
      { name: 'forget-answers', everyMs: FORGET_ANSWERS_EVERY_MS, run: () => forgetKeptAnswers(ports) },
      { name: 'webhooks', everyMs: WEBHOOKS_EVERY_MS, run: () => deliveries.turn() },
      { name: 'witnesses', everyMs: WITNESSES_EVERY_MS, run: () => witnesses.turn(ports) },
      { name: 'reminders', everyMs: REMIND_EVERY_MS, run: () => remindOfReports(ports) },
      { name: 'inquiries', everyMs: RENEW_EVERY_MS, run: () => remindOfInquiries(ports) },
      { name: 'renew-timestamp', everyMs: RENEW_EVERY_MS, run: () => renewTimestamps(ports) },
      {
        name: 'objects',
        everyMs: RENEW_EVERY_MS,
        run: async () => {
          if (config.objects !== undefined && config.objects.deletesUnneeded !== true) return;
          const gone = await collectObjects(ports, RETENTION, () => isClosing);
          if (gone.length > 0) app.log.info({ objects: gone }, 'objects that nobody needs were deleted');
        },
      },
      { name: 'rollouts', everyMs: ROLLOUTS_EVERY_MS, run: () => tickRollouts(ports, () => isClosing) },
    ];
    opened.push(startJobs(jobs, (job, error) => app.log.error({ err: error, job }, 'job failed')));
    opened.push(async () => {
      isClosing = true;
      // A balancer notices that this process is not ready before its connections are refused.
      ports.life.drain();
      await sleep((config.drainS ?? 0) * 1000);
      ports.life.end();
    });
    return { url, claim, ledgerOrigin: ports.ledgerOrigin, close };
  } catch (error) {
    await close();
    throw error;
  }
}
