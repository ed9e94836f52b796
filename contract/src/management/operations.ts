/**
 * Every operation of the management API as data. The server registers exactly these (it does not start when a handler is
 * missing), the typed client and OpenAPI come from the same table.
 *
 * `auth` is the least role of an API token; `open` needs none. `errors` lists the codes beyond those that any operation
 * may give (API_UNAUTHENTICATED, API_FORBIDDEN, API_REQUEST_INVALID, API_BODY_TOO_LARGE, API_CONTENT_TYPE_UNSUPPORTED).
 */
import { z } from 'zod';
import {
  artifactName,
  assignment,
  checkpoint,
  controllerId,
  device,
  ledgerEntry,
  ledgerProof,
  line,
  lineName,
  login,
  newClaim,
  newDevice,
  newGateway,
  newRelease,
  newRollout,
  newToken,
  newTrust,
  numericId,
  release,
  rollout,
  type TokenRole,
  token,
  tokenId,
  trustStatus,
} from './resources.ts';

export type ManagementOperation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  readonly auth: TokenRole | 'open';
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** `bytes`: the raw body, streamed. */
  readonly body?: z.ZodType | 'bytes';
  readonly bodyBytesMax?: number;
  readonly response: z.ZodType | 'bytes';
  readonly errors: readonly string[];
};

/** Numbers of paths and queries have one spelling: decimal digits. Anything else stays text, and is refused as such. */
function inUrl<T extends z.ZodType>(schema: T): z.ZodPreprocess<T> {
  const isDecimal = (value: unknown): value is string =>
    typeof value === 'string' && /^(0|[1-9][0-9]{0,14})$/.test(value);
  return z.preprocess((value) => (isDecimal(value) ? Number(value) : value), schema);
}

const id = inUrl(numericId);
const byId = z.strictObject({ id });
const byController = z.strictObject({ controllerId });
const limit = inUrl(z.number().int().min(1).max(500)).optional();
const cursor = z.string().max(200).optional();
const page = <T extends z.ZodType>(item: T): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodNullable<z.ZodString> }> =>
  z.strictObject({ items: z.array(item), next: z.string().nullable() });
const done = z.strictObject({ isDone: z.literal(true) });

const MIB = 1024 * 1024;
/** 1 TiB: the largest artifact; sizes are exact to 2^53. */
const ARTIFACT_BYTES_MAX = 2 ** 40;

