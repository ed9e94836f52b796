/** A real server on a temporary data folder, with an operator's client and what tests of the device API need. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagementClient } from '@pawl/contract/client';
import type { AssignmentState, SuccessKind } from '@pawl/contract/management';
import { type RunningServer, type ServerConfig, startServer } from '../src/main.ts';
import { databaseOf } from './postgres.ts';
import { exchange } from './raw-http.ts';

export type TestServer = {
  readonly url: string;
  readonly folder: string;
  readonly operator: ManagementClient;
  readonly token: string;
  readonly running: RunningServer;
  close(): Promise<void>;
};

/** A fetch for servers with a certificate of their own making. */
const fetchUnchecked: typeof fetch = async (input, init) => {
  const answer = await exchange(input instanceof Request ? input.url : input.toString(), {
    method: init?.method ?? 'GET',
    headers: Object.fromEntries(new Headers(init?.headers)),
    ...(typeof init?.body === 'string' || init?.body instanceof Uint8Array ? { body: init.body } : {}),
  });
  return new Response(answer.text, { status: answer.status });
};

/**
 * Starts a server and logs its first operator in; `before` goes on with the folder and the operator of a server that was
 * closed. The certificate of a TLS server is not checked here.
 */
export async function startTestServer(
  config: Partial<ServerConfig> = {},
  before?: Pick<TestServer, 'folder' | 'token'>,
): Promise<TestServer> {
  const folder = before?.folder ?? (await mkdtemp(join(tmpdir(), 'pawl-server-')));
  const running = await startServer({
    dataDir: join(folder, 'data'),
    host: '127.0.0.1',
    port: 0,
    pollIntervalS: 300,
    now: () => new Date(),
    logLevel: 'silent',
    // Tests get more wrong in a second than anybody.
    rateLimits: { failures: { burst: 1_000_000, perS: 1 }, requests: { burst: 1_000_000, perS: 1 } },
    ...(await databaseOf(folder)),
    ...config,
  });
  const client = { url: running.url, ...(config.tls === undefined ? {} : { fetch: fetchUnchecked }) };
  const login = async () =>
    new ManagementClient(client).call('login', { body: { claim: running.claim ?? '', label: 'test' } });
  const token = before?.token ?? (await login()).token;
  return {
    url: running.url,
    folder,
    operator: new ManagementClient({ ...client, token }),
    token,
    running,
    close: async () => {
      await running.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Announces, uploads and publishes a foreign release of one file. */
export async function publishForeign(
  operator: ManagementClient,
  release: { readonly line: string; readonly version: string; readonly fileName: string; readonly bytes: Uint8Array },
): Promise<number> {
  const { line, version, fileName: name, bytes } = release;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { id } = await operator.call('createRelease', {
    body: { line, version, kind: 'foreign', artifacts: [{ name, sizeBytes: bytes.length, sha256 }] },
  });
  await operator.call('putArtifact', { params: { id, name }, body: bytes, sizeBytes: bytes.length });
  await operator.call('publishRelease', { params: { id }, body: {} });
  return id;
}

/** Starts a rollout of a release to the devices that a filter names. */
export async function rollOut(
  operator: ManagementClient,
  releaseId: number,
  filter: string,
  options: { readonly needsConsent?: boolean; readonly isForced?: boolean; readonly successKind?: SuccessKind } = {},
): Promise<number> {
  const { id } = await operator.call('createRollout', { body: { name: 'test', releaseId, filter, ...options } });
  await operator.call('changeRollout', { params: { id, verb: 'start' }, body: {} });
  return id;
}

/** The assignment that a device got last. */
export async function lastAssignment(
  operator: ManagementClient,
  controllerId: string,
): Promise<{ id: number; state: AssignmentState; releaseId: number }> {
  const { items } = await operator.call('listAssignments', { query: { controllerId } });
  const last = items.at(-1);
  if (last === undefined) throw new Error(`${controllerId} has no assignment`);
  return last;
}
