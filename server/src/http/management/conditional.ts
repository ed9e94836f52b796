/**
 * Conditional requests (RFC 9110 §13): every JSON answer to a read has a strong ETag, `If-None-Match` gives 304, and a change
 * goes through only when what it changes is what `If-Match` says – judged in the transaction that changes it, and only when
 * nothing else refuses it (§13.2.1). One mechanism from the operation table (`changes`, `volatile`), for all operations.
 *
 * A resource with volatile members (counts of a rollout, when a device was last seen) has a tag of two parts, `"edition.content"`.
 * The whole changes with the content, as a strong tag must; `If-Match` is compared by the edition alone. That is on purpose
 * less than §13.1.1 says (docs/decisions/011): nobody could pause a rollout that counts while it is looked at.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { MANAGEMENT_OPERATIONS, type ManagementOperation, type ManagementOperationId } from '@pawl/contract/management';
import { isCodedError, toBase64Url, utf8 } from '@pawl/core/bytes';
import { sha256 } from '@pawl/core/crypto';
import type { ServerPorts } from '../../acts/ports.ts';
import type { Trx } from '../../store/database.ts';
import { ApiError } from '../errors.ts';
import type { Guard } from './audit.ts';

const TAG_BYTES = 16;
const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

type Tags = '*' | readonly string[];
export type Conditions = { readonly match: Tags | undefined; readonly noneMatch: Tags | undefined };

function digestOf(text: string): string {
  return toBase64Url(sha256(utf8(text)).slice(0, TAG_BYTES));
}

/** The ETag of the JSON that a read answers. */
export function etagOf({ volatile }: ManagementOperation, json: string): string {
  if (volatile === undefined) return `"${digestOf(json)}"`;
  const edition = Object.entries(JSON.parse(json) as object).filter(([name]) => !volatile.includes(name));
  return `"${digestOf(JSON.stringify(edition))}.${digestOf(json)}"`;
}

function editionOf(tag: string): string {
  return tag.split('.', 1)[0]?.replaceAll('"', '') ?? '';
}

function parseTags(name: string, value: string | undefined): Tags | undefined {
  if (value === undefined) return undefined;
  if (value.trim() === '*') return '*';
  const tags = value.split(',').map((tag) => tag.trim());
  if (!tags.every((tag) => TAG.test(tag))) throw new ApiError('API_REQUEST_INVALID', { at: name });
  return tags;
}

/**
 * What a request makes its condition.
 * @throws ApiError API_REQUEST_INVALID for a condition that the operation does not judge: it would have been meant to stop it
 */
export function readConditions(operation: ManagementOperation, headers: IncomingHttpHeaders): Conditions {
  const match = parseTags('If-Match', headers['if-match']);
  const noneMatch = parseTags('If-None-Match', headers['if-none-match']);
  const isRead = operation.method === 'GET';
  if (match !== undefined && operation.changes === undefined)
    throw new ApiError('API_REQUEST_INVALID', { at: 'If-Match' });
  if (noneMatch !== undefined && !isRead && (operation.changes === undefined || noneMatch !== '*')) {
    throw new ApiError('API_REQUEST_INVALID', { at: 'If-None-Match' });
  }
  return { match, noneMatch };
}

/** Whether the reader has this answer already; compared weakly (§13.1.2). */
export function isKnown({ noneMatch }: Conditions, etag: string): boolean {
  if (noneMatch === undefined) return false;
  return noneMatch === '*' || noneMatch.some((tag) => tag.replace(/^W\//, '') === etag);
}

type Change = NonNullable<ManagementOperation['changes']>;

/** Refuses the change of what is there; `current`: its tag, undefined when there is nothing. */
function judge({ match, noneMatch }: Conditions, { unguarded }: Change, current: string | undefined): void {
  if (current === undefined) {
    if (match !== undefined) throw new ApiError('API_PRECONDITION_FAILED');
    return;
  }
  if (noneMatch !== undefined) throw new ApiError('API_PRECONDITION_FAILED');
  if (match === undefined && unguarded === undefined) throw new ApiError('API_PRECONDITION_REQUIRED');
  if (match === undefined || match === '*') return;
  // A weak tag matches nothing (§8.8.3.2).
  if (!match.some((tag) => tag.startsWith('"') && editionOf(tag) === editionOf(current))) {
    throw new ApiError('API_PRECONDITION_FAILED');
  }
}

/** Reads what an operation answers, as of a transaction. */
export type Read = (id: ManagementOperationId, ports: ServerPorts) => Promise<string>;

async function currentTag(
  of: ManagementOperationId,
  read: Read,
  ports: ServerPorts,
  trx: Trx,
): Promise<string | undefined> {
  const { database } = ports;
  const inside = {
    read: trx,
    isShared: database.isShared,
    write: () => Promise.reject(new TypeError('a read writes nothing')),
    writeInTurn: () => Promise.reject(new TypeError('a read writes nothing')),
    close: () => Promise.resolve(),
  };
  try {
    return etagOf(MANAGEMENT_OPERATIONS[of], await read(of, { ...ports, database: inside }));
  } catch (error) {
    if (isCodedError(error) && error.status === 404) return undefined;
    throw error;
  }
}

/** Guards the change that a request makes; undefined where nothing is guarded. */
export function guardOf(
  operation: ManagementOperation,
  conditions: Conditions,
  read: Read,
  ports: ServerPorts,
): Guard | undefined {
  const { changes } = operation;
  if (changes === undefined) return undefined;
  if (changes.unguarded !== undefined && conditions.match === undefined && conditions.noneMatch === undefined)
    return undefined;
  let current: string | undefined;
  return {
    begin: async (trx) => {
      current = await currentTag(changes.of as ManagementOperationId, read, ports, trx);
    },
    // Last, so that what would be refused anyway is refused for that.
    end: () => judge(conditions, changes, current),
  };
}
