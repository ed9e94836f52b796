/**
 * One handler for each operation of the management API: parsed input and ports in, plain data out. A missing handler does
 * not compile.
 */
import type { Readable } from 'node:stream';
import type { OperationOutput } from '@pawl/contract/client';
import type { MANAGEMENT_OPERATIONS, ManagementOperationId } from '@pawl/contract/management';
import { toBase64 } from '@pawl/core/bytes';
import type { z } from 'zod';
import { createToken, login, revokeToken } from '../../acts/access.ts';
import { assertOwnCertificate } from '../../acts/certificate.ts';
import { addDevices, createClaim, createGateway, decommissionDevice } from '../../acts/device.ts';
import { ServerError } from '../../acts/errors.ts';
import { checkpointOf, exportLedger, proofOf } from '../../acts/ledger.ts';
import type { ServerPorts } from '../../acts/ports.ts';
import { createRelease, publishRelease, putArtifact } from '../../acts/release.ts';
import { cancelAssignment, changeRollout, createRollout } from '../../acts/rollout.ts';
import { putTrust, trustStatus } from '../../acts/trust.ts';
import { listTokens, tokenView } from '../../store/access.ts';
import { queryAssignments } from '../../store/assignments.ts';
import { deviceView, queryDevices, readDeviceRow } from '../../store/devices.ts';
import { ledgerSize, listLedger } from '../../store/ledger.ts';
import { listArtifacts, queryReleases, releaseView, saveLine } from '../../store/releases.ts';
import { findRollout, queryRollouts, rolloutView } from '../../store/rollouts.ts';
import { readCursor } from './cursor.ts';

/** Who asks; `tenantId` is 0 for an open operation. */
export type Actor = { readonly tenantId: number; readonly label: string };

type Operations = typeof MANAGEMENT_OPERATIONS;
type Parsed<O, K extends string> = K extends keyof O
  ? O[K] extends z.ZodType
    ? z.output<O[K]>
    : undefined
  : undefined;

export type Request<Id extends ManagementOperationId> = {
  readonly actor: Actor;
  readonly params: Parsed<Operations[Id], 'params'>;
  readonly query: Parsed<Operations[Id], 'query'>;
  readonly body: Operations[Id] extends { body: 'bytes' } ? Readable : Parsed<Operations[Id], 'body'>;
};
type Handler<Id extends ManagementOperationId> = (
  request: Request<Id>,
  ports: ServerPorts,
) => Promise<OperationOutput<Id>>;
export type Handlers = { readonly [Id in ManagementOperationId]: Handler<Id> };

const DONE = { isDone: true } as const;
const PAGE = 100;

/** A page of rows and the cursor behind its last one; one row more than asked for tells whether there is a next. */
function pageOf<T>(
  rows: readonly T[],
  limit: number,
  cursorOf: (row: T) => string,
): { items: T[]; next: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? cursorOf(last) : null };
}

const DEVICES: Pick<
  Handlers,
  'listDevices' | 'getDevice' | 'addDevices' | 'decommissionDevice' | 'createClaim' | 'createGateway'
> = {
  listDevices: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const rows = await queryDevices(database.read, {
      tenantId: actor.tenantId,
      filter: query.filter ?? '',
      afterController: query.cursor,
      limit: limit + 1,
    });
    return pageOf(rows.map(deviceView), limit, (device) => device.controllerId);
  },
  getDevice: async ({ actor, params }, { database }) => {
    const row = await readDeviceRow(database.read, actor.tenantId, params.controllerId);
    if (row === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId: params.controllerId });
    return deviceView(row);
  },
  addDevices: async ({ actor, body }, ports) => ({ devices: await addDevices(ports, actor.tenantId, body.devices) }),
  decommissionDevice: async ({ actor, params }, ports) => {
    await decommissionDevice(ports, actor.tenantId, params.controllerId);
    return DONE;
  },
  createClaim: ({ actor, body }, ports) => createClaim(ports, actor.tenantId, body),
  createGateway: ({ actor, body }, ports) => createGateway(ports, actor.tenantId, body),
};

const RELEASES: Pick<
  Handlers,
  'putLine' | 'getTrust' | 'putTrust' | 'createRelease' | 'putArtifact' | 'publishRelease' | 'listReleases'
