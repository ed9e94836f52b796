/** The user's answer to the question whether an update may be installed: a file, written by one and read by the other. */
import { fromUtf8, utf8 } from '@pawl/core/bytes';
import { type Disk, nodeDisk, saveFile } from './disk.ts';
import { AgentError } from './errors.ts';
import { readJournal } from './journal.ts';
import { stateFolder } from './state-folder.ts';

type ConsentAnswer = { readonly assignmentId: string; readonly isGiven: boolean };

/**
 * Answers the question that is open; gives the assignment that was answered for, or undefined when nothing was asked.
 * @throws AgentError AGENT_STATE_MISSING, AGENT_JOURNAL_CORRUPT
 */
export async function answerConsent(
  stateDir: string,
  isGiven: boolean,
  disk: Disk = nodeDisk,
): Promise<string | undefined> {
  const folder = stateFolder(stateDir);
  const { askedFor } = (await readJournal(disk, folder.journal)).state;
  if (askedFor === undefined) return undefined;
  const answer: ConsentAnswer = { assignmentId: askedFor, isGiven };
  await saveFile(disk, folder.consent, utf8(JSON.stringify(answer)));
  return askedFor;
}

/** The answer for this assignment, if there is one. An answer for another one does not count. */
export async function loadConsent(disk: Disk, path: string, assignmentId: string): Promise<boolean | undefined> {
  const bytes = await disk.read(path);
  if (bytes === undefined) return undefined;
  let answer: Partial<ConsentAnswer> | null;
  try {
    answer = JSON.parse(fromUtf8(bytes)) as Partial<ConsentAnswer> | null;
  } catch (cause) {
    throw new AgentError('AGENT_CONFIG_INVALID', { path, expected: 'JSON' }, cause);
  }
  return answer?.assignmentId === assignmentId ? answer.isGiven === true : undefined;
}
