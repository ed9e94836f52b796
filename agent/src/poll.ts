/**
 * One round with the server: hand in what is unsent, ask what is there to do, do it to its end. A refused or finished
 * assignment is remembered and not tried again, whatever the server says.
 */
import type { DdiPoll } from '@pawl/contract/device';
import { type CodedError, isCodedError } from '@pawl/core/bytes';
import { loadConsent } from './consent.ts';
import { type Device, Refusal, record, TRUST_EXPIRED } from './device.ts';
import { AgentError } from './errors.ts';
import { examineOffer, type Offer, readOffer } from './offer.ts';
import { getDocument, sendDocument } from './server-documents.ts';
import { stageOffer } from './stage.ts';
import { findFinished } from './state.ts';
import { runTrial } from './trial.ts';

type Links = DdiPoll['_links'];

/** How a round ended: when the server wants to be asked again, and what an offer still waits for. */
export type Round = { readonly askedMs: number; readonly waitingFor?: CodedError };

function pollPath({ config }: Device): string {
  const { controllerId } = config;
  if (controllerId === undefined) throw new AgentError('AGENT_NOT_ENROLLED');
  return `/${config.tenant}/controller/v1/${encodeURIComponent(controllerId)}`;
}

/** Ends an offer: the slot gives its space back first, so that the journal has room even when the disk is full. */
async function endOffer(device: Device, offer: Offer, refusal: Refusal): Promise<void> {
  const { assignmentId } = offer;
  const { state, code, step, message } = refusal;
  const { pending } = device.journal.state;
  if (pending?.assignmentId === assignmentId) await device.slots.discard(pending.slot);
  await record(
    device,
    { kind: 'ended', finished: { assignmentId, state, code, step } },
    { assignmentId, version: offer.version.slice(0, 64), state, code, step, message },
  );
}

/** Gives what the offer waits for, if it does. */
async function handleDeployment(device: Device, href: string, links: Links): Promise<CodedError | undefined> {
  const { ports, http, config } = device;
  const document = await getDocument(http, 'getDeploymentBase', href, ports.signal);
  const offer = readOffer(document, config.line);
  if (findFinished(device.journal.state, offer.assignmentId) !== undefined) return undefined;
  const { download, update, maintenanceWindow } = document.deployment;
  // Not now: outside the update window, or too little power. The server offers it again.
  if (download === 'skip' || update === 'skip' || maintenanceWindow === 'unavailable') return undefined;
  if ((await ports.isPowerSufficient?.()) === false) return undefined;
  try {
    await stageOffer(device, await examineOffer(device, offer, links.trust?.href));
  } catch (error) {
    if (isCodedError(error) && error.code === TRUST_EXPIRED) return error;
    if (!(error instanceof Refusal)) throw error;
    await endOffer(device, offer, error);
    return undefined;
  }
  await device.reporter.tryFlush(ports.signal);
  await runTrial(device);
  return undefined;
}

function feedback(execution: string, finished: string): object {
  return { status: { execution, result: { finished } } };
}

async function handleCancel(device: Device, href: string): Promise<void> {
  const { http, journal, ports } = device;
  const { cancelAction } = await getDocument(http, 'getCancelAction', href, ports.signal);
  const assignmentId = cancelAction.stopId;
  const finished = findFinished(journal.state, assignmentId);
  // Too late to stop what has ended otherwise; its own report says how.
  const isCancelled = finished === undefined || finished.state === 'cancelled';
  if (finished === undefined) {
    const { pending } = journal.state;
    await journal.append({ kind: 'ended', finished: { assignmentId, state: 'cancelled' } });
    const version = pending?.assignmentId === assignmentId ? pending.release.version : '';
    ports.emit({ event: 'state', state: 'cancelled', assignmentId, version });
  }
  await sendDocument(http, {
    method: 'POST',
    href: `${href}/feedback`,
    document: isCancelled ? feedback('canceled', 'success') : feedback('rejected', 'failure'),
    signal: ports.signal,
  });
}

async function handleConsent(device: Device, href: string): Promise<void> {
  const { http, ports, config, folder, journal } = device;
  const { id, confirmation } = await getDocument(http, 'getConfirmationAction', href, ports.signal);
  const version = confirmation.chunks[0]?.version ?? '';
  const answer = config.consent === 'auto' ? true : await loadConsent(ports.disk, folder.consent, id);
  if (answer === undefined) {
    if (journal.state.askedFor === id) return;
    await record(device, { kind: 'asked', assignmentId: id }, { assignmentId: id, version, state: 'awaiting-consent' });
    return;
  }
  const url = http.resolve(href);
  await sendDocument(http, {
    method: 'POST',
    href: `${url.origin}${url.pathname}/feedback`,
    document: { confirmation: answer ? 'confirmed' : 'denied' },
    signal: ports.signal,
  });
  await ports.disk.remove(folder.consent);
}

async function sendAttributes(device: Device, href: string): Promise<void> {
  const { http, ports, config, journal } = device;
  const { installed, activeSlot, floor } = journal.state;
  const data = { line: config.line, version: installed.version, slot: activeSlot, floor, agent: 'pawl' };
  await sendDocument(http, { method: 'PUT', href, document: { mode: 'merge', data }, signal: ports.signal });
}

function sleepMs(sleep: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = sleep.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/**
 * One round with the server.
 * @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED, AGENT_ANSWER_MALFORMED, AGENT_LINK_FOREIGN,
 *   AGENT_NOT_ENROLLED; what disk and journal throw
 */
export async function pollOnce(device: Device): Promise<Round> {
  let waitingFor: CodedError | undefined;
  const { http, ports, reporter, journal } = device;
  await reporter.flush(ports.signal);
  const { config, _links: links } = await getDocument(http, 'poll', pollPath(device), ports.signal);
  reporter.useLink(links.report?.href);
  if (links.configData !== undefined) await sendAttributes(device, links.configData.href);
  if (links.cancelAction !== undefined) await handleCancel(device, links.cancelAction.href);
  else if (links.confirmationBase !== undefined) await handleConsent(device, links.confirmationBase.href);
  else if (links.deploymentBase !== undefined) {
    waitingFor = await handleDeployment(device, links.deploymentBase.href, links);
  }
  await reporter.flush(ports.signal);
  await journal.compactIfLong();
  return { askedMs: sleepMs(config.polling.sleep), ...(waitingFor === undefined ? {} : { waitingFor }) };
}
