/**
 * A request that comes twice is done once: `Idempotency-Key` on what makes something
 * (draft-ietf-httpapi-idempotency-key-header-07). The same key and request get the stored answer, refusals after a first
 * write included; another request under the key is refused; one that is still being done is told to wait.
 *
 * A key is its credential's, for a day. What is stored is sealed under a key made from the credential's own secret, which the
 * server does not have: answers hold tokens that nobody shows twice, and whoever reads the database learns none.
 * A refusal that changed nothing is not kept: the request is judged anew.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { IDEMPOTENCY_KEY, type ManagementOperation, takesIdempotencyKey } from '@pawl/contract/management';
import { concat, fromUtf8, isCodedError, utf8 } from '@pawl/core/bytes';
import {
  AEAD_IV_SIZE_BYTES,
  AEAD_TAG_SIZE_BYTES,
  createAeadDecryptor,
  createAeadEncryptor,
  hkdfSha256,
  sha256,
} from '@pawl/core/crypto';
import type { ServerPorts } from '../../acts/ports.ts';
import { findKeptAnswer, type KeptAnswerTable, keepAnswer, takeIdempotencyKey } from '../../store/kept-answers.ts';
import { ApiError } from '../errors.ts';
import { problemOf } from '../problem.ts';
import type { Guard } from './audit.ts';

const A256GCM = 3;
const SOON_S = 1;

/** What is kept of an answer. */
export type Said = { readonly status: number; readonly body: string };

/** A request that may come again. */
export type Keyed = {
  readonly row: Omit<KeptAnswerTable, 'answer'>;
  /** Opens and seals what is kept. */
  readonly secret: Uint8Array;
};

/**
 * The key of a request, if it has one.
 * @throws ApiError API_REQUEST_INVALID for what is no key, and for a key where none is taken
 */
export function readIdempotencyKey(operation: ManagementOperation, headers: IncomingHttpHeaders): string | undefined {
  const text = headers['idempotency-key'];
  if (text === undefined) return undefined;
  if (typeof text !== 'string' || !IDEMPOTENCY_KEY.test(text) || !takesIdempotencyKey(operation)) {
    throw new ApiError('API_REQUEST_INVALID', { at: 'Idempotency-Key' });
  }
  return text.replaceAll('"', '');
}

/** Names a request: its key and credential, and what it asks for, as far as that is parsed. */
export function keyedOf(
  key: string,
  from: { readonly credential: string; readonly secret: string },
  asked: readonly unknown[],
  nowMs: number,
): Keyed {
  return {
    row: {
      credential: from.credential,
      key_sha256: sha256(utf8(key)),
      request_sha256: sha256(utf8(JSON.stringify(asked))),
      created_ms: nowMs,
    },
    secret: hkdfSha256({ secret: utf8(from.secret), salt: utf8(key), info: utf8('pawl kept answer'), sizeBytes: 32 }),
  };
}

function seal({ secret, row }: Keyed, said: Said, newSecret: () => string): Uint8Array {
  const iv = sha256(utf8(newSecret())).slice(0, AEAD_IV_SIZE_BYTES);
  const encryptor = createAeadEncryptor({ algorithm: A256GCM, key: secret, iv, aad: row.request_sha256 });
  const text = encryptor.update(utf8(JSON.stringify(said)));
  return concat(iv, text, encryptor.final());
}

function open({ secret, row }: Keyed, sealed: Uint8Array): Said {
  const tagAt = sealed.length - AEAD_TAG_SIZE_BYTES;
  const iv = sealed.slice(0, AEAD_IV_SIZE_BYTES);
  const decryptor = createAeadDecryptor({ algorithm: A256GCM, key: secret, iv, aad: row.request_sha256 });
  const text = decryptor.update(sealed.slice(AEAD_IV_SIZE_BYTES, tagAt));
  decryptor.final(sealed.slice(tagAt));
  return JSON.parse(fromUtf8(text)) as Said;
}

/** What the same request was answered before; undefined: it did not come before. */
async function recall(keyed: Keyed, { database, now }: ServerPorts): Promise<Said | undefined> {
  const row = await findKeptAnswer(database.read, keyed.row, now().getTime());
  if (row === undefined) return undefined;
  if (Buffer.compare(row.request_sha256, keyed.row.request_sha256) !== 0) throw new ApiError('API_KEY_REUSED');
  if (row.answer === null) throw new ApiError('API_REPEAT_UNANSWERED', { retryAfterS: SOON_S });
  return open(keyed, row.answer);
}

/**
 * Does what was asked once.
 * @throws ApiError API_KEY_REUSED, API_REPEAT_UNANSWERED, and what `run` throws
 */
export async function once(
  keyed: Keyed,
  ports: ServerPorts,
  requestId: string,
  run: (guard: Guard) => Promise<string>,
): Promise<Said & { readonly isRepeated: boolean }> {
  const before = await recall(keyed, ports);
  if (before !== undefined) return { ...before, isRepeated: true };
  let isDone = false;
  const guard: Guard = {
    begin: async (trx) => {
      if (!(await takeIdempotencyKey(trx, keyed.row))) throw new ApiError('API_REPEAT_UNANSWERED');
    },
    committed: () => {
      isDone = true;
    },
  };
  // What was done is done, and said, whether the answer can be kept or not: then a repetition is told to look what there is.
  const keep = async (said: Said): Promise<void> => {
    const sealed = seal(keyed, said, ports.newSecret);
    await ports.database.write((trx) => keepAnswer(trx, keyed.row, sealed)).catch(() => undefined);
  };
  try {
    const said = { status: 200, body: await run(guard) };
    await keep(said);
    return { ...said, isRepeated: false };
  } catch (error) {
    if (!isDone) {
      // Another one with the same key was faster, here or in another process; what it did may be why this one is refused.
      const meanwhile = await recall(keyed, ports);
      if (meanwhile !== undefined) return { ...meanwhile, isRepeated: true };
    } else if (isCodedError(error) && error.status < 500) {
      const problem = problemOf(error, requestId);
      await keep({ status: problem.status, body: JSON.stringify(problem) });
    }
    throw error;
  }
}
