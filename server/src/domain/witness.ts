/**
 * What the answer of a witness to `add-checkpoint` (C2SP tlog-witness v1.0.0) means for the ledger that asked. Pure. A witness
 * that has seen more than there is, or another root at the same size, says that this ledger was set back or forked: that is
 * never healed by asking again, and it is told as it is.
 */
import { cosignatureOf, parseSizeAnswer } from '@pawl/core/evidence';

type WitnessState = 'cosigned' | 'unreachable' | 'refused' | 'set-back' | 'forked';

export type Asked = { readonly vkey: string; readonly note: string; readonly oldSize: number; readonly size: number };

export type AnswerMeans =
  | { readonly next: 'keep'; readonly line: string; readonly atMs: number }
  /** Ask again with a proof from this size. */
  | { readonly next: 'prove'; readonly oldSize: number }
  /** The witness has seen this size, which is more than was shown to it: by another process, or before a restore. */
  | { readonly next: 'behind'; readonly seen: number }
  | { readonly next: 'give-up'; readonly state: Exclude<WitnessState, 'cosigned'>; readonly detail: string };

const refused = (detail: string): AnswerMeans => ({ next: 'give-up', state: 'refused', detail });
const forked = (detail: string): AnswerMeans => ({ next: 'give-up', state: 'forked', detail });

/**
 * One line of its key and no more: what is kept goes into the checkpoint for everybody, and a note of more than 64 lines is
 * none. Each line is verified by itself, for the note that was sent may carry an older cosignature of this very key.
 */
function readCosignatures(body: string, { vkey, note }: Asked): AnswerMeans {
  const text = note.slice(0, note.lastIndexOf('\n\n') + 2);
  // Cosignatures of others in the answer are nothing that was asked for (tlog-witness: unknown keys are ignored).
  const own = body.split('\n').filter((line) => line.startsWith(`— ${vkey.split('+', 1)[0]} `));
  try {
    const verified = own.flatMap((line) => {
      const found = cosignatureOf(`${text}${line}\n`, vkey);
      return found === undefined ? [] : [{ line, atMs: found.atMs }];
    });
    const [newest] = verified.toSorted((a, b) => b.atMs - a.atMs);
    return newest === undefined ? refused('no cosignature of its key') : { next: 'keep', ...newest };
  } catch {
    return refused('a cosignature that does not verify');
  }
}

function readConflict(body: string, { oldSize, size }: Asked): AnswerMeans {
  const seen = parseSizeAnswer(body);
  // What was cosigned is what was said; then only the roots can differ.
  if (seen === oldSize && oldSize === size) return forked(`it saw another root at ${size} entries`);
  if (seen === undefined || seen === oldSize) return refused('an answer 409 without a size that helps');
  return seen > size ? { next: 'behind', seen } : { next: 'prove', oldSize: seen };
}

/** What an answer means. */
export function readWitnessAnswer(
  answer: { readonly status: number; readonly body: string },
  asked: Asked,
): AnswerMeans {
  switch (answer.status) {
    case 200:
      return readCosignatures(answer.body, asked);
    case 409:
      return readConflict(answer.body, asked);
    case 422:
      return forked(`the ledger does not go on from the ${asked.oldSize} entries that it saw`);
    case 404:
      return refused('it does not know this ledger');
    case 403:
      return refused('it knows this ledger by another key');
    default:
      return { next: 'give-up', state: 'unreachable', detail: `answer ${answer.status}` };
  }
}
