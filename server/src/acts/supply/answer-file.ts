/**
 * A file that comes with an answer, looked at before it is taken: what it is called is text, what it is follows from its first
 * bytes, and a bundle is verified under the key that the supplier names. What does not verify is refused: it would be shown as
 * more than it is.
 */
import { createHash } from 'node:crypto';
import type { AnswerFile, EvidenceMediaType } from '@pawl/contract/management';
import { EvidenceError, verifyBundle } from '@pawl/core/evidence';
import { oneLine } from '../../domain/foreign-text.ts';
import { MAGIC_BYTES, mayBeOfType } from '../../domain/media-type.ts';

const ANSWER_FILE_BYTES_MAX = 8 * 2 ** 20;
/** Unpacked. Each entry costs a verification while nobody else is served, and equal ones pack to nothing. */
const BUNDLE_BYTES_MAX = 2 ** 20;
const NAME_CHARS_MAX = 120;

export const FILE_MEANINGS = ['document', 'test-report', 'bundle'] as const;

export type GivenFile = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly meaning: (typeof FILE_MEANINGS)[number];
  readonly issuer: string;
  readonly edition: string;
  readonly vkey: string;
};

/** What is wrong with a file, for whoever sent it. */
export type FileFault = { readonly fault: string };

const BY_ENDING: Readonly<Record<string, EvidenceMediaType>> = {
  pdf: 'application/pdf',
  json: 'application/json',
  xml: 'application/xml',
  zip: 'application/zip',
  txt: 'text/plain',
  csv: 'text/csv',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
};

/** The last step of whatever path the browser sent, without what could pass for something else. */
function nameOf(given: string): string {
  const name = oneLine(given.split(/[/\\]/).at(-1) ?? '').slice(-NAME_CHARS_MAX);
  return name === '' || name === '.' || name === '..' ? 'file' : name;
}

function bundleOf({ bytes, vkey }: GivenFile): AnswerFile['bundle'] | FileFault {
  try {
    const { origin, entries, isComplete } = verifyBundle(bytes, { vkey, sizeBytesMax: BUNDLE_BYTES_MAX });
    // Anybody can make a key and sign nothing with it.
    if (entries.length === 0) return { fault: 'this bundle holds no entry, and shows nothing' };
    return { origin, entries: entries.length, isComplete, vkey };
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    if (error.code === 'BUNDLE_TOO_LARGE') return { fault: 'a bundle has 1 MiB at most, unpacked: export a part' };
    return { fault: `this bundle does not verify under the key (${error.code})` };
  }
}

/** What a file is; or what is wrong with it. */
export function judgeFile(given: GivenFile): AnswerFile | FileFault {
  const { bytes, meaning, issuer, edition } = given;
  const name = nameOf(given.name);
  const mediaType = BY_ENDING[/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''];
  if (mediaType === undefined) return { fault: `files end in ${Object.keys(BY_ENDING).join(', ')}` };
  if (bytes.length === 0) return { fault: 'the file is empty' };
  if (bytes.length > ANSWER_FILE_BYTES_MAX) return { fault: 'a file has 8 MiB at most' };
  if (!mayBeOfType(bytes.subarray(0, MAGIC_BYTES), mediaType))
    return { fault: 'the file does not begin as files of this kind do' };
  const facts = { name, mediaType, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
  if (meaning === 'document') return { ...facts, worth: 'document' };
  if (meaning === 'test-report') {
    if (issuer === '' || edition === '') return { fault: 'a test report names who made it and by which edition' };
    return { ...facts, worth: 'test-evidence', issuer, edition };
  }
  const bundle = bundleOf(given);
  if (bundle === undefined || 'fault' in bundle) return { fault: bundle?.fault ?? '' };
  return { ...facts, worth: 'verified-bundle', bundle };
}