> = {
  putLine: async ({ actor, params, body }, { database }) => {
    const line = { name: params.line, certificatesPem: body.certificatesPem };
    for (const pem of body.certificatesPem) assertOwnCertificate(pem);
    await database.write((trx) => saveLine(trx, actor.tenantId, line));
    return line;
  },
  getTrust: ({ actor }, ports) => trustStatus(ports.database.read, ports, actor.tenantId),
  putTrust: ({ actor, body }, ports) => putTrust(ports, actor.tenantId, body),
  createRelease: ({ actor, body }, ports) => createRelease(ports, actor.tenantId, body),
  putArtifact: async ({ actor, params, body }, ports) => {
    await putArtifact(ports, actor.tenantId, params, body);
    return DONE;
  },
  publishRelease: ({ actor, params }, ports) => publishRelease(ports, actor.tenantId, params.id),
  listReleases: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const rows = await queryReleases(database.read, {
      tenantId: actor.tenantId,
      line: query.line,
      beforeId: readCursor(query.cursor),
      limit: limit + 1,
    });
    const views = [];
    for (const row of rows) views.push(releaseView(row, await listArtifacts(database.read, row.id)));
    return pageOf(views, limit, (release) => String(release.id));
  },
};

const ROLLOUTS: Pick<
  Handlers,
  'createRollout' | 'listRollouts' | 'getRollout' | 'changeRollout' | 'listAssignments' | 'cancelAssignment'
> = {
  createRollout: ({ actor, body }, ports) => createRollout(ports, actor, body),
  listRollouts: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const beforeId = readCursor(query.cursor);
    const rows = await queryRollouts(database.read, { tenantId: actor.tenantId, beforeId, limit: limit + 1 });
    const views = [];
    for (const row of rows) views.push(await rolloutView(database.read, row));
    return pageOf(views, limit, (rollout) => String(rollout.id));
  },
  getRollout: async ({ actor, params }, { database }) => {
    const row = await findRollout(database.read, actor.tenantId, params.id);
    if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id: params.id });
    return await rolloutView(database.read, row);
  },
  changeRollout: ({ actor, params }, ports) => changeRollout(ports, actor, params.id, params.verb),
  listAssignments: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const { rolloutId, controllerId } = query;
    const afterId = readCursor(query.cursor) ?? 0;
    const tenantId = actor.tenantId;
    const rows = await queryAssignments(database.read, {
      tenantId,
      rolloutId,
      controllerId,
      afterId,
      limit: limit + 1,
    });
    return pageOf(rows, limit, (assignment) => String(assignment.id));
  },
  cancelAssignment: ({ actor, params }, ports) => cancelAssignment(ports, actor.tenantId, params.id),
};

const LEDGER: Pick<Handlers, 'getCheckpoint' | 'listEntries' | 'getProof' | 'exportBundle'> = {
  getCheckpoint: (_request, ports) => checkpointOf(ports.database.read, ports),
  listEntries: async ({ query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const rows = await listLedger(database.read, query.from ?? 0, limit + 1);
    const entries = rows.map(({ envelope, ...row }) => ({ ...row, envelope: toBase64(envelope) }));
    return pageOf(entries, limit, (entry) => String(entry.index + 1));
  },
  getProof: ({ params }, ports) => proofOf(ports.database.read, ports, params.index),
  exportBundle: ({ actor }, ports) => exportLedger(ports.database.read, ports, actor.tenantId),
};

const TOKENS: Pick<Handlers, 'login' | 'listTokens' | 'createToken' | 'revokeToken'> = {
  login: ({ body }, ports) => login(ports, body),
  listTokens: async ({ actor }, { database }) => ({
    items: (await listTokens(database.read, actor.tenantId)).map(tokenView),
  }),
  createToken: ({ actor, body }, ports) => createToken(ports, actor.tenantId, body),
  revokeToken: async ({ actor, params }, ports) => {
    await revokeToken(ports, actor.tenantId, params.tokenId);
    return DONE;
  },
};

export const HANDLERS: Handlers = {
  health: async (_request, { database }) => ({ status: 'ok', ledgerSize: await ledgerSize(database.read) }),
  ...TOKENS,
  ...DEVICES,
  ...RELEASES,
  ...ROLLOUTS,
  ...LEDGER,
};
