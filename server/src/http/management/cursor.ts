/**
 * Cursors of pages. Handlers use the name or id of the last row; what leaves the server is sealed (HMAC-SHA-256, half of it)
 * for one operation and one tenant, so that a cursor which was made up, changed, or comes from elsewhere is refused.
 */
import type { ManagementOperation, ManagementOperationId } from '@pawl/contract/management';
import { concat, fromBase64Url, fromUtf8, isEqualBytes, toBase64Url, utf8 } from '@pawl/core/bytes';
import { hmac } from '@pawl/core/crypto';
import { ApiError } from '../errors.ts';

/** COSE id of HMAC 256/256 (RFC 9053 §3.1). */
const HMAC_256 = 5;
const SEAL_BYTES = 16;

/** Whose cursor it is. */
export type CursorOf = { readonly id: ManagementOperationId; readonly tenantId: number; readonly secret: string };

function sealOf({ id, tenantId, secret }: CursorOf, text: string): Uint8Array {
  const said = JSON.stringify(['pawl cursor', id, tenantId, text]);
  return hmac(HMAC_256, utf8(secret), utf8(said)).slice(0, SEAL_BYTES);
}

function openText(of: CursorOf, cursor: string): string | undefined {
  try {
    const bytes = fromBase64Url(cursor);
    const text = fromUtf8(bytes.slice(0, -SEAL_BYTES));
    return isEqualBytes(bytes.slice(-SEAL_BYTES), sealOf(of, text)) ? text : undefined;
  } catch {
    return undefined;
  }
}

function hasCursor(value: unknown): value is { readonly cursor: string } {
  return typeof value === 'object' && value !== null && 'cursor' in value && typeof value.cursor === 'string';
}

/**
 * A parsed query with its cursor as the handler knows it.
 * @throws ApiError API_CURSOR_INVALID
 */
export function openCursor(of: CursorOf, query: unknown): unknown {
  if (!hasCursor(query)) return query;
  const text = openText(of, query.cursor);
  if (text === undefined) throw new ApiError('API_CURSOR_INVALID');
  return { ...query, cursor: text };
}

/** The answer of a read with its `next` sealed, where it is a page. */
export function sealNext(of: CursorOf, { method }: ManagementOperation, answer: unknown): unknown {
  if (method !== 'GET' || typeof answer !== 'object' || answer === null) return answer;
  if (!('next' in answer) || typeof answer.next !== 'string' || !('items' in answer)) return answer;
  return { ...answer, next: toBase64Url(concat(utf8(answer.next), sealOf(of, answer.next))) };
}

/**
 * A cursor that is the id of the last row.
 * @throws ApiError API_CURSOR_INVALID
 */
export function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(cursor)) throw new ApiError('API_CURSOR_INVALID');
  return Number(cursor);
}
