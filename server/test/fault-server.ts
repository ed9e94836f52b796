/**
 * Both APIs over a database whose writes fail when the test says so. There are no jobs: every write is one of a request,
 * and the test does what the jobs would do.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagementClient } from '@pawl/contract/client';
import { PrivateKey } from '@pawl/core/crypto';
import fastify from 'fastify';
import { ServerLife } from '../src/acts/life.ts';
import { newOperatorClaim } from '../src/acts/people/claim.ts';
import type { ServerPorts } from '../src/acts/ports.ts';
import { Sealer } from '../src/acts/sealer.ts';
import { FolderBlobs } from '../src/blobs/folder-blobs.ts';
import { EGRESS_DEFAULT } from '../src/egress/post.ts';
import { deviceDirectory, registerDeviceApi } from '../src/http/device/index.ts';
import { ApiLimits } from '../src/http/management/limits.ts';
import { registerManagementApi } from '../src/http/management/register.ts';
import { RateLimit } from '../src/http/rate-limit.ts';
import { openPostgres } from '../src/store/postgres-database.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { FaultyDatabase } from './faulty-database.ts';
import { databaseOf } from './postgres.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

export type FaultServer = {
  readonly url: string;
  readonly database: FaultyDatabase;
  readonly ports: ServerPorts;
  readonly operator: ManagementClient;
  readonly folder: string;
  close(): Promise<void>;
};

const newSecret = (): string => randomBytes(32).toString('base64url');

/** Where the database will be, before it is opened. */
export type Place = { readonly folder: string; readonly url: string | undefined; readonly ledgerKey: PrivateKey };

/** Over SQLite, or over a cluster of PostgreSQL by its address; `prepare` finds the place empty. */
export async function startFaultServer(
  cluster: string | undefined,
  prepare: (place: Place) => Promise<void> = () => Promise.resolve(),
  now: () => Date = () => new Date(),
): Promise<FaultServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-faults-'));
  const { database: options } = await databaseOf(folder, cluster);
  const key = PrivateKey.generate('Ed25519');
  await prepare({ folder, url: options?.url, ledgerKey: key });
  const database = new FaultyDatabase(options === undefined ? openSqlite(folder) : await openPostgres(options));
  const ports: ServerPorts = {
    database,
    blobs: new FolderBlobs(`${folder}/blobs`),
    keys: { ledger: key, snapshot: key, timestamp: key },
    ledgerOrigin: 'pawl-ledger/faults',
    site: () => undefined,
    challengeSecret: newSecret(),
    sealer: new Sealer('a secret of a test', () => new Uint8Array(randomBytes(12))),
    now,
    newSecret,
    chance: Math.random,
    life: new ServerLife(),
    egress: EGRESS_DEFAULT,
  };
  const claim = (await newOperatorClaim(ports, 'default')) ?? '';
  const app = fastify();
  const much = { burst: 1_000_000, perS: 1 };
  await registerManagementApi(
    app,
    { proxySecret: undefined, limits: new ApiLimits({ failures: much, requests: much }) },
    ports,
  );
  await registerDeviceApi(app, {
    ...ports,
    directory: deviceDirectory(database.read, ports.now),
    publicUrl: undefined,
    pollIntervalS: 300,
    defaultTenant: 'default',
    trustedProxy: undefined,
    deviceAuthorities: [],
    introductions: new RateLimit(much),
    noteSeen: () => undefined,
    log: app.log,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const { token } = await new ManagementClient({ url }).call('login', { body: { claim, label: 'operator' } });
  return {
    url,
    folder,
    database,
    ports,
    operator: new ManagementClient({ url, token }),
    close: async () => {
      ports.life.end();
      await app.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type SignedImage = { readonly swu: Uint8Array; readonly certificatePem: string };

/** An image of version 1.0.0, and who signed it. */
export function signImage({ folder }: FaultServer): SignedImage {
  const signer = makeSwuSigner(folder, 'swu-signer');
  const image = { version: '1.0.0', bytes: new Uint8Array(3000), installTo: '/nowhere/image.bin' };
  return { swu: makeSwu(folder, signer, image), certificatePem: readFileSync(signer.certificateFile, 'utf8') };
}