export const MANAGEMENT_OPERATIONS = {
  health: {
    method: 'GET',
    path: '/api/v1/health',
    summary: 'Whether the server can do its work',
    auth: 'open',
    response: z.strictObject({ status: z.literal('ok'), ledgerSize: z.number().int() }),
    errors: [],
  },
  login: {
    method: 'POST',
    path: '/api/v1/login',
    summary: 'Exchange the one-time claim of the first run for an API token',
    auth: 'open',
    body: login,
    response: z.strictObject({ token: z.string(), tenant: z.string() }),
    errors: ['CLAIM_INVALID'],
  },
  listTokens: {
    method: 'GET',
    path: '/api/v1/tokens',
    summary: 'Who holds an API token; never the tokens themselves',
    auth: 'admin',
    response: z.strictObject({ items: z.array(token) }),
    errors: [],
  },
  createToken: {
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Make an API token of a role; shown once',
    auth: 'admin',
    body: newToken,
    response: token.extend({ token: z.string() }),
    errors: [],
  },
  revokeToken: {
    method: 'DELETE',
    path: '/api/v1/tokens/{tokenId}',
    summary: 'Revoke an API token at once. Without an admin left, the next start of the server prints a claim again',
    auth: 'admin',
    params: z.strictObject({ tokenId }),
    response: done,
    errors: ['TOKEN_UNKNOWN'],
  },
  putLine: {
    method: 'PUT',
    path: '/api/v1/lines/{line}',
    summary: 'Make or change a product line',
    auth: 'admin',
    params: z.strictObject({ line: lineName }),
    body: line.omit({ name: true }),
    response: line,
    errors: [],
  },
  listDevices: {
    method: 'GET',
    path: '/api/v1/devices',
    summary: 'Devices that match a filter, by controller id',
    auth: 'viewer',
    query: z.strictObject({ filter: z.string().max(1024).optional(), cursor, limit }),
    response: page(device),
    errors: ['FILTER_MALFORMED'],
  },
  getDevice: {
    method: 'GET',
    path: '/api/v1/devices/{controllerId}',
    summary: 'One device',
    auth: 'viewer',
    params: byController,
    response: device,
    errors: ['DEVICE_UNKNOWN'],
  },
  addDevices: {
    method: 'POST',
    path: '/api/v1/devices',
    summary: 'Add devices of foreign clients; the token of each is shown once',
    auth: 'operator',
    body: z.strictObject({ devices: z.array(newDevice).min(1).max(1000) }),
    bodyBytesMax: 2 * MIB,
    response: z.strictObject({ devices: z.array(z.strictObject({ controllerId, token: z.string() })) }),
    errors: ['DEVICE_EXISTS'],
  },
  decommissionDevice: {
    method: 'DELETE',
    path: '/api/v1/devices/{controllerId}',
    summary: 'End the life of a device: its credentials stop working, its history stays',
    auth: 'operator',
    params: byController,
    response: done,
    errors: ['DEVICE_UNKNOWN'],
  },
  createClaim: {
    method: 'POST',
    path: '/api/v1/claims',
    summary: 'Make a one-time claim with which a device enrols its own key; shown once',
    auth: 'operator',
    body: newClaim,
    response: z.strictObject({ claim: z.string(), expiresAt: z.iso.datetime() }),
    errors: ['DEVICE_EXISTS'],
  },
  createGateway: {
    method: 'POST',
    path: '/api/v1/gateways',
    summary: 'A gateway token that may act for the named devices only; shown once',
    auth: 'operator',
    body: newGateway,
    response: z.strictObject({ token: z.string() }),
    errors: ['DEVICE_UNKNOWN'],
  },
  getTrust: {
    method: 'GET',
    path: '/api/v1/trust',
    summary: 'Versions of the repository metadata and the public keys of the online roles',
    auth: 'viewer',
    response: trustStatus,
    errors: [],
  },
  putTrust: {
    method: 'POST',
    path: '/api/v1/trust',
    summary:
      'Hand in signed TUF metadata; checked together, taken together, then snapshot and timestamp are signed anew',
    auth: 'operator',
    body: newTrust,
    bodyBytesMax: 32 * MIB,
    response: trustStatus,
    errors: ['TRUST_ROOT_MISSING', 'TRUST_LINE_KEYS_UNLISTED'],
  },
  createRelease: {
    method: 'POST',
    path: '/api/v1/releases',
    summary: 'Announce a release and its artifacts',
    auth: 'operator',
    body: newRelease,
    response: release,
    errors: ['RELEASE_EXISTS'],
  },
  putArtifact: {
    method: 'PUT',
    path: '/api/v1/releases/{id}/artifacts/{name}',
    summary: 'Upload the bytes of an announced artifact',
    auth: 'operator',
    params: z.strictObject({ id, name: artifactName }),
    body: 'bytes',
    bodyBytesMax: ARTIFACT_BYTES_MAX,
    response: done,
    errors: ['RELEASE_UNKNOWN', 'ARTIFACT_UNKNOWN', 'ARTIFACT_MISMATCH', 'RELEASE_IMMUTABLE', 'STORAGE_FULL'],
  },
  publishRelease: {
    method: 'POST',
    path: '/api/v1/releases/{id}/publish',
    summary: 'Check the signatures of a release and make it available to rollouts; immutable from then on',
    auth: 'operator',
    params: byId,
    body: z.strictObject({}),
    response: release,
    errors: ['RELEASE_UNKNOWN', 'RELEASE_INCOMPLETE', 'RELEASE_UNLISTED', 'RELEASE_DISAGREES', 'RELEASE_UNSIGNED'],
  },
  listReleases: {
    method: 'GET',
    path: '/api/v1/releases',
    summary: 'Releases, newest first',
    auth: 'viewer',
    query: z.strictObject({ line: lineName.optional(), cursor, limit }),
    response: page(release),
    errors: [],
  },
  createRollout: {
    method: 'POST',
    path: '/api/v1/rollouts',
    summary: 'A rollout of a published release to the devices that a filter names',
    auth: 'operator',
    body: newRollout,
    response: rollout,
    errors: ['RELEASE_UNKNOWN', 'RELEASE_NOT_PUBLISHED', 'FILTER_MALFORMED', 'ROLLOUT_BELOW_FLOOR', 'ROLLOUT_EMPTY'],
  },
  listRollouts: {
    method: 'GET',
    path: '/api/v1/rollouts',
    summary: 'Rollouts, newest first',
    auth: 'viewer',
    query: z.strictObject({ cursor, limit }),
    response: page(rollout),
    errors: [],
  },
  getRollout: {
    method: 'GET',
    path: '/api/v1/rollouts/{id}',
    summary: 'One rollout with its counts by state',
    auth: 'viewer',
    params: byId,
    response: rollout,
    errors: ['ROLLOUT_UNKNOWN'],
  },
  changeRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/{verb}',
    summary: 'Start, pause, resume or stop a rollout. Devices that are done are not affected',
    auth: 'operator',
    params: z.strictObject({ id, verb: z.enum(['start', 'pause', 'resume', 'stop']) }),
    body: z.strictObject({}),
    response: rollout,
    errors: ['ROLLOUT_UNKNOWN', 'ROLLOUT_STATE_UNSUITABLE'],
  },
  listAssignments: {
    method: 'GET',
    path: '/api/v1/assignments',
    summary: 'Assignments of a rollout or a device, oldest first',
    auth: 'viewer',
    query: z.strictObject({ rolloutId: id.optional(), controllerId: controllerId.optional(), cursor, limit }),
    response: page(assignment),
    errors: [],
  },
  cancelAssignment: {
    method: 'POST',
    path: '/api/v1/assignments/{id}/cancel',
    summary: 'Ask a device to stop; it may be too late, and then says so',
    auth: 'operator',
    params: byId,
    body: z.strictObject({}),
    response: assignment,
    errors: ['ASSIGNMENT_UNKNOWN', 'ASSIGNMENT_FINAL'],
  },
  getCheckpoint: {
    method: 'GET',
    path: '/api/v1/ledger/checkpoint',
    summary: 'The signed checkpoint of the ledger as it stands',
    auth: 'viewer',
    response: checkpoint,
    errors: [],
  },
  listEntries: {
    method: 'GET',
    path: '/api/v1/ledger/entries',
    summary: 'Entries of the ledger, oldest first',
    auth: 'viewer',
    query: z.strictObject({ from: inUrl(z.number().int().nonnegative()).optional(), limit }),
    response: page(ledgerEntry),
    errors: [],
  },
  getProof: {
    method: 'GET',
    path: '/api/v1/ledger/proof/{index}',
    summary: 'Inclusion proof of one entry against the current checkpoint',
    auth: 'viewer',
    params: z.strictObject({ index: inUrl(z.number().int().nonnegative()) }),
    response: ledgerProof,
    errors: ['LEDGER_ENTRY_UNKNOWN'],
  },
  exportBundle: {
    method: 'GET',
    path: '/api/v1/ledger/bundle',
    summary: 'The whole ledger as a bundle that proves itself offline (zip)',
    auth: 'viewer',
    response: 'bytes',
    errors: [],
  },
} as const satisfies Readonly<Record<string, ManagementOperation>>;

export type ManagementOperationId = keyof typeof MANAGEMENT_OPERATIONS;
