/**
 * What the user of the device says: yes, no or later to the update that is asked about, and which updates shall not come by
 * themselves. Files, written by one and read by the other; and the notice that tells the user what the update is.
 */
import type { DdiConfirmationAction } from '@pawl/contract/device';
import { fromUtf8, utf8 } from '@pawl/core/bytes';
import { type Disk, nodeDisk, saveFile } from './disk.ts';
import { AgentError } from './errors.ts';
import { readJournal } from './journal.ts';
import { stateFolder } from './state-folder.ts';

/** Yes, no, or not before a time. */
export type UserAnswer = boolean | Date;
type ConsentAnswer = { readonly assignmentId: string; readonly isGiven: boolean; readonly postponedUntil?: string };

/** Which updates do not come by themselves: none of them, those with new functions, or all. */
export const OPT_OUTS = ['none', 'features', 'all'] as const;
export type OptOut = (typeof OPT_OUTS)[number];
type StoredOptOut = { readonly optOut: OptOut; readonly isTold: boolean };

/**
 * Answers the question that is open; gives the assignment that was answered for, or undefined when nothing was asked.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_JOURNAL_CORRUPT
 */
export async function answerConsent(
  stateDir: string,
  said: UserAnswer,
  disk: Disk = nodeDisk,
): Promise<string | undefined> {
  const folder = stateFolder(stateDir);
  const { askedFor } = (await readJournal(disk, folder.journal)).state;
  if (askedFor === undefined) return undefined;
  const later = said instanceof Date ? { postponedUntil: said.toISOString() } : {};
  const answer: ConsentAnswer = { assignmentId: askedFor, isGiven: said === true, ...later };
  await saveFile(disk, folder.consent, utf8(JSON.stringify(answer)));
  return askedFor;
}

async function readJson(disk: Disk, path: string): Promise<unknown> {
  const bytes = await disk.read(path);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new AgentError('AGENT_CONFIG_INVALID', { path, expected: 'JSON' }, cause);
  }
}

/** The answer for this assignment, if there is one. An answer for another one does not count. */
export async function loadConsent(disk: Disk, path: string, assignmentId: string): Promise<UserAnswer | undefined> {
  const answer = (await readJson(disk, path)) as Partial<ConsentAnswer> | null | undefined;
  if (answer?.assignmentId !== assignmentId) return undefined;
  if (typeof answer.postponedUntil === 'string') return new Date(answer.postponedUntil);
  return answer.isGiven === true;
}

/** What the server takes as the answer. */
export function feedbackOf(answer: UserAnswer): { confirmation: string; details?: string[] } {
  if (answer instanceof Date)
    return { confirmation: 'denied', details: [`postponed until ${answer.toISOString().replace(/\.\d+Z$/, 'Z')}`] };
  return { confirmation: answer ? 'confirmed' : 'denied' };
}

/** Opts the device out of updates that come by themselves, or in again; the server hears of it at the next poll. */
export async function setOptOut(stateDir: string, optOut: OptOut, disk: Disk = nodeDisk): Promise<void> {
  const stored: StoredOptOut = { optOut, isTold: false };
  await saveFile(disk, stateFolder(stateDir).optOut, utf8(JSON.stringify(stored)));
}

/** What the user wants, as far as it was ever said. */
export async function loadOptOut(disk: Disk, path: string): Promise<StoredOptOut | undefined> {
  const stored = (await readJson(disk, path)) as Partial<StoredOptOut> | null | undefined;
  const optOut = OPT_OUTS.find((known) => known === stored?.optOut);
  return optOut === undefined ? undefined : { optOut, isTold: stored?.isTold === true };
}

export async function markOptOutTold(disk: Disk, path: string, { optOut }: StoredOptOut): Promise<void> {
  const stored: StoredOptOut = { optOut, isTold: true };
  await saveFile(disk, path, utf8(JSON.stringify(stored)));
}

/** What the user is told of an update. The words are the server's; what is installed is verified all the same. */
export function noticeOf({ id, confirmation }: DdiConfirmationAction): object {
  const [chunk] = confirmation.chunks;
  const metadata = chunk?.metadata ?? [];
  const valuesOf = (key: string): string[] => metadata.filter((one) => one.key === key).map(({ value }) => value);
  return {
    assignmentId: id,
    version: chunk?.version ?? '',
    urgency: valuesOf('urgency')[0] ?? 'mixed',
    notice: valuesOf('notice')[0] ?? '',
    references: valuesOf('reference'),
  };
}
