/**
 * `deployments/next`: what a Mender client is offered. It asks only when it is idle, so that asking while a deployment is
 * being called off says that it has stopped; and what it says it runs ends a deployment whose last word was lost.
 *
 * The address of the artifact carries a ticket (HMAC-SHA-256 of the client's token over the deployment), because the client
 * sends no header with a download. The ticket dies with the deployment and with the token. Where
 * devices read objects from the store itself, its signed address stands there instead.
 */
import { createHmac } from 'node:crypto';
import type { MenderDeployment, MenderProvides } from '@pawl/contract/mender';
import { isEqualBytes } from '@pawl/core/bytes';
import { settleRollouts } from '../../acts/engine.ts';
import { secretSha256 } from '../../acts/secret.ts';
import { applyEvent, rolloutsOf } from '../../acts/transition.ts';
import type { AssignmentEvent } from '../../domain/assignment.ts';
import { insertLog } from '../../store/assignments.ts';
import { updateMenderAuth } from '../../store/mender.ts';
import { listMenderArtifacts } from '../../store/release-images.ts';
import type { AssignmentTable } from '../../store/schema/index.ts';
import { findOwn, noteRetrieved } from '../device/action-feedback.ts';
import { loadAction, loadRelease } from '../device/action-reads.ts';
import { offerKindOf } from '../device/decide-feedback.ts';
import { windowOf } from '../device/offer.ts';
import type { DevicePorts } from '../device/ports.ts';
import { chooseArtifact } from './choose-artifact.ts';
import type { MenderAnswer, MenderHandler, MenderSender } from './request.ts';

const NOTHING = { kind: 'empty', status: 204 } as const;
const ARTIFACTS = '/api/devices/v1/deployments/device/deployments';
const DAY_MS = 86_400_000;

/** The client's word that is not said, but shown: the deployment is over. */
async function end(
  sender: MenderSender,
  id: number,
  event: AssignmentEvent,
  code: string | undefined,
  ports: DevicePorts,
): Promise<MenderAnswer> {
  const nowMs = ports.now().getTime();
  const rolloutIds = await ports.database.write(async (trx) => {
    await findOwn(trx, sender.device, id);
    const transition = await applyEvent(trx, ports.keys.ledger, id, event, { nowMs, code });
    if (transition.kind === 'moved') await insertLog(trx, id, { atMs: nowMs, status: code ?? 'IDLE', messages: [] });
    return rolloutsOf(transition);
  });
  await settleRollouts(ports, rolloutIds);
  return NOTHING;
}

function ticketOf(token: string, id: number): string {
  return createHmac('sha256', token).update(`pawl-mender-artifact\n${id}`).digest('base64url');
}

/** The ticket is written once a deployment; later polls find it. */
async function issueTicket(sender: MenderSender, id: number, ports: DevicePorts): Promise<string> {
  const ticket = ticketOf(sender.token, id);
  const sha256 = secretSha256(ticket);
  if (sender.ticketSha256 !== null && isEqualBytes(sender.ticketSha256, sha256)) return ticket;
  const change = { ticket_sha256: sha256, ticket_assignment_id: id };
  await ports.database.write((trx) => updateMenderAuth(trx, sender.authId, change));
  return ticket;
}

type Source = MenderDeployment['artifact']['source'];

/** Where the bytes are: at the object store, or under this server, where the ticket is all that a download shows. */
async function sourceOf(
  sender: MenderSender,
  row: AssignmentTable,
  name: string,
  origin: string,
  ports: DevicePorts,
): Promise<Source> {
  const nowMs = ports.now().getTime();
  const { artifacts } = await loadRelease(ports.database.read, row.tenant_id, row.release_id);
  const sha256 = artifacts.find(({ fileName }) => fileName === name)?.sha256;
  const link = sha256 === undefined ? undefined : await ports.blobs.link(sha256, 'GET');
  if (link !== undefined) return { uri: link.href, expire: new Date(nowMs + link.seconds * 1000).toISOString() };
  const ticket = await issueTicket(sender, row.id, ports);
  const uri = `${origin}${ARTIFACTS}/${row.id}/artifact/${ticket}/${encodeURIComponent(name)}`;
  return { uri, expire: new Date(nowMs + DAY_MS).toISOString() };
}

async function offer(
  sender: MenderSender,
  row: AssignmentTable,
  provides: MenderProvides,
  origin: string,
  ports: DevicePorts,
): Promise<MenderAnswer> {
  const choice = chooseArtifact(await listMenderArtifacts(ports.database.read, row.release_id), provides);
  if (choice.kind === 'none') return await end(sender, row.id, 'ddi-failure', choice.code, ports);
  if (choice.kind === 'installed') {
    return await end(sender, row.id, 'ddi-success', 'MENDER_ALREADY_INSTALLED', ports);
  }
  const { name, artifactName, deviceTypes } = choice.artifact;
  const source = await sourceOf(sender, row, name, origin, ports);
  await noteRetrieved(row.id, ports);
  const document: MenderDeployment = {
    id: String(row.id),
    artifact: {
      artifact_name: artifactName,
      source,
      device_types_compatible: Array.from(deviceTypes),
    },
  };
  return { kind: 'document', document };
}

async function next(
  sender: MenderSender,
  provides: MenderProvides,
  origin: string,
  ports: DevicePorts,
): Promise<MenderAnswer> {
  const { device } = sender;
  ports.noteSeen(device.id, ports.now().getTime());
  const { current } = device;
  if (current === undefined) return NOTHING;
  const kind = offerKindOf(current.state);
  if (kind === 'cancelAction') return await end(sender, current.id, 'ddi-cancelled', undefined, ports);
  if (kind !== 'deploymentBase' || !current.isOffered) return NOTHING;
  // The client knows of no windows: what it has begun goes on, and nothing new is shown outside of one.
  const isClosed = windowOf(device, ports.now().getTime())?.isOpen === false;
  if (isClosed && current.state === 'offered') return NOTHING;
  return await offer(sender, await loadAction(ports.database.read, device, current.id), provides, origin, ports);
}

export const nextDeployment: MenderHandler<'nextDeployment'> = ({ sender, body, origin }, ports) =>
  next(sender, body.device_provides, origin, ports);

export const nextDeploymentFlat: MenderHandler<'nextDeploymentFlat'> = ({ sender, body, origin }, ports) =>
  next(sender, body, origin, ports);

export const nextDeploymentQuery: MenderHandler<'nextDeploymentQuery'> = ({ sender, query, origin }, ports) =>
  next(sender, query, origin, ports);
