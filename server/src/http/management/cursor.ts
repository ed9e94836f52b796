import { ApiError } from '../errors.ts';

/**
 * A cursor that is the id of the last row.
 * @throws ApiError API_REQUEST_INVALID
 */
export function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^[1-9][0-9]{0,9}$/.test(cursor)) throw new ApiError('API_REQUEST_INVALID', { at: 'cursor', actual: cursor });
  return Number(cursor);
}
