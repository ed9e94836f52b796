/**
 * One round with the server: hand in what is unsent, ask what is there to do, do it to its end. A refused or finished
 * assignment is remembered and not tried again, whatever the server says.
 */
import type { DdiConfirmationAction, DdiPoll } from '@pawl/contract/device';
import { type CodedError, isCodedError, utf8 } from '@pawl/core/bytes';
import { attest } from './attest.ts';
import { feedbackOf, loadConsent, loadOptOut, markOptOutTold, noticeOf } from './consent.ts';
import { type Device, Refusal, record, TRUST_EXPIRED } from './device.ts';
import { saveFile } from './disk.ts';
import { AgentError } from './errors.ts';
import { type AcceptedOffer, examineOffer, type Offer, readOffer } from './offer.ts';
import { getDocument, sendDocument } from './server-documents.ts';
import { stageOffer } from './stage.ts';
import { findFinished } from './state.ts';
import { runTrial } from './trial.ts';

type Links = DdiPoll['_links'];
/** The rollout allows no such answer. */
const REFUSED = 409;

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

function isHeldFor({ journal }: Device, assignmentId: string): boolean {
  const { pending } = journal.state;
  return pending?.assignmentId === assignmentId && pending.phase === 'staged' && pending.isHeld === true;
}

/** Whether the inactive slot holds all of this very release already. */
function isStaged(device: Device, { assignmentId, release, slot }: AcceptedOffer): boolean {
  const { pending } = device.journal.state;
  if (!isHeldFor(device, assignmentId) || pending?.slot !== slot) return false;
  return pending.release.envelopeSha256 === release.envelopeSha256;
}

/** Gives what the offer waits for, if it does. */
async function handleDeployment(device: Device, href: string, links: Links): Promise<CodedError | undefined> {
  const { ports, http, config } = device;
  const document = await getDocument(http, 'getDeploymentBase', href, ports.signal);
  const offer = readOffer(document, config.line);
  if (findFinished(device.journal.state, offer.assignmentId) !== undefined) return undefined;
  const { download, update, maintenanceWindow } = document.deployment;
  const isClosed = update === 'skip' || maintenanceWindow === 'unavailable';
  // Not now: too little power, or all that may be done outside the window is done. The server offers it again.
  if (download === 'skip' || (isClosed && isHeldFor(device, offer.assignmentId))) return undefined;
  if ((await ports.isPowerSufficient?.()) === false) return undefined;
  try {
    // What was held is examined anew: it may have been taken off the list since.
    const accepted = await examineOffer(device, offer, links.trust?.href);
    if (!isStaged(device, accepted)) await stageOffer(device, accepted);
  } catch (error) {
    if (isCodedError(error) && error.code === TRUST_EXPIRED) return error;
    if (!(error instanceof Refusal)) throw error;
    await endOffer(device, offer, error);
    return undefined;
  }
  await device.reporter.tryFlush(ports.signal);
  await device.journal.append({ kind: 'held', isHeld: isClosed });
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

/** Asks the user once: in the journal, to the server, and by the command that tells the user. */
async function askUser(device: Device, action: DdiConfirmationAction): Promise<void> {
  const { ports, config, folder, journal } = device;
  const { id, confirmation } = action;
  if (journal.state.askedFor === id) return;
  const version = confirmation.chunks[0]?.version ?? '';
  await saveFile(ports.disk, folder.notice, utf8(JSON.stringify(noticeOf(action))));
  await record(device, { kind: 'asked', assignmentId: id }, { assignmentId: id, version, state: 'awaiting-consent' });
  if (config.notice !== undefined) await ports.notify?.(config.notice, folder.notice);
}

async function handleConsent(device: Device, href: string): Promise<void> {
  const { http, ports, config, folder } = device;
  const action = await getDocument(http, 'getConfirmationAction', href, ports.signal);
  // Who opted out is asked, also where consent is given without asking otherwise.
  const optOut = (await loadOptOut(ports.disk, folder.optOut))?.optOut ?? 'none';
  const isAsked = config.consent === 'ask' || optOut !== 'none';
  const answer = isAsked ? await loadConsent(ports.disk, folder.consent, action.id) : true;
  if (answer === undefined) return askUser(device, action);
  const url = http.resolve(href);
  const status = await sendDocument(http, {
    method: 'POST',
    href: `${url.origin}${url.pathname}/feedback`,
    document: feedbackOf(answer),
    signal: ports.signal,
  });
  if (status === REFUSED && answer instanceof Date) {
    const message = 'the update cannot be put off so often or so long';
    ports.emit({ event: 'note', code: 'DEVICE_POSTPONEMENT_REFUSED', message });
  }
  await ports.disk.remove(folder.consent);
}

/** The question rests, and the user has changed his mind meanwhile: the server takes it. */
async function handleLateConsent(device: Device): Promise<void> {
  const { journal, ports, folder } = device;
  const { askedFor } = journal.state;
  if (askedFor === undefined) return;
  if ((await loadConsent(ports.disk, folder.consent, askedFor)) === undefined) return;
  try {
    await handleConsent(device, `${pollPath(device)}/confirmationBase/${askedFor}`);
  } catch (error) {
    if (!isCodedError(error) || error.code !== 'AGENT_SERVER_REFUSED') throw error;
    // Nothing is asked any more.
    await ports.disk.remove(folder.consent);
  }
}

/** What the user decided about updates, as soon as there is a server to tell. */
async function tellOptOut(device: Device): Promise<void> {
  const { ports, folder } = device;
  const stored = await loadOptOut(ports.disk, folder.optOut);
  if (stored === undefined || stored.isTold) return;
  await sendAttributes(device, `${pollPath(device)}/configData`);
  await markOptOutTold(ports.disk, folder.optOut, stored);
}

async function sendAttributes(device: Device, href: string): Promise<void> {
  const { http, ports, config, journal } = device;
  const { installed, activeSlot, floor } = journal.state;
  const optOut = (await loadOptOut(ports.disk, device.folder.optOut))?.optOut;
  const data = {
    line: config.line,
    version: installed.version,
    slot: activeSlot,
    floor,
    agent: 'pawl',
    ...(config.timeZone === undefined ? {} : { timeZone: config.timeZone }),
    ...(optOut === undefined ? {} : { optOut }),
  };
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
  await tellOptOut(device);
  const { config, _links: links } = await getDocument(http, 'poll', pollPath(device), ports.signal);
  reporter.useLink(links.report?.href);
  if (links.configData !== undefined) await sendAttributes(device, links.configData.href);
  // Before anything is installed over what it asks about.
  if (links.attest !== undefined) await attest(device, links.attest.href);
  if (links.cancelAction !== undefined) await handleCancel(device, links.cancelAction.href);
  else if (links.confirmationBase !== undefined) await handleConsent(device, links.confirmationBase.href);
  else if (links.deploymentBase !== undefined) {
    waitingFor = await handleDeployment(device, links.deploymentBase.href, links);
  } else await handleLateConsent(device);
  await reporter.flush(ports.signal);
  await journal.compactIfLong();
  return { askedMs: sleepMs(config.polling.sleep), ...(waitingFor === undefined ? {} : { waitingFor }) };
}
